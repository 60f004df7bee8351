"""
How history thins out with age: every day, then one a week, then one a month. May import its own package.

Which days go follows from the days that there are, their provenance and today alone. What is kept for a week
or a month is kept at every younger age too, so thinning out day by day and all at once end the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypedDict

import structlog

from license_ledger.errors import StoreBusy
from license_ledger.schemas import SNAPSHOTS
from license_ledger.settings import Settings
from license_ledger.staging.layout import DATA_TABLES, Day, days_of
from license_ledger.staging.lease import lease
from license_ledger.staging.published import parsed, published_days
from license_ledger.staging.storage import Storage

_log = structlog.get_logger(__name__)

RECONSTRUCTED = "reconstructed"


@dataclass(frozen=True)
class Policy:
    """
    Up to which age snapshots are kept, in days; 0 is for ever.

    Attributes:
        daily: every one.
        weekly: one of every ISO week.
        monthly: one of every month; none at a higher age.
    """

    daily: int = 0
    weekly: int = 0
    monthly: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """The policy that the settings ask for."""
        return cls(settings.history_daily_days, settings.history_weekly_days, settings.history_monthly_days)

    @property
    def keeps_everything(self) -> bool:
        """Whether nothing ever goes."""
        return not self.daily


class RetainReceipt(TypedDict):
    """
    What became of an org's history.

    Attributes:
        kept: published days that stay.
        dropped: days that were taken out, ISO, ascending; in a dry run those that would be.
        swept: days without a snapshot of which tables were left by somebody who died, ISO.
        busy: days that could not be taken out because somebody is writing them, ISO.
    """

    kept: int
    dropped: list[str]
    swept: list[str]
    busy: list[str]


def days_to_drop(days: Mapping[date, str], today: date, policy: Policy) -> set[date]:
    """
    Decide which days go.

    Of a week and of a month the last day stays, an observed or replayed one before a reconstructed one. The
    newest day always stays; the very first one does for as long as history has no end.

    Args:
        days: an org's published days with their provenances.
        today: ages are counted from it; days that lie ahead are young.
        policy: the ages.

    Returns:
        The days to drop. Dropping them changes nothing about what stays later on.
    """
    if policy.keeps_everything or not days:
        return set()
    weeks = _best(days, lambda day: day.isocalendar()[:2])
    months = _best(days, lambda day: (day.year, day.month))
    always = {max(days)} if policy.monthly else {min(days), max(days)}

    def stays(day: date) -> bool:
        age = (today - day).days
        if day in always or age <= policy.daily:
            return True
        if not policy.weekly or age <= policy.weekly:
            return day in weeks or day in months
        return day in months and (not policy.monthly or age <= policy.monthly)

    return {day for day in days if not stays(day)}


def _best(days: Mapping[date, str], period: Callable[[date], Hashable]) -> set[date]:
    """The day that stands for each period."""
    best: dict[Hashable, date] = {}
    for day in sorted(days, key=lambda day: (days[day] != RECONSTRUCTED, day)):
        best[period(day)] = day
    return set(best.values())


def provenances(staging: Storage, org_id: str) -> dict[date, str]:
    """
    An org's published days with their provenances, from the rows of table `snapshots`, ascending.

    Raises:
        CorruptSnapshot: a row cannot be read; naming the file.
    """
    days = [Day(org_id, snapshot_date) for snapshot_date in published_days(staging, org_id)]
    paths = {staging.path(day.canonical(SNAPSHOTS.name)): day for day in days}
    return {
        paths[path].snapshot_date: str(parsed(paths[path], content, path).row["provenance"])
        for path, content in staging.read_all(list(paths)).items()
    }


def retain(
    staging: Storage,
    *,
    org_id: str,
    today: date,
    policy: Policy,
    landing: Storage | None = None,
    dry_run: bool = False,
    wait_seconds: float = 60.0,
) -> RetainReceipt:
    """
    Take the days out of staging that the policy no longer keeps.

    Of each day the row in `snapshots` goes before the tables, under the day's lease: whoever follows rows
    sees the day whole or not at all. Killed at any moment, a second call finishes it.

    Args:
        staging: the staging root.
        org_id: of the org.
        today: ages are counted from it.
        policy: what stays.
        landing: the landing root, where landings of the same days go first; None leaves them alone.
        dry_run: only tell.
        wait_seconds: how long to wait for a writer of a day.

    Returns:
        What was done.

    Raises:
        CorruptSnapshot: a row cannot be read; nothing has been dropped.
        StagingUnwritable: naming the path.
    """
    days = provenances(staging, org_id)
    doomed = sorted(days_to_drop(days, today, policy))
    orphans = sorted(_days_with_tables(staging, org_id) - days.keys())
    receipt = RetainReceipt(
        kept=len(days) - len(doomed),
        dropped=[day.isoformat() for day in doomed],
        swept=[day.isoformat() for day in orphans],
        busy=[],
    )
    if dry_run:
        return receipt
    for day in doomed:
        if not _take_out(staging, Day(org_id, day), wait_seconds, landing, even_published=True):
            receipt["dropped"].remove(day.isoformat())
            receipt["busy"].append(day.isoformat())
    for day in orphans:
        if not _take_out(staging, Day(org_id, day), 0, None, even_published=False):
            receipt["swept"].remove(day.isoformat())
    _log.info("retain.finished", org_id=org_id, kept=receipt["kept"], dropped=len(receipt["dropped"]))
    return receipt


def _days_with_tables(staging: Storage, org_id: str) -> set[date]:
    """Days that any table has a directory of."""
    found: set[date] = set()
    for name in (*DATA_TABLES, SNAPSHOTS.name):
        found |= set(days_of(staging.list(name, f"org_id={org_id}")))
    return found


def _take_out(
    staging: Storage, day: Day, wait_seconds: float, landing: Storage | None, *, even_published: bool
) -> bool:
    """Remove a day, its row first; False when somebody else is at it, or has published it meanwhile."""
    row = day.canonical(SNAPSHOTS.name)
    try:
        with lease(staging, day.lease, wait_seconds=wait_seconds) as held:
            if not even_published and staging.exists(row):
                return False
            if landing is not None:
                landing.delete(day.partition)
            held.check()
            staging.remove(row)
            for name in (SNAPSHOTS.name, *DATA_TABLES):
                held.check()
                staging.delete(day.canonical(name).rpartition("/")[0])
            staging.delete(day.generations)
    except StoreBusy:
        return False
    return True
