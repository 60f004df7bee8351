"""A real Airflow tells of its runs: by mail and in Slack, also when one fails and when one is late."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from local_stack.home import Home
from tests.e2e.conftest import DAG_ID, RunningUi, start_ui
from tests.messengers import Mailbox, Webhook, slack_webhook, smtp_server

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Mailbox, Webhook]]:
    """A mail server and a Slack webhook."""
    with smtp_server() as mailbox, slack_webhook() as webhook:
        yield mailbox, webhook


@pytest.fixture(scope="module")
def told(servers: tuple[Mailbox, Webhook], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUi]:
    """``make ui`` with messages on, and a deadline that every run misses."""
    mailbox, webhook = servers
    running = start_ui(
        Home(tmp_path_factory.mktemp("ledger-home")).prepared(),
        AIRFLOW_CONN_MAIL=mailbox.connection,
        AIRFLOW_CONN_CHAT=webhook.connection,
        LICENSE_LEDGER_NOTIFY_SMTP="mail:ann@acme.example",
        LICENSE_LEDGER_NOTIFY_SLACK="chat",
        LICENSE_LEDGER_NOTIFY_DEADLINE_HOURS="0.0003",
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
    """Wait until Airflow knows the DAG, and let its runs start."""
    eventually(lambda: running.api.dag(DAG_ID))
    running.api.unpause(DAG_ID)


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
