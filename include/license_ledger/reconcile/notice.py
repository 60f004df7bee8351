"""
The short message about a snapshot: headline numbers, and what deserves attention. Pure; no person is in it.
May import schemas and its package.

Names of licenses come from the org: they are escaped for whatever the message is sent through, and never
templates.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

NEARLY = 0.95
"""Share of used seats from which a license is nearly exhausted; the same as in view `license_position`."""

SHOWN = 5
"""Licenses that are named per line; the others are counted."""

_LAYERS = {
    "user": "user license",
    "permission_set": "permission set license",
    "package": "package",
    "feature": "feature",
    "usage": "usage entitlement",
}
Row = Mapping[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True)
class Notice:
    """
    A message.

    Attributes:
        subject: one line.
        lines: sentences, each a line of its own.
        url: where to look further; blank: nowhere.
    """

    subject: str
    lines: tuple[str, ...]
    url: str = ""

    def as_text(self) -> str:
        """Plain text, without the subject."""
        return "\n".join([*self.lines, *([self.url] if self.url else [])])

    def as_html(self) -> str:
        """HTML of an e-mail, without the subject."""
        items = "".join(f"<li>{html.escape(line)}</li>" for line in self.lines)
        link = f'<p><a href="{html.escape(self.url)}">{html.escape(self.url)}</a></p>' if self.url else ""
        return f"<p>{html.escape(self.subject)}</p><ul>{items}</ul>{link}"

    def as_slack(self) -> str:
        """Text of a Slack message; what Slack would take for markup, mentions above all, is escaped."""
        told = [f"*{_slack(self.subject)}*", *(f"• {_slack(line)}" for line in self.lines)]
        return "\n".join([*told, *([f"<{_slack(self.url)}>"] if self.url else [])])


@dataclass(frozen=True)
class Snapshot:
    """
    What a notice tells of a snapshot.

    Attributes:
        licenses: table `licenses`.
        row: the row of table `snapshots`.
        snapshot_date: UTC day.
    """

    licenses: pa.Table
    row: Row
    snapshot_date: date


def snapshot_notice(
    now: Snapshot, before: Snapshot | None, *, tolerance: int, expiry_days: int, url: str = ""
) -> Notice:
    """
    Tell of a snapshot that was published.

    Args:
        now: the snapshot.
        before: the newest one of an earlier day; None: there is none.
        tolerance: seats by which a mismatch may change without being told.
        expiry_days: licenses that expire within so many days are told.
        url: where to look further.

    Returns:
        The headline numbers first; then a line for each kind of license that deserves attention, if any does.
    """
    rows = now.licenses.to_pylist()
    lines = [
        _totals(rows),
        _unexplained(now.row["unexplained_count"]),
        *_changes(now, before, tolerance),
        *_named("Over-allocated", [_over(row) for row in rows if _is_over(row)]),
        *_named("Nearly exhausted", [_nearly(row) for row in rows if _is_nearly(row)]),
        *_named(f"Expiring within {expiry_days} days", _expiring(rows, now.snapshot_date, expiry_days)),
        *_doubts(now.row),
    ]
    title = " ".join((now.row["org_name"] or "Salesforce").split())
    return Notice(f"License snapshot of {title}, {now.snapshot_date}", tuple(lines), url)


def failure_notice(org: str, task: str, what: str, *, day: str, url: str = "") -> Notice:
    """
    Tell that a task failed for good.

    Args:
        org: connection id of the org.
        task: title of the task.
        what: the error, without values of the org.
        day: the snapshot date, as text.
        url: of the run.
    """
    lines = (f"Failed at: {task}.", f"{what}", "What was published before stays published.")
    return Notice(f"License snapshot of {org}, {day}: failed", lines, url)


def late_notice(
    org: str, *, day: str, state: str, hours: float | None = None, by: str = "", url: str = ""
) -> Notice:
    """
    Tell that a run has not ended in time.

    Args:
        org: connection id of the org.
        day: the snapshot date, as text.
        state: of the run.
        hours: the time it had from being queued; None where it had to end at a time of day.
        by: that time, UTC.
        url: of the run.
    """
    promised = f"by {by} UTC" if hours is None else f"within {hours:g} hours of being queued"
    line = f"The run is {state or 'not done'}, and it was to end {promised}."
    return Notice(f"License snapshot of {org}, {day}: late", (line,), url)


def _totals(rows: Sequence[Row]) -> str:
    seats = [row for row in rows if row["license_layer"] != "usage" and row["used_count"] is not None]
    used = sum(row["used_count"] for row in seats)
    in_scope = sum(row["in_scope_count"] or 0 for row in seats)
    return f"{_count(len(rows), 'license')}; {_count(used, 'seat')} used, {in_scope:,} of them in scope."


def _unexplained(count: int) -> str:
    return "Every seat is explained." if not count else f"{_count(count, 'seat')} unexplained."


def _changes(now: Snapshot, before: Snapshot | None, tolerance: int) -> list[str]:
    """What is new about the difference between Salesforce's counter and the seats in scope."""
    if before is None:
        return ["The first snapshot: there is nothing to compare it with."]
    if before.row["scope_hash"] != now.row["scope_hash"]:
        return [f"The company filter or a policy has changed since {before.snapshot_date}."]
    was = {_key(row): gap for row in before.licenses.to_pylist() if (gap := _gap(row)) is not None}
    grown = []
    for row in now.licenses.to_pylist():
        gap = _gap(row)
        if gap is not None and abs(gap - was.get(_key(row), 0)) > tolerance:
            grown.append((abs(gap - was.get(_key(row), 0)), row, gap, was.get(_key(row), 0)))
    grown.sort(key=lambda each: (-each[0], _name(each[1])))
    told = [f"{_name(row)} {gap:,} (was {old:,})" for _, row, gap, old in grown]
    return _named(f"Used beyond the scope, changed since {before.snapshot_date}", told)


