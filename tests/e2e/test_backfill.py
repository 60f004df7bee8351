"""
Backfills in a real Airflow, by its REST API and its command line: every day says where it comes from.

Sized by the environment, so that the same test is the bar too: ``LEDGER_TEST_BACKFILL_DAYS=30``,
``LEDGER_TEST_BACKFILL_USERS=10000`` and ``LEDGER_TEST_BACKFILL_KILLS=3``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psutil
import pytest

from demo_org.world import World
from license_ledger import reader
from license_ledger.staging.storage import Storage
from local_stack.home import Home
from tests.e2e.conftest import DAG_ID, ROOT, RunningUi, environment, start_ui
from tests.walk import noon

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.endurance]

DAYS = int(os.environ.get("LEDGER_TEST_BACKFILL_DAYS", "4"))
USERS = int(os.environ.get("LEDGER_TEST_BACKFILL_USERS", "200"))
KILLS = int(os.environ.get("LEDGER_TEST_BACKFILL_KILLS", "1"))
SEED = 23
AT_ONCE = 4
RUN_SECONDS = 60
"""Time that one day may take on a busy machine."""

SERVE = """
import sys
from datetime import date
from pathlib import Path
from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
users, seed, today, state = sys.argv[1:]
world = World(seed=int(seed), users=int(users), today=date.fromisoformat(today))
org = DemoOrg(world, OrgOptions(rotation=True), Path(state))
org.write_connection("*")
org.run()
"""


@pytest.fixture(scope="module")
def today() -> date:
    """The day the tests began on."""
    return datetime.now(UTC).date()


@pytest.fixture(scope="module")
def ui(home: Home, today: date, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUi]:
    """``make ui`` on an org of its own, as one's own org would be: by a connection in the environment."""
    state = tmp_path_factory.mktemp("org")
    argv = [sys.executable, "-c", SERVE, str(USERS), str(SEED), today.isoformat(), str(state)]
    server = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        said = server.stdout.readline()
        home.log("demo-org").write_text(said, "utf-8")
        connection = (state / "connection.json").read_text("utf-8")
        running = start_ui(home, AIRFLOW_CONN_SALESFORCE_DEFAULT=connection)
        yield running
        running.process.terminate()
        running.process.wait(60)
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def observed(ui: RunningUi, today: date) -> reader.Snapshot:
    """Today's snapshot, as the schedule takes it by itself."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        runs = ui.call("GET", f"/api/v2/dags/{DAG_ID}/dagRuns?run_type=scheduled")["dag_runs"]
        if runs and runs[0]["state"] in {"success", "failed"}:
            assert (runs[0]["state"], runs[0]["partition_key"]) == ("success", today.isoformat())
            return published(ui, today)
        time.sleep(0.3)
    raise AssertionError("the schedule did not take today's snapshot")


@pytest.fixture(scope="module")
def backfilled(ui: RunningUi, observed: reader.Snapshot, today: date) -> list[date]:
    """Days of which nothing had been extracted, backfilled several at once while workers are killed."""
    days = [today - timedelta(days=n) for n in range(DAYS, 0, -1)]
    backfill(ui, days[0], days[-1], "none", kills=KILLS)
    return days


def published(ui: RunningUi, day: date) -> reader.Snapshot:
    """What is published of a day."""
    staging = Storage.from_url((ui.home.root / "staging").as_uri())
    return reader.open_snapshot(staging, World(seed=SEED, users=USERS).org_id, day)


def people_at(day: date, today: date) -> dict[str, tuple[bool, str | None]]:
    """Everybody there was at the beginning of a day: whether active, and on which profile."""
    world = World(seed=SEED, users=USERS, today=today)
    world.set_clock(datetime(day.year, day.month, day.day, tzinfo=UTC))
    users = world.table("User", ["Id", "IsActive", "ProfileId"]).to_pylist()
    return {user["Id"]: (user["IsActive"], user["ProfileId"]) for user in users}


def require_true(ui: RunningUi, day: date, today: date) -> None:
    """See that a published day is the day's truth: everybody, and whatever is said to be sure."""
    snapshot, truth = published(ui, day), people_at(day, today)
    users = snapshot.table("users", ["user_id", "is_active", "profile_id", "certainty"]).to_pylist()
    assert {user["user_id"] for user in users} == set(truth)
    wrong = [user for user in users if (user["is_active"], user["profile_id"]) != truth[user["user_id"]]]
    assert [user for user in wrong if user["certainty"] == "sure"] == []
    assert len(wrong) <= 0.01 * len(users)


