"""Events of OpenLineage of a run of the whole Airflow, held against OpenLineage's own classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openlineage.client import facet_v2 as facets
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.serde import Serde

from license_ledger import schemas
from local_stack.home import Home
from tests.e2e.conftest import DAG_ID, make_run

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.endurance]

Event = dict[str, Any]

quality = facets.data_quality_assertions_dataset
metrics = facets.data_quality_metrics_input_dataset
schema = facets.schema_dataset
columns = facets.column_lineage_dataset


def plain(value: dict[str, Any]) -> dict[str, Any]:
    """Without what every facet has."""
    return {name: each for name, each in value.items() if not name.startswith("_")}


def rebuilt_lineage(fields: dict[str, Any], dataset: list[Any]) -> Any:
    """A columnLineage facet."""
    made = {
        name: columns.Fields(
            inputFields=[
                columns.InputField(
                    **{
                        **each,
                        "transformations": [columns.Transformation(**t) for t in each["transformations"]],
                    }
                )
                for each in field["inputFields"]
            ]
        )
        for name, field in fields.items()
    }
    return columns.ColumnLineageDatasetFacet(fields=made, dataset=dataset)


REBUILD: dict[str, Any] = {
    "schema": lambda fields: schema.SchemaDatasetFacet(
        fields=[schema.SchemaDatasetFacetFields(**each) for each in fields]
    ),
    "version": facets.dataset_version_dataset.DatasetVersionDatasetFacet,
    "columnLineage": rebuilt_lineage,
    "outputStatistics": facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    "dataQualityMetrics": lambda columnMetrics, **rest: metrics.DataQualityMetricsInputDatasetFacet(
        columnMetrics={name: metrics.ColumnMetrics(**each) for name, each in columnMetrics.items()}, **rest
    ),
    "dataQualityAssertions": lambda assertions: quality.DataQualityAssertionsDatasetFacet(
        assertions=[quality.Assertion(**each) for each in assertions]
    ),
}


def rebuilt(facet: str, value: dict[str, Any]) -> Any:
    """The facet as an object of OpenLineage's class, whose validators have seen every value."""
    made = REBUILD[facet](**plain(value))
    assert value["_schemaURL"] == made._get_schema()
    again = Serde.to_dict(made)
    assert plain(again) == plain(Serde.remove_nulls_and_enums(value))
    return made


def rebuilt_event(event: Event) -> RunEvent:
    """The event as OpenLineage's class has it; without the facets of Airflow itself."""
    made: dict[str, list[Any]] = {}
    for side, kind, own in (
        ("inputs", InputDataset, "inputFacets"),
        ("outputs", OutputDataset, "outputFacets"),
    ):
        made[side] = [
            kind(
                namespace=each["namespace"],
                name=each["name"],
                facets={name: rebuilt(name, value) for name, value in each["facets"].items()},
                **{own: {name: rebuilt(name, value) for name, value in each.get(own, {}).items()}},
            )
            for each in event[side]
        ]
    return RunEvent(
        eventTime=event["eventTime"],
        eventType=RunState[event["eventType"]],
        producer=event["producer"],
        run=Run(runId=event["run"]["runId"]),
        job=Job(namespace=event["job"]["namespace"], name=event["job"]["name"]),
        **made,
    )


@pytest.fixture(scope="module")
def events(home: Home) -> list[Event]:
    """What a run has sent to a file."""
    path = home.root / "events.jsonl"
    transport = {"type": "file", "log_file_path": str(path), "append": True}
    done = make_run(
        home,
        AIRFLOW__OPENLINEAGE__TRANSPORT=json.dumps(transport),
        AIRFLOW__OPENLINEAGE__NAMESPACE="acme",
    )
    assert done.status == 0, done.output
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def completed(events: list[Event], task: str) -> list[Event]:
    """The events that tell the end of a task."""
    name = f"{DAG_ID}.{task}"
    return [event for event in events if event["job"]["name"] == name and event["eventType"] == "COMPLETE"]


def names(datasets: list[dict[str, Any]]) -> list[str]:
    """The last part of the names."""
    return [Path(each["name"]).name.rpartition(".")[2] for each in datasets]


TABLES = [table.name for table in schemas.TABLES]


def test_every_event_is_valid(events: list[Event]) -> None:
    """OpenLineage's classes take every event and every facet of ours, and give the same back."""
    for event in events:
        assert rebuilt_event(event).job.namespace == "acme"
    assert {event["eventType"] for event in events} == {"START", "COMPLETE"}


def test_extracts_read_salesforce(events: list[Event]) -> None:
    """Both mapped tasks tell their objects, with fields and rows."""
    read = [each for event in completed(events, "extract") for each in event["inputs"]]
    [user] = [each for each in read if each["name"] == "User"]

    assert {"User", "UserLicense", "PermissionSetLicenseAssign", "Organization"} <= {e["name"] for e in read}
    assert user["namespace"].startswith("salesforce://00D")
    assert "LastLoginDate" in {field["name"] for field in user["facets"]["schema"]["fields"]}
    assert user["inputFacets"]["dataQualityMetrics"]["rowCount"] == 40


def test_publish_leads_from_salesforce_to_staging(events: list[Event]) -> None:
    """Six tables, each with its schema and the fields that its columns come of."""
    [event] = completed(events, "publish")
    users = event["outputs"][0]
    [origin] = users["facets"]["columnLineage"]["fields"]["last_login_at"]["inputFields"]

    assert names(event["outputs"]) == TABLES
    assert (origin["name"], origin["field"]) == ("User", "LastLoginDate")
    assert origin["transformations"] == [{"type": "DIRECT", "subtype": "IDENTITY", "masking": False}]
    assert origin["namespace"] in {each["namespace"] for each in event["inputs"]}
    assert users["outputFacets"]["outputStatistics"]["rowCount"] == 16


def test_loading_leads_from_staging_to_the_warehouse(events: list[Event]) -> None:
    """Each table from its own; the inputs with rows and empty values; the names meet those of publish."""
    [published], [loaded] = completed(events, "publish"), completed(events, "load_warehouse")

    assert [(e["namespace"], e["name"]) for e in loaded["inputs"]] == [
        (e["namespace"], e["name"]) for e in published["outputs"]
    ]
    assert names(loaded["outputs"]) == TABLES
    assert {each["namespace"].partition("://")[0] for each in loaded["outputs"]} == {"duckdb"}
    told = loaded["inputs"][0]["inputFacets"]["dataQualityMetrics"]
    assert (told["rowCount"], told["columnMetrics"]["user_id"]["nullCount"]) == (16, 0)


def test_checks_are_assertions(events: list[Event]) -> None:
    """Each table with the checks that look at it; all hold."""
    [event] = completed(events, "check")
    asserted = {
        Path(each["name"]).name: each["inputFacets"]["dataQualityAssertions"]["assertions"]
        for each in event["inputs"]
    }

    assert set(asserted) == set(TABLES) - {"snapshots"}
    assert "bridge_identity" in {each["name"] for each in asserted["mismatches"]}
    assert all(each["success"] for checks in asserted.values() for each in checks)


def test_no_person_is_in_an_event(events: list[Event]) -> None:
    """Names of datasets, columns and licenses only: no address of anybody."""
    assert "@acme.com" not in json.dumps(events)
