"""Which day a run belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from license_ledger.airflow.dates import began, run_key, snapshot_date
from license_ledger.errors import SnapshotRefused

DAY = date(2026, 9, 9)
NOON = datetime(2026, 9, 9, 12, tzinfo=UTC)


@dataclass
class Run:
    """A run as Airflow describes it."""

    partition_key: str | None = None
    run_after: datetime = NOON
    start_date: datetime | None = NOON
    dag_id: str = "salesforce_license_snapshot"
    run_id: str = "manual__2026-09-09T12:00:00+00:00__abc"


@pytest.mark.parametrize(
    ("run", "param", "expected"),
    [
        pytest.param(Run("2026-09-09"), None, DAY, id="the partition key"),
        pytest.param(Run("2026-09-09"), "2026-09-09", DAY, id="key and param agree"),
        pytest.param(Run(), "2026-09-08", date(2026, 9, 8), id="the param, without a key"),
        pytest.param(Run(), None, DAY, id="the day it was triggered on"),
        pytest.param(Run(), "", DAY, id="a blank param is none"),
        pytest.param(
            Run(run_after=datetime(2026, 9, 9, 1, tzinfo=timezone(timedelta(hours=2)))),
            None,
            date(2026, 9, 8),
            id="the day is the UTC one",
        ),
        pytest.param(
            Run(start_date=NOON + timedelta(days=3)), None, DAY, id="a late start does not change the day"
        ),
    ],
)
def test_the_day_of_a_run(run: Run, param: str | None, expected: date) -> None:
    """The partition key decides, else the param, else the day of the trigger, in UTC."""
    assert snapshot_date(run, param) == expected


@pytest.mark.parametrize(
    ("run", "param", "named"),
    [
        (Run("2026-09-09"), "2026-09-10", "2026-09-10"),
        (Run(), "yesterday", "yesterday"),
        (Run("2026-02-30"), None, "2026-02-30"),
        (Run(), "2026-09-09T00:00:00Z", "2026-09-09T00:00:00Z"),
    ],
)
def test_what_is_no_single_day_is_refused(run: Run, param: str | None, named: str) -> None:
    """Two days, or no day at all, are refused by name."""
    with pytest.raises(SnapshotRefused, match=named):
        snapshot_date(run, param)


def test_a_run_begins_when_it_starts_or_is_to_start() -> None:
    """The start counts, and before it the time of the trigger, in UTC."""
    late = NOON + timedelta(hours=3)
    assert began(Run(start_date=late)) == late
    assert began(Run(start_date=None)) == NOON


def test_run_keys_are_safe_for_paths_and_differ_between_runs() -> None:
    """A run's key has no character that a path minds, sorts by time, and is another one for another run."""
    first = run_key(Run())
    other = run_key(Run(run_id="manual__2026-09-09T12:00:00+00:00__abd"))

    assert first.startswith("20260909T120000Z-")
    assert first == run_key(Run(start_date=NOON + timedelta(days=1)))
    assert first != other
    assert set(first) <= set("0123456789abcdefTZ-")
