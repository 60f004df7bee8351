"""
Which day a run belongs to: the only place that asks the Airflow context for a date.

A partitioned run has no logical date at all. Its day is the partition key, in scheduled and backfill runs and
in manual runs that name it; else the param; else the day the run was triggered on.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

from license_ledger.errors import SnapshotRefused

KEY_FORMAT = "%Y-%m-%d"

GRACE = timedelta(hours=6)
"""How far past midnight a run that began on its day may go on asking Salesforce."""


class DagRunLike(Protocol):
    """What is read of Airflow's DagRun."""

    partition_key: str | None
    run_after: datetime
    start_date: datetime | None


def snapshot_date(dag_run: DagRunLike, param: str | None) -> date:
    """
    Find the day of a run: the same for every task and every try of it.

    Args:
        dag_run: the run.
        param: the run's param ``snapshot_date``, as YYYY-MM-DD.

    Returns:
        The UTC day.

    Raises:
        SnapshotRefused: when it is not a day, or key and param name two.
    """
    key = dag_run.partition_key
    if key and param and key != param:
        raise SnapshotRefused(
            "snapshot date",
            f"the partition key says {key}, the param says {param}",
            "trigger with one of them",
        )
    text = key or param
    if not text:
        return dag_run.run_after.astimezone(UTC).date()
    try:
        return datetime.strptime(text, KEY_FORMAT).replace(tzinfo=UTC).date()
    except ValueError:
        raise SnapshotRefused(f"snapshot date {text!r}", "is not a day", "write it as YYYY-MM-DD") from None


def refuse_other_days(day: date, dag_run: DagRunLike, now: datetime) -> None:
    """
    Refuse to ask Salesforce, which only answers with its present state, for any day but today.

    A run that began on its day may finish in the first hours of the next.

    Raises:
        SnapshotRefused: for a day that lies ahead or has passed.
    """
    today = now.astimezone(UTC).date()
    if day > today:
        raise SnapshotRefused(
            f"snapshot of {day}", f"that day lies ahead, today is {today} (UTC)", "trigger it on its day"
        )
    began = dag_run.start_date or dag_run.run_after
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    if day == today or (began.astimezone(UTC).date() == day and now < midnight + GRACE):
        return
    raise SnapshotRefused(
        f"snapshot of {day}",
        f"that day has passed: Salesforce only answers with its state of now ({today}, UTC), "
        "which is never stored under another day's name",
        "trigger today's snapshot; past days can be taken only on their day",
    )


def run_key(dag_run: Any) -> str:
    """
    Name the run in the landing area: sorts by time, differs between runs, the same in every try.

    Args:
        dag_run: Airflow's DagRun; its run id may hold any characters, so a digest of it is used.
    """
    digest = hashlib.sha256(f"{dag_run.dag_id}/{dag_run.run_id}".encode()).hexdigest()[:10]
    return f"{dag_run.run_after.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest}"
