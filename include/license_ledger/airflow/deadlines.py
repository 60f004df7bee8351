"""
The deadline of a day: a reference for Airflow's deadline alerts, and the plugin that registers it.

Airflow finds the plugin by an entry point of the package, in every component; heavy imports are inside.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin
from airflow.sdk.definitions.deadline import BaseDeadlineReference


class SnapshotDay(BaseDeadlineReference):
    """
    The beginning of the day that a scheduled run is for, in UTC.

    Partitioned runs have no logical date, which Airflow's own reference would need. Runs that somebody
    triggers, and backfills, have no time of day to be done by: they have no such deadline.
    """

    required_kwargs: ClassVar[set[str]] = {"dag_id", "run_id"}

    def _evaluate_with(self, *, session: Any, dag_id: str, run_id: str) -> datetime | None:
        """Asked by the scheduler when it makes a run; None: no deadline."""
        from airflow.models import DagRun
        from sqlalchemy import select

        run: Any = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        if run is None or run.run_type != "scheduled":
            return None
        day: datetime | None = run.partition_date
        return day


class LicenseLedgerDeadlines(AirflowPlugin):
    """Lets the scheduler know the reference."""

    name = "license_ledger_deadlines"
    deadline_references = [SnapshotDay]  # noqa: RUF012
