"""The whole Airflow as ``make ui`` keeps it up: runs, deferral, backfill, tests of the connection, kills."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from license_ledger.airflow.provider import CONNECTION_TYPE, FORM_FIELDS
from local_stack.demo import connect_orgs
from local_stack.home import Home
from local_stack.stack import Running
from tests.e2e.conftest import DAG_ID, RunningUi, make_run

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def today() -> str:
    """The day of a run that is started now."""
    return datetime.now(UTC).date().isoformat()


def wait_until(ready: Callable[[], Any], timeout: float = 60) -> Any:
    """Wait for something to become true, and give it."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if found := ready():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not come")


def test_the_scheduled_run_of_the_day_comes_by_itself(ui: RunningUi) -> None:
    """With the UI up the schedule is on: today's run is started, keyed by its day."""

    def scheduled() -> list[dict[str, Any]]:
        runs = ui.call("GET", f"/api/v2/dags/{DAG_ID}/dagRuns?run_type=scheduled")["dag_runs"]
        return [run for run in runs if run["state"] == "success"]

    (run,) = wait_until(scheduled)

    assert run["partition_key"] == today()
    assert run["logical_date"] is None


def test_a_run_that_is_triggered_beside_uses_that_airflow(home: Home, ui: RunningUi) -> None:
    """``make run`` in another terminal uses the running Airflow, here with company names for one run."""
    done = make_run(home, "--company", "acme.com", "--company", "acme.de")

    assert done.status == 0, done.output
    assert "using the Airflow that `make ui` runs" in done.output
    assert "in scope of acme.com, acme.de" in " ".join(done.output.split())
    assert ui.process.poll() is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(
            ("--date", (datetime.now(UTC) + timedelta(days=2)).date().isoformat()),
            ("Choose source failed", "SnapshotRefused", "lies ahead", "docs/runbook.md#snapshotrefused"),
            id="a day ahead",
        ),
        pytest.param(
            ("--date", "2026-01-05"),
            ("Skipped", "Salesforce does not remember it", "the earliest day that can be had is"),
            id="a day beyond memory",
        ),
        pytest.param(
            ("--company", "not a company"),
            ("Choose source failed", "ConfigError", "not a company", "docs/runbook.md#configerror"),
            id="no company",
        ),
    ],
)
def test_a_failed_run_says_why(
    arguments: tuple[str, ...], expected: tuple[str, ...], home: Home, ui: RunningUi
) -> None:
    """A run that cannot be ends at its first task, non-zero, with one reason, a failure with its heading."""
    done = make_run(home, *arguments)
    words = " ".join(done.output.split())

    assert done.status == 1
    assert all(word in words for word in expected), done.output
    assert "Traceback" not in done.output


def test_the_run_can_be_read_in_airflow(ui: RunningUi) -> None:
    """The result is the report, receipts are plain, mapped tasks have names, links lead to Salesforce."""
    run_id = ui.api.trigger(DAG_ID, today(), {})
    assert ui.wait_for_run(run_id)["state"] == "success"
    tasks = ui.tasks(run_id)
    path = f"/api/v2/dags/{DAG_ID}/dagRuns/{run_id}"
    answer = ui.api._client.get(f"{path}/wait", params={"interval": 1, "result": "summarize"})
    links = ui.call("GET", f"{path}/taskInstances/summarize/links")["extra_links"]
    labels = {task["rendered_map_index"] for (name, _), task in tasks.items() if name == "extract"}

    assert "|" in answer.text
    assert '"state":"success"' in answer.text.replace(" ", "")
    assert not any(label.isdigit() for label in labels)
    assert links["License counters in Salesforce"].endswith("/lightning/setup/CompanyProfileInfo/home")
    receipt: Any = ui.api.result(DAG_ID, run_id, "publish")
    assert receipt["snapshot_date"] == today()
    assert receipt["rows"]["users"] > 0


def test_asset_events_carry_day_and_numbers(ui: RunningUi) -> None:
    """Every published table has an asset whose newest event has the day as partition key, and its rows."""
    run_id = ui.api.trigger(DAG_ID, today(), {})
    assert ui.wait_for_run(run_id)["state"] == "success"
    path = f"/api/v2/assets/events?source_run_id={quote(run_id, safe='')}"
    events = ui.call("GET", path)["asset_events"]

    assert {event["name"].rpartition(".")[2] for event in events} == {
        "users",
        "licenses",
        "seats",
        "mismatches",
        "control_totals",
        "snapshots",
    }
    assert {event["partition_key"] for event in events} == {today()}
    assert {event["extra"]["snapshot_date"] for event in events} == {today()}
    assert all(event["extra"]["rows"] > 0 for event in events if not event["name"].endswith("snapshots"))


def test_a_long_bulk_job_is_watched_by_the_triggerer(ui: RunningUi) -> None:
    """A job that takes longer defers its task; that the session ends meanwhile does not matter."""
    ui.org.options(bulk_seconds=8)
    run_id = ui.api.trigger(DAG_ID, today(), {})
    try:
        wait_until(lambda: "deferred" in {task["state"] for task in ui.tasks(run_id).values()})
    finally:
        ui.org.options(bulk_seconds=0.2)
    ui.org.ask("sessions/expire")

    assert ui.wait_for_run(run_id)["state"] == "success"
    assert {task["try_number"] for task in ui.tasks(run_id).values()} == {1}


