"""The version of a commit: stated in three places that agree, with notes, and its tag."""

from __future__ import annotations

import ast
import re
import tomllib
from datetime import date
from pathlib import Path

from releasing import Refused
from releasing.source import Commit, git

_HEADING = re.compile(r"^## (?P<version>\S+)(?: \((?P<when>[^)]*)\))?[ ]*$", re.MULTILINE)
_SECTION = re.compile(r"^## ", re.MULTILINE)
_VERSION = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")


def version_of(tree: Path) -> str:
    """
    The version that the files of a commit state, each the same.

    Raises:
        Refused: pyproject.toml, `license_ledger.__version__` and the first heading of the changelog differ,
            the heading has no date yet, or nothing stands below it.
    """
    heading = _heading(tree)
    stated = {
        "pyproject.toml": str(tomllib.loads(_text(tree, "pyproject.toml"))["project"]["version"]),
        "license_ledger.__version__": _in_package(tree),
        "the first heading of CHANGELOG.md": heading["version"],
    }
    if len(set(stated.values())) > 1:
        told = ", ".join(f"{place} says {version}" for place, version in stated.items())
        raise Refused(f"{told} → write one version into all three")
    version = heading["version"]
    if not _VERSION.fullmatch(version):
        raise Refused(f"{version} is no version of a release → major.minor.patch, such as 1.0.0 or 1.1.0rc1")
    try:
        date.fromisoformat(heading["when"] or "")
    except ValueError:
        raise Refused(
            f"CHANGELOG.md has no date for {version} → ## {version} (YYYY-MM-DD), the day of the release"
        ) from None
    notes(tree)
    return version


def notes(tree: Path) -> str:
    """
    What the changelog says about its newest version, without the heading.

    Raises:
        Refused: nothing, or headings only.
    """
    heading = _heading(tree)
    section = _SECTION.split(_text(tree, "CHANGELOG.md")[heading.end() :])[0].strip()
    if not any(line.strip() and not line.startswith("#") for line in section.splitlines()):
        raise Refused(f"CHANGELOG.md says nothing about {heading['version']} → write what changed")
    return f"{section}\n"


def see_tags(commit: Commit, version: str) -> None:
    """
    See that tags and version agree.

    Raises:
        Refused: the commit has tags of other versions only, or the version's tag is another commit.
    """
    wanted = f"v{version}"
    tags = commit.tags
    if tags and wanted not in tags:
        raise Refused(f"the commit is tagged {', '.join(tags)}, its files say {version} → tag it {wanted}")
    if wanted not in tags and git(commit.repository, "tag", "--list", wanted).strip():
        raise Refused(
            f"{wanted} is another commit → release that one by --tag {wanted}, or raise the version"
        )


def _heading(tree: Path) -> re.Match[str]:
    text = _text(tree, "CHANGELOG.md")
    first = _SECTION.search(text)
    found = _HEADING.match(text, first.start()) if first else None
    if not found:
        raise Refused("the first heading of CHANGELOG.md names no version → ## 1.0.0 (YYYY-MM-DD)")
    return found


def _in_package(tree: Path) -> str:
    """Read, not imported: the package of the commit is not the one that is installed."""
    module = ast.parse(_text(tree, "include/license_ledger/__init__.py"))
    for node in module.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            return str(ast.literal_eval(node.value))
    raise Refused("license_ledger has no __version__ → write it into its __init__.py")


def _text(tree: Path, name: str) -> str:
    return (tree / name).read_text(encoding="utf-8")
