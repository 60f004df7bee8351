#!/bin/sh
# The static checks, all offline. Each line says what it looks at; the first failure ends the script.
set -eu
bin=.venv/bin
say() { printf '== %s\n' "$*"; }

say "ruff";               "$bin/ruff" check .
say "ruff format";        "$bin/ruff" format --check .
say "mypy, strict";       "$bin/mypy"
say "import contracts";   "$bin/lint-imports" --no-logo
say "generated docs";     "$bin/python" scripts/generate_docs.py --check
say "licenses";           "$bin/python" scripts/licenses.py --check
say "secret scan";        "$bin/python" scripts/scan_secrets.py
say "yaml";               "$bin/yamllint" --strict .
say "compose files";      "$bin/python" scripts/check_compose.py
