"""
The SQL files of the warehouse, read from the package. May import nothing of the package.

Every file is one ``SELECT`` under a comment that says what it answers; a view adds a line ``Grain: …`` and,
below that, a line ``name: …`` for each column that the schema does not explain. Code decides what is done
with the statement: a view is created from it, a check runs it and expects no row, a query has parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

VIEWS = (
    "license_position",
    "mismatch_bridge",
    "reclaim_candidates",
    "external_accounts",
    "department_licenses",
    "capability_gaps",
    "snapshot_sight",
    "snapshot_pairs",
    "movements",
    "seat_movements",
    "license_flows",
    "license_changes",
    "users_history",
    "license_trend",
    "license_month_ends",
    "license_quarters",
    "license_forecast",
    "renewals",
    "native_metrics",
    "control_differences",
    "seat_costs",
    "shelfware",
    "true_up",
    "cost_coverage",
    "focus_costs",
    "directory_gaps",
    "data_trust",
)
"""The views in the order of their creation: a view comes after those it reads."""


GRAIN = "Grain"


@dataclass(frozen=True)
class Statement:
    """
    One SQL file.

    Attributes:
        name: the file's name without its ending; the view's or the check's name.
        purpose: the comment at its top, as one line of text, without the grain.
        grain: what one row is; empty for a check.
        columns: what a view's own columns mean, by name. Those it passes on mean what the schema says.
        text: the statement, without a semicolon.
    """

    name: str
    purpose: str
    grain: str
    columns: Mapping[str, str]
    text: str


@cache
def views() -> tuple[Statement, ...]:
    """The views, in the order of :data:`VIEWS`."""
    found = {statement.name: statement for statement in _read("views")}
    return tuple(found[name] for name in VIEWS)


@cache
def checks() -> tuple[Statement, ...]:
    """The checks of one snapshot before it is published, by name."""
    return _read("checks")


@cache
def history_checks() -> tuple[Statement, ...]:
    """The checks over all days of a warehouse, by name."""
    return _read("history_checks")


@cache
def query(name: str) -> Statement:
    """A statement with parameters, by its name. Raises KeyError when there is none."""
    return {statement.name: statement for statement in _read("queries")}[name]


def console_query(name: str) -> Statement:
    """A question of the console, by its name. Raises KeyError when there is none."""
    return _console()[name]


@cache
def _console() -> Mapping[str, Statement]:
    return {statement.name: statement for statement in _read("console")}


def _read(
    folder: Literal["views", "checks", "history_checks", "queries", "console"],
) -> tuple[Statement, ...]:
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
    parts = {"": ""}
    for line in lines[:end]:
        begins = re.match(r"-- (\w+): (.+)" if GRAIN in parts else rf"-- ({GRAIN}): (.+)", line)
        title, text = (begins[1], begins[2]) if begins else (list(parts)[-1], line.removeprefix("--").strip())
        parts[title] = f"{parts.get(title, '')} {text}".strip()
    purpose, grain = parts.pop(""), parts.pop(GRAIN, "")
    return Statement(
        name, purpose, grain, MappingProxyType(parts), "\n".join(lines[end:]).strip().rstrip(";")
    )
