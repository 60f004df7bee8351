"""
The small stack of docker-compose.local.yaml without its images: tasks run in the scheduler, on a disk.

The org's connection is one of the file of secrets, where an administrator would have written it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from demo_org.server import DemoOrg
from demo_org.truth import Truth
from license_ledger import reader
from license_ledger.staging.storage import Storage
from license_ledger.warehouse.duckdb import open_readonly
from tests.demo_org_fixtures import RunningOrg
from tests.e2e.composed import Composed
from tests.e2e.conftest import ROOT
from tests.published import require_explained, require_true

from compose_processes.stack import composed_stack  # isort: skip - found by tests.e2e.conftest
from local_stack.api import AirflowApi  # isort: skip

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.endurance]

FILE = ROOT / "docker-compose.local.yaml"


@pytest.fixture(scope="module")
def org() -> Iterator[RunningOrg]:
    """An org outside of the stack."""
    with DemoOrg() as server:
        yield RunningOrg(server)


@pytest.fixture(scope="module")
def stack(org: RunningOrg) -> Iterator[Composed]:
    """The stack, after an administrator has added the org to the connections."""
    with tempfile.TemporaryDirectory(prefix="ledger-compose-") as folder:
        root = Path(folder)
        script = [sys.executable, str(ROOT / "scripts" / "make_secrets.py")]
        subprocess.run(
            [*script, "--folder", str(root / "secrets"), "--settings", str(root / ".env")], check=True
        )
        connections = root / "secrets" / "connections.json"
        told = json.loads(connections.read_text("utf-8")) | {"salesforce_default": org.connection()}
        connections.write_text(json.dumps(told), "utf-8")
        variables = {"LEDGER_PAUSED_AT_CREATION": "false"}
        with composed_stack(root, [], variables, file=FILE) as running:
            seconds = running.supervised.wait_until(running.supervised.is_well, "a healthy stack", 300)
            api = AirflowApi(running.url, "admin", running.secret("admin_password"))
            assert api.log_in()
            yield Composed(running, seconds, api, org.control)


def test_the_small_stack_takes_the_snapshot_of_the_day(stack: Composed, org: RunningOrg) -> None:
    """It is healthy within three minutes; staging and the DuckDB warehouse on its volume are true."""
    run_id = stack.wait_until(stack.first_run, "the scheduled run")
    state = stack.ended(run_id)
    kept = stack.stack.root / "volumes" / "ledger"
    receipt = stack.api.result("salesforce_license_snapshot", run_id, "publish")
    assert isinstance(receipt, dict), (state, stack.tasks(run_id, "failed"))
    staging = Storage.from_url((kept / "staging").as_uri())
    snapshot = reader.open_snapshot(staging, receipt["org_id"], date.fromisoformat(receipt["snapshot_date"]))
    world = org.server.org.world
    captured_at = snapshot.row["captured_at"]
    truth = Truth(world).expected(company_names=["*"], captured_at=captured_at)
    truth["licenses"] = truth["licenses"].drop(columns="used_as_of")  # tells the ledger's own time

    print(f"healthy after {stack.seconds:.1f} s")
    assert (state, stack.seconds < 180) == ("success", True)
    require_true(snapshot, truth, run_id)
    require_explained(snapshot)
    with open_readonly(kept / "warehouse.duckdb") as connection:
        [loaded] = connection.execute("SELECT count(*) FROM users").fetchall()
    assert loaded == (len(truth["users"]),)