def backfill(
    ui: RunningUi, first: date, last: date, reprocess: str, *, kills: int = 0
) -> list[dict[str, Any]]:
    """Backfill a range, kill workers meanwhile, wait for the end; the runs it made."""
    before = {run["dag_run_id"] for run in runs(ui)}
    created = ui.call(
        "POST",
        "/api/v2/backfills",
        dag_id=DAG_ID,
        from_date=noon(first).replace(hour=0).isoformat(),
        to_date=noon(last).replace(hour=0).isoformat(),
        reprocess_behavior=reprocess,
        max_active_runs=AT_ONCE,
    )
    return wait_for_backfill(ui, created["id"], before, (last - first).days + 1, kills)


def wait_for_backfill(
    ui: RunningUi, backfill_id: int, before: set[str], days: int, kills: int = 0
) -> list[dict[str, Any]]:
    """Wait for the end of a backfill; the runs that were made since."""
    deadline = time.monotonic() + 120 + days * RUN_SECONDS
    hurried, killed = set[tuple[str, str]](), set[str]()
    while time.monotonic() < deadline:
        new = [run for run in runs(ui) if run["dag_run_id"] not in before]
        if len(killed) < kills:
            kill_a_worker(ui, new, killed)
        hurry_retries(ui, new, hurried)
        is_over = ui.call("GET", f"/api/v2/backfills/{backfill_id}")["completed_at"]
        if is_over and all(run["state"] in {"success", "failed"} for run in new):
            assert len(killed) == kills, "no worker was there to be killed"
            return new
        time.sleep(0.5)
    raise AssertionError(f"the backfill did not end: {[(r['partition_key'], r['state']) for r in runs(ui)]}")


def runs(ui: RunningUi) -> list[dict[str, Any]]:
    """All runs there are."""
    found: list[dict[str, Any]] = ui.call("GET", f"/api/v2/dags/{DAG_ID}/dagRuns?limit=100")["dag_runs"]
    return found


def kill_a_worker(ui: RunningUi, among: list[dict[str, Any]], killed: set[str]) -> None:
    """Kill a process that works on a later step, as an out-of-memory killer would; no run twice."""
    for run in among:
        if run["state"] != "running" or run["dag_run_id"] in killed:
            continue
        for (name, _), task in ui.tasks(run["dag_run_id"]).items():
            if task["state"] != "running" or name in {"choose_source", "refresh_token"}:
                continue
            for process in psutil.process_iter(["cmdline"]):
                if " ".join(process.info["cmdline"] or []).strip() == f"airflow worker -- {task['id']}":
                    process.kill()
                    killed.add(run["dag_run_id"])
                    return


def hurry_retries(ui: RunningUi, among: list[dict[str, Any]], hurried: set[tuple[str, str]]) -> None:
    """Do not wait the minutes before a task that was killed is tried again, once for each."""
    for run in among:
        if run["state"] != "running":
            continue
        for (name, at), task in ui.tasks(run["dag_run_id"]).items():
            key = run["dag_run_id"], f"{name}{at}"
            if task["state"] == "up_for_retry" and key not in hurried:
                hurried.add(key)
                ui.call(
                    "POST",
                    f"/api/v2/dags/{DAG_ID}/clearTaskInstances",
                    dry_run=False,
                    dag_run_id=run["dag_run_id"],
                    task_ids=[[name, at] if at >= 0 else name],
                    only_failed=False,
                    reset_dag_runs=True,
                )


def test_today_is_observed(observed: reader.Snapshot, today: date) -> None:
    """The schedule's run asks Salesforce."""
    assert observed.row["provenance"] == "observed"
    assert observed.row["captured_at"].date() == today


def test_past_days_are_reconstructed_though_workers_die(
    ui: RunningUi, backfilled: list[date], today: date
) -> None:
    """Each day comes out as it was at its beginning, marked as reconstructed, and today's stays observed."""
    for day in backfilled:
        row = published(ui, day).row
        assert row["provenance"] == "reconstructed"
        assert row["captured_at"] == datetime(day.year, day.month, day.day, tzinfo=UTC)
        assert json.loads(row["derived_from"])["snapshot_date"] == today.isoformat()
        require_true(ui, day, today)
    assert published(ui, today).row["provenance"] == "observed"


def test_backfilling_only_missing_days_makes_no_run(ui: RunningUi, backfilled: list[date]) -> None:
    """Reprocess behavior `none`: days that have a run are left alone."""
    assert backfill(ui, backfilled[0], backfilled[-1], "none") == []


