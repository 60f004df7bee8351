"""What parsing the DAG file costs, and what it must not load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "duckdb",
    "fsspec",
    "license_ledger.pipeline",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic_settings",
    "requests",
    "simple_salesforce",
}
PROGRAM = """
import json, runpy, sys, time
import airflow.sdk, airflow.timetables.base
airflow.sdk.DAG, airflow.sdk.CronPartitionTimetable, airflow.sdk.ExceptionRetryPolicy, airflow.sdk.Asset
airflow.sdk.task, airflow.sdk.TaskGroup, airflow.sdk.Param, airflow.sdk.result
before, began = set(sys.modules), time.process_time()
runpy.run_path(sys.argv[1])
print(json.dumps({"seconds": time.process_time() - began, "loaded": sorted(set(sys.modules) - before)}))
"""


@pytest.fixture(scope="module")
def parsed() -> dict[str, object]:
    """What a fresh process says about running the DAG file."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ROOT / "dags" / "salesforce_license_snapshot.py")],
        env={**os.environ, "LICENSE_LEDGER_ORGS": "salesforce_default emea apac"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_parsing_loads_no_heavy_module(parsed: dict[str, object]) -> None:
    """Neither pandas, pyarrow or DuckDB nor the pipeline is imported by parsing the DAG file."""
    loaded = parsed["loaded"]
    assert isinstance(loaded, list)

    assert not {name for name in loaded if name in HEAVY or name.partition(".")[0] in HEAVY}


def test_parsing_is_quick(parsed: dict[str, object]) -> None:
    """Three DAGs take well under a second of processor time beside what Airflow's own imports take."""
    seconds = parsed["seconds"]
    assert isinstance(seconds, float)

    assert seconds < 0.75


def test_the_dag_file_is_a_table_of_contents() -> None:
    """The DAG file stays short: at most 150 lines."""
    assert len((ROOT / "dags" / "salesforce_license_snapshot.py").read_text("utf-8").splitlines()) <= 150
