"""Weeks of a living org: what the warehouse tells of movements is what happened in the org."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow.compute as pc
import pytest

from license_ledger.reader import open_snapshot
from license_ledger.warehouse.movements import breaches
from tests.weeks import Weeks, consecutive, live, movements_that_happened, movements_told

pytestmark = [pytest.mark.slow, pytest.mark.endurance]

FIRST = date(2026, 9, 28)
DAYS = 24
MISSED = {9, 10}
"""Days on which no run took place."""
WIDENED = 16
"""From this day on everybody is in scope."""


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Weeks:
    """Snapshots of three weeks, with a gap and a change of the filter."""
    widened = FIRST + timedelta(days=WIDENED)
    return live(
        tmp_path_factory.mktemp("weeks"),
        consecutive(FIRST, DAYS),
        users=900,
        seed=11,
        company_names=lambda day: ["acme.com"] if day < widened else ["*"],
        missed={FIRST + timedelta(days=number) for number in MISSED},
    )


def test_movements_are_what_happened(weeks: Weeks) -> None:
    """Every joiner, leaver, mover and re-scoped user of every day is told, and nobody else."""
    told = movements_told(weeks)
    kinds = {kind for movements in told.values() for _, kind, _ in movements}

    assert {"joiner", "leaver", "mover", "rescoped_in"} <= kinds
    assert told == movements_that_happened(weeks, {FIRST + timedelta(days=WIDENED)})


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