def test_backfilling_all_days_makes_them_anew_without_salesforce(
    ui: RunningUi, backfilled: list[date], today: date
) -> None:
    """Reprocess behavior `completed`: rolled back from the landing that is there; no call, the same truth."""
    day = backfilled[-1]
    ui.org.ask("requests/clear")
    (run,) = backfill(ui, day, day, "completed")

    assert run["state"] == "success"
    assert ui.org.ask("requests") == []
    assert published(ui, day).row["api_calls"] == 0
    require_true(ui, day, today)


def test_a_range_that_reaches_beyond_memory_skips_what_cannot_be_had(
    ui: RunningUi, backfilled: list[date]
) -> None:
    """By Airflow's command line: runs of such days end well, all skipped, and say what can be had."""
    before = {run["dag_run_id"] for run in runs(ui)}
    made = airflow(
        ui.home,
        "backfill",
        "create",
        "--dag-id",
        DAG_ID,
        "--from-date",
        "2026-01-05",
        "--to-date",
        "2026-01-06",
    )
    assert made.returncode == 0, made.stdout + made.stderr
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        new = [run for run in runs(ui) if run["dag_run_id"] not in before]
        if len(new) == 2 and {run["state"] for run in new} <= {"success", "failed"}:
            break
        time.sleep(0.5)

    assert sorted((run["partition_key"], run["state"]) for run in new) == [
        ("2026-01-05", "success"),
        ("2026-01-06", "success"),
    ]
    for run in new:
        states = {task["state"] for task in ui.tasks(run["dag_run_id"]).values()}
        reason = str(ui.api.result(DAG_ID, run["dag_run_id"], "choose_source", "skipped"))
        assert states == {"skipped"}
        assert "Salesforce does not remember it" in reason
        assert "the earliest day that can be had is" in reason
    assert not list((ui.home.root / "staging").rglob("snapshot_date=2026-01-05"))


def airflow(home: Home, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Airflow's own command line on the metadata of the running stack."""
    settings = json.loads((home.state / "stack.json").read_text("utf-8"))
    scheduler = next(
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if "local_stack/scheduler.py" in " ".join(process.info["cmdline"] or [])
        and (process.info["environ"] or {}).get("AIRFLOW_HOME", "").startswith(str(home.root))
    )
    assert settings["url"]
    return subprocess.run(
        [sys.executable, "-m", "airflow", *arguments],
        env=environment(home) | scheduler.info["environ"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_clearing_a_whole_old_run_makes_its_day_anew(
    ui: RunningUi, backfilled: list[date], today: date
) -> None:
    """Cleared from its first task on, a reconstructed day's run ends well with the same truth."""
    day = backfilled[0]
    run = next(run for run in runs(ui) if run["partition_key"] == day.isoformat())
    before = published(ui, day).snapshot_id
    ui.call("POST", f"/api/v2/dags/{DAG_ID}/dagRuns/{run['dag_run_id']}/clear", dry_run=False)
    time.sleep(1)

    assert ui.wait_for_run(run["dag_run_id"])["state"] == "success"
    assert published(ui, day).snapshot_id != before
    require_true(ui, day, today)


def test_a_single_old_task_never_asks_salesforce_again(ui: RunningUi, observed: reader.Snapshot) -> None:
    """A run that names a past day and is told to use only its landing is skipped when there is none."""
    run_id = ui.api.trigger(DAG_ID, "2026-01-07", {"source": "landing"})

    assert ui.wait_for_run(run_id)["state"] == "success"
    assert "only landings were asked for" in str(ui.api.result(DAG_ID, run_id, "choose_source", "skipped"))


def test_today_can_be_replayed_under_another_filter(
    ui: RunningUi, observed: reader.Snapshot, today: date
) -> None:
    """Source `landing` with other company names: today's own landing, and no call of Salesforce."""
    ui.org.ask("requests/clear")
    run_id = ui.api.trigger(DAG_ID, today.isoformat(), {"source": "landing", "company_names": ["acme.com"]})

    assert ui.wait_for_run(run_id)["state"] == "success"
    row = published(ui, today).row
    assert (row["provenance"], row["company_names"]) == ("replayed", ["acme.com"])
    assert ui.org.ask("requests") == []
    states = {name: task["state"] for (name, _), task in ui.tasks(run_id).items()}
    assert (states["refresh_token"], states["inspect_org"], states["extract"]) == ("skipped",) * 3
