"""The whole walk with landing and staging behind an S3 API, and nothing on the local disk."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from tests.demo_org_fixtures import TODAY, StartOrg
from tests.walk import Walk, noon

from demo_org.truth import Truth
from demo_org.world import World
from license_ledger.staging.storage import Storage


def test_a_day_and_its_rerun_on_s3(s3_url: str, start_demo_org: StartOrg, tmp_path: Path) -> None:
    """Two runs of a day and one of the next: true rows, one file per table and day, loaded in DuckDB."""
    world = World(users=300, today=TODAY)
    world.set_clock(noon(TODAY))
    org = start_demo_org(world)
    walk = Walk(org.connection(), tmp_path, noon(TODAY), values={"staging": s3_url, "bulk_threshold": 50})

    first = walk.run(["acme.com"])
    again = walk.run(["acme.com"])
    expected = Truth(world).expected(company_names=["acme.com"])
    org.control.set_clock(noon(TODAY) + timedelta(days=1))
    walk.now += timedelta(days=1)
    walk.run(["acme.com"])

    assert first.snapshot_id != again.snapshot_id
    again.verify()
    for name in ("users", "seats", "licenses"):
        assert again.table(name).num_rows == len(expected[name]), name
    fs, root = Storage.from_url(s3_url).fs, s3_url.removeprefix("s3://")
    for name in ("users", "licenses", "seats", "mismatches", "control_totals", "snapshots"):
        found = sorted(fs.glob(f"{root}/{name}/**/*.parquet"))
        assert [path.rsplit("/", 2)[1] for path in found] == [
            f"snapshot_date={TODAY}",
            f"snapshot_date={TODAY + timedelta(days=1)}",
        ], name
        assert pq.read_table(found[0], filesystem=fs).num_rows >= 1
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        days = warehouse.execute("SELECT count(DISTINCT snapshot_date) FROM users").fetchone()
    assert days == (2,)
    assert not (tmp_path / "staging").exists()
