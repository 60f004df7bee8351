"""
The Superset dashboard of the ledger.

    python scripts/superset.py           installs Superset, imports the dashboard, serves it until Ctrl-C
    python scripts/superset.py write     writes bi/superset/ from scripts/superset_bundle/
    python scripts/superset.py archive   writes a ZIP to import into a Superset of your own
    python scripts/superset.py pictures  opens the dashboard in a browser and writes pictures of its tabs
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from pathlib import Path

from license_ledger.settings import load_settings
from superset_bundle.bundle import SLUG, files
from superset_bundle.installed import BUNDLE, CHECKOUT, USERNAME, Superset, write_archive

DEFAULT_HOME = CHECKOUT / "var" / "superset"


def main(arguments: list[str] | None = None) -> int:
    """Do what is asked; returns 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("what", nargs="?", choices=("serve", "write", "archive", "pictures"), default="serve")
    parser.add_argument("--warehouse", help="duckdb:///path or postgresql://…; default: as in the settings")
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME, help="Superset's own files")
    parser.add_argument("--port", type=int, default=8088)
    parser.add_argument("--output", type=Path, help="the ZIP, or the directory of the pictures")
    options = parser.parse_args(arguments)
    if options.what == "write":
        write()
        return 0
    warehouse = options.warehouse or load_settings().warehouse
    if options.what == "archive":
        archive = options.output or Path("license-ledger-superset.zip")
        write_archive(archive, warehouse)
        print(f"wrote {archive}: in Superset, Dashboards, Import dashboards")
        return 0
    superset = Superset(options.home / "environment", options.home)
    print("installing Superset (about 700 MB, once)", flush=True)
    superset.install()
    print("importing the dashboard", flush=True)
    try:
        superset.prepare(warehouse)
    except ValueError as error:
        parser.exit(1, f"{error}\n")
    if options.what == "pictures":
        from superset_bundle.looking import visit

        with superset.serving() as url, visit(url, superset.password) as visiting:
            visiting.open(options.output or CHECKOUT / "var" / "pictures")
        return 0
    with superset.serving(options.port) as url, contextlib.suppress(KeyboardInterrupt):
        print(f"{url}/superset/dashboard/{SLUG}/")
        print(f"login {USERNAME}, password {superset.password}\nCtrl-C stops it", flush=True)
        while True:
            time.sleep(3600)
    return 0


def write() -> None:
    """Write the bundle, and remove what is no longer in it."""
    wanted = files()
    for path in BUNDLE.rglob("*.yaml"):
        if str(path.relative_to(BUNDLE)) not in wanted:
            path.unlink()
    for name, content in wanted.items():
        path = BUNDLE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    print(f"wrote {len(wanted)} files to {BUNDLE.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    sys.exit(main())
