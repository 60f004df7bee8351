"""What an org shows, what it costs that something is hidden, and what is extracted therefore."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from tests.contract.salesforce.desk import NOW, Desk, Job

from license_ledger import errors
from license_ledger.salesforce.capabilities import Inspection, arrow_schema, inspect
from license_ledger.salesforce.extract import query_batches, query_many
from license_ledger.salesforce.objects import OBJECTS


def look(desk: Desk, **options: Any) -> Inspection:
    return inspect(desk.client(), captured_at=NOW, **options)


def rows(desk: Desk, inspection: Inspection, name: str) -> pa.Table:
    tables = list(query_batches(desk.client(), inspection, name, job=Job(), page_records=15))
    return pa.concat_tables(tables) if tables else arrow_schema(inspection, name).empty_table()


def gaps(inspection: Inspection) -> set[tuple[str, str | None, str]]:
    return {(gap["object"], gap["field"], gap["missing_permission"]) for gap in inspection["capabilities"]}


def test_everything_is_visible_with_the_documented_permissions(reading_desk: Desk) -> None:
    """Nothing is missing, every object is planned, and it took four calls."""
    client = reading_desk.client()
    inspection = inspect(client, captured_at=NOW)

    assert client.api_calls == 4
    assert inspection["capabilities"] == []
    assert inspection["warnings"] == []
    assert inspection["org_id"] == client.org_id
    assert inspection["captured_at"] == "2026-11-24T06:00:00+00:00"
    assert set(inspection["objects"]) == {declared.name for declared in OBJECTS}
    assert all(plan["available"] for plan in inspection["objects"].values())
    assert [unit["label"] for unit in inspection["units"]] == ["people", "licenses"]
    assert json.loads(json.dumps(inspection)) == inspection


def test_every_object_is_extracted_as_counted(reading_desk: Desk) -> None:
    """The tables have the declared columns and as many rows as the org counted."""
    inspection = look(reading_desk)
    for name, plan in inspection["objects"].items():
        table = rows(reading_desk, inspection, name)

        assert table.schema == arrow_schema(inspection, name), name
        assert plan["rows"] in (None, table.num_rows), name
        assert table.num_rows > 0, name


def test_large_objects_come_by_bulk_and_are_the_same(reading_desk: Desk) -> None:
    """Above the threshold an object is a unit of its own; the rows do not depend on the way."""
    small, large = look(reading_desk), look(reading_desk, bulk_threshold=0)

    assert [unit["label"] for unit in large["units"]] == [
        "User",
        "PermissionSetLicenseAssign",
        "UserPackageLicense",
        "people",
        "licenses",
    ]
    for name in ("User", "PermissionSetLicenseAssign", "UserPackageLicense"):
        by_rest, by_bulk = rows(reading_desk, small, name), rows(reading_desk, large, name)
        assert by_rest.combine_chunks().sort_by("Id").equals(by_bulk.combine_chunks().sort_by("Id")), name


def test_what_bulk_refuses_comes_by_rest(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The same rows, and a line in the log that says why."""
    inspection = look(desk, bulk_threshold=0)
    desk.org.control.fault("bulk_refuses_object", object="User")

    assert rows(desk, inspection, "User").num_rows == 40
    assert desk.org.control.usage()["jobs"] == 0
    assert "User comes by REST" in caplog.text


