"""Licenses and counts of holders, made up by hand, for the tests of the bridge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from license_ledger.reconcile.bridge import Bridge, bridge
from license_ledger.reconcile.evidence import Evidence
from license_ledger.transform.counts import COUNTS_SCHEMA
from license_ledger.transform.licenses import UNCOUNTED_SCHEMA
from license_ledger.transform.metrics import METRICS_SCHEMA

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
YESTERDAY = AT - timedelta(days=1)


def a_license(
    license_id: str = "L", layer: str = "user", used: int | None = None, **changes: Any
) -> dict[str, Any]:
    """A row of ``licenses`` before counting: a hundred seats, a fresh counter."""
    return {
        "license_layer": layer,
        "license_id": license_id,
        "license_key": f"KEY_{license_id}",
        "license_name": f"License {license_id}",
        "is_unlimited": False,
        "total_count": 100,
        "used_count": used,
        "available_count": None if used is None else 100 - used,
        "used_as_of": AT,
        **changes,
    }


def holders(
    n: int,
    cause: str = "in_scope",
    license_id: str = "L",
    layer: str = "user",
    *,
    is_active: bool | None = None,
    is_system: bool | None = None,
    created: int = 0,
    changed: int = 0,
) -> dict[str, Any]:
    """A row of counts; activity and kind follow from the cause unless given."""
    return {
        "license_layer": layer,
        "license_id": license_id,
        "cause": cause,
        "is_active": cause != "deactivated_holder" if is_active is None else is_active,
        "is_system": cause == "system_user" if is_system is None else is_system,
        "n": n,
        "created_since": created,
        "changed_since": changed,
    }


def bridged(
    licenses: Sequence[Mapping[str, Any]],
    counts: Sequence[Mapping[str, Any]] = (),
    metrics: Sequence[tuple[str, str, int, date]] = (),
    unreadable: Mapping[str, str] | None = None,
) -> Bridge:
    """The bridge over such rows, taken at ``AT``."""
    table = pa.Table.from_pylist(
        [dict(zip(METRICS_SCHEMA.names, row, strict=True)) for row in metrics], schema=METRICS_SCHEMA
    )
    return bridge(
        pa.Table.from_pylist(list(licenses), schema=UNCOUNTED_SCHEMA),
        pa.Table.from_pylist(list(counts), schema=COUNTS_SCHEMA),
        Evidence(AT, table, unreadable or {}),
    )


def causes_of(result: Bridge, license_id: str = "L") -> dict[str, int]:
    """Seats per cause of one license."""
    return {
        row["cause"]: row["seat_count"]
        for row in result.mismatches.to_pylist()
        if row["license_id"] == license_id
    }


def details_of(result: Bridge, license_id: str = "L") -> dict[str, str]:
    """Evidence per cause of one license."""
    return {
        row["cause"]: row["detail"]
        for row in result.mismatches.to_pylist()
        if row["license_id"] == license_id
    }


def completed(result: Bridge, license_id: str = "L") -> dict[str, Any]:
    """The completed row of one license."""
    (row,) = [row for row in result.licenses.to_pylist() if row["license_id"] == license_id]
    found: dict[str, Any] = row
    return found
