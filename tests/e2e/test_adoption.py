"""Adoption into an Airflow that is there already: the wheel and two files beside what others have."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
from license_ledger import reader
from license_ledger.staging.storage import Storage
from tests.installation import Installation
from tests.wheel import built_wheel

pytestmark = [pytest.mark.endurance, pytest.mark.airflow]

ROOT = Path(__file__).parents[2]
TWO_FILES = ("dags/salesforce_license_snapshot.py", "plugins/license_ledger_console.py")
THEIRS = {
    "dags/other_team.py": '''
"""A DAG of another team, in its own style."""

import logging

from airflow.sdk import dag, task


@dag(schedule=None, tags=["theirs"])
def other_team():
    @task
    def look():
        import pandas

        logging.getLogger("airflow.task").info("theirs with pandas %s", pandas.__version__)
        return 7

    look()


other_team()
''',
    "plugins/their_links.py": '''
"""A plugin of another team."""

from airflow.plugins_manager import AirflowPlugin


class TheirPlugin(AirflowPlugin):
    name = "their_plugin"
''',
}


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoOrg]:
    """The small demo org."""
    with DemoOrg(World(), OrgOptions(bulk_seconds=0.1), tmp_path_factory.mktemp("org")) as server:
        yield server


@pytest.fixture(scope="module")
def adopted(org: DemoOrg, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """
    A clean Airflow with DAGs and plugins of others, to which the wheel and the two files came.

    The environment is made of the versions of the lock, without anything of this checkout on its path.
    """
    root = tmp_path_factory.mktemp("adopted")
    home, keys = root / "airflow", {"extra": org.access.connection("*")["extra"]}
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        # Their way to keep secrets: an environment, here; any secrets backend is as good.
        "AIRFLOW_CONN_SALESFORCE_DEFAULT": json.dumps({"conn_type": "salesforce_oauth", **keys}),
        "LICENSE_LEDGER_STAGING": str(root / "lake"),
        "LICENSE_LEDGER_WAREHOUSE": f"duckdb:///{root / 'warehouse.duckdb'}",
    }
    installation = Installation(root / "venv", home, settings)
    uv = Path(sys.executable).parent / "uv"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, installation.venv], check=True)
    into = [uv, "pip", "install", "--quiet", "--python", installation.venv / "bin" / "python"]
    constraints = _constraints(root)
    subprocess.run([*into, "-c", constraints, "apache-airflow==3.3.2"], check=True, timeout=600)
    for name, text in THEIRS.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    installation.run("airflow", "db", "migrate")
    wheel = built_wheel(root)
    subprocess.run([*into, "-c", constraints, wheel], check=True, timeout=600)
    for name in TWO_FILES:
        shutil.copy(ROOT / name, home / name)
    return installation


def _constraints(root: Path) -> Path:
    """The versions of the lock, as constraints."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = [line.rstrip(" \\") for line in lines if "==" in line and not line.startswith((" ", "#"))]
    path = root / "constraints.txt"
    path.write_text("\n".join(pins))
    return path


def test_a_snapshot_is_taken_beside_other_dags(adopted: Installation) -> None:
    """Both DAGs are read and run; the snapshot is published, explained and loaded."""
    adopted.run("airflow", "dags", "reserialize")
    assert "No data found" in adopted.run("airflow", "dags", "list-import-errors")
    listed = adopted.run("airflow", "dags", "list", "-o", "plain")
    assert "other_team" in listed
    assert "salesforce_license_snapshot" in listed

    adopted.run("airflow", "dags", "test", "other_team")
    adopted.run("airflow", "dags", "test", "salesforce_license_snapshot")

    [row] = reader.snapshots(Storage.from_url(adopted.settings["LICENSE_LEDGER_STAGING"])).to_pylist()
    assert row["unexplained_count"] == 0
    assert row["provenance"] == "observed"
    assert "Salesforce" in adopted.run("license-ledger", "report")
    exported = adopted.run("license-ledger", "export", "license_position")
    assert len(exported.splitlines()) > 10