def test_small_objects_together_are_few_calls(desk: Desk) -> None:
    """Ten objects cost two calls, and each is the same as alone; further pages are fetched as needed."""
    inspection = look(desk)
    desk.org.control.options(rest_page_rows=10)
    names = inspection["units"][1]["objects"]
    client = desk.client()
    client.session  # noqa: B018
    together = {name: pa.concat_tables(tables) for name, tables in query_many(client, inspection, names)}

    assert list(together) == names
    assert client.api_calls < 2 + sum(table.num_rows // 10 + 1 for table in together.values())
    for name, table in together.items():
        assert table.combine_chunks().equals(rows(desk, inspection, name).combine_chunks()), name


def test_an_object_that_is_refused_among_others_is_named(desk: Desk) -> None:
    """One of several that is hidden since inspection is an error about that one."""
    inspection = look(desk)
    desk.org.control.permissions(withdraw=["ManageUsers"])

    with pytest.raises(errors.SchemaDrift, match="UserLogin"):
        dict(query_many(desk.client(), inspection, ["Profile", "UserLogin"]))


def test_only_frozen_users_and_the_newest_metrics_are_read(reading_desk: Desk) -> None:
    """UserLogin is filtered, the metrics are those of one day."""
    inspection = look(reading_desk, metrics_since=NOW.date())

    assert set(rows(reading_desk, inspection, "UserLogin")["IsFrozen"].to_pylist()) == {True}
    for name in ("ActiveProfileMetric", "ActivePermSetLicenseMetric", "ActiveFeatureLicenseMetric"):
        assert len(set(rows(reading_desk, inspection, name)["MetricsDate"].to_pylist())) == 1


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        ("ManageUsers", {("UserLogin", None, "Manage Users")}),
        ("ViewRoles", {("UserRole", None, "View Roles and Role Hierarchy")}),
    ],
)
def test_a_missing_permission_is_reported_with_what_it_costs(
    desk: Desk, permission: str, expected: set[tuple[str, str | None, str]]
) -> None:
    """The object is left out, in words; it is neither an error nor an empty table."""
    desk.org.control.permissions(withdraw=[permission])
    inspection = look(desk)
    name = next(iter(expected))[0]

    assert gaps(inspection) == expected
    assert not inspection["objects"][name]["available"]
    assert name not in {n for unit in inspection["units"] for n in unit["objects"]}
    with pytest.raises(ValueError, match="not visible"):
        rows(desk, inspection, name)


def test_without_view_setup_there_is_no_snapshot(desk: Desk) -> None:
    """Salesforce's own counter is what everything is explained against: the error names the permission."""
    desk.org.control.permissions(withdraw=["ViewSetup"])

    with pytest.raises(errors.SchemaDrift, match="UserLicense") as caught:
        look(desk)
    assert "View Setup and Configuration" in caught.value.remedy


def test_hidden_users_are_noticed_by_salesforces_own_counter(desk: Desk) -> None:
    """More seats used than users visible means that sharing hides some."""
    desk.org.control.permissions(withdraw=["ViewAllUsers"])
    found = look(desk)["capabilities"]

    assert [(gap["object"], gap["missing_permission"]) for gap in found] == [("User", "View All Users")]
    assert "hidden by sharing" in found[0]["costs"]


def test_a_hidden_field_is_a_null_column_or_an_error(desk: Desk) -> None:
    """Optional fields are reported and null, required ones stop the run with their name."""
    desk.org.control.hide("User.LastLoginDate", "User.Department")
    inspection = look(desk)
    table = rows(desk, inspection, "User")

    assert {(gap["object"], gap["field"]) for gap in inspection["capabilities"]} == {
        ("User", "LastLoginDate"),
        ("User", "Department"),
    }
    assert table["LastLoginDate"].null_count == table.num_rows == 40

    desk.org.control.hide("User.Email")
    with pytest.raises(errors.SchemaDrift, match=r"User\.Email"):
        look(desk)


def test_a_user_without_the_api_is_told_so(desk: Desk) -> None:
    """The permission is named before anything else is tried."""
    desk.org.control.permissions(withdraw=["ApiEnabled"])

    with pytest.raises((errors.AccessDenied, errors.AuthRevoked), match=r"API Enabled|api"):
        look(desk)


def test_an_org_without_the_api_is_told_so(desk: Desk) -> None:
    """API_DISABLED_FOR_ORG of the data calls is not taken for a missing right to read limits."""
    desk.org.control.fault("api_disabled")

    with pytest.raises(errors.AccessDenied, match=r"API Enabled"):
        look(desk)


