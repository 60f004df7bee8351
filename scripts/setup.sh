#!/bin/sh
# Make the virtual environment hold what a lock file says, and this package.
# Usage: scripts/setup.sh LOCK STAMP
set -eu
lock=$1 stamp=$2
python=${PYTHON:-python3}
venv=.venv

"$python" - <<'PY' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"License Ledger needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: make PYTHON=python3.11 …")
PY
if [ ! -x "$venv/bin/python" ]; then
    echo "setting up: virtual environment"
    if ! "$python" -m venv "$venv"; then
        echo "setting up: $python has no working venv module; on Debian: apt-get install python3-venv" >&2
        exit 1
    fi
fi
# uv installs the same lock several times faster than pip; pip does when there is no uv for this platform.
if [ ! -x "$venv/bin/uv" ]; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "uv==0.13.9" || true
fi
echo "setting up: packages of $lock"
if [ -x "$venv/bin/uv" ]; then
    "$venv/bin/uv" pip install --quiet --compile-bytecode --python "$venv/bin/python" --require-hashes -r "$lock"
    "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable . 2>/dev/null ||
        "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --editable .
else
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --editable .
fi
touch "$stamp"
