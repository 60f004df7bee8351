"""
The SQL files of the warehouse, read from the package. May import nothing of the package.

Every file is one ``SELECT`` under a comment that says what it answers; views add their grain. Code decides
what is done with the statement: a view is created from it, a check runs it and expects no row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

VIEWS = (
    "license_position",
    "mismatch_bridge",
    "reclaim_candidates",
    "external_accounts",
    "capability_gaps",
    "data_trust",
)
"""The views in the order of their creation: a view comes after those it reads."""


@dataclass(frozen=True)
class Statement:
    """
    One SQL file.

    Attributes:
        name: the file's name without its ending; the view's or the check's name.
        purpose: the comment at its top, as one line of text, without the grain.
        grain: what one row is; empty for a check.
        text: the statement, without a semicolon.
    """

    name: str
    purpose: str
    grain: str
    text: str


@cache
def views() -> tuple[Statement, ...]:
    """The views, in the order of :data:`VIEWS`."""
    found = {statement.name: statement for statement in _read("views")}
    return tuple(found[name] for name in VIEWS)


@cache
def checks() -> tuple[Statement, ...]:
    """The checks, by name."""
    return _read("checks")


def _read(folder: Literal["views", "checks"]) -> tuple[Statement, ...]:
    directory = files(__package__) / "sql" / folder
    sources = sorted(
        (item for item in directory.iterdir() if item.name.endswith(".sql")), key=lambda i: i.name
    )
    return tuple(
        _statement(item.name.removesuffix(".sql"), item.read_text(encoding="utf-8")) for item in sources
    )


def _statement(name: str, source: str) -> Statement:
    lines = source.splitlines()
    end = next((at for at, line in enumerate(lines) if not line.startswith("--")), len(lines))
    comment = " ".join(line.removeprefix("--").strip() for line in lines[:end])
    purpose, _, grain = comment.partition(" Grain: ")
    return Statement(name, purpose, grain, "\n".join(lines[end:]).strip().rstrip(";"))
