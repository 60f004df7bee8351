"""Two orgs of one's own: a DAG, a token store and a snapshot for each, in one command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demo_org.world import World
from license_ledger.warehouse.duckdb import open_readonly
from local_stack.home import Home
from tests.demo_org_fixtures import TODAY, StartOrg
from tests.e2e.conftest import make_run

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.endurance]


def test_every_configured_org_gets_its_snapshot(tmp_path: Path, start_demo_org: StartOrg) -> None:
    """Connections in the environment are used as they are, side by side, and no demo org is started."""
    home = Home(tmp_path / "home").prepared()
    orgs = {
        name: start_demo_org(world=World(seed=seed, today=TODAY), rotation=True)
        for name, seed in (("emea", 11), ("apac", 12))
    }
    connections = {f"AIRFLOW_CONN_{name.upper()}": json.dumps(org.connection()) for name, org in orgs.items()}

    done = make_run(home, LICENSE_LEDGER_ORGS="emea apac", **connections)

    assert done.status == 0, done.output
    assert "demo org" not in done.output
    assert "salesforce_license_snapshot__emea, salesforce_license_snapshot__apac" in done.output
    assert "emea:  Summarize" in done.output
    assert done.output.count("License position") == 2
    with open_readonly(home.root / "warehouse.duckdb") as warehouse:
        loaded = warehouse.execute("select org_id from snapshots order by org_id").fetchall()
    assert loaded == sorted((org.server.org.world.org_id,) for org in orgs.values())
    assert [grant["alive"] for org in orgs.values() for grant in org.control.ask("grants")] == [True, True]
