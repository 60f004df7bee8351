"""What Salesforce remembers of the past is asked for on demand, and costs nothing else."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
from tests.contract.salesforce.desk import NOW, Desk, Job

from license_ledger.salesforce.capabilities import inspect
from license_ledger.salesforce.extract import query_batches
from license_ledger.salesforce.inspection import Inspection, arrow_schema
from license_ledger.salesforce.objects import HISTORY_OBJECTS, OBJECTS

METRICS = ("ActiveProfileMetric", "ActivePermSetLicenseMetric", "ActiveFeatureLicenseMetric")


def rows(desk: Desk, inspection: Inspection, name: str) -> pa.Table:
    """All rows of an object, as planned."""
    tables = list(query_batches(desk.client(), inspection, name, job=Job(), page_records=5000))
    return pa.concat_tables(tables) if tables else arrow_schema(inspection, name).empty_table()


def test_history_is_planned_only_when_it_is_asked_for(reading_desk: Desk) -> None:
    """Without it the inspection asks as little as ever; with it there are two objects and a unit more."""
    plain = inspect(reading_desk.client(), captured_at=NOW)
    asked = reading_desk.client()
    whole = inspect(asked, captured_at=NOW, history=True, bulk_threshold=100_000)

    assert plain["objects"].keys() == {declared.name for declared in OBJECTS}
    assert whole["objects"].keys() - plain["objects"].keys() == {each.name for each in HISTORY_OBJECTS}
    assert [unit["label"] for unit in whole["units"]] == ["people", "licenses", "history"]
    assert whole["capabilities"] == []
    assert asked.api_calls <= 5


def test_logins_of_half_a_year_and_the_whole_trail_are_read(reading_desk: Desk) -> None:
    """With the columns that a reconstruction needs, and no older logins."""
    inspection = inspect(reading_desk.client(), captured_at=NOW, history=True)
    logins = rows(reading_desk, inspection, "LoginHistory")
    trail = rows(reading_desk, inspection, "SetupAuditTrail")

    assert logins.num_rows == inspection["objects"]["LoginHistory"]["rows"] > 0
    assert pc.min(logins["LoginTime"]).as_py() >= NOW - timedelta(days=200)
    assert trail.num_rows == inspection["objects"]["SetupAuditTrail"]["rows"] > 0
    assert trail["Display"].null_count == trail["CreatedDate"].null_count == 0


def test_metrics_of_all_days_are_read(reading_desk: Desk) -> None:
    """Whatever the daily increments would leave out."""
    inspection = inspect(
        reading_desk.client(), captured_at=NOW, history=True, metrics_since=NOW.date() - timedelta(days=1)
    )
    for name in METRICS:
        days = pc.unique(rows(reading_desk, inspection, name)["MetricsDate"])
        assert len(days) > 30, name


def test_many_logins_come_by_bulk(reading_desk: Desk) -> None:
    """Above the threshold, as other objects that grow with the people; the trail always comes by REST."""
    inspection = inspect(reading_desk.client(), captured_at=NOW, history=True, bulk_threshold=10)

    assert inspection["objects"]["LoginHistory"]["api"] == "bulk"
    assert inspection["objects"]["SetupAuditTrail"]["api"] == "rest"
    assert (
        rows(reading_desk, inspection, "LoginHistory").num_rows
        == inspection["objects"]["LoginHistory"]["rows"]
    )


def test_a_trail_that_is_not_visible_is_a_capability(desk: Desk) -> None:
    """The inspection goes on and says what is missing, what that costs, and which permission shows it."""
    desk.org.control.hide("SetupAuditTrail.Display")
    inspection = inspect(desk.client(), captured_at=NOW, history=True)

    (gap,) = inspection["capabilities"]
    assert (gap["object"], gap["field"]) == ("SetupAuditTrail", "Display")
    assert gap["unlocks"] == "reconstructed snapshots of past days"
    assert not inspection["objects"]["SetupAuditTrail"]["available"]
