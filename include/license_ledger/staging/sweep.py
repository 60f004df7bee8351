"""
Clearing away what replaced snapshots and dead publishers left. May import its own package.

It is done under the day's lease, when nobody is publishing. What readers of the published or of a just
replaced snapshot may still need stays.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypedDict

import structlog

from license_ledger.errors import CorruptSnapshot, StoreBusy
from license_ledger.schemas import SNAPSHOTS
from license_ledger.staging.carry import without_dead
from license_ledger.staging.layout import (
    DATA_TABLES,
    GENERATIONS,
    LEASES,
    Day,
    days_of,
    kept_name,
    partition_values,
)
from license_ledger.staging.lease import Held, lease
from license_ledger.staging.published import Published, canonical_id, published
from license_ledger.staging.storage import PROBE, Storage

_log = structlog.get_logger(__name__)

GRACE = timedelta(hours=1)
"""How long replaced files stay for readers that began before the replacement."""
UPLOAD_GRACE = timedelta(days=1)
"""How long an unfinished upload is taken for one that goes on."""


class SweepReceipt(TypedDict):
    """
    What a sweep did.

    Attributes:
        removed: files that were deleted.
        purged: published files that were freed of the bytes of replaced ones.
        uploads: interrupted uploads that were dropped.
        busy: days that were left alone because somebody is writing them.
    """

    removed: int
    purged: int
    uploads: int
    busy: int


def sweep(
    staging: Storage, *, org_id: str | None = None, now: datetime | None = None, grace: timedelta = GRACE
) -> SweepReceipt:
    """
    Clear away leftovers.

    Args:
        staging: the staging root.
        org_id: one org; all when None.
        now: the present; the clock's when None.
        grace: files younger than this stay.

    Returns:
        What was done. Days that are being written are counted and left alone.
    """
    moment = now or datetime.now(UTC)
    receipt = SweepReceipt(removed=0, purged=0, uploads=0, busy=0)
    orgs = [org_id] if org_id else list(partition_values(staging.list(GENERATIONS), "org_id"))
    for org in orgs:
        for day in _days_with_remains(staging, org, before=moment - grace):
            try:
                with lease(staging, day.lease, wait_seconds=0) as held:
                    receipt["purged"] += purge(staging, day, held, before=moment - grace)
                    receipt["removed"] += prune(staging, day, held, before=moment - grace)
            except StoreBusy:
                receipt["busy"] += 1
            except CorruptSnapshot as error:
                _log.warning("sweep.left_alone", day=str(day), reason=str(error))
    for name, written in staging.medium.entries(staging.root).items():
        if PROBE in name and written < moment - grace:
            staging.remove(name)
            receipt["removed"] += 1
    receipt["uploads"] = staging.medium.sweep_uploads(staging.root, moment - max(grace, UPLOAD_GRACE))
    return receipt


def _days_with_remains(staging: Storage, org_id: str, *, before: datetime) -> list[Day]:
    """Days with kept files that have had their time, and on a disk those with the lock of a dead process."""
    found = set()
    for snapshot_date in days_of(staging.list(GENERATIONS, f"org_id={org_id}")):
        written = staging.medium.entries(staging.path(Day(org_id, snapshot_date).generations)).values()
        if min(written, default=before) <= before:
            found.add(snapshot_date)
    if staging.is_local:
        locks = staging.medium.entries(staging.path(LEASES, "day", org_id))
        old = [f"snapshot_date={name.removesuffix('.lock')}" for name, at in locks.items() if at < before]
        found |= set(days_of(old))
    return [Day(org_id, snapshot_date) for snapshot_date in sorted(found)]


def prune(staging: Storage, day: Day, held: Held, *, before: datetime) -> int:
    """
    Delete kept files that nobody needs any longer, what was never published, and hidden remains.

    A kept file is needed while the published snapshot consists of it and the canonical file is another, and
    until ``before`` has passed both its own writing and the switch to the published snapshot.

    Args:
        staging: the staging root.
        day: the day, whose lease is held.
        held: that lease.
        before: files written later stay.

    Returns:
        Number of deleted files.

    Raises:
        CorruptSnapshot: the day's row cannot be read; nothing is deleted.
        StoreBusy: the lease is lost.
    """
    current = published(staging, day)
    needed = set() if current is None else _needed(staging, current)
    switched = _switched(staging, day)
    doomed = [
        f"{day.generations}/{name}"
        for name, written in staging.medium.entries(staging.path(day.generations)).items()
        if name not in needed and max(written, switched or written) < before
    ]
    for name in (*DATA_TABLES, SNAPSHOTS.name):
        place = _directory(day, name)
        doomed += [
            f"{place}/{entry}"
            for entry, written in staging.medium.entries(staging.path(place)).items()
            if written < before and (entry.startswith(".") or current is None)
        ]
    for path in doomed:
        held.check()
        staging.remove(path)
    if staging.is_local and not staging.list(day.generations):
        staging.delete(day.generations)
    return len(doomed)


def purge(staging: Storage, day: Day, held: Held, *, before: datetime) -> int:
    """
    Leave the bytes of replaced files out of the published ones, once their readers are done.

    Args:
        staging: the staging root.
        day: the day, whose lease is held.
        held: that lease.
        before: a snapshot published later is left alone.

    Returns:
        Number of files that were written anew, with the same rows at the same places.

    Raises:
        CorruptSnapshot: the day's row cannot be read.
        StoreBusy: the lease is lost, or somebody writes without one.
    """
    current, switched, count = published(staging, day), _switched(staging, day), 0
    if current is None or switched is None or switched >= before:
        return 0
    for name, entry in current.manifest["files"].items():
        if sum(end - start for start, end in entry["live"]) == entry["bytes"]:
            continue
        canonical, kept = staging.path(day.canonical(name)), staging.path(day.kept(name, entry["file_id"]))
        version = staging.version(canonical)
        if canonical_id(staging, day, name) != entry["file_id"]:
            continue
        with staging.open_input(canonical) as file, staging.medium.sink(kept) as target:
            without_dead(target, file, entry["live"])
        held.check()
        if not staging.medium.place(kept, canonical, version):
            raise StoreBusy(
                f"file {canonical}", "is being replaced by somebody without the lease", "try again"
            )
        staging.remove(kept)
        count += 1
    return count


def _needed(staging: Storage, current: Published) -> set[str]:
    return {
        kept_name(name, entry["file_id"])
        for name, entry in current.manifest["files"].items()
        if canonical_id(staging, current.day, name) != entry["file_id"]
    }


def _switched(staging: Storage, day: Day) -> datetime | None:
    """When the day's row was last replaced; None when there is none."""
    found = staging.medium.stat(staging.path(day.canonical(SNAPSHOTS.name)))
    return None if found is None else found.written


def _directory(day: Day, name: str) -> str:
    return day.canonical(name).rpartition("/")[0]
