"""
Control totals: what Salesforce's own daily metrics say about assigned users. May import landed only.

Source: Object Reference, ActiveProfileMetric and ActivePermSetLicenseMetric. They count people without naming
them and see users that the integration user may not read, so they are evidence for holders that are not
visible. The metric of feature licenses is their counter itself and no evidence beside it.
"""

from __future__ import annotations

import pyarrow as pa

from license_ledger.transform.landed import field

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
    Read the newest control total of each license.

    Args:
        profile_metrics: landed ActiveProfileMetric, summed over the profiles of a user license.
        permission_set_metrics: landed ActivePermSetLicenseMetric.

    Returns:
        :data:`METRICS_SCHEMA`, one row per license that has any, by layer and license id.
    """
    parts = [METRICS_SCHEMA.empty_table()]
    for layer, name, metrics in (
        ("user", "UserLicenseId", profile_metrics),
        ("permission_set", "PermissionSetLicenseId", permission_set_metrics),
    ):
        if metrics is not None:
            parts.append(_newest(layer, metrics, name))
    return pa.concat_tables(parts)


def _newest(layer: str, metrics: pa.Table, name: str) -> pa.Table:
    table = pa.table(
        {
            "id": field(metrics, name, pa.string()),
            "day": field(metrics, "MetricsDate", pa.date32()),
            "assigned": field(metrics, "AssignedUserCount", pa.int64()),
        }
    ).drop_null()
    daily = table.group_by(["id", "day"]).aggregate([("assigned", "sum")]).sort_by("day")
    newest = {row["id"]: row for row in daily.to_pylist()}
    return pa.Table.from_pylist(
        [
            {
                "license_layer": layer,
                "license_id": license_id,
                "assigned_count": row["assigned_sum"],
                "measured_on": row["day"],
            }
            for license_id, row in sorted(newest.items())
        ],
        schema=METRICS_SCHEMA,
    )
