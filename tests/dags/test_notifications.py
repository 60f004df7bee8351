"""Messages go out through the providers' notifiers, to real servers, and never fail a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from demo_org.world import World
from license_ledger.airflow import notifications
from license_ledger.errors import AuthRevoked, ConfigError
from license_ledger.settings import Settings, load_settings
from tests.demo_org_fixtures import TODAY, StartOrg
from tests.messengers import Mailbox, Webhook, slack_webhook, smtp_server
from tests.walk import Walk

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 6, tzinfo=UTC)


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """An SMTP server that two people get mail from."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    with smtp_server() as running:
        monkeypatch.setenv("AIRFLOW_CONN_MAIL", running.connection)
        monkeypatch.setenv("LICENSE_LEDGER_NOTIFY_SMTP", "mail:ann@acme.example, bob@acme.example")
        yield running


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    """A Slack webhook."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    with slack_webhook() as running:
        monkeypatch.setenv("AIRFLOW_CONN_CHAT", running.connection)
        monkeypatch.setenv("LICENSE_LEDGER_NOTIFY_SLACK", "chat")
        yield running


def failed_context(error: BaseException | None = None) -> dict[str, Any]:
    """What Airflow hands to a callback of a task that failed."""
    return {
        "dag_run": SimpleNamespace(
            dag_id="salesforce_license_snapshot__emea",
            run_id="manual__1",
            partition_key="2026-09-09",
            run_after=NOW,
        ),
        "task": SimpleNamespace(task_display_name="Refresh token"),
        "params": {},
        "exception": error or AuthRevoked("org emea", "refused", "authorize again"),
    }


LATE = {
    "dag_run": {
        "dag_id": "salesforce_license_snapshot",
        "dag_run_id": "scheduled__1",
        "partition_key": "2026-09-09",
        "state": "running",
        "run_after": "2026-09-09T00:00:00Z",
    },
    "deadline": {"id": "1"},
}


@pytest.fixture
def published_context(
    tmp_path: Path, start_demo_org: StartOrg, monkeypatch: pytest.MonkeyPatch
) -> Mapping[str, Any]:
    """What Airflow hands to a callback of the last task after a day of the demo org was published."""
    org = start_demo_org(world=World(seed=11, today=TODAY))
    walk = Walk(org.connection(), tmp_path, NOW)
    snapshot = walk.run(["*"], load=False)
    monkeypatch.setenv("LICENSE_LEDGER_STAGING", walk.settings.staging)
    loaded = {"org_id": snapshot.org_id, "snapshot_date": snapshot.snapshot_date.isoformat()}
    return {
        "ti": SimpleNamespace(xcom_pull=lambda task_ids: loaded if task_ids == "load_warehouse" else None),
        "dag_run": SimpleNamespace(dag_id="salesforce_license_snapshot", run_id="manual__1+x"),
    }


def test_a_snapshot_is_told_by_mail_and_in_slack(
    mailbox: Mailbox, webhook: Webhook, published_context: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both get the headline numbers of what is published, and the way to the run; no address is in them."""
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/sub")
    notifications.published(published_context)

    [(recipients, mail)] = mailbox.mails
    [post] = webhook.posts
    assert recipients == ["ann@acme.example", "bob@acme.example"]
    assert mail["Subject"] == f"License snapshot of Acme Corporation, {TODAY}"
    assert mail["From"] == "ledger@acme.example"
    assert post["path"] == "/services/T0/B0/hook"
    link = "https://airflow.example/sub/dags/salesforce_license_snapshot/runs/manual__1%2Bx"
    for text in (mailbox.body(), post["text"]):
        assert "Every seat is explained." in text
        assert "The first snapshot" in text
        assert "Over-allocated: " in text
        assert link in text
        assert "@" not in text


def test_a_failure_is_told_with_the_error(mailbox: Mailbox, webhook: Webhook) -> None:
    """Which task of which org and day, and the ledger's error as it is in the log."""
    notifications.failed(failed_context())

    assert mailbox.mails[0][1]["Subject"] == "License snapshot of emea, 2026-09-09: failed"
    assert "Failed at: Refresh token." in mailbox.body()
    assert "AuthRevoked: org emea: refused" in webhook.posts[0]["text"]


def test_an_error_that_is_not_of_the_ledger_is_only_named(webhook: Webhook) -> None:
    """What others raise may quote a value of the org; its class is told, its text is not."""
    notifications.failed(failed_context(ValueError("ann@acme.com")))

    assert "ValueError" in webhook.posts[0]["text"]
    assert "ann@acme.com" not in webhook.posts[0]["text"]


def test_a_delay_is_told(webhook: Webhook) -> None:
    """A deadline's callback has the run as the REST API shows it, and says what was expected."""
    notifications.late(LATE, org="salesforce_default", hours=2)

    text = webhook.posts[0]["text"]
    assert text.startswith("*License snapshot of salesforce_default, 2026-09-09: late*")
    assert "The run is running, and it was to end within 2 hours" in text


