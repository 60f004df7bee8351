"""Tasks on several machines: nothing may lie on one of them, and each org has slots of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from license_ledger.__main__ import main
from license_ledger.airflow.distributed import is_distributed, require_shared_places
from license_ledger.airflow.orgs import pool
from license_ledger.errors import ConfigError
from license_ledger.settings import Settings
from tests.dags.test_dag import WALK, parse

SHARED = {"staging": "s3://bucket/prefix", "warehouse": "postgresql://db/ledger"}


@pytest.mark.parametrize(
    ("executors", "expected"),
    [
        ("LocalExecutor", False),
        ("SequentialExecutor", False),
        ("my_company.executors.Own", False),
        ("CeleryExecutor", True),
        ("KubernetesExecutor", True),
        ("LocalExecutor,CeleryExecutor", True),
        ("airflow.providers.edge3.executors.EdgeExecutor", True),
        ("far:airflow.providers.amazon.aws.executors.ecs.AwsEcsExecutor", True),
    ],
)
def test_executors_that_run_tasks_elsewhere_are_known(executors: str, expected: bool) -> None:
    """By name, alias or path, alone or among others; an executor of one's own is trusted to stay at home."""
    assert is_distributed(executors) is expected


@pytest.mark.parametrize(
    ("changed", "setting"),
    [
        ({"staging": "file:///data/staging"}, "LICENSE_LEDGER_STAGING"),
        ({"staging": "data/staging"}, "LICENSE_LEDGER_STAGING"),
        ({"landing": "file:///data/landing"}, "LICENSE_LEDGER_LANDING"),
        ({"warehouse": "duckdb:////data/warehouse.duckdb"}, "LICENSE_LEDGER_WAREHOUSE"),
    ],
)
def test_a_place_on_one_machine_is_refused(changed: dict[str, Any], setting: str) -> None:
    """The first task says which setting leads to a local disk, and what to set where all share that disk."""
    settings = Settings(**{**SHARED, **changed})
    with pytest.raises(ConfigError, match=f"{setting}.*SHARED_DISK"):
        require_shared_places(settings, "CeleryExecutor")

    require_shared_places(settings, "LocalExecutor")
    require_shared_places(Settings(**{**SHARED, **changed, "shared_disk": True}), "CeleryExecutor")


@pytest.mark.parametrize("warehouse", ["postgresql://db/ledger", "my_connection", ""])
def test_shared_places_are_accepted(warehouse: str) -> None:
    """An object store, with a server database, a connection to one, or no warehouse at all."""
    require_shared_places(Settings(**{**SHARED, "warehouse": warehouse}), "KubernetesExecutor")


@pytest.mark.parametrize("value", ["true", "1", "Yes", "on"])
def test_org_pools_are_read_as_the_settings_read_them(value: str, tmp_path: Path) -> None:
    """The switch means the same to the DAG and to the settings, in the environment and in the file."""
    file = tmp_path / "ledger.toml"
    file.write_text("org_pools = true\n")

    assert pool("emea", {"LICENSE_LEDGER_ORG_POOLS": value}) == "salesforce__emea"
    assert Settings(org_pools=value).org_pools is True
    assert pool("emea", {"LICENSE_LEDGER_CONFIG": str(file)}) == "salesforce__emea"
    assert pool("emea", {"LICENSE_LEDGER_ORG_POOLS": "false"}) == pool("emea", {}) == "default_pool"


def test_only_tasks_that_may_ask_salesforce_run_in_the_pool_of_their_org(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two orgs, two pools; everything else runs in the default pool."""
    monkeypatch.setenv("LICENSE_LEDGER_ORG_POOLS", "true")
    dags = parse("salesforce_default emea")
    found = {
        name: {task.task_id for task in dag.tasks if task.pool != "default_pool"}
        for name, dag in dags.items()
    }
    emea = dags["salesforce_license_snapshot__emea"]

    assert set(map(frozenset, found.values())) == {
        frozenset({"choose_source", "refresh_token", "inspect_org", "extract"})
    }
    assert {emea.get_task(name).pool for name in WALK} == {"salesforce__emea", "default_pool"}


def test_the_pools_are_printed_for_airflow(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One pool per configured org, in the form that `airflow pools import` reads."""
    monkeypatch.setenv("LICENSE_LEDGER_ORGS", "emea apac")

    assert main(["pools", "--slots", "2"]) == 0
    pools = json.loads(capsys.readouterr().out)
    assert set(pools) == {"salesforce__emea", "salesforce__apac"}
    assert {(each["slots"], each["include_deferred"]) for each in pools.values()} == {(2, False)}
    assert all(each["description"] for each in pools.values())
