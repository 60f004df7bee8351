#!/bin/sh
# Find a Python of a version, such as 3.13, or install one with uv. Prints its path.
# Usage: scripts/python.sh VERSION
set -eu
version=$1
uv=.venv/bin/uv
runs() { "$1" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" >/dev/null 2>&1; }
find_python() {
    for candidate in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
        if command -v "$candidate" >/dev/null 2>&1 && runs "$candidate"; then
            command -v "$candidate"
            return 0
        fi
    done
    "$uv" python find --quiet "$version" 2>/dev/null
}
if find_python; then
    exit 0
fi
echo "setting up: Python $version for the tests of several versions" >&2
"$uv" python install --quiet "$version" >&2 || true
if ! find_python; then
    echo "There is no Python $version, and uv could not install one. Put python$version on the path." >&2
    exit 1
fi
