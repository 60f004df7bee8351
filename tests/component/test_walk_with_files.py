"""A run with files of one's own: judged before the load, loaded with it, and no danger to the snapshot."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo_org.world import World
from license_ledger import pipeline, reader
from license_ledger.errors import InputRefused
from license_ledger.privacy.erase import Erasure
from license_ledger.warehouse.duckdb import open_readonly
from tests.demo_org_fixtures import TODAY, StartOrg
from tests.walk import Walk

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 6, tzinfo=UTC)
PRICES = """\
product,currency,unit_price,billing_period,starts_on,contract_quantity
SALES,EUR,1200,year,2026-01-01,20
"""
PRODUCTS = "license_layer,license_key,product,confidence\nuser,SFDC,SALES,sure\n"


@pytest.fixture
def walk(tmp_path: Path, start_demo_org: StartOrg) -> Walk:
    """Runs of the hand-made org with a price list, a crosswalk, and a directory of one who has left."""
    org = start_demo_org(world=World(seed=11, today=TODAY))
    (tmp_path / "prices.csv").write_text(PRICES)
    (tmp_path / "products.csv").write_text(PRODUCTS)
    (tmp_path / "directory.csv").write_text("userName,active\nnobody@acme.com,false\n")
    values = {name: str(tmp_path / f"{name}.csv") for name in ("prices", "directory")}
    return Walk(
        org.connection(), tmp_path, NOW, values=values | {"license_products": str(tmp_path / "products.csv")}
    )


def test_a_run_loads_what_the_files_say(walk: Walk) -> None:
    """Costs come from Salesforce's counters and the price list; who is missing, from the published users."""
    snapshot = walk.run(["*"])
    users = snapshot.table("users").to_pylist()
    used = {row["license_key"]: row["used_count"] for row in snapshot.table("licenses").to_pylist()}
    people = [user for user in users if user["account_class"] in ("employee", "contractor", "unknown")]
    with open_readonly(walk.root / "warehouse.duckdb") as warehouse:
        [cost] = warehouse.execute(
            "SELECT monthly_cost FROM seat_costs WHERE license_key = 'SFDC'"
        ).fetchall()
        [idle] = warehouse.execute(
            "SELECT wasted_count FROM shelfware WHERE license_key = 'SFDC' AND shelfware_class = 'unassigned'"
        ).fetchall()
        [compared] = warehouse.execute(
            "SELECT compared_count, present_count FROM directory_checks"
        ).fetchall()
        missing = warehouse.execute("SELECT user_id FROM directory_findings").fetchall()

    assert cost == (20 * 100,)
    assert idle == (20 - used["SFDC"],)
    assert compared == (len(people), 0)
    assert {user_id for (user_id,) in missing} == {user["user_id"] for user in people}


def test_a_wrong_file_costs_no_snapshot(walk: Walk) -> None:
    """The day is published, the warehouse untouched; when the file is right the load alone is repeated."""
    (walk.root / "prices.csv").write_text(PRICES.replace("1200", "twelve hundred"))
    context = walk.chosen(walk.context(["*"]))
    walk.extract(context)
    walk.settle(context, load=False)
    with pytest.raises(InputRefused, match=r"price list prices\.csv, line 2, column unit_price"):
        pipeline.load_warehouse(context)
    assert not (walk.root / "warehouse.duckdb").exists()
    assert reader.open_snapshot(walk.staging, context.org, TODAY).table("users").num_rows

    (walk.root / "prices.csv").write_text(PRICES)
    assert pipeline.load_warehouse(context)["loaded"]


def test_an_erased_person_leaves_no_finding(walk: Walk) -> None:
    """After erasure the search finds nothing of the person; the finding is the tombstone's, counts stay."""
    snapshot = walk.run(["*"])
    with open_readonly(walk.root / "warehouse.duckdb") as warehouse:
        [(user_id, email, count)] = warehouse.execute(
            "SELECT min(user_id), arg_min(email, user_id), count(*) FROM directory_gaps"
        ).fetchall()
    settings = walk.settings
    erasure = Erasure(walk.context(["*"]).landing, walk.staging, settings.warehouse, snapshot.org_id)
    report = erasure.run(erasure.person(user_id=user_id))
    with open_readonly(walk.root / "warehouse.duckdb") as warehouse:
        rows = warehouse.execute("SELECT user_id, email, matched_by FROM directory_gaps").fetchall()

    assert report["left"] == {}
    assert len(rows) == count
    assert user_id not in {row[0] for row in rows}
    assert email not in {row[1] for row in rows}
