"""
Every fault the org can be told to have, and every trait it has anyway.

The numbers are those of the list of behaviors that a client must survive, in the project's Salesforce
reference.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CALLS = {
    "rest": r"^/services/data/v",
    "token": r"^/services/oauth2/token$",
    "query": r"^/services/data/v[0-9.]+/(query|queryAll)(/|$)",
    "page": r"^/services/data/v[0-9.]+/query/[0-9A-Za-z]+-\d+$",
    "describe": r"/describe/?$",
    "jobs": r"/jobs/query/?$",
    "job": r"/jobs/query/[0-9A-Za-z]{15,18}/?$",
    "results": r"/jobs/query/[0-9A-Za-z]{15,18}/results/?$",
}
"""Kinds of calls, as regular expressions of their paths."""


@dataclass(frozen=True)
class FaultKind:
    """
    A fault by name.

    Attributes:
        name: under which it is switched on.
        effect: what the caller sees.
        behaviors: numbers in the list of behaviors.
        path: calls that it concerns unless the option ``path`` says otherwise: a regular expression.
        count: how often it strikes unless the option ``count`` says otherwise; None means until it is
            switched off.
        options: further options with their defaults.
    """

    name: str
    effect: str
    behaviors: tuple[int, ...]
    path: str = ""
    count: int | None = None
    options: dict[str, Any] = field(default_factory=dict)


def _read() -> tuple[FaultKind, ...]:
    entries = tomllib.loads(Path(__file__).with_name("faults.toml").read_text("utf-8"))
    return tuple(
        FaultKind(
            name,
            entry["effect"],
            tuple(entry["behaviors"]),
            CALLS[entry["calls"]] if "calls" in entry else "",
            entry.get("count"),
            entry.get("options", {}),
        )
        for name, entry in entries.items()
    )


FAULTS = _read()
"""In the order of the behaviors."""

BY_NAME = {kind.name: kind for kind in FAULTS}

TRAITS: tuple[tuple[int, str], ...] = (
    (1, "no expires_in; issued_at is a string of milliseconds; instance_url is an option"),
    (2, "a refresh token comes back with rotation only, or echoed; a replay revokes grant and sessions"),
    (3, "two refreshes of one grant at once: the second is refused"),
    (6, "device flow: polling answers 400 authorization_pending"),
    (8, "sessions end after a time without use, or when the control API says so"),
    (10, "a cursor answers to the session that opened it, and to no other"),
    (11, "page size falls with the width of the rows; totalSize is always the total"),
    (12, "more than ten cursors of a user, or fifteen minutes without use: INVALID_QUERY_LOCATOR"),
    (18, "errors of SOQL start with a newline and carry row and column"),
    (19, "hidden objects and fields answer like misspelled ones"),
    (20, "URI and headers over 16,384 bytes: 414 or 431"),
    (21, "Sforce-Limit-Info lags behind"),
    (22, "a parent may be null though its key is set; an empty subquery is null; aggregates are expr0"),
    (24, "bad bodies, compound fields, foreign objects and unsupported clauses are refused at creation"),
    (26, "bulk jobs go through UploadComplete and InProgress to JobComplete"),
    (28, "Sforce-Locator is the word null at the end; locators are opaque"),
    (29, "every result page repeats the CSV header"),
    (31, "all cells are quoted; newlines, quotes and delimiters stand inside them"),
    (32, "text/csv in UTF-8; gzip when asked"),
    (33, "moments end in Z in CSV and in +0000 in JSON"),
    (35, "aborting a finished job is INVALIDJOBSTATE; DELETE answers 204; an unknown job is NOT_FOUND"),
    (36, "GROUP BY, OFFSET, TYPEOF, aggregates and subqueries are refused in bulk jobs"),
    (37, "resultPages lists up to five pages at once"),
    (38, "describe depends on permissions and features; ETag and Last-Modified lead to 304"),
)
"""What the org does without being told: number of the behavior and how it shows."""


def table() -> str:
    """Give the faults and traits as Markdown."""
    lines = ["| Fault | What the caller sees | Behavior | Options |", "| --- | --- | --- | --- |"]
    for kind in FAULTS:
        numbers = ", ".join(str(number) for number in kind.behaviors)
        count = "until off" if kind.count is None else f"count={kind.count}"
        options = ", ".join([count, *(f"{name}={value!r}" for name, value in kind.options.items())])
        lines.append(f"| `{kind.name}` | {kind.effect} | {numbers} | {options} |")
    lines += ["", "| Behavior | Always |", "| --- | --- |"]
    lines += [f"| {number} | {effect} |" for number, effect in TRAITS]
    return "\n".join(lines)
