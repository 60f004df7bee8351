"""
Write the documentation that comes from code, or check that it is up to date.

    python scripts/generate_docs.py            writes docs/tables.md and the others
    python scripts/generate_docs.py --check    writes nothing; prints what differs and exits 1

Pages may be named (`docs/tables.md`); all are meant when none is.

The pages are in `doc_pages/`.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from doc_pages import pages

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None) -> int:
    """Return 1 when a page differs from its source and was only to be checked, else 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on a difference")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="such as docs/tables.md (default: all)")
    parser.add_argument("--root", type=Path, default=ROOT, help="where docs/ is (default: this checkout)")
    options = parser.parse_args(arguments)
    known = pages()
    if unknown := set(options.pages) - set(known):
        parser.error(f"no such page: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    differing = 0
    for name in options.pages or known:
        page = known[name]
        path = options.root / name
        wanted = page()
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if present == wanted:
            continue
        if options.check:
            differing += 1
            sys.stdout.writelines(_difference(name, present, wanted))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted, encoding="utf-8")
            print(f"wrote {name}")
    if differing:
        print(f"{differing} generated page(s) differ from their source: run `make docs`")
    return 1 if differing else 0


def _difference(name: str, present: str, wanted: str) -> list[str]:
    return list(
        difflib.unified_diff(
            present.splitlines(keepends=True),
            wanted.splitlines(keepends=True),
            name,
            f"{name} (from its source)",
        )
    )


if __name__ == "__main__":
    raise SystemExit(main())
