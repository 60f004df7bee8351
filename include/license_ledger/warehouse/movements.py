"""
What changed between any two days, and what must hold over all of them. May import errors and the warehouse.

The views compare each snapshot with the one before it. The same statements answer for two days that are far
apart: what they read under the name of the view ``snapshot_pairs`` is then the pair that is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import duckdb
import pyarrow as pa

from license_ledger.errors import SnapshotRefused
from license_ledger.warehouse.statements import history_checks, query, views

__all__ = ["Breach", "Compared", "between", "breaches"]

Compared = Literal["movements", "seat_movements", "license_flows", "license_changes"]
"""The views that compare two days."""


@dataclass(frozen=True)
class Breach:
    """
    A rule of history that does not hold.

    Attributes:
        check: name of its SQL file.
        rule: what should have been the case, in words.
        subject: the license or table it is about, never a person.
        count: how many rows are wrong.
        first_date: the first day with one.
    """

    check: str
    rule: str
    subject: str
    count: int
    first_date: date


def between(
    connection: duckdb.DuckDBPyConnection,
    org_id: str,
    from_date: date,
    to_date: date,
    what: Compared = "movements",
) -> pa.Table:
    """
    Compare two days of an org, whatever lies between them.

    What happened and was undone in between is not seen: somebody who came and went is in neither snapshot, a
    license that was changed and changed back has not changed.

    Args:
        connection: to a warehouse.
        org_id: 18 characters.
        from_date: the earlier day.
        to_date: the later day.
        what: the view whose rows are wanted.

    Returns:
        The columns of that view, ``previous_snapshot_date`` being the earlier day, ordered by the first
        columns; no rows when nothing changed.

    Raises:
        SnapshotRefused: a day has no snapshot, or they are not in order; naming it.
    """
    _require_days(connection, org_id, from_date, to_date)
    by_name = {view.name: view for view in views()}
    shadows = [f"snapshot_pairs AS ({query('pairs_between').text})"]
    if what == "license_flows":
        shadows.append(f"seat_movements AS ({by_name['seat_movements'].text})")
    text = f"WITH {', '.join(shadows)} SELECT * FROM ({by_name[what].text}) AS compared ORDER BY ALL"  # noqa: S608
    days = {"org_id": org_id, "from_date": from_date, "to_date": to_date}
    return connection.sql(text, params=days).to_arrow_table()


def breaches(connection: duckdb.DuckDBPyConnection) -> list[Breach]:
    """
    Check what must hold over the whole history of every org in a warehouse.

    Returns:
        What does not, by check and subject; empty when all is well.
    """
    found = []
    for check in history_checks():
        rows = connection.execute(
            f"SELECT subject, count(*), min(snapshot_date) FROM ({check.text}) AS found "  # noqa: S608
            "GROUP BY subject ORDER BY subject"
        ).fetchall()
        found += [Breach(check.name, check.purpose, str(row[0]), row[1], row[2]) for row in rows]
    return found


def _require_days(connection: duckdb.DuckDBPyConnection, org_id: str, from_date: date, to_date: date) -> None:
    if from_date >= to_date:
        raise SnapshotRefused(
            f"movements from {from_date} to {to_date}", "the days are not in order", "give the earlier first"
        )
    rows = connection.execute(
        "SELECT snapshot_date FROM snapshots WHERE org_id = ? AND snapshot_date IN (?, ?)",
        [org_id, from_date, to_date],
    ).fetchall()
    for day in (from_date, to_date):
        if (day,) not in rows:
            raise SnapshotRefused(
                f"movements from {from_date} to {to_date} of org {org_id}",
                f"the warehouse has no snapshot of {day}",
                "choose a day that table snapshots lists, or load it",
            )
