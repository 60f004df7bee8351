"""
Which day a run belongs to: the only place that asks the Airflow context for a date.

A partitioned run has no logical date at all. Its day is the partition key, in scheduled and backfill runs and
in manual runs that name it; else the param; else the day the run was triggered on.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from typing import Any, Protocol

from license_ledger.errors import SnapshotRefused

KEY_FORMAT = "%Y-%m-%d"


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


def began(dag_run: DagRunLike) -> datetime:
    """When the run began, or is to begin."""
    return (dag_run.start_date or dag_run.run_after).astimezone(UTC)


def run_key(dag_run: Any) -> str:
    """
    Name the run in the landing area: sorts by time, differs between runs, the same in every try.

    Args:
        dag_run: Airflow's DagRun; its run id may hold any characters, so a digest of it is used.
    """
    digest = hashlib.sha256(f"{dag_run.dag_id}/{dag_run.run_id}".encode()).hexdigest()[:10]
    return f"{dag_run.run_after.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest}"