def test_the_provider_and_both_plugins_are_there(adopted: Installation) -> None:
    """The connection type comes with the wheel; the console does not disturb another team's plugin."""
    providers = adopted.run("airflow", "providers", "list", "-o", "plain")
    plugins = adopted.run("airflow", "plugins", "-o", "json")

    assert "license-ledger" in providers
    assert "license_ledger_console" in plugins
    assert "their_plugin" in plugins


def test_the_installation_keeps_its_airflow(adopted: Installation) -> None:
    """The wheel neither raises nor lowers Airflow, and nothing of the checkout is used."""
    assert adopted.version("apache-airflow-core") == "3.3.2"
    where = adopted.run("python", "-c", "import license_ledger; print(license_ledger.__file__)").strip()
    assert Path(where).is_relative_to(adopted.venv)
    assert "consistent" in adopted.run("python", "-c", _CONSISTENT)


def test_the_doctor_finds_a_sound_installation(adopted: Installation) -> None:
    """Everything is looked at, the org included; what is not running is told and is no hindrance."""
    adopted.run("airflow", "dags", "reserialize")

    told = adopted.run("license-ledger", "doctor")

    assert told.endswith("Snapshots can be taken.\n")
    for line in (
        "ok       encryption",
        "ok       staging",
        "ok       warehouse",
        "warning  scheduler: no heartbeat",
    ):
        assert line in told, told
    assert "org of salesforce_default: Connected to" in told
    assert "DAG salesforce_license_snapshot: is paused" in told or "ok       DAG" in told


def test_the_doctor_names_every_problem_at_once(adopted: Installation) -> None:
    """Encryption, executor, pool, DAG, storage, warehouse and connection: each with what to do."""
    told = adopted.run(
        "license-ledger",
        "doctor",
        fails=True,
        AIRFLOW__CORE__FERNET_KEY="",
        AIRFLOW__CORE__EXECUTOR="CeleryExecutor",
        LICENSE_LEDGER_ORGS="salesforce_default nobody",
        LICENSE_LEDGER_ORG_POOLS="true",
        LICENSE_LEDGER_STAGING="file:///proc/nowhere",
        LICENSE_LEDGER_WAREHOUSE="duckdb:////proc/nowhere/warehouse.duckdb",
    )

    problems = [line.split(":")[0] for line in told.splitlines() if line.startswith("PROBLEM")]
    assert [problem.removeprefix("PROBLEM  ") for problem in problems] == [
        "encryption",
        "executor",
        "pool salesforce__salesforce_default",
        "pool salesforce__nobody",
        "DAG salesforce_license_snapshot__nobody",
        "staging",
        "landing",
        "warehouse",
        "org of salesforce_default",
        "org of nobody",
    ]
    wrong = adopted.run("license-ledger", "doctor", fails=True, LICENSE_LEDGER_LANDING_DAYS="soon")
    assert "LICENSE_LEDGER_LANDING_DAYS" in wrong
    assert adopted.settings["AIRFLOW_CONN_SALESFORCE_DEFAULT"] not in told


def test_the_status_is_that_of_the_snapshot(adopted: Installation) -> None:
    """Day, counts and warehouse; a status too old ends with 1."""
    [told] = adopted.run("license-ledger", "status", "--max-age-days", "1").splitlines()

    assert "every seat explained" in told
    assert "in the warehouse" not in told
    [status] = json.loads(adopted.run("license-ledger", "status", "--json"))
    assert status["newest"] == status["in_warehouse"]
    nothing = adopted.run(
        "license-ledger",
        "status",
        "--max-age-days",
        "1",
        fails=True,
        LICENSE_LEDGER_STAGING=str(adopted.home),
    )
    assert "Nothing is published" in nothing


_CONSISTENT = """
from importlib.metadata import distributions, version
from packaging.requirements import Requirement
wrong = []
for each in distributions():
    for text in each.requires or []:
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            try:
                found = version(wanted.name)
            except Exception:
                found = None
            if found is None or not wanted.specifier.contains(found, prereleases=True):
                wrong.append((each.name, text, found))
print(wrong or "consistent")
"""
