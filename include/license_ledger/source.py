"""
What the tables of a day are made of: the present, a landing, or Salesforce's memory. No Airflow.

Salesforce answers with its present state only, so a past day is *replayed* from its own landing, or
*reconstructed* from a later one, or left alone. Today's state never gets another day's name.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from license_ledger.errors import DayOutOfReach, SnapshotRefused, StoreBusy
from license_ledger.receipts import Source
from license_ledger.salesforce.capabilities import REMEMBERED_DAYS
from license_ledger.staging.landing import RunFolder
from license_ledger.staging.layout import Day, days_of
from license_ledger.staging.lease import lease
from license_ledger.staging.published import published
from license_ledger.staging.runs import HISTORY, latest_complete_run, runs_of
from license_ledger.staging.storage import Storage

GRACE = timedelta(hours=6)
"""How far past midnight a run that began on its day may go on asking Salesforce."""

MEMORY = timedelta(days=REMEMBERED_DAYS)
"""How far Salesforce's audit trail reaches back at least."""

CLAIM = "_anchor.json"
CLAIM_LIFE = timedelta(minutes=15)
"""How long a run that began to extract Salesforce's memory is waited for before another one does it too."""
POLLS, POLL_SECONDS = 300, 2.0

KEPT = ("observed", "replayed")
"""Provenances that a reconstruction never replaces."""


def is_present(day: date, began: datetime, now: datetime) -> bool:
    """
    Whether Salesforce's present state may be called that of a day.

    Args:
        day: the UTC day.
        began: when the run began; one that began on the day may finish in the first hours of the next.
        now: the present.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    if now.astimezone(UTC).date() <= day:
        return day == now.astimezone(UTC).date()
    return began.astimezone(UTC).date() == day and now < midnight + GRACE


def require_present(day: date, began: datetime, now: datetime) -> None:
    """
    Refuse to ask Salesforce for any day but the present one.

    Raises:
        SnapshotRefused: for a day that lies ahead or has passed.
    """
    if is_present(day, began, now):
        return
    refuse_future(day, now)
    raise SnapshotRefused(
        f"extract for {day}",
        f"that day has passed: Salesforce only answers with its state of now ({now.astimezone(UTC).date()}, "
        "UTC), which is never stored under another day's name",
        "clear or trigger the whole run: it then replays the day's landing or reconstructs the day",
    )


def refuse_future(day: date, now: datetime) -> None:
    """
    Refuse a day that lies ahead.

    Raises:
        SnapshotRefused: naming today.
    """
    today = now.astimezone(UTC).date()
    if day > today:
        raise SnapshotRefused(
            f"snapshot of {day}", f"that day lies ahead, today is {today} (UTC)", "run it on its day"
        )


def past_source(
    landing: Storage,
    staging: Storage,
    day: Day,
    *,
    run_key: str,
    clock: Callable[[], datetime],
    snapshot_id: str,
    only_landing: str = "",
    sleep: Callable[[float], None],
) -> Source:
    """
    Find what a day can be made of without calling today's state by its name.

    Args:
        landing: the landing root.
        staging: the staging root.
        day: org and day.
        run_key: of the run that asks; an extract that it has to make itself goes by that key.
        clock: the present.
        snapshot_id: of what will be published.
        only_landing: why a day without a landing is not to be reconstructed; empty when it may be.
        sleep: how to pause, in seconds, while another run extracts Salesforce's memory.

    Returns:
        The source: the day's own landing; else the nearest later landing that holds Salesforce's memory; else
        an extract of today which this run makes.

    Raises:
        DayOutOfReach: naming the earliest day that can be had.
        StoreBusy: another run is still extracting Salesforce's memory.
    """
    now = clock()
    own = latest_complete_run(landing, day.org_id, day.snapshot_date)
    if own is not None:
        return _source("replayed", own, snapshot_id, "the day's own landing is kept")
    if only_landing:
        raise _out_of_reach(landing, day, now, f"it has no landing, and {only_landing}", remembers=False)
    require_replaceable(staging, day)
    anchor = _anchor(landing, day)
    if anchor is None:
        if day.snapshot_date < _reach(now.astimezone(UTC).date()):
            raise _out_of_reach(landing, day, now, "it has no landing, and Salesforce does not remember it")
        anchor = _awaited_anchor(landing, day, run_key, clock, sleep)
    if anchor is not None:
        at = anchor.day.snapshot_date
        return _source("reconstructed", anchor, snapshot_id, f"rolled back from the landing of {at}")
    today = RunFolder(landing, day.org_id, now.astimezone(UTC).date(), run_key)
    reason = "rolled back from an extract of today, with what Salesforce remembers"
    return _source("reconstructed", today, snapshot_id, reason, extracts=True)


def require_replaceable(staging: Storage, day: Day) -> None:
    """
    Refuse to replace a better snapshot by a reconstruction.

    Raises:
        DayOutOfReach: the day is published as observed or replayed.
    """
    there = published(staging, day)
    if there is not None and there.row["provenance"] in KEPT:
        raise DayOutOfReach(
            f"snapshot of {day.snapshot_date}",
            f"it is published as {there.row['provenance']}, and its landing is gone: a reconstruction never "
            "replaces it",
            "nothing is needed; a longer landing_days keeps days replayable for longer",
        )


def earliest_day(landing: Storage, org_id: str, now: datetime, *, remembers: bool = True) -> date:
    """
    The first day that can still be had.

    Args:
        landing: the landing root.
        org_id: of the org.
        now: the present.
        remembers: whether what Salesforce remembers counts, or only days with a landing, and today.
    """
    today = now.astimezone(UTC).date()
    reach = [_reach(today) if remembers else today]
    for day in _days(landing, org_id):
        if latest_complete_run(landing, org_id, day) is not None:
            reach.append(day)
        if remembers and _with_history(landing, org_id, day) is not None:
            reach.append(_reach(day))
    return min(reach)


def _reach(anchor: date) -> date:
    """The first day whose beginning is remembered at any hour of the anchor's day."""
    return anchor - MEMORY + timedelta(days=1)


