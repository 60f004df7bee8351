"""Write ``docs/licenses.md``: the license of every package that runs in production, each one allowed.

``--check`` writes nothing and ends with 1 when the page is not what the lock says. A package whose license is
not among the allowed ones ends the script with 1 in both cases. Offline: read from the installed packages.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.txt"
PAGE = ROOT / "docs" / "licenses.md"

ALLOWED = {
    *("0BSD", "Apache-2.0", "Artistic-1.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0"),
    *("PSF-2.0", "Unlicense", "Zlib"),
    # Weak copyleft: installed as they are, by name, and not changed or shipped within this project.
    *("LGPL-2.0-or-later", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MPL-2.0"),
}
# What metadata says in its own words, as SPDX names it.
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-2.1-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
# Not installed on every platform, or with metadata that says more or less than their license file does.
KNOWN = {
    "async-timeout": "Apache-2.0",
    "cffi": "MIT-0",
    "colorama": "BSD-3-Clause",
    "greenlet": "MIT AND PSF-2.0",
    "importlib-metadata": "Apache-2.0",
    "pyyaml-ft": "MIT",
    "text-unidecode": "Artistic-1.0",
    "tzdata": "Apache-2.0",
    "uvloop": "MIT OR Apache-2.0",
}
HEAD = """# Licenses of what runs in production

Written by `scripts/licenses.py` from `requirements.txt`; `make check` fails when a package comes whose
license is not on the script's list, or when this page is not what the lock says. The project itself is under
Apache-2.0. Packages under LGPL or MPL are installed unchanged beside it.

| package | license |
|---|---|
"""


def packages() -> list[str]:
    """Names in the lock, ascending, each once."""
    return sorted(
        set(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==", LOCK.read_text("utf-8"), re.MULTILINE))
    )


def license_of(name: str) -> str:
    """
    The license of a package as an SPDX expression.

    Raises:
        LookupError: nothing is known of it.
    """
    if name in KNOWN:
        return KNOWN[name]
    try:
        found = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        raise LookupError(f"{name} is not installed here, and the script does not know it") from None
    if found.get("License-Expression"):
        return str(found["License-Expression"])
    kinds = [
        one.rpartition(" :: ")[2] for one in found.get_all("Classifier", []) if one.startswith("License")
    ]
    stated = (found.get("License") or "").strip()
    words = sorted({SPDX.get(kind, kind) for kind in kinds if kind != "OSI Approved"})
    # Several classifiers: the package is under any of them.
    return " OR ".join(words) or SPDX.get(stated, stated)


def is_allowed(expression: str) -> bool:
    """Whether all parts joined by AND, and one of those joined by OR, are allowed."""
    return all(
        any(one.strip(" ()") in ALLOWED for one in part.split(" OR ")) for part in expression.split(" AND ")
    )


def main() -> int:
    """Write the page, or see that it is up to date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; 1 when the page is out of date")
    arguments = parser.parse_args()
    found, wrong = {}, []
    for name in packages():
        try:
            found[name] = license_of(name)
        except LookupError as error:
            wrong.append(str(error))
    wrong += [f"{name}: {what or 'says nothing'}" for name, what in found.items() if not is_allowed(what)]
    if wrong:
        print("licenses that are not allowed, or not known:", *wrong, sep="\n  ")
        return 1
    page = HEAD + "".join(f"| {name} | {what} |\n" for name, what in found.items())
    if arguments.check:
        is_current = PAGE.exists() and PAGE.read_text("utf-8") == page
        print(
            "" if is_current else "docs/licenses.md is not what the lock says: run scripts/licenses.py",
            end="",
        )
        return 0 if is_current else 1
    PAGE.write_text(page, encoding="utf-8")
    print("wrote docs/licenses.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
