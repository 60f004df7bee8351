"""
The headline report as Markdown, for the task log and the note of a run. May import schemas only.

Names come from the org and are escaped: they cannot break the table, nor bring markup of their own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

_LAYER_NAMES = {
    "user": "User",
    "permission_set": "Permission set",
    "package": "Package",
    "feature": "Feature",
    "usage": "Usage",
}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")


def markdown_summary(licenses: pa.Table, mismatches: pa.Table, *, title: str = "License position") -> str:
    """
    Write the license position and the bridge of every license that does not match.

    Args:
        licenses: table ``licenses``, complete.
        mismatches: table ``mismatches``.
        title: heading of the report, plain text.

    Returns:
        Markdown: a headline with the number of licenses and unexplained seats, the table of positions, the
            table of
        bridges. Licenses of which none is bought or used are only counted; the second table is left out when
        every license has all its used seats in scope.
    """
    rows = licenses.to_pylist()
    causes: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in mismatches.to_pylist():
        causes[_key(row)].append(row)
    shown = [row for row in rows if _has_seats(row)]
    mismatched = [row for row in shown if any(cause["cause"] != "in_scope" for cause in causes[_key(row)])]
    parts = [f"## {_escaped(title)}", headline(licenses, mismatches), _positions(shown, causes)]
    if len(shown) < len(rows):
        parts.append(f"Licenses without seats, not listed: {len(rows) - len(shown)}.")
    if mismatched:
        parts += ["### Mismatch bridge", _bridges(mismatched, causes)]
    return "\n\n".join(parts) + "\n"


def headline(licenses: pa.Table, mismatches: pa.Table) -> str:
    """
    Write the result of a snapshot in one sentence.

    Args:
        licenses: table ``licenses``, complete.
        mismatches: table ``mismatches``.

    Returns:
        How many licenses there are, how many of them do not match, and whether every seat is explained.
    """
    found = mismatches.to_pylist()
    mismatched = {_key(row) for row in found if row["cause"] != "in_scope"}
    rest = sum(abs(row["seat_count"]) for row in found if row["cause"] == "unexplained")
    explained = "every seat explained" if not rest else f"**{rest:,} seats unexplained**"
    noun = "license" if licenses.num_rows == 1 else "licenses"
    return f"{licenses.num_rows} {noun}, {len(mismatched)} with a mismatch, {explained}."


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return row["license_layer"], row["license_id"]


def _has_seats(row: dict[str, Any]) -> bool:
    numbers = (row["total_count"], row["used_count"], row["all_holder_count"])
    return row["is_unlimited"] or any(numbers)


def _positions(shown: list[dict[str, Any]], causes: dict[tuple[str, str], list[dict[str, Any]]]) -> str:
    header = ("Layer", "License", "Total", "Used", "In scope", "Available", "Unexplained")
    lines = [
        (
            _LAYER_NAMES[row["license_layer"]],
            _name(row),
            "unlimited" if row["is_unlimited"] else _number(row["total_count"]),
            _number(row["used_count"]),
            _number(row["in_scope_count"]),
            _number(row["available_count"]),
            _number(_unexplained(row, causes[_key(row)])),
        )
        for row in shown
    ]
    return _table(header, lines, numbers_from=2)


def _unexplained(row: dict[str, Any], causes: list[dict[str, Any]]) -> int | None:
    """The unexplained rest; None where there is no counter of seats to leave one."""
    if row["count_basis"] == "not_counted":
        return None
    return sum(int(cause["seat_count"]) for cause in causes if cause["cause"] == "unexplained")


def _bridges(mismatched: list[dict[str, Any]], causes: dict[tuple[str, str], list[dict[str, Any]]]) -> str:
    lines = [
        (
            f"{_name(row)} ({_LAYER_NAMES[row['license_layer']].lower()})" if first else "",
            f"{cause['cause']}",
            _number(cause["seat_count"]),
            _escaped(cause["detail"] or ""),
        )
        for row in mismatched
        for first, cause in zip([True] + [False] * len(causes[_key(row)]), causes[_key(row)], strict=False)
    ]
    return _table(("License", "Cause", "Seats", "Evidence"), lines, numbers_from=2, numbers_to=3)


def _table(
    header: Sequence[str], lines: Sequence[Sequence[str]], *, numbers_from: int, numbers_to: int | None = None
) -> str:
    end = len(header) if numbers_to is None else numbers_to
    rules = ["---:" if numbers_from <= place < end else "---" for place in range(len(header))]
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, rules, *lines))


def _name(row: dict[str, Any]) -> str:
    return _escaped(row["license_name"] or row["license_key"] or row["license_id"])


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
