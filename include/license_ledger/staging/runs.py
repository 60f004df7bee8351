"""Which run of a landing area a day is replayed from, and which ones go. May import its own package."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime, timedelta
from typing import Literal, TypedDict

from license_ledger.errors import CorruptSnapshot
from license_ledger.staging.landing import RunFolder, safe_key
from license_ledger.staging.layout import days_of, partition_values
from license_ledger.staging.storage import Storage

HISTORY = "history"
"""Fact of a complete run: that it landed what Salesforce remembers as well."""

IDLE = timedelta(days=1)
"""A run that is not complete and has not written for so long is taken for dead."""


class RunSweepReceipt(TypedDict):
    """
    What a sweep of landing removed.

    Attributes:
        expired: runs of days past their retention.
        superseded: complete runs of a day that has a later complete one.
        dead: runs that never completed and no longer write.
        kept: runs of days past their retention that stay in another form.
    """

    expired: int
    superseded: int
    dead: int
    kept: int


def runs_of(landing: Storage, org_id: str, snapshot_date: date) -> list[RunFolder]:
    """The run folders of an org's day, sorted by key."""
    partition = RunFolder(landing, org_id, snapshot_date, "any").day.partition
    return [RunFolder(landing, org_id, snapshot_date, key) for key in _keys(landing, partition)]


def _keys(landing: Storage, partition: str) -> Iterator[str]:
    return partition_values(landing.list(partition), "run")


def latest_complete_run(landing: Storage, org_id: str, snapshot_date: date) -> RunFolder | None:
    """The run that an org's day is replayed from: the one completed last; None when none is complete."""
    complete = _complete(runs_of(landing, org_id, snapshot_date))
    return max(complete, key=lambda run: complete[run], default=None)


def _complete(runs: list[RunFolder]) -> dict[RunFolder, datetime]:
    found = {}
    for run in runs:
        try:
            at = run.completed_at()
        except CorruptSnapshot:
            continue
        if at is not None:
            found[run] = at
    return found


def sweep_runs(
    landing: Storage,
    *,
    now: datetime,
    keep_days: int,
    org_id: str | None = None,
    keep: str | None = None,
    stays: Callable[[RunFolder], bool] | None = None,
) -> RunSweepReceipt:
    """
    Delete runs that nobody needs.

    Args:
        landing: the landing root.
        now: the present, with time zone.
        keep_days: days a day's landing is kept; 0 keeps it for ever.
        org_id: one org; all when None.
        keep: key of a run that stays whatever its state, as the one that sweeps.
        stays: asked about the run that an expired day would be replayed from, before it is deleted; may
            change it, and says whether it stays. All go when None.

    Returns:
        How many were removed, by reason. What ``stays`` raises comes out unchanged.
    """
    receipt = RunSweepReceipt(expired=0, superseded=0, dead=0, kept=0)
    orgs = [org_id] if org_id else list(partition_values(landing.list(), "org_id"))
    for org in orgs:
        for snapshot_date in days_of(landing.list(f"org_id={org}")):
            runs = runs_of(landing, org, snapshot_date)
            complete = _complete(runs)
            latest = max(complete, key=lambda run: complete[run], default=None)
            expired = keep_days > 0 and snapshot_date < now.date() - timedelta(days=keep_days)
            for run in runs:
                reason = _reason(run, complete, latest, expired=expired)
                if reason is None or (keep is not None and run.key == safe_key(keep)):
                    continue
                if run is latest and stays is not None and stays(run):
                    receipt["kept"] += 1
                elif now - _last_written(run, now) > IDLE:
                    run.storage.delete()
                    receipt[reason] += 1
    return receipt


_Reason = Literal["expired", "superseded", "dead"]


def _reason(
    run: RunFolder, complete: Collection[RunFolder], latest: RunFolder | None, *, expired: bool
) -> _Reason | None:
    """Why a run goes, if it does; one that has written lately stays all the same: somebody is at it."""
    if expired:
        return "expired"
    if run not in complete:
        return "dead"
    # What Salesforce remembered tells of days before: it is worth more than a later plain extract.
    return None if run is latest or run.facts().get(HISTORY) else "superseded"


def _last_written(run: RunFolder, now: datetime) -> datetime:
    """When the youngest file of the run was written; ``now`` when it has none: it may be about to get one."""
    below = run.storage.medium.entries_below(run.storage.root)
    return max((stat.written for stat in below.values()), default=now)
