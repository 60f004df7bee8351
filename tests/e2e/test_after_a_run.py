"""What follows a run in a real Airflow: messages, also when it failed or is late, and DAGs of other teams."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from license_ledger.warehouse.duckdb import open_readonly
from local_stack.home import Home
from tests.e2e.conftest import DAG_ID, ROOT, RunningUi, start_ui
from tests.messengers import Mailbox, Webhook, slack_webhook, smtp_server

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.endurance]


REPORT = "license_report"
FOLDERS = {"dags-folder": "dags", "examples": "examples/dags"}
BUNDLES = [
    {
        "name": name,
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(ROOT / folder)},
    }
    for name, folder in FOLDERS.items()
]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Mailbox, Webhook]]:
    """A mail server and a Slack webhook."""
    with smtp_server() as mailbox, slack_webhook() as webhook:
        yield mailbox, webhook


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the example DAG writes to."""
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def told(
    servers: tuple[Mailbox, Webhook], reports: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningUi]:
    """``make ui`` with the example DAGs, messages on, and a deadline that every run misses."""
    mailbox, webhook = servers
    running = start_ui(
        Home(tmp_path_factory.mktemp("ledger-home")).prepared(),
        AIRFLOW_CONN_MAIL=mailbox.connection,
        AIRFLOW_CONN_CHAT=webhook.connection,
        LICENSE_LEDGER_NOTIFY_SMTP="mail:ann@acme.example",
        LICENSE_LEDGER_NOTIFY_SLACK="chat",
        LICENSE_LEDGER_NOTIFY_DEADLINE_HOURS="0.0003",
        AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=json.dumps(BUNDLES),
        AIRFLOW_VAR_LICENSE_REPORT_DIRECTORY=str(reports),
    )
    yield running
    running.process.terminate()
    running.process.wait(60)


def eventually(found: Callable[[], Any], seconds: float = 60) -> Any:
    """What is found, as soon as there is something."""
    deadline = time.monotonic() + seconds
    while not (there := found()):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return there


def wait_until_known(running: RunningUi) -> None:
    """Wait until Airflow knows the DAGs, and let their runs start."""
    for dag_id in (DAG_ID, REPORT):
        eventually(lambda wanted=dag_id: running.api.dag(wanted))  # type: ignore[misc]
        running.api.unpause(dag_id)


def test_a_run_is_told_and_so_is_that_it_was_late(told: RunningUi, servers: tuple[Mailbox, Webhook]) -> None:
    """The run succeeds; both channels have its numbers and, from the deadline, that it was late."""
    mailbox, webhook = servers
    wait_until_known(told)
    run_id = told.api.trigger(DAG_ID, datetime.now(UTC).date().isoformat(), {})
    assert told.wait_for_run(run_id)["state"] == "success"

    def texts(word: str) -> list[str]:
        """Of this run: Airflow starts the newest scheduled one beside it."""
        found = [post["text"] for post in webhook.posts if quote(run_id, safe="") in post["text"]]
        return [text for text in found if word in text]

    [summary] = eventually(lambda: texts("Every seat is explained."))
    [late] = eventually(lambda: texts(": late*"))
    mails = [mailbox.body(at) for at in range(len(mailbox.mails))]
    ours = [body for body in mails if quote(run_id, safe="") in body]

    assert f"/dags/{DAG_ID}/runs/" in summary
    assert "it was to end within 0.0003 hours" in late
    assert len(ours) == 2
    assert sum("it was to end within" in body for body in ours) == 1
    assert "@" not in summary + late


def test_a_loaded_day_triggers_the_report_of_that_day(told: RunningUi, reports: Path) -> None:
    """Another team's DAG runs with the day as its key, and has the rows of the view for that day."""
    [run, *_] = eventually(
        lambda: [
            run
            for run in told.call("GET", f"/api/v2/dags/{REPORT}/dagRuns")["dag_runs"]
            if run["state"] == "success"
        ]
    )
    day = run["partition_key"]
    with (reports / f"licenses-{day}.csv").open() as file:
        rows = list(csv.DictReader(file))
    with open_readonly(told.home.root / "warehouse.duckdb") as warehouse:
        expected = warehouse.execute(
            "SELECT license_name FROM license_position WHERE snapshot_date = ? "
            "AND (is_nearly_exhausted OR is_over_allocated OR expires_in_days <= 90) "
            "ORDER BY license_layer, license_name, license_id",
            [day],
        ).fetchall()

    assert run["run_type"] == "asset_triggered"
    assert [row["license_name"] for row in rows] == [name for (name,) in expected]
    assert rows


def test_a_failed_run_is_told_once(told: RunningUi, servers: tuple[Mailbox, Webhook]) -> None:
    """A task that fails for good sends the ledger's error; the tasks behind it send nothing."""
    _, webhook = servers
    webhook.posts.clear()
    run_id = told.api.trigger(DAG_ID, "2031-01-01", {})
    assert told.wait_for_run(run_id)["state"] == "failed"

    [text] = eventually(lambda: [post["text"] for post in webhook.posts if ": failed*" in post["text"]])

    assert "Failed at: Choose source." in text
    assert "SnapshotRefused" in text
    assert "2031-01-01" in text
