"""``license-ledger load`` and ``status``: a warehouse that was lost, and a history that was restored."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
from license_ledger import reader
from license_ledger.schemas import TABLES
from license_ledger.staging.storage import Storage
from tests.ledger_command import run
from tests.walk import Walk, noon

DAYS = 4
GAP = 2


@pytest.fixture(scope="module")
def first() -> date:
    """The first of some days that have passed, as the commands see the calendar."""
    return datetime.now(UTC).date() - timedelta(days=DAYS + GAP)


@pytest.fixture(scope="module")
def walk(first: date, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Some days, published and loaded one by one; two days and today have none."""
    root = tmp_path_factory.mktemp("published")
    with DemoOrg(World(today=first, seed=3), OrgOptions(bulk_seconds=0.02), root / "org") as server:
        walk = Walk(server.access.connection("*"), root, noon(first))
        for n in range(DAYS):
            walk.now = noon(first + timedelta(days=n))
            server.org.set_clock(walk.now)
            walk.run(["acme.com"])
    return walk


def rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return {
            table.name: connection.execute(f"SELECT * FROM {table.name} ORDER BY ALL").fetchall()
            for table in TABLES
        }


def test_a_lost_warehouse_is_made_anew_from_what_is_published(walk: Walk, tmp_path: Path) -> None:
    """Row by row the old one; the second time nothing is done; a range loads its days alone."""
    path = tmp_path / "new.duckdb"
    settings = {"LICENSE_LEDGER_WAREHOUSE": f"duckdb:///{path}"}

    done = run(walk, "load", **settings)

    assert done.stdout.strip() == f"{DAYS} days loaded", done.stderr
    assert rows(path) == rows(walk.root / "warehouse.duckdb")
    assert run(walk, "load", **settings).stdout.strip() == f"0 days loaded, {DAYS} were there"
    last = (walk.now.date() - timedelta(days=2)).isoformat()
    part = {"LICENSE_LEDGER_WAREHOUSE": f"duckdb:///{tmp_path / 'part.duckdb'}"}
    assert run(walk, "load", "--to", last, **part).stdout.strip() == f"{DAYS - 2} days loaded"


@pytest.mark.parametrize(
    ("arguments", "settings", "named"),
    [
        (["--to", "2001-01-01"], {}, "no such day is published"),
        ([], {"LICENSE_LEDGER_WAREHOUSE": ""}, "LICENSE_LEDGER_WAREHOUSE"),
    ],
)
def test_what_cannot_be_loaded_is_refused(
    walk: Walk, arguments: list[str], settings: dict[str, str], named: str
) -> None:
    """No such day, no warehouse: one line, and status 1."""
    done = run(walk, "load", *arguments, **settings)

    assert done.returncode == 1
    assert named in done.stderr


def test_a_copy_in_the_order_of_the_guide_holds_every_day(walk: Walk, tmp_path: Path) -> None:
    """Rows first, files after; a day that was published again in between is restored as the row has it."""
    original = shutil.copytree(walk.root / "staging", tmp_path / "live")
    copy = tmp_path / "copy"
    shutil.copytree(original / "snapshots", copy / "snapshots")
    live = Walk(walk.connection, tmp_path, walk.now, values={"staging": original.as_uri()})
    live.run_day(walk.now.date() - timedelta(days=1), ["acme.de"], load=False, only_landing=True)
    for path in original.iterdir():
        if path.name != "snapshots":
            shutil.copytree(path, copy / path.name)

    restored = Storage.from_url(copy.as_uri())
    found = reader.snapshots(restored).to_pylist()

    assert [row["company_names"] for row in found] == [["acme.com"]] * DAYS
    for row in found:
        reader.open_snapshot(restored, row["org_id"], row["snapshot_date"]).verify()


def test_the_status_tells_age_gaps_and_warehouse(walk: Walk, tmp_path: Path) -> None:
    """Two whole days without a snapshot since; a warehouse without the day is told; too old ends with 1."""
    told = run(walk, "status", "--json")
    [status] = json.loads(told.stdout)

    assert (status["age_days"], status["missing_days"]) == (GAP + 1, GAP)
    assert status["newest"] == status["in_warehouse"] == walk.now.date().isoformat()
    assert status["unexplained"] == 0
    other = {"LICENSE_LEDGER_WAREHOUSE": f"duckdb:///{tmp_path / 'none.duckdb'}"}
    words = run(walk, "status", **other).stdout
    assert "in the warehouse: not found" in words
    assert f"{GAP} days missing" in words
    assert "in the warehouse" not in run(walk, "status", LICENSE_LEDGER_WAREHOUSE="").stdout
    assert run(walk, "status", "--max-age-days", "1").returncode == 1
    assert run(walk, "status", "--max-age-days", "5").returncode == 0