def _gap(row: Row) -> int | None:
    if row["license_layer"] == "usage" or row["used_count"] is None or row["in_scope_count"] is None:
        return None
    return int(row["used_count"] - row["in_scope_count"])


def _is_over(row: Row) -> bool:
    return row["total_count"] is not None and (row["used_count"] or 0) > row["total_count"]


def _over(row: Row) -> str:
    return f"{_name(row)} {row['used_count']:,} of {row['total_count']:,}"


def _is_nearly(row: Row) -> bool:
    total, used = row["total_count"], row["used_count"]
    return bool(total and used is not None and NEARLY * total <= used <= total)


def _nearly(row: Row) -> str:
    return f"{_name(row)} {row['used_count']:,} of {row['total_count']:,}"


def _expiring(rows: Sequence[Row], today: date, days: int) -> list[str]:
    soon = [row for row in rows if row["expires_on"] and 0 <= (row["expires_on"] - today).days <= days]
    soon.sort(key=lambda row: (row["expires_on"], _name(row)))
    return [f"{_name(row)} on {row['expires_on']}" for row in soon]


def _doubts(row: Row) -> list[str]:
    lines = []
    if row["provenance"] != "observed":
        lines.append(f"The snapshot is {row['provenance']}, not observed.")
    if row["is_partial"]:
        lines.append("Not everything was visible to the integration user: see the view capability_gaps.")
    return lines


def _named(what: str, told: Sequence[str]) -> list[str]:
    if not told:
        return []
    more = f" and {len(told) - SHOWN:,} more" if len(told) > SHOWN else ""
    return [f"{what}: {', '.join(told[:SHOWN])}{more}."]


def _key(row: Row) -> Key:
    return row["license_layer"], row["license_id"]


def _name(row: Row) -> str:
    name = " ".join((row["license_name"] or row["license_key"] or row["license_id"]).split())
    return f"{name} ({_LAYERS[row['license_layer']]})"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
