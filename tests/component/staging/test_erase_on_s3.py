"""Erasing and thinning out with landing and staging behind an S3 API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.demo_org_fixtures import TODAY, StartOrg
from tests.walk import Walk, noon

from demo_org.world import World
from license_ledger import reader
from license_ledger.privacy.erase import Erasure
from license_ledger.privacy.history import retain_history
from license_ledger.privacy.identifiers import TOMBSTONE_HEAD
from license_ledger.privacy.pseudonyms import sweep_landing
from license_ledger.staging.storage import Storage

pytestmark = [pytest.mark.slow, pytest.mark.endurance]


def test_a_person_is_erased_from_a_bucket(s3_url: str, start_demo_org: StartOrg, tmp_path: Path) -> None:
    """Three days, one of them published twice: no object holds the person, and every day counts as before."""
    world = World(today=TODAY)
    org = start_demo_org(world)
    walk = Walk(org.connection(), tmp_path, noon(TODAY), values={"staging": s3_url})
    days = [TODAY + timedelta(days=after) for after in range(3)]
    for day in (*days, days[-1]):
        walk.now = noon(day)
        world.set_clock(noon(day))
        walk.run(["acme.com"])
    staging = Storage.from_url(s3_url)
    landing, org_id = Storage.from_url(walk.settings.landing_url), walk.context().org
    before = {day: reader.open_snapshot(staging, org_id, day) for day in days}
    mismatches = {day: snapshot.table("mismatches") for day, snapshot in before.items()}
    seats = {day: snapshot.table("seats").num_rows for day, snapshot in before.items()}
    person = next(
        row for row in before[days[0]].table("users").to_pylist() if row["email"] == "ann.bell@acme.com"
    )

    erasure = Erasure(landing, staging, walk.settings.warehouse, org_id)
    report = erasure.run(erasure.person(user_id=person["user_id"]))

    assert report["left"] == {}
    assert report["days"] == 3
    assert report["rewritten"]["staging"]["files"] == 6
    tombstones = set()
    for day in days:
        snapshot = reader.open_snapshot(staging, org_id, day)
        snapshot.verify()
        assert snapshot.table("mismatches").equals(mismatches[day])
        assert snapshot.table("seats").num_rows == seats[day]
        ids = snapshot.table("users", ["user_id"])["user_id"].to_pylist()
        assert person["user_id"] not in ids
        tombstones |= {each for each in ids if each.startswith(TOMBSTONE_HEAD)}
    assert len(tombstones) == 1
    staging.fs.invalidate_cache()
    for path in staging.fs.find(staging.root):
        content = staging.fs.cat_file(path)
        assert person["user_id"][:15].encode() not in content, path
        assert b"ann.bell@acme.com" not in content, path
    assert erasure.run(erasure.person(user_id=person["user_id"]))["rewritten"] == {}


def test_history_and_landing_thin_out_in_a_bucket(
    s3_url: str, start_demo_org: StartOrg, tmp_path: Path
) -> None:
    """A day that history drops goes with its landing; another's landing becomes pseudonyms."""
    world = World(today=TODAY)
    org = start_demo_org(world)
    values = {
        "staging": s3_url,
        "retain_out_of_scope": "pseudonymous",
        "pseudonym_key": "a secret of forty characters, from a vault",
        "history_daily_days": 1,
        "landing_days": 1,
    }
    walk = Walk(org.connection(), tmp_path, noon(TODAY), values=values)
    days = [TODAY + timedelta(days=after) for after in range(3)]
    for day in days:
        walk.now = noon(day)
        world.set_clock(noon(day))
        walk.run(["acme.com"])
    staging, org_id = Storage.from_url(s3_url), walk.context().org
    landing = Storage.from_url(walk.settings.landing_url)
    later = walk.now + timedelta(days=30)

    receipt = retain_history(landing, staging, walk.settings, org_id=org_id, today=later.date())
    swept = sweep_landing(landing, staging, walk.settings, org_id=org_id, now=later)

    # The first day, and the last of its week, which is the newest as well.
    assert receipt["dropped"] == receipt["unloaded"] == [days[1].isoformat()]
    assert landing.list(f"org_id={org_id}") == [f"snapshot_date={days[0]}", f"snapshot_date={days[2]}"]
    assert swept["kept"] == 2
    wider = replace(walk, now=later)
    snapshot = wider.run_day(days[0], ["*"], load=False)
    assert snapshot.row["provenance"] == "replayed"
    ids = snapshot.table("users", ["user_id"])["user_id"].to_pylist()
    assert any(each.startswith("005zy") for each in ids)
