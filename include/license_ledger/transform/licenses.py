"""
Licenses of all layers in one shape, before anybody is counted. May import schemas and its neighbors.

What Salesforce tells stays as it is: totals and counters are org-wide, null where nothing is told. Minus one
is "unlimited" and never a number to calculate with.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.schemas import CERTAINTIES, LICENSES, TIMESTAMP
from license_ledger.transform.features import feature_label, feature_type
from license_ledger.transform.landed import USED_AS_OF, field, filled
from license_ledger.transform.lookups import license_names

UNCOUNTED_SCHEMA: pa.Schema = pa.schema(
    [
        each
        for each in LICENSES.arrow_schema
        if each.name not in {"count_basis", "active_holder_count", "all_holder_count", "in_scope_count"}
    ]
)
"""Table ``licenses`` without the columns that the mismatch bridge adds."""

_TEXT, _COUNT, _DAY = pa.string(), pa.int64(), pa.date32()
_UNLIMITED = -1


def licenses(
    captured_at: datetime,
    *,
    user_licenses: pa.Table | None = None,
    permission_set_licenses: pa.Table | None = None,
    package_licenses: pa.Table | None = None,
    usage_entitlements: pa.Table | None = None,
    feature_flags: Sequence[str] = (),
    feature_metrics: pa.Table | None = None,
    doubts: pa.Table | None = None,
) -> pa.Table:
    """
    Put the licenses of all layers into one table.

    Args:
        captured_at: stands for the time of the query where Salesforce does not say when a counter was taken.
        user_licenses: landed UserLicense.
        permission_set_licenses: landed PermissionSetLicense.
        package_licenses: landed PackageLicense.
        usage_entitlements: landed TenantUsageEntitlement.
        feature_flags: check boxes of User that the org offers.
        feature_metrics: landed ActiveFeatureLicenseMetric; of the newest day in it, the newest row of a
            feature type tells its numbers.
        doubts: how sure licenses of a reconstruction are; one that is not named, and every observed one, is
            sure.

    Returns:
        :data:`UNCOUNTED_SCHEMA`, by layer and license id. None for an object stands for one that could not be
        read: its layer has no rows, or no numbers.

    Raises:
        SchemaDrift: an object lacks its id.
        CorruptAnswer: rows without an id.
    """
    parts = [UNCOUNTED_SCHEMA.empty_table()]
    if user_licenses is not None:
        parts.append(_of_users(user_licenses, captured_at))
    if permission_set_licenses is not None:
        parts.append(_of_permission_sets(permission_set_licenses, captured_at))
    if package_licenses is not None:
        parts.append(_of_packages(package_licenses, captured_at))
    parts.append(_of_features(feature_flags, feature_metrics, captured_at))
    if usage_entitlements is not None:
        parts.append(_of_usage(usage_entitlements, captured_at))
    together = pa.concat_tables([part.sort_by("license_id") for part in parts]).combine_chunks()
    return together if doubts is None else _doubted(together, doubts)


def _doubted(rows: pa.Table, doubts: pa.Table) -> pa.Table:
    keys = ["license_layer", "license_id"]
    found = {(row[keys[0]], row[keys[1]]): row["certainty"] for row in doubts.to_pylist()}
    named = zip(*(rows[key].to_pylist() for key in keys), strict=True)
    certainty = pa.array([found.get(key, CERTAINTIES[0]) for key in named], _TEXT)
    return rows.set_column(
        rows.schema.get_field_index("certainty"), UNCOUNTED_SCHEMA.field("certainty"), certainty
    )


def _of_users(landed: pa.Table, captured_at: datetime) -> pa.Table:
    return _assemble(
        "user",
        filled(landed, "UserLicense", "Id", _TEXT),
        captured_at,
        license_key=field(landed, "LicenseDefinitionKey", _TEXT),
        license_name=license_names(landed),
        status=field(landed, "Status", _TEXT),
        total_count=field(landed, "TotalLicenses", _COUNT),
        used_count=field(landed, "UsedLicenses", _COUNT),
        used_as_of=field(landed, "UsedLicensesLastUpdated", TIMESTAMP),
    )


def _of_permission_sets(landed: pa.Table, captured_at: datetime) -> pa.Table:
    developer_names = field(landed, "DeveloperName", _TEXT)
    keys = pc.coalesce(field(landed, "PermissionSetLicenseKey", _TEXT), developer_names)
    return _assemble(
        "permission_set",
        filled(landed, "PermissionSetLicense", "Id", _TEXT),
        captured_at,
        license_key=keys,
        license_name=pc.coalesce(field(landed, "MasterLabel", _TEXT), developer_names, keys),
        status=field(landed, "Status", _TEXT),
        total_count=field(landed, "TotalLicenses", _COUNT),
        used_count=field(landed, "UsedLicenses", _COUNT),
        used_as_of=field(landed, USED_AS_OF, TIMESTAMP),
        expires_on=field(landed, "ExpirationDate", _DAY),
    )


def _of_packages(landed: pa.Table, captured_at: datetime) -> pa.Table:
    namespaces = field(landed, "NamespacePrefix", _TEXT)
    return _assemble(
        "package",
        filled(landed, "PackageLicense", "Id", _TEXT),
        captured_at,
        license_key=namespaces,
        license_name=namespaces,
        status=field(landed, "Status", _TEXT),
        total_count=field(landed, "AllowedLicenses", _COUNT),
        used_count=field(landed, "UsedLicenses", _COUNT),
        expires_on=_utc_day(field(landed, "ExpirationDate", TIMESTAMP)),
    )


def _of_features(feature_flags: Sequence[str], metrics: pa.Table | None, captured_at: datetime) -> pa.Table:
    features = pa.array(sorted({feature_type(name) for name in feature_flags}), _TEXT)
    newest = _newest_metrics(metrics)
    rows = pc.index_in(features, value_set=newest["FeatureType"])
    return _assemble(
        "feature",
        features,
        captured_at,
        license_key=features,
        license_name=pa.array([feature_label(name) for name in features.to_pylist()], _TEXT),
        total_count=newest["TotalLicenseCount"].take(rows),
        used_count=newest["AssignedUserCount"].take(rows),
        used_as_of=pc.coalesce(
            newest[USED_AS_OF], newest["MetricsDate"].cast(pa.timestamp("us")).cast(TIMESTAMP)
        ).take(rows),
    )


def _of_usage(landed: pa.Table, captured_at: datetime) -> pa.Table:
    settings = field(landed, "Setting", _TEXT)
    return _assemble(
        "usage",
        filled(landed, "TenantUsageEntitlement", "Id", _TEXT),
        captured_at,
        license_key=settings,
        license_name=pc.coalesce(field(landed, "MasterLabel", _TEXT), settings),
        total_count=_rounded(field(landed, "CurrentAmountAllowed", pa.float64())),
        used_count=_rounded(field(landed, "AmountUsed", pa.float64())),
        used_as_of=field(landed, "UsageDate", TIMESTAMP),
        expires_on=field(landed, "EndDate", _DAY),
    )


def _assemble(layer: str, ids: pa.Array, captured_at: datetime, **columns: pa.Array) -> pa.Table:
    """Fill in what follows from the rest; a column that is not given is null."""
    total, used = columns.pop("total_count"), columns["used_count"]
    is_unlimited = pc.equal(total, _UNLIMITED).fill_null(False)
    total = pc.if_else(is_unlimited, pa.scalar(None, _COUNT), total)
    as_of = pc.coalesce(
        columns.pop("used_as_of", pa.nulls(len(ids), TIMESTAMP)), pa.scalar(captured_at, TIMESTAMP)
    )
    columns |= {
        "license_layer": pa.repeat(layer, len(ids)),
        "license_id": ids,
        "is_unlimited": is_unlimited,
        "total_count": total,
        "available_count": pc.subtract_checked(total, used),
        "used_as_of": pc.if_else(used.is_valid(), as_of, pa.scalar(None, TIMESTAMP)),
        "certainty": pa.repeat(CERTAINTIES[0], len(ids)),
    }
    arrays = [columns.get(each.name, pa.nulls(len(ids), each.type)) for each in UNCOUNTED_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=UNCOUNTED_SCHEMA)


def _newest_metrics(metrics: pa.Table | None) -> dict[str, pa.Array]:
    """
    The rows of the latest day, per feature type the one that was written last first.

    What an earlier day has and the latest lacks is not measured any more: its old number is no counter.
    """
    kinds = {
        "FeatureType": _TEXT,
        "TotalLicenseCount": _COUNT,
        "AssignedUserCount": _COUNT,
        "MetricsDate": _DAY,
        "SystemModstamp": TIMESTAMP,
        USED_AS_OF: TIMESTAMP,
        "Id": _TEXT,
    }
    if metrics is None:
        return {name: pa.array([], kind) for name, kind in kinds.items()}
    table = pa.table({name: field(metrics, name, kind) for name, kind in kinds.items()})
    table = table.filter(pc.equal(table["MetricsDate"], pc.max(table["MetricsDate"])))
    table = table.sort_by([(name, "descending") for name in ("SystemModstamp", "Id")])
    # index_in finds the first of equal values, and after sorting that is the newest.
    return {name: table[name].combine_chunks() for name in kinds}


def _rounded(amounts: pa.Array) -> pa.Array:
    return pc.round(amounts, round_mode="half_to_even").cast(_COUNT)


def _utc_day(instants: pa.Array) -> pa.Array:
    return instants.cast(pa.timestamp("us")).cast(pa.date32(), safe=False)
