"""What is measured of older days, and what commands log."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from license_ledger import measures
from tests import ledger_command
from tests.demo_org_fixtures import TODAY, RunningOrg
from tests.walk import Walk, noon

TOMORROW = TODAY + timedelta(days=1)
RECEIPT = {"api_calls": 1, "rows": {"users": 1}, "unexplained": 0, "warnings": [], "warehouse": "there"}


@pytest.fixture(scope="module")
def walk(shared_demo_org: RunningOrg, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Two days of the demo org."""
    walk = Walk(shared_demo_org.connection(), tmp_path_factory.mktemp("watched"), noon(TODAY))
    walk.run(["*"])
    walk.now = noon(TOMORROW)
    walk.run(["*"])
    return walk


def test_an_older_day_does_not_overwrite_what_gauges_say_of_the_newest(walk: Walk) -> None:
    """Neither seats nor rows nor times are sent of a day after which another one is published."""
    newest = walk.chosen(walk.context(["*"], TOMORROW), only_landing=True)
    older = walk.chosen(walk.context(["*"], TODAY), only_landing=True)

    for measured in (measures.of_check, measures.of_published, measures.of_load):
        assert list(measured(newest, RECEIPT))
        assert list(measured(older, RECEIPT)) == []


def test_a_replay_says_nothing_of_what_is_extracted(walk: Walk) -> None:
    """Nothing is: the rows of an earlier landing are no news."""
    assert list(measures.of_landing(walk.chosen(walk.context(["*"], TODAY), only_landing=True))) == []


def test_commands_log_to_standard_error_with_the_keys_of_a_day(walk: Walk) -> None:
    """As JSON by Airflow's switch: org, day, run and step; standard output is the command's own."""
    command = ("replay", "--force", "--jobs", "1", "--to", str(TODAY))
    done = ledger_command.run(walk, *command, AIRFLOW__LOGGING__JSON_LOGS="True")
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    [published] = [line for line in lines if line["event"] == "publish.finished"]

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"1 replayed; {TODAY} to {TODAY}"
    assert published["step"] == "replay"
    assert published["snapshot_date"] == str(TODAY)
    assert published["org"] == published["org_id"]
    assert published["run_id"].startswith("replay-")
    assert published["level"] == "info"
    assert published["logger"] == "license_ledger.staging.publish"


def test_commands_log_plain_lines_otherwise(walk: Walk, tmp_path: Path) -> None:
    """Without the switch a line is text, with the same keys."""
    done = ledger_command.run(walk, "replay", "--force", "--jobs", "1", "--to", str(TODAY))

    [line] = [line for line in done.stderr.splitlines() if "publish.finished" in line]
    assert f"snapshot_date={TODAY}" in line
    assert "step=replay" in line
