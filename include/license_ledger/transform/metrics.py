"""
Control totals: what Salesforce's own dated metrics say about assigned users. May import schemas and landed.

Source: Object Reference, ActiveProfileMetric and ActivePermSetLicenseMetric. They count people without naming
them and see users that the integration user may not read, so they are evidence for holders that are not
visible. The metric of feature licenses is their counter itself and no evidence beside it.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.schemas import CONTROL_TOTALS, TIMESTAMP
from license_ledger.transform.landed import field

_UNLIMITED = -1

METRICS_SCHEMA: pa.Schema = pa.schema(
    [
        pa.field("license_layer", pa.string(), False),
        pa.field("license_id", pa.string(), False),
        pa.field("assigned_count", pa.int64(), False),
        pa.field("measured_on", pa.date32(), False),
    ]
)


def control_totals(
    profile_metrics: pa.Table | None = None, permission_set_metrics: pa.Table | None = None
) -> pa.Table:
    """
    Read the control totals of the newest day, which are evidence beside today's counters.

    Args:
        profile_metrics: landed ActiveProfileMetric, summed over the profiles of a user license.
        permission_set_metrics: landed ActivePermSetLicenseMetric.

    Returns:
        :data:`METRICS_SCHEMA`, one row per license that the newest day of its object has, by layer and
        license id. A license that an earlier day has and the newest lacks is not measured any more.
    """
    parts = [METRICS_SCHEMA.empty_table()]
    for layer, name, metrics in (
        ("user", "UserLicenseId", profile_metrics),
        ("permission_set", "PermissionSetLicenseId", permission_set_metrics),
    ):
        if metrics is not None:
            parts.append(_newest(layer, metrics, name))
    return pa.concat_tables(parts)


def control_total_history(
    licenses: pa.Table,
    *,
    profile_metrics: pa.Table | None = None,
    permission_set_metrics: pa.Table | None = None,
    feature_metrics: pa.Table | None = None,
) -> pa.Table:
    """
    Read every day of the metrics that landed.

    Args:
        licenses: ``license_layer``, ``license_id`` and ``license_key`` of the licenses of today.
        profile_metrics: landed ActiveProfileMetric, summed over the profiles of a user license.
        permission_set_metrics: landed ActivePermSetLicenseMetric.
        feature_metrics: landed ActiveFeatureLicenseMetric.

    Returns:
        Table ``control_totals``, by layer, license id and day. Of a permission set license or feature that
        was measured twice on a day, what was written last counts. A license that is gone by today has no
        key. No rows when no metric is visible.
    """
    parts = [CONTROL_TOTALS.arrow_schema.empty_table()]
    if profile_metrics is not None:
        parts.append(_dated("user", profile_metrics, "UserLicenseId", None))
    if permission_set_metrics is not None:
        parts.append(
            _dated("permission_set", permission_set_metrics, "PermissionSetLicenseId", "TotalLicenses")
        )
    if feature_metrics is not None:
        parts.append(_dated("feature", feature_metrics, "FeatureType", "TotalLicenseCount"))
    rows = pa.concat_tables(parts)
    keys = licenses.select(["license_layer", "license_id", "license_key"])
    named = rows.drop_columns("license_key").join(keys, ["license_layer", "license_id"])
    order = [("license_layer", "ascending"), ("license_id", "ascending"), ("metrics_on", "ascending")]
    return named.select(rows.column_names).cast(rows.schema).sort_by(order)


def _dated(layer: str, metrics: pa.Table, name: str, total: str | None) -> pa.Table:
    """One row per license and day, without keys: summed where there is no total, else the last written."""
    numbers = {"assigned_count": "AssignedUserCount", "active_count": "ActiveUserCount"}
    numbers |= {"total_count": total} if total else {}
    table = pa.table(
        {
            "license_id": field(metrics, name, pa.string()),
            "metrics_on": field(metrics, "MetricsDate", pa.date32()),
            "written_at": field(metrics, "SystemModstamp", TIMESTAMP),
            "id": field(metrics, "Id", pa.string()),
            **{ours: field(metrics, theirs, pa.int64()) for ours, theirs in numbers.items()},
        }
    )
    table = table.filter(pc.and_(table["license_id"].is_valid(), table["metrics_on"].is_valid()))
    # A sum with an unknown part is unknown.
    how, options = (
        ("last", pc.ScalarAggregateOptions(skip_nulls=False))
        if total
        else ("sum", pc.ScalarAggregateOptions(skip_nulls=False, min_count=0))
    )
    keys = ["license_id", "metrics_on"]
    ordered = table.sort_by([("written_at", "ascending"), ("id", "ascending")])
    grouped = ordered.group_by(keys, use_threads=False).aggregate([(each, how, options) for each in numbers])
    count = grouped.num_rows
    values = {each: grouped[f"{each}_{how}"] for each in numbers} | {each: grouped[each] for each in keys}
    if total:
        is_unlimited = pc.equal(values["total_count"], _UNLIMITED)
        values["total_count"] = pc.if_else(is_unlimited, pa.scalar(None, pa.int64()), values["total_count"])
    values["license_layer"] = pa.repeat(layer, count)
    schema = CONTROL_TOTALS.arrow_schema
    return pa.table([values.get(each.name, pa.nulls(count, each.type)) for each in schema], schema=schema)


def _newest(layer: str, metrics: pa.Table, name: str) -> pa.Table:
    table = pa.table(
        {
            "license_id": field(metrics, name, pa.string()),
            "measured_on": field(metrics, "MetricsDate", pa.date32()),
            "assigned_count": field(metrics, "AssignedUserCount", pa.int64()),
        }
    ).drop_null()
    table = table.filter(pc.equal(table["measured_on"], pc.max(table["measured_on"])))
    newest = table.group_by(["license_id", "measured_on"]).aggregate([("assigned_count", "sum")])
    newest = newest.rename_columns({"assigned_count_sum": "assigned_count"}).sort_by("license_id")
    newest = newest.append_column("license_layer", pa.repeat(layer, newest.num_rows))
    return newest.select(METRICS_SCHEMA.names).cast(METRICS_SCHEMA)