def test_a_killed_extract_finds_its_job_again(ui: RunningUi) -> None:
    """A task that is killed while its job runs takes the same job up when it is tried again."""
    ui.org.ask("requests/clear")
    assert ui.wait_for_run(ui.api.trigger(DAG_ID, today(), {}))["state"] == "success"
    undisturbed = jobs_started(ui)
    ui.org.ask("requests/clear")
    ui.org.options(bulk_seconds=10)
    run_id = ui.api.trigger(DAG_ID, today(), {})
    try:
        wait_until(lambda: jobs_started(ui))
        time.sleep(1)
        killed = wait_until(lambda: kill_extracts(ui, run_id))
    finally:
        ui.org.options(bulk_seconds=0.2)
    for task in wait_until(lambda: waiting_for_retry(ui, run_id)):
        ui.call(
            "POST",
            f"/api/v2/dags/{DAG_ID}/clearTaskInstances",
            dry_run=False,
            dag_run_id=run_id,
            task_ids=[["extract", task["map_index"]]],
            only_failed=False,
            reset_dag_runs=True,
        )

    assert killed
    assert ui.wait_for_run(run_id)["state"] == "success"
    assert jobs_started(ui) == undisturbed > 0


def jobs_started(ui: RunningUi) -> int:
    """How many bulk jobs the org was asked to start."""
    calls = ui.org.ask("requests")
    return sum(call["method"] == "POST" and call["path"].endswith("/jobs/query") for call in calls)


def kill_extracts(ui: RunningUi, run_id: str) -> list[int]:
    """Kill the processes in which extract tasks run, as an out-of-memory killer would."""
    tasks = [task for (name, _), task in ui.tasks(run_id).items() if name == "extract"]
    titles = {f"airflow worker -- {task['id']}" for task in tasks if task["state"] == "running"}
    killed = []
    for process in psutil.process_iter(["cmdline"]):
        if " ".join(process.info["cmdline"] or []).strip() in titles:
            process.kill()
            killed.append(process.pid)
    return killed


def waiting_for_retry(ui: RunningUi, run_id: str) -> list[dict[str, Any]]:
    """The extract tasks that will be tried again."""
    tasks = ui.tasks(run_id)
    return [
        task for (name, _), task in tasks.items() if name == "extract" and task["state"] == "up_for_retry"
    ]


def test_the_connection_can_be_tested_from_the_form(ui: RunningUi) -> None:
    """The Test button says which org answers, and keeps the rotated token that is stored."""
    body = {"connection_id": "salesforce_default", "conn_type": "salesforce_oauth"}
    verdict = ui.call("POST", "/api/v2/connections/test", **body)
    run_id = ui.api.trigger(DAG_ID, today(), {})

    assert verdict["status"] is True, verdict
    assert "Acme Corporation" in verdict["message"]
    assert ui.wait_for_run(run_id)["state"] == "success"


def test_the_form_offers_the_connection_type(ui: RunningUi) -> None:
    """The UI's form for the type has its title and every field, and hides what is not asked for."""
    listed = ui.call("GET", "/ui/connections/hook_meta")
    (ours,) = [entry for entry in listed if entry["connection_type"] == CONNECTION_TYPE]

    assert ours["hook_name"] == "Salesforce (OAuth refresh token)"
    assert set(ours["extra_fields"]) == set(FORM_FIELDS)
    assert ours["standard_fields"]["password"]["hidden"] is True


def test_the_connection_is_encrypted_and_masked(ui: RunningUi) -> None:
    """What the API shows of the connection hides its secrets."""
    shown = ui.call("GET", "/api/v2/connections/salesforce_default")["extra"]

    assert '"refresh_token": "***"' in shown
    assert '"consumer_secret": "***"' in shown


def test_a_connection_of_ones_own_is_used_as_it_is(home: Home, ui: RunningUi) -> None:
    """A connection that is configured in the environment is taken for one's own: no demo org is offered."""
    done = make_run(home, AIRFLOW_CONN_SALESFORCE_DEFAULT='{"conn_type": "salesforce_oauth"}')

    assert "demo org" not in done.output
    assert "Real org" not in done.output


def test_a_demo_connection_that_was_pointed_elsewhere_is_ones_own(home: Home, ui: RunningUi) -> None:
    """Editing the demo org's connection makes it one's own, which the next start leaves alone."""
    path = "/api/v2/connections/salesforce_default"
    shown = ui.call("GET", path)
    running = Running(home, "", ui.api, lambda: None, {}, None)
    is_demo = connect_orgs(running, ("salesforce_default",), print)
    extra = json.loads(shown["extra"])
    edited = json.dumps(extra | {"login_url": "https://login.salesforce.com"})
    ui.call("PATCH", path, **shown | {"extra": edited})
    try:
        is_still_demo = connect_orgs(running, ("salesforce_default",), print)
    finally:
        ui.call("PATCH", path, **shown)

    assert is_demo
    assert not is_still_demo


def test_orgs_without_connection_are_named(home: Home, ui: RunningUi) -> None:
    """Several orgs are configured, and one has no connection: nothing is started for it, and it is named."""
    done = make_run(home, LICENSE_LEDGER_ORGS="emea apac")

    assert done.status == 1
    assert "emea, apac" in done.output
