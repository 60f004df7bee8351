"""The message about a published day: read, and composed. No Airflow. May import the reader and reconcile."""

from __future__ import annotations

from datetime import date, timedelta

from license_ledger import reader
from license_ledger.reconcile.notice import Notice, Snapshot, snapshot_notice
from license_ledger.settings import Settings
from license_ledger.staging.published import last_published
from license_ledger.staging.storage import Storage

__all__ = ["notice_of"]


def notice_of(
    staging: Storage, org_id: str, snapshot_date: date, settings: Settings, *, url: str = ""
) -> Notice:
    """
    Compose the message about a day.

    Args:
        staging: the staging root.
        org_id: 18 characters.
        snapshot_date: the day, which is published.
        settings: of the pipeline.
        url: where to look further.

    Raises:
        SnapshotRefused: the day is not published.
        CorruptSnapshot, StoreBusy: it cannot be read.
    """
    earlier = last_published(staging, org_id, snapshot_date - timedelta(days=1))
    return snapshot_notice(
        _told(staging, org_id, snapshot_date),
        _told(staging, org_id, date.fromisoformat(earlier["snapshot_date"])) if earlier else None,
        tolerance=settings.mismatch_tolerance,
        expiry_days=settings.notify_expiry_days,
        url=url,
    )


def _told(staging: Storage, org_id: str, day: date) -> Snapshot:
    snapshot = reader.open_snapshot(staging, org_id, day)
    return Snapshot(snapshot.table("licenses"), snapshot.row, day)
