"""Days of which nothing was extracted on their day: rolled back, by whatever way the walk comes to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo_org.world import World
from license_ledger import pipeline, reader
from license_ledger.errors import DayOutOfReach
from tests.demo_org_fixtures import TODAY, RunningOrg
from tests.walk import Walk, noon

DAY = TODAY - timedelta(days=40)


@pytest.fixture
def org(start_demo_org: Callable[..., RunningOrg]) -> RunningOrg:
    """An org with a past."""
    org = start_demo_org(World(today=TODAY, seed=6, users=120))
    org.server.org.set_clock(noon(TODAY))
    return org


@pytest.fixture
def walk(org: RunningOrg, tmp_path: Path) -> Walk:
    """A ledger that has never run."""
    return Walk(org.connection(), tmp_path, noon(TODAY))


def test_a_past_day_of_a_new_org_is_rolled_back_from_today(walk: Walk) -> None:
    """The first backfill extracts today's state under today, and publishes the past day only."""
    snapshot = walk.run_day(DAY)

    assert snapshot.row["provenance"] == "reconstructed"
    assert snapshot.row["captured_at"] == datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
    assert snapshot.row["built_at"] == walk.now
    assert json.loads(snapshot.row["derived_from"])["snapshot_date"] == TODAY.isoformat()
    assert json.loads(snapshot.row["certainty"])
    assert snapshot.row["api_calls"] > 0
    days = reader.snapshots(walk.staging).column("snapshot_date").to_pylist()
    assert days == [DAY]


def test_everybody_who_is_sure_is_right(walk: Walk) -> None:
    """Users of the past day are exactly those there were then; what is marked sure is as it was."""
    snapshot = walk.run_day(DAY)
    world = World(today=TODAY, seed=6, users=120)
    world.set_clock(datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC))
    truth = {
        user["Id"]: (user["IsActive"], user["ProfileId"])
        for user in world.table("User", ["Id", "IsActive", "ProfileId"]).to_pylist()
    }
    found = {
        user["user_id"]: (user["certainty"], (user["is_active"], user["profile_id"]))
        for user in snapshot.table("users").to_pylist()
    }

    assert set(found) == set(truth)
    assert {user for user, (sure, was) in found.items() if sure == "sure" and was != truth[user]} == set()
    assert sum(was == truth[user] for user, (_, was) in found.items()) >= 0.99 * len(truth)


def test_the_next_past_day_asks_nothing(walk: Walk, org: RunningOrg) -> None:
    """It is rolled back from the landing that the first one left."""
    walk.run_day(DAY)
    org.server.stop()
    walk.tokens.content = None

    snapshot = walk.run_day(DAY - timedelta(days=90))

    assert (snapshot.row["provenance"], snapshot.row["api_calls"]) == ("reconstructed", 0)


def test_today_can_be_replayed_from_what_a_backfill_landed(walk: Walk) -> None:
    """The extract is today's own landing."""
    walk.run_day(DAY)

    assert walk.run_day(TODAY, only_landing=True).row["provenance"] == "replayed"


def test_a_reconstruction_replaces_a_reconstruction(walk: Walk) -> None:
    """Under another filter the day is made anew."""
    first = walk.run_day(DAY, ["*"])
    second = walk.run_day(DAY, ["acme.com"])

    assert second.row["provenance"] == "reconstructed"
    assert second.row["scope_hash"] != first.row["scope_hash"]
    assert second.table("users").num_rows < first.table("users").num_rows


def test_a_reconstruction_never_replaces_an_observation_that_came_meanwhile(
    walk: Walk, org: RunningOrg
) -> None:
    """Decided before, finished after somebody published the day as observed: what is better stays."""
    context = walk.chosen(walk.context(["*"], DAY))
    walk.extract(context)
    pipeline.transform(context)
    pipeline.reconcile(context)
    pipeline.check(context)
    earlier = Walk(org.connection(), walk.root, noon(DAY), walk.tokens)
    earlier.runs = 100
    org.server.org.set_clock(noon(DAY))
    observed = earlier.run(["*"])

    with pytest.raises(DayOutOfReach, match="published as observed"):
        pipeline.publish(context)

    assert reader.open_snapshot(walk.staging, context.org, DAY).snapshot_id == observed.snapshot_id


def test_an_observation_replaces_a_reconstruction(walk: Walk, org: RunningOrg) -> None:
    """A landing of the day that turns up later makes a better snapshot of it."""
    walk.run_day(DAY)
    context = walk.context(None, DAY)
    landed = replace(context, run_key="restored", clock=lambda: noon(DAY), began=noon(DAY))
    org.server.org.set_clock(noon(DAY))
    walk.now = noon(DAY)
    landed = walk.chosen(landed)
    walk.extract(landed)
    pipeline.transform(landed)
    walk.now = noon(TODAY)

    assert walk.run_day(DAY).row["provenance"] == "replayed"


def test_without_the_audit_trail_nothing_is_extracted(walk: Walk, org: RunningOrg) -> None:
    """A missing permission is named right after the inspection."""
    org.control.hide("SetupAuditTrail.Display")
    context = walk.chosen(walk.context(None, DAY))
    pipeline.refresh_token(context)

    with pytest.raises(DayOutOfReach, match="holds no SetupAuditTrail"):
        pipeline.inspect_org(context)
