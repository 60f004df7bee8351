"""``license-ledger replay``: a range of days in one go, resumable, without Salesforce."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
from license_ledger import reader
from license_ledger.replay import Order, replay_days
from license_ledger.warehouse.duckdb import open_readonly
from tests import ledger_command
from tests.demo_org_fixtures import RunningOrg
from tests.walk import Walk, noon

DAYS = 5


@pytest.fixture(scope="module")
def first() -> date:
    """The first of some days that have passed, as the command sees the calendar."""
    return datetime.now(UTC).date() - timedelta(days=DAYS + 1)


@pytest.fixture(scope="module")
def observed(first: date, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Some days observed one by one for one company, of an org that is not there any more."""
    root = tmp_path_factory.mktemp("observed")
    with DemoOrg(World(today=first, seed=9), OrgOptions(bulk_seconds=0.02), root / "org") as server:
        walk = Walk(RunningOrg(server).connection(), root, noon(first))
        for n in range(DAYS):
            walk.now = noon(first + timedelta(days=n))
            server.org.set_clock(walk.now)
            walk.run(["acme.com"], load=False)
    return walk


@pytest.fixture
def walk(observed: Walk, tmp_path: Path) -> Walk:
    """A copy of those days for one test."""
    shutil.copytree(observed.root / "staging", tmp_path / "staging")
    return replace(observed, root=tmp_path)


def run(walk: Walk, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return ledger_command.run(walk, "replay", *arguments)


def filters(walk: Walk) -> list[tuple[str, list[str]]]:
    """Provenance and company filter of every published day, in order."""
    rows = reader.snapshots(walk.staging).sort_by("snapshot_date").to_pylist()
    return [(row["provenance"], row["company_names"]) for row in rows]


def replayed_ids(walk: Walk) -> set[str]:
    """The snapshots that a replay has published."""
    rows = reader.snapshots(walk.staging).to_pylist()
    return {row["snapshot_id"] for row in rows if row["provenance"] == "replayed"}


def test_a_range_is_replayed_under_another_filter_and_loaded(walk: Walk, first: date) -> None:
    """Two processes replay the days that were asked for; the warehouse has them, the others stay."""
    last = first + timedelta(days=DAYS - 2)
    done = run(walk, "--to", last.isoformat(), "--company", "*", "--jobs", "2")

    assert done.returncode == 0, done.stderr
    assert f"{DAYS - 1} replayed; {first} to {last}" in done.stdout
    assert filters(walk) == [("replayed", ["*"])] * (DAYS - 1) + [("observed", ["acme.com"])]
    with open_readonly(walk.root / "warehouse.duckdb") as warehouse:
        loaded = warehouse.execute("SELECT count(*), min(snapshot_date) FROM snapshots").fetchall()
    assert loaded == [(DAYS - 1, first)]
    landing = walk.root / "staging" / "_landing"
    assert not list(landing.rglob("run=replay-*"))


def test_what_is_done_is_not_done_again(walk: Walk) -> None:
    """The second command leaves every day alone, unless it is forced."""
    run(walk, "--company", "*", "--jobs", "1")
    before = reader.snapshots(walk.staging).column("snapshot_id").to_pylist()
    again = run(walk, "--company", "*", "--jobs", "1")
    same = reader.snapshots(walk.staging).column("snapshot_id").to_pylist()
    forced = run(walk, "--company", "*", "--jobs", "1", "--force")

    assert f"{DAYS} unchanged" in again.stdout
    assert same == before
    assert f"{DAYS} replayed" in forced.stdout


def test_without_a_filter_each_day_keeps_its_own(walk: Walk) -> None:
    """Replayed for the rules' sake: the days are as they were published."""
    done = run(walk, "--jobs", "1", "--force")

    assert done.returncode == 0, done.stderr
    assert filters(walk) == [("replayed", ["acme.com"])] * DAYS


def test_a_killed_replay_goes_on_where_it_stopped(walk: Walk) -> None:
    """Killed outright in the middle, and run again: all days come out, those that were done stay."""
    argv = [sys.executable, "-m", "license_ledger", "replay", "--company", "*", "--jobs", "1"]
    child = subprocess.Popen(
        argv, env=ledger_command.environment(walk), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and ("replayed", ["*"]) not in filters(walk):
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    done_then = replayed_ids(walk)
    again = run(walk, "--company", "*", "--jobs", "1")

    assert done_then
    assert again.returncode == 0, again.stderr
    assert filters(walk) == [("replayed", ["*"])] * DAYS
    assert done_then < replayed_ids(walk) or len(done_then) == DAYS


def test_a_dry_run_changes_nothing(walk: Walk, first: date) -> None:
    """It says which days would be replayed."""
    done = run(walk, "--dry-run", "--company", "*")

    assert f"{DAYS} days, {first} to" in done.stdout
    assert filters(walk) == [("observed", ["acme.com"])] * DAYS


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--company", "not a company"), ("ConfigError", "not a company")),
        (("--org", "00D000000000001AAA"), ("DayOutOfReach", "no day of the range has a landing")),
        (("--from", "2001-01-01", "--to", "2001-12-31"), ("DayOutOfReach", "no day of the range")),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written(
    walk: Walk, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """One line names the reason; the days stay."""
    done = run(walk, *arguments)

    assert done.returncode == 1
    assert all(word in done.stderr for word in words)
    assert filters(walk) == [("observed", ["acme.com"])] * DAYS


def test_a_day_that_fails_does_not_keep_the_others(walk: Walk, first: date) -> None:
    """A torn landing is named, with its day; every other day is replayed."""
    landing = walk.root / "staging" / "_landing"
    torn = next(iter(landing.rglob(f"snapshot_date={first}/run=*/User/part-*.parquet")))
    torn.write_bytes(torn.read_bytes()[:-100])
    done = run(walk, "--company", "*", "--jobs", "1")

    assert done.returncode == 1
    assert f"{DAYS - 1} replayed, 1 failed" in done.stderr
    assert f"{first}: CorruptSnapshot" in done.stderr
    assert filters(walk) == [("observed", ["acme.com"])] + [("replayed", ["*"])] * (DAYS - 1)


def test_a_day_that_was_never_published_needs_a_filter(walk: Walk, first: date) -> None:
    """There is none to repeat; the outcome says how to name one."""
    context = walk.context()
    for name in ("snapshots", "users", "seats", "licenses", "mismatches", "control_totals"):
        walk.staging.delete(f"{name}/org_id={context.org}/snapshot_date={first}")

    [outcome] = replay_days(Order(context.org, walk.settings, (), "key"), [first], walk.now)

    assert outcome.state == "failed"
    assert "--company" in outcome.reason