def _anchor(landing: Storage, day: Day) -> RunFolder | None:
    """The nearest landing after a day that can tell of it."""
    for later in _days(landing, day.org_id):
        if _reach(later) <= day.snapshot_date < later:
            found = _with_history(landing, day.org_id, later)
            if found is not None:
                return found
    return None


def _awaited_anchor(
    landing: Storage,
    day: Day,
    run_key: str,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> RunFolder | None:
    """The anchor that another run extracts, once it is there; None when this run is to extract it."""
    for _ in range(POLLS):
        if _claims(landing, day.org_id, run_key, clock()):
            return None
        sleep(POLL_SECONDS)
        found = _anchor(landing, day)
        if found is not None:
            return found
    raise StoreBusy(
        f"what Salesforce remembers of org {day.org_id}",
        "another run is extracting it and is not done",
        "try again: it is then taken from there",
    )


def _claims(landing: Storage, org_id: str, run_key: str, now: datetime) -> bool:
    """Take the extract of Salesforce's memory on, unless another run has lately."""
    path = f"org_id={org_id}/{CLAIM}"
    with lease(landing, f"anchor/{org_id}", wait_seconds=60):
        try:
            note = landing.read_json(path)
            is_free = note["run"] == run_key or now - datetime.fromisoformat(note["at"]) > CLAIM_LIFE
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            is_free = True
        if is_free:
            landing.write_json(path, {"run": run_key, "at": now.isoformat()})
    return is_free


def _with_history(landing: Storage, org_id: str, day: date) -> RunFolder | None:
    """A complete run of a day that landed what Salesforce remembers."""
    for run in runs_of(landing, org_id, day):
        if run.facts().get(HISTORY):
            return run
    return None


def _days(landing: Storage, org_id: str) -> list[date]:
    return list(days_of(landing.list(f"org_id={org_id}")))


def _source(
    provenance: str, run: RunFolder, snapshot_id: str, reason: str, *, extracts: bool = False
) -> Source:
    return Source(
        provenance=provenance,
        org_id=run.day.org_id,
        landing_date=run.day.snapshot_date.isoformat(),
        landing_run=run.key,
        extracts=extracts,
        snapshot_id=snapshot_id,
        reason=reason,
    )


def _out_of_reach(
    landing: Storage, day: Day, now: datetime, why: str, *, remembers: bool = True
) -> DayOutOfReach:
    earliest = earliest_day(landing, day.org_id, now, remembers=remembers)
    return DayOutOfReach(
        f"snapshot of {day.snapshot_date}", why, f"the earliest day that can be had is {earliest}"
    )
