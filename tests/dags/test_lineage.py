"""Lineage costs and says nothing unless Airflow's provider for it is there and configured."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.providers.openlineage import conf
from airflow.providers.openlineage.extractors.manager import ExtractorManager
from airflow.sdk import DAG
from airflow.utils.state import TaskInstanceState

from license_ledger.airflow import lineage
from license_ledger.lineage import Assertion, Dataset, Flow

ROOT = Path(__file__).parents[2]
FLOW = Flow(inputs=(Dataset("file", "/staging/users", assertions=(Assertion("keys", "Unique.", 2, False),)),))


@pytest.fixture(autouse=True)
def unknown() -> Iterator[None]:
    """What is configured is looked up anew, before and after a test."""
    caches = [each for each in vars(conf).values() if hasattr(each, "cache_clear")] + [lineage.is_traced]
    for each in caches:
        each.cache_clear()
    lineage.begin()
    yield
    for each in caches:
        each.cache_clear()
    lineage.begin()


def configure(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Send events to a file."""
    transport = {"type": "file", "log_file_path": str(path)}
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps(transport))


def test_nothing_is_traced_without_a_transport() -> None:
    """The provider alone, as it is installed here, is not enough."""
    assert not lineage.is_traced()


def test_nothing_is_traced_without_the_provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Configured, but not installed: nothing fails."""
    configure(monkeypatch, tmp_path / "events")
    monkeypatch.setitem(sys.modules, "airflow.providers.openlineage", None)

    assert not lineage.is_traced()
    lineage.answer_for_mapped(DAG)


def test_a_transport_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Then steps are asked what they read and wrote."""
    configure(monkeypatch, tmp_path / "events")

    assert lineage.is_traced()


def test_a_check_that_failed_is_an_assertion_that_failed() -> None:
    """What a step has left is told when its task fails, too."""
    lineage.leave(lambda: FLOW)
    told: Any = lineage.told()
    [asserted] = told.inputs[0].inputFacets["dataQualityAssertions"].assertions

    assert (asserted.name, asserted.success, asserted.actual) == ("keys", False, "2")
    lineage.begin()
    assert lineage.told() is None


def test_the_provider_asks_for_it_when_a_task_has_failed() -> None:
    """Its own way from a failed task of the DAG to what the step had left: the findings of the checks."""
    bag = BundleDagBag(dag_folder=ROOT / "dags", bundle_path=ROOT / "dags", bundle_name="dags-folder")
    task = bag.dags["salesforce_license_snapshot"].get_task("check")
    lineage.leave(lambda: FLOW)
    run = SimpleNamespace(run_id="manual__1")
    found = ExtractorManager().extract_metadata(run, task, TaskInstanceState.FAILED, SimpleNamespace())

    [dataset] = found.inputs
    assert not dataset.inputFacets["dataQualityAssertions"].assertions[0].success


def test_a_flow_that_cannot_be_told_is_a_line_of_log() -> None:
    """The step goes on."""

    def broken() -> Flow:
        raise OSError("ann@acme.com")

    with structlog.testing.capture_logs() as logged:
        lineage.leave(broken)

    assert [(line["event"], line["error"]) for line in logged] == [("lineage.not_told", "OSError")]
    assert lineage.told() is None
