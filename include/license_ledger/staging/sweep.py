"""
Putting back and clearing away what dead or failed publishers left. May import its own package.

Both are done under the day's lease, when nobody is publishing. What readers of the present or of a just
replaced snapshot may still need stays.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypedDict

import structlog

from license_ledger.errors import CorruptSnapshot, StoreBusy
from license_ledger.schemas import SNAPSHOTS
from license_ledger.staging.layout import (
    DATA_TABLES,
    GENERATIONS,
    Day,
    days_of,
    kept_name,
    partition_values,
)
from license_ledger.staging.lease import Held, lease
from license_ledger.staging.published import Published, canonical_id, published
from license_ledger.staging.storage import Storage

_log = structlog.get_logger(__name__)

GRACE = timedelta(hours=1)
"""How long replaced files stay for readers that began before the replacement."""
UPLOAD_GRACE = timedelta(days=1)
"""How long an unfinished upload is taken for one that goes on."""
SLACK_SECONDS = 10.0
"""A lease must be good for so much longer before something is changed under it."""


class SweepReceipt(TypedDict):
    """
    What a sweep did.

    Attributes:
        restored: tables that were put back to the published snapshot.
        removed: files that were deleted.
        uploads: interrupted uploads that were dropped.
        busy: days that were left alone because somebody is writing them.
    """

    restored: int
    removed: int
    uploads: int
    busy: int


def sweep(
    staging: Storage, *, org_id: str | None = None, now: datetime | None = None, grace: timedelta = GRACE
) -> SweepReceipt:
    """
    Put back half-replaced days and clear away leftovers.

    Args:
        staging: the staging root.
        org_id: one org; all when None.
        now: the present; the clock's when None.
        grace: files younger than this stay.

    Returns:
        What was done. Days that are being written are counted and left alone.
    """
    moment = now or datetime.now(UTC)
    receipt = SweepReceipt(restored=0, removed=0, uploads=0, busy=0)
    orgs = [org_id] if org_id else list(partition_values(staging.list(GENERATIONS), "org_id"))
    for org in orgs:
        for snapshot_date in days_of(staging.list(GENERATIONS, f"org_id={org}")):
            day = Day(org, snapshot_date)
            try:
                with lease(staging, day.lease, wait_seconds=0) as held:
                    receipt["restored"] += restore(staging, day, held)
                    receipt["removed"] += prune(staging, day, held, before=moment - grace)
            except StoreBusy:
                receipt["busy"] += 1
            except CorruptSnapshot as error:
                _log.warning("sweep.left_alone", day=str(day), reason=str(error))
    receipt["uploads"] = staging.medium.sweep_uploads(staging.root, moment - max(grace, UPLOAD_GRACE))
    return receipt


def restore(staging: Storage, day: Day, held: Held) -> int:
    """
    Make the canonical files those of the published snapshot again; without one, remove them.

    Args:
        staging: the staging root.
        day: the day, whose lease is held.
        held: that lease.

    Returns:
        Number of tables that were changed; 0 when the day is whole, as it nearly always is.

    Raises:
        CorruptSnapshot: the day's row cannot be read; nothing is changed.
        StoreBusy: the lease is lost, or somebody writes without one.
    """
    current = published(staging, day)
    changed = 0
    for name in DATA_TABLES:
        canonical = staging.path(day.canonical(name))
        version = staging.medium.version(canonical)
        found = canonical_id(staging, day, name)
        if current is None:
            if found is not None:
                held.check(SLACK_SECONDS)
                staging.delete(canonical)
                changed += 1
            continue
        wanted = current.manifest["files"][name]["file_id"]
        kept = staging.path(day.kept(name, wanted))
        if found == wanted or not staging.exists(kept):
            continue
        held.check(SLACK_SECONDS)
        if not staging.medium.place(kept, canonical, version):
            raise StoreBusy(
                f"file {canonical}", "is being replaced by somebody without the lease", "try again"
            )
        changed += 1
    if changed:
        _log.warning("sweep.restored", day=str(day), tables=changed)
    return changed


def prune(staging: Storage, day: Day, held: Held, *, before: datetime) -> int:
    """
    Delete kept files that nobody needs any longer, and hidden remains.

    A kept file is needed while the published snapshot consists of it and the canonical file is another, and
    until ``before`` has passed both its own writing and the switch to the published snapshot.

    Args:
        staging: the staging root.
        day: the day, whose lease is held.
        held: that lease.
        before: files written later stay.

    Returns:
        Number of deleted files.
    """
    current = published(staging, day)
    needed = set() if current is None else _needed(staging, current)
    places = {name: day.canonical(name).rpartition("/")[0] for name in (*DATA_TABLES, SNAPSHOTS.name)}
    switched = staging.medium.entries(staging.path(places[SNAPSHOTS.name])).get(f"{SNAPSHOTS.name}.parquet")
    kept = staging.medium.entries(staging.path(day.generations))
    doomed = [
        f"{day.generations}/{name}"
        for name, written in kept.items()
        if name not in needed and max(written, switched or written) < before
    ]
    if staging.is_local:
        for place in places.values():
            entries = staging.medium.entries(staging.path(place))
            doomed += [
                f"{place}/{name}" for name, at in entries.items() if name.startswith(".") and at < before
            ]
    for path in doomed:
        held.check(SLACK_SECONDS)
        staging.delete(path)
    if staging.is_local and not staging.list(day.generations):
        staging.delete(day.generations)
    return len(doomed)


def _needed(staging: Storage, current: Published) -> set[str]:
    return {
        kept_name(name, entry["file_id"])
        for name, entry in current.manifest["files"].items()
        if canonical_id(staging, current.day, name) != entry["file_id"]
    }
