"""What a day is made of: the present, its landing, a later landing, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from license_ledger import source
from license_ledger.errors import DayOutOfReach, SnapshotRefused, StoreBusy
from license_ledger.staging import runs
from license_ledger.staging.landing import RunFolder
from license_ledger.staging.layout import Day
from license_ledger.staging.orgs import known_org, remember_org
from license_ledger.staging.storage import Storage

ORG = "00D000000000001AAA"
DAY = date(2026, 9, 9)
NOON = datetime(2026, 9, 9, 12, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("began", "now"),
    [
        pytest.param(NOON, NOON, id="on its day"),
        pytest.param(
            datetime(2026, 9, 9, 23, 59, tzinfo=UTC),
            datetime(2026, 9, 10, 0, 30, tzinfo=UTC),
            id="over midnight",
        ),
        pytest.param(
            NOON, datetime(2026, 9, 10, tzinfo=UTC) + source.GRACE - timedelta(seconds=1), id="just in time"
        ),
    ],
)
def test_a_run_may_ask_salesforce_on_its_own_day(began: datetime, now: datetime) -> None:
    """A run asks for its own day, and may finish what it began then in the first hours of the next."""
    source.require_present(DAY, began, now)


@pytest.mark.parametrize(
    ("began", "now", "why"),
    [
        pytest.param(NOON, NOON - timedelta(days=1), "lies ahead", id="a future day"),
        pytest.param(NOON + timedelta(days=1), NOON + timedelta(days=1), "has passed", id="begun a day late"),
        pytest.param(
            NOON, datetime(2026, 9, 10, tzinfo=UTC) + source.GRACE, "has passed", id="the grace is over"
        ),
        pytest.param(NOON + timedelta(days=60), NOON + timedelta(days=60), "state of now", id="a backfill"),
    ],
)
def test_no_other_day_is_asked_for(began: datetime, now: datetime, why: str) -> None:
    """A day that lies ahead or has passed is refused, with the reason."""
    with pytest.raises(SnapshotRefused, match=why):
        source.require_present(DAY, began, now)


@pytest.fixture
def landing(tmp_path: Path) -> Storage:
    """An empty landing area."""
    return Storage.from_url((tmp_path / "landing").as_uri())


def land(landing: Storage, day: date, run: str, *, complete: bool = True, history: bool = False) -> None:
    """A run folder of a day."""
    folder = RunFolder(landing, ORG, day, run)
    folder.write_json("inspection.json", {})
    if complete:
        facts = {runs.HISTORY: 1} if history else {}
        folder.mark_complete(datetime(day.year, day.month, day.day, 1, tzinfo=UTC), **facts)


def chosen(
    landing: Storage,
    day: date,
    run: str = "me",
    now: datetime = NOW,
    sleep: Callable[[float], None] = lambda seconds: None,
    **options: bool,
) -> tuple[str, str, str, bool]:
    """Provenance, day and run of the landing, and whether it is still to be extracted."""
    found = source.past_source(
        landing,
        landing.child("staging"),
        Day(ORG, day),
        run_key=run,
        clock=lambda: now,
        snapshot_id="s",
        sleep=sleep,
        **options,
    )
    return found["provenance"], found["landing_date"], found["landing_run"], found["extracts"]


def test_a_day_with_a_landing_is_replayed(landing: Storage) -> None:
    """The last complete run of the day itself is taken, whatever lies around it."""
    land(landing, DAY, "first")
    land(landing, DAY, "broken", complete=False)
    land(landing, DAY + timedelta(days=1), "later", history=True)

    assert chosen(landing, DAY) == ("replayed", "2026-09-09", "first", False)


def test_a_day_without_a_landing_is_rolled_back_from_the_nearest_later_memory(landing: Storage) -> None:
    """The first later landing that holds what Salesforce remembers, not one without, not an earlier one."""
    land(landing, DAY - timedelta(days=1), "earlier", history=True)
    land(landing, DAY + timedelta(days=1), "plain")
    land(landing, DAY + timedelta(days=3), "anchor", history=True)
    land(landing, DAY + timedelta(days=9), "far", history=True)

    assert chosen(landing, DAY) == ("reconstructed", "2026-09-12", "anchor", False)


def test_without_any_memory_at_hand_the_run_extracts_today(landing: Storage) -> None:
    """The extract is landed under today, the day whose state it is."""
    land(landing, DAY + timedelta(days=1), "plain")

    assert chosen(landing, DAY) == ("reconstructed", "2026-11-24", "me", True)


def test_runs_of_one_backfill_extract_the_memory_once(landing: Storage) -> None:
    """The first run extracts; the others wait for it and roll back from what it landed."""
    assert chosen(landing, DAY, "first")[3]
    assert chosen(landing, DAY, "first")[3], "the same run again, after it was cleared"

    def sleep(seconds: float) -> None:
        land(landing, NOW.date(), "first", history=True)

    assert chosen(landing, DAY, "second", sleep=sleep) == ("reconstructed", "2026-11-24", "first", False)


def test_a_run_that_waits_in_vain_is_tried_again(landing: Storage) -> None:
    """While the other is at it the waiting ends as a passing error; when it is given up, another extracts."""
    chosen(landing, DAY, "first")

    with pytest.raises(StoreBusy, match="another run is extracting"):
        chosen(landing, DAY, "second")
    assert chosen(landing, DAY, "second", NOW + source.CLAIM_LIFE + timedelta(seconds=1))[3]


def test_an_anchor_too_far_ahead_does_not_remember_the_day(landing: Storage) -> None:
    """An anchor reaches back 180 days; a day before that is out of reach unless today's memory has it."""
    anchor = DAY + timedelta(days=60)
    land(landing, anchor, "anchor", history=True)
    first = anchor - source.MEMORY + timedelta(days=1)

    assert chosen(landing, first)[2] == "anchor"
    with pytest.raises(DayOutOfReach, match=f"earliest day that can be had is {first}"):
        chosen(landing, first - timedelta(days=1))


def test_beyond_memory_the_earliest_day_is_named(landing: Storage) -> None:
    """Without any landing, what Salesforce remembers today is all there is."""
    with pytest.raises(DayOutOfReach, match="earliest day that can be had is 2026-05-29"):
        chosen(landing, date(2026, 1, 1))


def test_only_landings_may_be_asked_for(landing: Storage) -> None:
    """Then a day without one is left alone, though it could be reconstructed."""
    with pytest.raises(DayOutOfReach, match="only landings were asked for"):
        chosen(landing, DAY, only_landing="only landings were asked for")


def test_the_org_of_a_connection_is_known_while_the_connection_is_the_same(landing: Storage) -> None:
    """A connection that was changed since may lead elsewhere: then nothing is known."""
    remember_org(landing, "sales/eu", "aa", ORG)

    assert known_org(landing, "sales/eu", "aa") == ORG
    assert known_org(landing, "sales/eu", "bb") == ""
    assert known_org(landing, "other", "aa") == ""
