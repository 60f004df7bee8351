"""
The Airflow Assets: one per published table and org, so that a BI DAG can wait for exactly what it reads.

Events carry the day as partition key: schedule consumers on ``PartitionedAssetTimetable``, a plain asset
schedule never fires on a partitioned event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Asset

GROUP = "license_ledger"
TABLES = ("users", "licenses", "seats", "mismatches", "control_totals", "snapshots")
"""The published tables. ``schemas.TABLES`` needs pyarrow, which parsing must not load; a test compares."""


def assets(org: str) -> dict[str, Asset]:
    """
    Declare the assets of an org.

    Args:
        org: its connection id.

    Returns:
        The asset of each published table, by table name.
    """
    return {
        table: Asset(
            name=f"license_ledger.{org}.{table}",
            uri=f"x-license-ledger://{org}/{table}",
            group=GROUP,
            extra={"org": org, "table": table},
        )
        for table in TABLES
    }


def headline(published: Mapping[str, Any], table: str) -> dict[str, Any]:
    """
    Select what an asset event says: the numbers of a receipt, none of its lists and paths.

    Args:
        published: receipt of the step ``publish`` or ``load_warehouse``.
        table: the table the event is about; its row count becomes ``rows``.
    """
    plain = {k: v for k, v in published.items() if isinstance(v, str | int | float | bool)}
    rows = published.get("rows")
    if isinstance(rows, Mapping) and table in rows:
        plain["rows"] = rows[table]
    return plain
