"""Other versions of Python: the wheel by the lock, in an Airflow of its own, and a snapshot there."""

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
from license_ledger import __version__, reader
from license_ledger.staging.storage import Storage
from tests.installation import Installation
from tests.wheel import built_wheel

pytestmark = [pytest.mark.endurance, pytest.mark.airflow]

ROOT = Path(__file__).parents[2]
OTHERS = ("3.12", "3.13")
"""Beside the one that everything else runs with."""


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoOrg]:
    """The small demo org."""
    with DemoOrg(World(), OrgOptions(bulk_seconds=0.1), tmp_path_factory.mktemp("org")) as server:
        yield server


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the Python of the tests."""
    return built_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.mark.parametrize("python", OTHERS)
def test_the_wheel_takes_a_snapshot(python: str, wheel: Path, org: DemoOrg, tmp_path: Path) -> None:
    """Installed by the lock with its hashes; the DAG runs, and every seat is explained."""
    found = subprocess.run(
        ["sh", "scripts/python.sh", python], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    home, access = tmp_path / "airflow", org.access.connection("*")
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW_CONN_SALESFORCE_DEFAULT": json.dumps(
            {"conn_type": "salesforce_oauth", "extra": access["extra"]}
        ),
        "LICENSE_LEDGER_STAGING": str(tmp_path / "lake"),
        "LICENSE_LEDGER_WAREHOUSE": f"duckdb:///{tmp_path / 'warehouse.duckdb'}",
    }
    installed = Installation(tmp_path / "venv", home, settings)
    uv = Path(sys.executable).parent / "uv"
    subprocess.run([uv, "venv", "--quiet", "--python", found, installed.venv], check=True)
    into = [uv, "pip", "install", "--quiet", "--python", installed.venv / "bin" / "python"]
    subprocess.run([*into, "--require-hashes", "-r", ROOT / "requirements.txt"], check=True, timeout=900)
    subprocess.run([*into, "--no-deps", wheel], check=True, timeout=600)
    for name in ("dags/salesforce_license_snapshot.py", "plugins/license_ledger_console.py"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, home / name)

    assert installed.run("python", "--version").startswith(f"Python {python}.")
    assert installed.run("license-ledger", "--version").strip() == __version__
    installed.run("airflow", "db", "migrate")
    installed.run("airflow", "dags", "reserialize")
    assert "No data found" in installed.run("airflow", "dags", "list-import-errors")
    installed.run("airflow", "dags", "test", "salesforce_license_snapshot")

    [row] = reader.snapshots(Storage.from_url(settings["LICENSE_LEDGER_STAGING"])).to_pylist()
    assert (row["unexplained_count"], row["provenance"]) == (0, "observed")
    assert len(installed.run("license-ledger", "export", "license_position").splitlines()) > 10
    assert "license_ledger_console" in installed.run("airflow", "plugins", "-o", "json")
    assert installed.run("license-ledger", "doctor").endswith("Snapshots can be taken.\n")
