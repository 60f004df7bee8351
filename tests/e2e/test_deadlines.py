"""A scheduled run that is not done by its time of the day is told as late, by a real scheduler."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from local_stack.home import Home
from tests.e2e.conftest import DAG_ID, RunningUi, start_ui
from tests.messengers import Webhook, slack_webhook

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.endurance]


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    """Where messages go."""
    with slack_webhook() as running:
        yield running


@pytest.fixture(scope="module")
def ui(home: Home, webhook: Webhook) -> Iterator[RunningUi]:
    """An Airflow whose day was to be published at a minute past midnight: its first run is late at once."""
    running = start_ui(
        home,
        AIRFLOW_CONN_CHAT=webhook.connection,
        LICENSE_LEDGER_NOTIFY_SLACK="chat",
        LICENSE_LEDGER_NOTIFY_PUBLISHED_BY="00:01",
    )
    yield running
    running.process.terminate()
    running.process.wait(60)


def lateness(webhook: Webhook) -> list[str]:
    """The messages about late runs."""
    return [post["text"] for post in webhook.posts if ": late*" in post["text"]]


def test_a_scheduled_run_that_is_late_is_told_once(ui: RunningUi, webhook: Webhook) -> None:
    """The message names the day and the time, while the run goes on to its good end."""
    deadline = time.monotonic() + 90
    while not lateness(webhook) and time.monotonic() < deadline:
        time.sleep(0.2)
    [told] = lateness(webhook)
    today = datetime.now(UTC).date()

    assert told.startswith(f"*License snapshot of salesforce_default, {today}: late*")
    assert "it was to end by 00:01 UTC." in told
    [run] = ui.call("GET", f"/api/v2/dags/{DAG_ID}/dagRuns?run_type=scheduled")["dag_runs"]
    assert ui.wait_for_run(run["dag_run_id"])["state"] == "success"


def test_a_run_that_somebody_triggers_has_no_time_of_day(ui: RunningUi, webhook: Webhook) -> None:
    """The same day again, by hand: it is published, and nobody is told that it was late."""
    before = len(lateness(webhook))
    run_id = ui.api.trigger(DAG_ID, datetime.now(UTC).date().isoformat(), {})

    assert ui.wait_for_run(run_id)["state"] == "success"
    time.sleep(8)  # the scheduler looks for missed deadlines every five seconds
    assert len(lateness(webhook)) == before == 1