def test_nothing_is_sent_unless_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Off by default: without a setting nothing is even read."""
    with smtp_server() as box, slack_webhook() as hook:
        monkeypatch.setenv("AIRFLOW_CONN_MAIL", box.connection)
        monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", hook.connection)
        notifications.failed(failed_context())
        notifications.published({})
        notifications.late({}, org="x", hours=1)

    assert (box.mails, hook.posts) == ([], [])


def test_one_channel_that_fails_does_not_keep_the_other(
    mailbox: Mailbox, webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    """A mail server that refuses is logged, without addresses, and the message still goes to Slack."""
    mailbox.refuses = True
    with caplog.at_level(logging.WARNING):
        notifications.failed(failed_context())

    assert len(webhook.posts) == 1
    assert "No message was sent by SMTP: SMTPDataError" in caplog.text
    assert "ann@acme.example" not in caplog.text


@pytest.mark.parametrize(
    "broken",
    [
        {"LICENSE_LEDGER_NOTIFY_SLACK": "nobody_knows_it"},
        {"LICENSE_LEDGER_NOTIFY_SLACK": "chat", "AIRFLOW_CONN_CHAT": '{"conn_type": "slackwebhook"}'},
        {"LICENSE_LEDGER_NOTIFY_SLACK": "chat", "LICENSE_LEDGER_SHOE_SIZE": "1"},
        {"LICENSE_LEDGER_NOTIFY_SMTP": "not an address"},
    ],
    ids=["no connection", "no token", "unknown setting", "bad setting"],
)
def test_whatever_is_broken_no_callback_raises(
    broken: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A message that cannot be sent is a warning in the log."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    for name, value in broken.items():
        monkeypatch.setenv(name, value)
    with caplog.at_level(logging.WARNING):
        notifications.failed(failed_context())
        notifications.published({})

    assert caplog.text.count("No message was sent") == 2


def test_slack_that_answers_no_is_a_warning(webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    """What Slack refuses is told in the log."""
    webhook.answers = 400
    with caplog.at_level(logging.WARNING):
        notifications.failed(failed_context())

    assert "No message was sent by Slack" in caplog.text


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "1e99"])
def test_a_deadline_that_is_none_is_refused(value: str) -> None:
    """The DAG does not parse with it, and says which setting."""
    with pytest.raises(ConfigError, match="LICENSE_LEDGER_NOTIFY_DEADLINE_HOURS"):
        notifications.deadline("o", {"LICENSE_LEDGER_NOTIFY_DEADLINE_HOURS": value})


def test_a_deadline_is_set_by_one_setting(tmp_path: Path) -> None:
    """Without it there is none; from the environment or the file it counts from the run's queueing."""
    file = tmp_path / "ledger.toml"
    file.write_text("notify_deadline_hours = 1.5\n")

    assert notifications.deadline("o", {}) == []
    assert notifications.deadline("o", {"LICENSE_LEDGER_NOTIFY_DEADLINE_HOURS": ""}) == []
    for environ in ({"LICENSE_LEDGER_NOTIFY_DEADLINE_HOURS": "1.5"}, {"LICENSE_LEDGER_CONFIG": str(file)}):
        [alert] = notifications.deadline("o", environ)
        assert alert.interval.total_seconds() == 5400
        assert alert.callback.kwargs == {"org": "o", "hours": 1.5}
    assert load_settings({"LICENSE_LEDGER_CONFIG": str(file)}).notify_deadline_hours == 1.5


@pytest.mark.parametrize("value", ["24:00", "6", "soon", "06:60", "-1:00"])
def test_a_time_of_day_that_is_none_is_refused(value: str) -> None:
    """Neither the DAG nor a task goes on with it; both say which setting."""
    with pytest.raises(ConfigError, match="LICENSE_LEDGER_NOTIFY_PUBLISHED_BY"):
        notifications.deadline("o", {"LICENSE_LEDGER_NOTIFY_PUBLISHED_BY": value})
    with pytest.raises(ValueError, match="time of day"):
        Settings(notify_published_by=value)


def test_a_day_is_to_be_published_by_a_time(tmp_path: Path) -> None:
    """Beside the other deadline or alone, from the environment or the file."""
    file = tmp_path / "ledger.toml"
    file.write_text('notify_published_by = "06:30"\nnotify_deadline_hours = 1.5\n')

    assert notifications.deadline("o", {"LICENSE_LEDGER_NOTIFY_PUBLISHED_BY": ""}) == []
    _, alert = notifications.deadline("o", {"LICENSE_LEDGER_CONFIG": str(file)})
    assert alert.name == "snapshot published by 06:30 UTC"
    assert alert.interval.total_seconds() == 6.5 * 3600
    assert alert.callback.kwargs == {"org": "o", "by": "06:30"}
    assert load_settings({"LICENSE_LEDGER_CONFIG": str(file)}).notify_published_by == "06:30"


def test_a_missed_time_of_day_is_told(webhook: Webhook) -> None:
    """The message says the time."""
    notifications.late(LATE, org="salesforce_default", by="06:30")

    assert "The run is running, and it was to end by 06:30 UTC." in webhook.posts[0]["text"]


@pytest.mark.parametrize("value", ["mail", "mail:", ":ann@acme.com", "mail:ann", "mail:ann@acme.com,"])
def test_a_mail_setting_names_connection_and_addresses(value: str) -> None:
    """Anything else is refused and shown how to write."""
    with pytest.raises(ValueError, match="smtp_default:ann"):
        Settings(notify_smtp=value)
