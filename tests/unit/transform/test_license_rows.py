"""Licenses of all layers in one shape, and control totals."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from tests.unit.transform.made_org import AT, TIMESTAMP, user_license_table

from license_ledger.errors import CorruptAnswer, SchemaDrift
from license_ledger.schemas import CONTROL_TOTALS, LICENSES
from license_ledger.transform.licenses import UNCOUNTED_SCHEMA, licenses
from license_ledger.transform.metrics import METRICS_SCHEMA, control_total_history, control_totals

TAKEN = datetime(2026, 2, 28, tzinfo=UTC)


def _rows(**objects: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = licenses(AT, **objects).to_pylist()
    return rows


def _pick(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def test_the_shape_is_the_published_one_before_counting() -> None:
    """The columns are those of ``licenses`` without the counted ones, whatever objects were readable."""
    table = licenses(AT, user_licenses=user_license_table())

    assert table.schema == UNCOUNTED_SCHEMA
    assert {"count_basis", "active_holder_count", "all_holder_count", "in_scope_count"} == set(
        LICENSES.arrow_schema.names
    ) - set(table.schema.names)
    assert (licenses(AT).schema, licenses(AT).num_rows) == (UNCOUNTED_SCHEMA, 0)


def test_user_licenses() -> None:
    """Key, label, status, numbers and stamp of a user license; over-allocation is negative."""
    landed = pa.table(
        {
            "Id": ["b", "a", "c"],
            "LicenseDefinitionKey": ["SFDC", "PID_High Volume Customer Portal", "HVCP"],
            "MasterLabel": ["Salesforce", None, "High Volume Customer Portal"],
            "Name": ["SF", "High Volume Customer Portal", "x"],
            "Status": ["Active", "Disabled", "Active"],
            "TotalLicenses": [20, 0, 100],
            "UsedLicenses": [25, 0, None],
            "UsedLicensesLastUpdated": pa.array([TAKEN, None, TAKEN], TIMESTAMP),
        }
    )

    rows = _rows(user_licenses=landed)

    assert [row["license_id"] for row in rows] == ["a", "b", "c"]
    assert _pick(
        rows[0], "license_name", "status", "total_count", "used_count", "available_count", "used_as_of"
    ) == ("High Volume Customer Portal", "Disabled", 0, 0, 0, AT)
    assert _pick(
        rows[1],
        "license_layer",
        "license_key",
        "license_name",
        "total_count",
        "used_count",
        "available_count",
        "used_as_of",
        "expires_on",
    ) == ("user", "SFDC", "Salesforce", 20, 25, -5, TAKEN, None)
    assert _pick(rows[2], "license_name", "used_count", "available_count", "used_as_of") == (
        "High Volume Customer Portal",
        None,
        None,
        None,
    )


def test_permission_set_licenses() -> None:
    """The key falls back to the developer name, the label to it as well; the expiry is a day already."""
    landed = pa.table(
        {
            "Id": ["a", "b"],
            "PermissionSetLicenseKey": [None, "SalesUserPsl"],
            "DeveloperName": ["Identity", "SalesUser"],
            "MasterLabel": [None, "Sales User"],
            "TotalLicenses": [-1, 5],
            "UsedLicenses": [3, 5],
            "Status": ["Active", "Disabled"],
            "ExpirationDate": [None, date(2026, 3, 31)],
        }
    )
    names = ("license_key", "license_name", "is_unlimited", "total_count", "available_count", "expires_on")

    rows = _rows(permission_set_licenses=landed)

    assert _pick(rows[0], *names) == ("Identity", "Identity", True, None, None, None)
    assert ("SalesUserPsl", "Sales User", False, 5, 0, date(2026, 3, 31)) == _pick(rows[1], *names)
    assert [row["used_as_of"] for row in rows] == [AT, AT]


def test_package_licenses() -> None:
    """Packages are named by namespace, minus one is unlimited, the expiry is the UTC day of an instant."""
    landed = pa.table(
        {
            "Id": ["a", "b"],
            "NamespacePrefix": ["ALTF", "SBQQ"],
            "AllowedLicenses": [-1, 10],
            "UsedLicenses": [80, 4],
            "Status": ["Active", "Trial"],
            "ExpirationDate": pa.array([None, datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)], TIMESTAMP),
        }
    )
    names = (
        "license_key",
        "license_name",
        "status",
        "is_unlimited",
        "total_count",
        "used_count",
        "expires_on",
    )

    rows = _rows(package_licenses=landed)

    assert _pick(rows[0], *names) == ("ALTF", "ALTF", "Active", True, None, 80, None)
    assert ("SBQQ", "SBQQ", "Trial", False, 10, 4, date(2026, 3, 31)) == _pick(rows[1], *names)
    assert [row["available_count"] for row in rows] == [None, 6]


def test_usage_entitlements() -> None:
    """Amounts are rounded half to even, null stays null, minus one is unlimited."""
    landed = pa.table(
        {
            "Id": ["a", "b", "c", "d"],
            "Setting": ["s1", "s2", "s3", "s4"],
            "MasterLabel": ["One", None, "Three", "Four"],
            "CurrentAmountAllowed": [100.0, 2.5, 3.5, -1.0],
            "AmountUsed": [0.5, 1.5, None, 2.0],
            "UsageDate": pa.array([TAKEN, None, TAKEN, TAKEN], TIMESTAMP),
            "EndDate": [date(2026, 12, 31), None, None, None],
        }
    )
    names = ("license_key", "license_name", "total_count", "used_count", "available_count", "used_as_of")

    rows = _rows(usage_entitlements=landed)

    assert _pick(rows[0], *names) == ("s1", "One", 100, 0, 100, TAKEN)
    assert _pick(rows[1], *names) == ("s2", "s2", 2, 2, 0, AT)
    assert _pick(rows[2], *names) == ("s3", "Three", 4, None, None, None)
    assert _pick(rows[3], *names) == ("s4", "Four", None, 2, None, TAKEN)
    assert [row["is_unlimited"] for row in rows] == [False, False, False, True]
    assert date(2026, 12, 31) == rows[0]["expires_on"]


def _feature_metrics(*rows: tuple[str, date, int | None, int | None]) -> pa.Table:
    return pa.table(
        {
            "Id": [f"5H2{number}" for number in range(len(rows))],
            "FeatureType": [row[0] for row in rows],
            "MetricsDate": pa.array([row[1] for row in rows], pa.date32()),
            "AssignedUserCount": pa.array([row[2] for row in rows], pa.int64()),
            "TotalLicenseCount": pa.array([row[3] for row in rows], pa.int64()),
        }
    )


def test_feature_licenses_take_their_newest_metric() -> None:
    """Each offered flag is a license with the numbers of the newest day, null when there is no metric."""
    metrics = _feature_metrics(
        ("MarketingUser", date(2026, 2, 27), 1, 10),
        ("MarketingUser", date(2026, 2, 28), 7, 10),
        ("MarketingUser", date(2026, 2, 26), 9, 10),
        ("NotOffered", date(2026, 2, 28), 5, 5),
    )
    flags = ("UserPermissionsSupportUser", "UserPermissionsMarketingUser")
    names = ("license_id", "license_key", "license_name", "total_count", "used_count", "used_as_of")

    rows = _rows(feature_flags=flags, feature_metrics=metrics)

    assert [_pick(row, *names) for row in rows] == [
        ("MarketingUser", "MarketingUser", "Marketing User", 10, 7, TAKEN),
        ("SupportUser", "SupportUser", "Service Cloud User", None, None, None),
    ]
    assert [row["used_count"] for row in _rows(feature_flags=flags)] == [None, None]


def test_of_two_metrics_of_a_day_the_later_written_counts() -> None:
    """A metric that was computed again replaces the earlier one of the same day."""
    metrics = _feature_metrics(
        ("MarketingUser", date(2026, 2, 28), 7, 10), ("MarketingUser", date(2026, 2, 28), 8, 10)
    ).append_column("SystemModstamp", pa.array([AT, AT - timedelta(hours=1)], TIMESTAMP))

    (row,) = _rows(feature_flags=("UserPermissionsMarketingUser",), feature_metrics=metrics)

    assert row["used_count"] == 7


def test_layers_come_in_order() -> None:
    """All five layers in the order of the vocabulary, each by id."""
    found = licenses(
        AT,
        user_licenses=pa.table({"Id": ["2", "1"]}),
        permission_set_licenses=pa.table({"Id": ["3"]}),
        package_licenses=pa.table({"Id": ["4"]}),
        usage_entitlements=pa.table({"Id": ["0"]}),
        feature_flags=("UserPermissionsSupportUser",),
    )

    assert found["license_id"].to_pylist() == ["1", "2", "3", "4", "SupportUser", "0"]
    assert found["license_layer"].to_pylist() == [
        "user",
        "user",
        "permission_set",
        "package",
        "feature",
        "usage",
    ]
    for each in found.schema:
        assert each.nullable or not found[each.name].null_count


@pytest.mark.parametrize(
    "name", ["user_licenses", "permission_set_licenses", "package_licenses", "usage_entitlements"]
)
def test_licenses_without_id_are_refused(name: str) -> None:
    """A license object without the field Id, or with an empty one, is an error."""
    with pytest.raises(SchemaDrift, match=r"\.Id"):
        licenses(AT, **{name: pa.table({"Status": ["Active"]})})
    with pytest.raises(CorruptAnswer, match=r"\.Id"):
        licenses(AT, **{name: pa.table({"Id": pa.array([None], pa.string())})})


def test_control_totals_are_the_newest_of_each_license() -> None:
    """Profiles are summed per user license; only the newest day of the object counts, nulls never."""
    days = [date(2026, 2, 27), date(2026, 2, 28), date(2026, 2, 28), date(2026, 2, 28), date(2026, 3, 1)]
    profiles = pa.table(
        {
            "UserLicenseId": ["a", "a", "a", "b", "b", "gone"],
            "MetricsDate": [*days, days[0]],
            "AssignedUserCount": pa.array([100, 3, 4, 9, None, 5], pa.int64()),
        }
    )
    permission_sets = pa.table(
        {"PermissionSetLicenseId": ["p"], "MetricsDate": days[:1], "AssignedUserCount": [6]}
    )

    found = control_totals(profiles, permission_sets)

    assert found.schema == METRICS_SCHEMA
    assert [
        ("user", "a", 7, date(2026, 2, 28)),
        ("user", "b", 9, date(2026, 2, 28)),
        ("permission_set", "p", 6, date(2026, 2, 27)),
    ] == [tuple(row.values()) for row in found.to_pylist()]
    assert control_totals().num_rows == 0


def test_the_history_of_control_totals_has_every_day() -> None:
    """Each day of each license is a row, summed over profiles; the last writing of a day counts."""
    first, second = date(2026, 2, 27), date(2026, 2, 28)
    licenses_of_today = pa.table(
        {
            "license_layer": ["user", "permission_set", "feature"],
            "license_id": ["u", "p", "MarketingUser"],
            "license_key": ["SFDC", "CPQ", "MarketingUser"],
        }
    )
    profiles = pa.table(
        {
            "Id": ["1", "2", "3", "4"],
            "UserLicenseId": ["u", "u", "u", "gone"],
            "MetricsDate": [second, second, first, first],
            "AssignedUserCount": [3, 4, 6, 1],
            "ActiveUserCount": pa.array([2, None, 5, 1], pa.int64()),
        }
    )
    permission_sets = pa.table(
        {
            "Id": ["2", "1", "3"],
            "PermissionSetLicenseId": ["p", "p", "p"],
            "MetricsDate": [first, first, second],
            "AssignedUserCount": [8, 7, 9],
            "ActiveUserCount": [5, 5, 6],
            "TotalLicenses": [10, 10, -1],
        }
    )
    features = pa.table({"FeatureType": ["MarketingUser"], "MetricsDate": [first], "TotalLicenseCount": [20]})

    found = control_total_history(
        licenses_of_today,
        profile_metrics=profiles,
        permission_set_metrics=permission_sets,
        feature_metrics=features,
    )

    assert found.schema == CONTROL_TOTALS.arrow_schema
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("feature", "MarketingUser", "MarketingUser", first, None, None, 20),
        ("permission_set", "p", "CPQ", first, 8, 5, 10),
        ("permission_set", "p", "CPQ", second, 9, 6, None),
        ("user", "gone", None, first, 1, 1, None),
        ("user", "u", "SFDC", first, 6, 5, None),
        ("user", "u", "SFDC", second, 7, None, None),
    ]
    assert control_total_history(licenses_of_today).num_rows == 0


def test_a_feature_that_is_not_measured_any_more_has_no_counter() -> None:
    """The number of an earlier day is not taken for the counter of today."""
    metrics = pa.table(
        {
            "FeatureType": ["MarketingUser", "MobileUser"],
            "MetricsDate": [date(2026, 2, 28), date(2026, 2, 27)],
            "TotalLicenseCount": [20, 30],
            "AssignedUserCount": [2, 3],
        }
    )
    flags = ("UserPermissionsMarketingUser", "UserPermissionsMobileUser")
    found = licenses(AT, feature_flags=flags, feature_metrics=metrics)

    assert found["used_count"].to_pylist() == [2, None]
    assert found["total_count"].to_pylist() == [20, None]
