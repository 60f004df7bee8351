"""
Messages about runs, sent through the notifiers of Airflow's SMTP and Slack providers. Off by default.

Imported when the DAG file is parsed; everything heavy is imported inside the functions. Whatever goes wrong
with a message is logged: no run fails because of one. Texts are composed in the core, and never templates.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DeadlineAlert, DeadlineReference, SyncCallback  # type: ignore[attr-defined]
from structlog.contextvars import bound_contextvars

from license_ledger.airflow.orgs import parse_time_setting
from license_ledger.errors import ConfigError, LedgerError

if TYPE_CHECKING:
    from license_ledger.reconcile.notice import Notice
    from license_ledger.settings import Settings

log = logging.getLogger(__name__)

_DEADLINE = "LICENSE_LEDGER_NOTIFY_DEADLINE_HOURS"
_PUBLISHED_BY = "LICENSE_LEDGER_NOTIFY_PUBLISHED_BY"


def published(context: Mapping[str, Any]) -> None:
    """Tell of a snapshot: callback of the last task when it has succeeded."""
    _quietly(_published, context)


def failed(context: Mapping[str, Any]) -> None:
    """Tell of a task that failed for good: callback of every task."""
    _quietly(_failed, context)


def late(context: Mapping[str, Any], org: str, hours: float | None = None, by: str = "") -> None:
    """Tell of a run that has not ended in time: callback of a deadline, in an executor without a task."""
    _quietly(_late, {**context, "org": org, "hours": hours, "by": by})


def deadline(org: str, environ: Mapping[str, str] | None = None) -> list[DeadlineAlert]:
    """
    The deadlines of an org's runs.

    Args:
        org: the connection id.
        environ: instead of the process environment.

    Returns:
        One that counts from the moment a run is queued, and one at a time of the day that a scheduled run is
        for; each when its setting is there. Partitioned runs have no logical date to count from.

    Raises:
        ConfigError: a setting is no number of hours above 0, or no time of day.
    """
    env = os.environ if environ is None else environ
    return [*_within_hours(org, env), *_by_time_of_day(org, env)]


def _within_hours(org: str, env: Mapping[str, str]) -> list[DeadlineAlert]:
    value = parse_time_setting(_DEADLINE, env)
    if value is None or value == "":
        return []
    try:
        hours = float(str(value))
        interval = timedelta(hours=hours)
    except (ValueError, OverflowError):
        hours, interval = 0.0, timedelta()
    if interval <= timedelta():
        raise ConfigError(f"setting {_DEADLINE}", f"{value!r} is no number of hours above 0", "correct it")
    return [
        DeadlineAlert(
            name="snapshot published in time",
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            interval=interval,
            callback=SyncCallback(f"{__name__}.late", kwargs={"org": org, "hours": hours}),
        )
    ]


def _by_time_of_day(org: str, env: Mapping[str, str]) -> list[DeadlineAlert]:
    value = parse_time_setting(_PUBLISHED_BY, env)
    if value is None or value == "":
        return []
    from license_ledger.airflow.deadlines import SnapshotDay

    try:
        at = datetime.strptime(str(value), "%H:%M")  # noqa: DTZ007
    except ValueError:
        raise ConfigError(
            f"setting {_PUBLISHED_BY}", f"{value!r} is no time of day", "write it as 06:30, in UTC"
        ) from None
    return [
        DeadlineAlert(
            name=f"snapshot published by {at:%H:%M} UTC",
            reference=SnapshotDay(),
            interval=timedelta(hours=at.hour, minutes=at.minute),
            callback=SyncCallback(f"{__name__}.late", kwargs={"org": org, "by": f"{at:%H:%M}"}),
        )
    ]


def _quietly(tell: Any, context: Mapping[str, Any]) -> None:
    """Send, and take whatever goes wrong for a message that was not sent."""
    from license_ledger.settings import load_settings

    with bound_contextvars(**_labels(context)):
        try:
            settings = load_settings()
            if settings.notify_smtp or settings.notify_slack:
                _send(tell(context, settings), settings, context)
        except Exception as error:
            told = str(error) if isinstance(error, LedgerError) else type(error).__name__
            log.warning("No message was sent: %s", told)


def _labels(context: Mapping[str, Any]) -> dict[str, str]:
    """The keys on what is logged of a message, as far as the run tells them."""
    run = context.get("dag_run")
    told = run if isinstance(run, Mapping) else vars(run) if run is not None else {}
    dag_id, key = str(told.get("dag_id") or ""), told.get("partition_key")
    run_id = told.get("dag_run_id") or told.get("run_id")
    labels = {"org": _org_of(dag_id) if dag_id else "", "run_id": run_id, "snapshot_date": key}
    return {name: str(value) for name, value in {**labels, "step": "notify"}.items() if value}


def _published(context: Mapping[str, Any], settings: Settings) -> Notice:
    from datetime import date

    from license_ledger.airflow.storage import open_storage
    from license_ledger.notices import notice_of

    loaded = context["ti"].xcom_pull(task_ids="load_warehouse")
    run = context["dag_run"]
    return notice_of(
        open_storage(settings.staging),
        loaded["org_id"],
        date.fromisoformat(loaded["snapshot_date"]),
        settings,
        url=_run_url(run.dag_id, run.run_id),
    )


def _failed(context: Mapping[str, Any], _: Settings) -> Notice:
    from license_ledger.reconcile.notice import failure_notice

    run, task, error = context["dag_run"], context["task"], context.get("exception")
    # What is not of the ledger may quote a value.
    told = f"{type(error).__name__}: {error}" if isinstance(error, LedgerError) else type(error).__name__
    return failure_notice(
        getattr(task, "org", "") or _org_of(run.dag_id),
        task.task_display_name,
        told if error is not None else "The reason is in the log of the task.",
        day=_day(run.partition_key, context.get("params"), run.run_after),
        url=_run_url(run.dag_id, run.run_id),
    )


def _late(context: Mapping[str, Any], _: Settings) -> Notice:
    from license_ledger.reconcile.notice import late_notice

    run = context["dag_run"]
    return late_notice(
        context["org"],
        day=_day(run.get("partition_key"), run.get("conf"), run.get("run_after")),
        state=str(run.get("state") or ""),
        hours=context["hours"],
        by=context["by"],
        url=_run_url(run["dag_id"], run["dag_run_id"]),
    )


def _day(key: str | None, params: Mapping[str, Any] | None, run_after: Any) -> str:
    return str(key or (params or {}).get("snapshot_date") or str(run_after)[:10])


def _org_of(dag_id: str) -> str:
    from license_ledger.airflow.orgs import DEFAULT_ORG

    return dag_id.partition("__")[2] or DEFAULT_ORG


def _run_url(dag_id: str, run_id: str) -> str:
    """The page of the run; blank where Airflow does not know its own address."""
    from urllib.parse import quote

    from airflow.sdk.configuration import conf

    base = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
    return f"{base}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}" if base else ""


def _send(notice: Notice, settings: Settings, context: Mapping[str, Any]) -> None:
    """Send through every channel that is configured, one failing channel not keeping another from it."""
    for channel, send in (("SMTP", _smtp), ("Slack", _slack)):
        try:
            if send(notice, settings, context):
                log.info("Message sent by %s: %s", channel, notice.subject)
        except Exception as error:
            told = str(error) if isinstance(error, LedgerError) else type(error).__name__
            log.warning("No message was sent by %s: %s", channel, told)


def _smtp(notice: Notice, settings: Settings, context: Any) -> bool:
    if not settings.notify_smtp:
        return False
    notifier = _provider("smtp", "airflow.providers.smtp.notifications.smtp", "SmtpNotifier")
    conn_id, _, recipients = settings.notify_smtp.partition(":")
    notifier(
        smtp_conn_id=conn_id,
        to=[address.strip() for address in recipients.split(",")],
        subject=notice.subject,
        html_content=notice.as_html(),
    ).notify(context)
    return True


def _slack(notice: Notice, settings: Settings, context: Any) -> bool:
    if not settings.notify_slack:
        return False
    notifier = _provider(
        "slack", "airflow.providers.slack.notifications.slack_webhook", "SlackWebhookNotifier"
    )
    notifier(slack_webhook_conn_id=settings.notify_slack, text=notice.as_slack(), unfurl_links=False).notify(
        context
    )
    return True


def _provider(name: str, module: str, notifier: str) -> Any:
    from importlib import import_module

    try:
        return getattr(import_module(module), notifier)
    except ImportError:
        raise ConfigError(
            f"setting notify_{name}",
            f"needs the Airflow provider {name}, which is not installed",
            f"install apache-airflow-providers-{name}, or license-ledger[notify]",
        ) from None
