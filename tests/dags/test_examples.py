"""The examples for other teams' DAGs parse, and wait for what the ledger emits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.sdk import DAG

from license_ledger.airflow.assets import assets

EXAMPLES = Path(__file__).parents[2] / "examples" / "dags"


@pytest.fixture(scope="module")
def bag(airflow_database: None) -> Any:
    """The examples as the DAG processor reads them."""
    return BundleDagBag(dag_folder=EXAMPLES, bundle_path=EXAMPLES, bundle_name="examples")


def test_the_examples_parse(bag: Any) -> None:
    """Airflow imports every file without an error."""
    assert bag.import_errors == {}
    assert set(bag.dags) == {"license_report"}


def test_the_report_waits_for_assets_of_the_ledger(bag: Any) -> None:
    """Names and addresses are those that loading the warehouse emits, with the day as key."""
    dag: DAG = bag.dags["license_report"]
    waited = {(asset.name, asset.uri) for asset in dag.timetable.asset_condition.objects}
    emitted = {(asset.name, asset.uri) for asset in assets("salesforce_default").values()}

    assert type(dag.timetable).__name__ == "PartitionedAssetTimetable"
    assert len(waited) == 2
    assert waited <= emitted
