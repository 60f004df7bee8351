"""Who is looking, and what they may see. The guard that finds out belongs to whoever serves the console."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True)
class Run:
    """
    A run of the DAG that takes an org's snapshots.

    Attributes:
        dag_id: of the DAG.
        run_id: of the run.
        org_id: of the org that the DAG reads; empty when it has never read any.
        day: the day it was about; None when it cannot be told.
        state: as Airflow calls it.
        kind: scheduled, manual or backfill.
        started_at: when it began; None while it is queued.
        ended_at: when it ended; None before that.
    """

    dag_id: str
    run_id: str
    org_id: str
    day: date | None
    state: str
    kind: str
    started_at: datetime | None
    ended_at: datetime | None


def _no_runs(org_id: str) -> list[Run]:
    return []


def _no_run(dag_id: str, run_id: str) -> Run | None:
    return None


@dataclass(frozen=True)
class Viewer:
    """
    A person who is logged in and may see something.

    Attributes:
        may_see: whether they may see an org, by its Salesforce id.
        sees_names: whether they may see who people are.
        runs: the last runs for an org that they may see, the newest first.
        run: one run by DAG and run id; None when there is none that they may see.
    """

    may_see: Callable[[str], bool]
    sees_names: bool = False
    runs: Callable[[str], list[Run]] = field(default=_no_runs)
    run: Callable[[str, str], Run | None] = field(default=_no_run)