@pytest.mark.parametrize(
    ("name", "kind", "word"),
    [
        ("User", errors.ImplausibleSnapshot, "no users"),
        ("UserLicense", errors.AccessDenied, "View Setup"),
        ("Profile", errors.AccessDenied, "View All Profiles"),
    ],
)
def test_an_object_that_no_org_is_without_must_have_rows(
    desk: Desk, name: str, kind: type[errors.LedgerError], word: str
) -> None:
    """Nought users, licenses or profiles is never taken for a fact."""
    desk.org.control.fault("empty_object", object=name)

    with pytest.raises(kind, match=word):
        look(desk)


def test_an_object_may_be_empty(desk: Desk) -> None:
    """No frozen users is a fact: the object is visible and has no rows."""
    desk.org.control.fault("empty_object", object="UserLogin")
    inspection = look(desk)

    assert inspection["capabilities"] == []
    assert inspection["objects"]["UserLogin"]["available"]
    assert inspection["objects"]["UserLogin"]["rows"] == 0
    assert rows(desk, inspection, "UserLogin").num_rows == 0


def test_an_object_that_describe_shows_and_queries_deny_is_not_visible(desk: Desk) -> None:
    """Describe is no promise."""
    desk.org.control.fault("object_vanishes", object="UserLogin")

    assert gaps(look(desk)) == {("UserLogin", None, "Manage Users")}


def test_below_the_reserve_nothing_is_started(desk: Desk) -> None:
    """The share of the daily calls that is kept for others stops the run before a job."""
    desk.org.control.options(daily_requests=10)

    with pytest.raises(errors.QuotaExhausted, match="API calls"):
        look(desk, api_reserve_percent=90)
    assert look(desk, api_reserve_percent=0)["limits"]["DailyApiRequests"]["max"] == 10


def test_jobs_are_counted_only_when_some_are_needed(desk: Desk) -> None:
    """Without bulk objects the allocation of jobs does not matter."""
    desk.org.control.options(bulk_jobs_per_day=0)

    assert look(desk)["units"]
    with pytest.raises(errors.QuotaExhausted, match="bulk query jobs"):
        look(desk, bulk_threshold=0)


def test_limits_that_may_not_be_read_are_taken_from_the_headers(desk: Desk) -> None:
    """Without the right to read limits the run goes on, says so, and still keeps the reserve."""
    desk.org.control.fault("insufficient_access", path="limits", count=None)
    inspection = look(desk)

    assert ("limits", None, "View Setup and Configuration") in gaps(inspection)
    assert set(inspection["limits"]) == {"DailyApiRequests"}
    with pytest.raises(errors.QuotaExhausted):
        look(desk, api_reserve_percent=100)


def test_without_limits_and_headers_the_run_goes_on(desk: Desk) -> None:
    """Where nothing is told, nothing is checked."""
    desk.org.control.fault("insufficient_access", path="limits", count=None)
    desk.org.control.fault("limit_info_missing")

    assert look(desk, api_reserve_percent=100)["limits"] == {}


def test_an_older_org_is_asked_in_its_own_version(reading_desk: Desk) -> None:
    """The lowered version is in the inspection, with a warning, and later workers use it."""
    client = reading_desk.client(api_version="99.0")
    inspection = inspect(client, captured_at=NOW)

    assert inspection["api_version"] == "67.0"
    assert len(inspection["warnings"]) == 1
    assert rows(reading_desk, inspection, "Profile").num_rows > 0


def test_nothing_was_ever_written(desk: Desk) -> None:
    """A whole inspection and extraction sends no request that might change a record."""
    inspection = look(desk, bulk_threshold=0)
    for name in inspection["objects"]:
        rows(desk, inspection, name)

    assert desk.org.control.usage()["writes_refused"] == 0
    assert {
        (row["method"], row["path"].split("/")[4])
        for row in desk.org.control.counts()
        if row["method"] != "GET" and "oauth2" not in row["path"]
    } == {
        ("POST", "composite"),
        ("POST", "jobs"),
        ("DELETE", "jobs"),
    }
