"""Days made anew from their landing: other settings, the same facts, and no call of Salesforce."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from demo_org.world import World
from license_ledger import pipeline, reader
from license_ledger.errors import DayOutOfReach, SnapshotRefused
from license_ledger.staging.landing import RunFolder
from tests.demo_org_fixtures import TODAY, RunningOrg
from tests.walk import Walk, noon

DAYS = [TODAY - timedelta(days=2), TODAY - timedelta(days=1), TODAY]


@pytest.fixture
def org(start_demo_org: Callable[..., RunningOrg]) -> RunningOrg:
    """An org that lives on while it is looked at."""
    return start_demo_org(World(today=DAYS[0], seed=5))


@pytest.fixture
def walk(org: RunningOrg, tmp_path: Path) -> Walk:
    """Three days, observed one by one; the clock then stands at the last."""
    walk = Walk(org.connection(), tmp_path, noon(DAYS[0]))
    for day in DAYS:
        walk.now = noon(day)
        org.server.org.set_clock(noon(day))
        walk.run(["acme.com"], load=False)
    return walk


def test_a_past_day_is_replayed_under_another_filter(walk: Walk) -> None:
    """The same people in another scope: Salesforce's numbers stay, the snapshot says what made it."""
    before = reader.open_snapshot(walk.staging, walk.context().org, DAYS[0])

    after = walk.run_day(DAYS[0], ["*"], load=False)

    assert before.row["provenance"] == "observed"
    assert after.row["provenance"] == "replayed"
    assert after.row["captured_at"] == before.row["captured_at"]
    assert after.row["built_at"] == walk.now
    assert after.row["company_names"] == ["*"]
    assert after.row["scope_hash"] != before.row["scope_hash"]
    assert after.row["api_calls"] == 0
    assert json.loads(after.row["derived_from"]) == json.loads(before.row["derived_from"])
    assert after.table("users").num_rows > before.table("users").num_rows
    numbers = ["license_layer", "license_id", "total_count", "used_count", "used_as_of"]
    assert after.table("licenses", numbers).equals(before.table("licenses", numbers))


def test_a_replay_with_the_same_settings_gives_the_same_rows(walk: Walk) -> None:
    """Rows are a function of landing and settings."""
    before = reader.open_snapshot(walk.staging, walk.context().org, DAYS[1])
    tables = {name: before.table(name) for name in ("users", "licenses", "seats", "mismatches")}

    after = walk.run_day(DAYS[1], ["acme.com"], load=False)

    assert {name: after.table(name) for name in tables} == tables


def test_a_replay_asks_salesforce_nothing(walk: Walk, org: RunningOrg) -> None:
    """Neither a token nor a query: the org is not even there any more."""
    org.server.stop()
    walk.tokens.content = None

    assert walk.run_day(DAYS[0], ["*"], load=False).row["provenance"] == "replayed"


def test_a_legal_entity_that_is_declared_later_rescopes_the_past(walk: Walk) -> None:
    """The settings that decided are in the snapshot's row."""
    walk.values["legal_entities"] = ({"name": "Acme", "domains": ("acme.com", "*.acme.com")},)

    after = walk.run_day(DAYS[0], ["Acme"], load=False)

    deciding = json.loads(after.row["settings"])
    assert deciding["legal_entities"] == [{"name": "Acme", "domains": ["acme.com", "*.acme.com"]}]
    assert set(after.table("users")["scope_reason"].to_pylist()) == {"legal_entity"}


def test_today_is_observed_unless_only_its_landing_is_asked_for(walk: Walk) -> None:
    """A second run of today asks Salesforce again; a replay of today does not."""
    assert walk.run_day(TODAY, ["*"], load=False).row["provenance"] == "observed"
    assert walk.run_day(TODAY, ["acme.com"], load=False, only_landing=True).row["provenance"] == "replayed"


def test_tables_made_after_their_day_are_replayed(walk: Walk) -> None:
    """Clearing an old run from its transform on does not pass for an observation, whenever it is done."""
    context = replace(
        walk.context(["*"], DAYS[0]), run_key="run-1", org_id=walk.context().org, began=noon(DAYS[0])
    )

    walk.settle(context, load=False)

    again = reader.open_snapshot(walk.staging, context.org, DAYS[0])
    assert again.row["provenance"] == "replayed"
    assert again.row["captured_at"] == noon(DAYS[0])


@pytest.mark.parametrize("step", ["refresh_token", "inspect_org", "extract"])
def test_no_step_of_an_old_run_asks_salesforce(walk: Walk, step: str) -> None:
    """A task of an old run that is cleared by itself is refused before it asks."""
    context = replace(walk.context(["*"], DAYS[0]), run_key="run-1", org_id=walk.context().org)
    unit = {"label": "everything", "objects": ["User"]}
    arguments = (context, unit, None) if step == "extract" else (context,)

    with pytest.raises(SnapshotRefused, match="that day has passed"):
        getattr(pipeline, step)(*arguments)


def test_a_day_that_failed_its_checks_can_be_replayed(org: RunningOrg, tmp_path: Path) -> None:
    """What was landed and believed is kept: with the rule mended, the day comes out of it."""
    walk = Walk(org.connection(), tmp_path, noon(DAYS[0]))
    context = walk.chosen(walk.context(["acme.com"]))
    walk.extract(context)
    pipeline.transform(context)  # and then a check fails, say
    walk.now = noon(DAYS[1])

    assert walk.run_day(DAYS[0], load=False).row["provenance"] == "replayed"


def test_an_extract_that_nobody_believed_is_not_replayed(org: RunningOrg, tmp_path: Path) -> None:
    """Landed, but never found plausible: the day has no landing."""
    walk = Walk(org.connection(), tmp_path, noon(DAYS[0]))
    context = walk.chosen(walk.context())
    walk.extract(context)
    walk.now = noon(DAYS[1])

    with pytest.raises(DayOutOfReach, match="only landings were asked for"):
        walk.run_day(DAYS[0], only_landing=True)


def test_a_published_day_whose_landing_is_gone_stays(walk: Walk) -> None:
    """It is never replaced by a reconstruction."""
    org_id = walk.context().org
    for run in ("run-1",):
        RunFolder(walk.context().landing, org_id, DAYS[0], run).storage.delete()

    with pytest.raises(DayOutOfReach, match="published as observed, and its landing is gone"):
        walk.run_day(DAYS[0])


def test_a_future_day_is_refused(walk: Walk) -> None:
    """Before anything is asked or written."""
    with pytest.raises(SnapshotRefused, match="lies ahead"):
        walk.run_day(TODAY + timedelta(days=1))


def test_a_wrong_company_name_fails_before_the_replay(walk: Walk) -> None:
    """The entry is named, and the day stays as it is."""
    with pytest.raises(Exception, match="not a company"):
        walk.run_day(DAYS[0], ["not a company"])
    row = reader.open_snapshot(walk.staging, walk.context().org, DAYS[0]).row
    assert row["provenance"] == "observed"


def test_a_second_run_of_the_first_day_keeps_the_metrics_history(org: RunningOrg, tmp_path: Path) -> None:
    """All that Salesforce has of its own metrics is taken by the first day, however often that day is run."""
    walk = Walk(org.connection(), tmp_path, noon(DAYS[0]))
    first = walk.run(load=False).table("control_totals")
    second = walk.run(load=False).table("control_totals")

    assert second.equals(first)
    assert len(set(first["metrics_on"].to_pylist())) > 40
