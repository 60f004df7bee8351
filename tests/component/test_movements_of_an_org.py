"""Weeks of a living org: what the warehouse tells of movements is what happened in the org."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import duckdb
import pandas as pd
import pyarrow.compute as pc
import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.truth import Truth
from demo_org.world import World
from license_ledger.reader import open_snapshot
from license_ledger.warehouse.duckdb import open_readonly
from license_ledger.warehouse.movements import breaches
from tests.walk import Walk, noon

pytestmark = pytest.mark.slow

FIRST = date(2026, 9, 28)
DAYS = 24
MISSED = {9, 10}
"""Days on which no run took place."""
WIDENED = 16
"""From this day on everybody is in scope."""
ATTRIBUTES = {"license": "license_id", "profile": "profile_id", "department": "department"} | {
    "company": "company_name",
    "email_domain": "email_domain",
}


@dataclass
class Weeks:
    """What was published, and what was true on those days."""

    walk: Walk
    org_id: str
    truth: dict[date, pd.DataFrame] = field(default_factory=dict)
    calls: dict[date, int] = field(default_factory=dict)

    @property
    def days(self) -> list[date]:
        """The days with a snapshot, ascending."""
        return sorted(self.truth)

    def warehouse(self) -> duckdb.DuckDBPyConnection:
        """A connection to the warehouse."""
        return open_readonly(self.walk.root / "warehouse.duckdb")


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weeks]:
    """Snapshots of three weeks, with a gap and a change of the filter."""
    root = tmp_path_factory.mktemp("weeks")
    world = World(seed=11, users=900, today=FIRST)
    with DemoOrg(world, OrgOptions(bulk_seconds=0.01), root / "org") as server:
        walk = Walk(server.access.connection("*"), root, noon(FIRST), values={"bulk_threshold": 100_000})
        made = Weeks(walk, "")
        for number in range(DAYS):
            day = FIRST + timedelta(days=number)
            walk.now = noon(day)
            server.org.set_clock(noon(day))
            if number in MISSED:
                continue
            names = ["acme.com"] if number < WIDENED else ["*"]
            snapshot = walk.run(names)
            made.org_id = snapshot.org_id
            made.truth[day] = (
                Truth(server.org.world).expected(company_names=names)["users"].set_index("user_id")
            )
            made.calls[day] = snapshot.row["api_calls"]
        yield made


def _happened(was: pd.DataFrame, now: pd.DataFrame, *, since: Any, widened: bool) -> set[tuple[str, ...]]:
    """User, kind and attribute of what happened between two days, from the truth about both."""
    found: set[tuple[str, ...]] = set()
    for user, row in now.iterrows():
        if user not in was.index:
            joined = pd.Timestamp(row["created_at"]) > pd.Timestamp(since)
            found.add((user, "joiner" if joined else "rescoped_in" if widened else "entered_scope", ""))
            continue
        old = was.loc[user]
        if old["is_active"] != row["is_active"]:
            found.add((user, "reactivated" if row["is_active"] else "leaver", ""))
        for attribute, column in ATTRIBUTES.items():
            before, after = (None if pd.isna(each[column]) else each[column] for each in (old, row))
            if before != after:
                found.add((user, "mover", attribute))
    for user in was.index.difference(now.index):
        found.add((user, "rescoped_out" if widened else "left_scope", ""))
    return found


def test_movements_are_what_happened(weeks: Weeks) -> None:
    """Every joiner, leaver, mover and re-scoped user of every day is told, and nobody else."""
    with weeks.warehouse() as connection:
        rows = connection.execute(
            "SELECT snapshot_date, user_id, kind, coalesce(attribute, '') FROM movements"
        ).fetchall()
    told: dict[date, set[tuple[str, ...]]] = {day: set() for day in weeks.days[1:]}
    for day, *movement in rows:
        told[day].add(tuple(movement))
    kinds = {kind for movements in told.values() for _, kind, _ in movements}

    assert sum(map(len, told.values())) == len(rows)
    assert {"joiner", "leaver", "mover", "rescoped_in"} <= kinds
    for before, day in zip(weeks.days, weeks.days[1:], strict=False):
        widened = day == FIRST + timedelta(days=WIDENED)
        happened = _happened(weeks.truth[before], weeks.truth[day], since=noon(before), widened=widened)
        assert told[day] == happened, day


def test_seats_are_conserved_on_every_day(weeks: Weeks) -> None:
    """For every license and day seats before + in - out = seats after, and no reason is unknown."""
    with weeks.warehouse() as connection:
        wrong = breaches(connection)
        reasons = dict(
            connection.execute("SELECT reason, count(*) FROM seat_movements GROUP BY ALL").fetchall()
        )
        flows = connection.execute(
            "SELECT count(*), count(DISTINCT snapshot_date) FROM license_flows"
        ).fetchall()

    assert wrong == []
    assert "unknown" not in reasons
    assert {"joiner", "leaver", "rescoped_in"} <= set(reasons)
    assert flows[0][1] == len(weeks.days) - 1


def test_missed_days_are_gaps(weeks: Weeks) -> None:
    """No range of anybody covers a day on which nobody looked; the ranges after it tell how long it was."""
    missed = [FIRST + timedelta(days=number) for number in sorted(MISSED)]
    with weeks.warehouse() as connection:
        covering = connection.execute(
            "SELECT count(*) FROM users_history WHERE valid_from <= ? AND (valid_to > ? OR valid_to IS NULL)",
            [missed[-1], missed[0]],
        ).fetchall()
        after = connection.execute(
            "SELECT DISTINCT gap_before_days FROM users_history WHERE valid_from = ?",
            [missed[-1] + timedelta(days=1)],
        ).fetchall()

    assert covering == [(0,)]
    assert after == [(len(missed),)]


def test_native_metrics_are_landed_once_and_kept_up(weeks: Weeks) -> None:
    """The first snapshot has all that Salesforce remembers, later ones the last weeks; together every day."""
    first, last = (
        open_snapshot(weeks.walk.staging, weeks.org_id, day).table("control_totals")["metrics_on"]
        for day in (weeks.days[0], weeks.days[-1])
    )
    with weeks.warehouse() as connection:
        days = connection.execute(
            "SELECT count(DISTINCT metrics_on), max(metrics_on) FROM native_metrics"
        ).fetchall()
        differences = connection.execute(
            "SELECT license_layer, sum(abs(difference_count)), count(*) FROM control_differences GROUP BY ALL"
        ).fetchall()

    oldest = (weeks.days[0] - pc.min(first).as_py()).days
    assert oldest >= 100
    assert (weeks.days[-1] - pc.min(last).as_py()).days <= 36
    assert days == [(oldest + DAYS, weeks.days[-1])]
    assert {layer for layer, _, _ in differences} >= {"user", "permission_set"}
    assert {layer: off for layer, off, _ in differences if layer in ("user", "permission_set")} == {
        "user": 0,
        "permission_set": 0,
    }


def test_later_snapshots_cost_no_call_for_old_metrics(weeks: Weeks) -> None:
    """What Salesforce remembers is asked for once; after that a run costs no more calls than without it."""
    calls = list(weeks.calls.values())

    assert max(calls[1:]) <= calls[0]
    assert max(calls[1:]) <= 8
