"""Thinning out history everywhere: staging, landing and warehouse. May import staging and the warehouse."""

from __future__ import annotations

from datetime import date
from typing import TypedDict

from license_ledger.settings import Settings
from license_ledger.staging.retention import Policy, days_to_drop, provenances, retain
from license_ledger.staging.storage import Storage
from license_ledger.warehouse.places import warehouse_at


class HistoryReceipt(TypedDict):
    """
    What became of an org's history.

    Attributes:
        org_id: of the org.
        dry_run: whether nothing was changed.
        kept: published days that stay.
        dropped: days taken out of staging and landing, ISO, ascending.
        unloaded: days taken out of the warehouse, ISO, ascending.
        busy: days that could not be taken out because somebody is writing them, ISO.
    """

    org_id: str
    dry_run: bool
    kept: int
    dropped: list[str]
    unloaded: list[str]
    busy: list[str]


def retain_history(
    landing: Storage,
    staging: Storage,
    settings: Settings,
    *,
    org_id: str,
    today: date,
    dry_run: bool = False,
) -> HistoryReceipt:
    """
    Take the days out that the settings no longer keep: of landing and staging, then of the warehouse.

    Nothing is done, and next to nothing read, while the settings keep every day.

    Args:
        landing: the landing root.
        staging: the staging root.
        settings: of the pipeline.
        org_id: of the org.
        today: the present UTC day; ages are counted from it.
        dry_run: only tell.

    Returns:
        What was done, or would be.

    Raises:
        CorruptSnapshot: a row of `snapshots` cannot be read; nothing was dropped.
        StoreBusy, WarehouseUnavailable: a loader of the warehouse does not finish, or its server is away.
        StagingUnwritable: naming the path. In every case the call can be repeated.
    """
    policy = Policy.of(settings)
    receipt = HistoryReceipt(org_id=org_id, dry_run=dry_run, kept=0, dropped=[], unloaded=[], busy=[])
    if policy.keeps_everything:
        return receipt
    done = retain(staging, org_id=org_id, today=today, policy=policy, landing=landing, dry_run=dry_run)
    receipt["kept"], receipt["dropped"], receipt["busy"] = done["kept"], done["dropped"], done["busy"]
    if not settings.warehouse:
        return receipt
    warehouse = warehouse_at(settings.warehouse)
    published = provenances(staging, org_id)
    loaded = warehouse.days(org_id)
    # Staging tells what is left of history; a day that only the warehouse has is judged beside it.
    doomed = days_to_drop({**loaded, **published}, today, policy) & loaded.keys()
    if not dry_run:
        doomed -= published.keys()
        warehouse.forget_days(org_id, doomed)
    receipt["unloaded"] = [day.isoformat() for day in sorted(doomed)]
    return receipt
