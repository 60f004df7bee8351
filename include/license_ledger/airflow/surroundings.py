"""
The Airflow that the ledger runs in, looked at by an administrator's command and not by a task.

For ``license-ledger doctor``: it runs where Airflow's own commands run, with the same configuration.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from functools import partial
from importlib import import_module
from importlib.metadata import version

from airflow.configuration import conf
from airflow.jobs.job import most_recent_job
from airflow.models.dag import DagModel
from airflow.models.errors import ParseImportError
from airflow.models.pool import Pool
from airflow.plugins_manager import get_deadline_references_plugins
from airflow.utils.session import create_session
from packaging.version import Version
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from license_ledger.airflow.deadlines import SnapshotDay
from license_ledger.airflow.distributed import require_shared_places
from license_ledger.airflow.lineage import is_traced
from license_ledger.airflow.observed import is_measured
from license_ledger.airflow.orgs import dag_id
from license_ledger.airflow.storage import open_storage
from license_ledger.airflow.token_store import require_encryption
from license_ledger.airflow.warehouse import with_warehouse
from license_ledger.commands.doctor import Finding, State, looked_at
from license_ledger.pools import org_pool
from license_ledger.settings import Settings
from license_ledger.staging.storage import Storage

OLDEST, NEXT_MAJOR = Version("3.3.2"), Version("4")
JOBS = {"SchedulerJob": "scheduler", "TriggererJob": "triggerer", "DagProcessorJob": "DAG processor"}
"""Kinds of heartbeat in Airflow's database, and what beats."""


class AirflowSurroundings:
    """This Airflow; implements :class:`license_ledger.commands.doctor.Surroundings`."""

    def __init__(self) -> None:
        # As an Airflow command, and not as a task, the process reads connections and Variables itself.
        os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")

    def resolved(self, settings: Settings) -> Settings:
        """The settings with the warehouse's connection looked up. Raises ConfigError."""
        return with_warehouse(settings)

    def open_storage(self, url: str) -> Storage:
        """The storage of a URL, with an Airflow connection for credentials. Raises ConfigError."""
        return open_storage(url)

    def findings(self, settings: Settings) -> Iterator[Finding]:
        """Version, encryption, executor, who watches, database, what runs, pools, the DAG of every org."""
        yield _version()
        yield looked_at("encryption", _encryption)
        yield looked_at("executor", partial(_executor, settings))
        yield from watching(settings)
        try:
            yield from _database(settings)
        except SQLAlchemyError as error:
            words = f"cannot be asked ({type(error).__name__}); run this where `airflow db check` works"
            yield Finding("Airflow's database", "problem", words)


def watching(settings: Settings) -> Iterator[Finding]:
    """Metrics, lineage and the deadline of a day: each only where it is switched on."""
    if conf.getboolean("metrics", "statsd_on", fallback=False):
        if is_installed("statsd"):
            yield Finding("metrics", "ok", "go to StatsD")
        else:
            words = "StatsD is on, and its client is not installed: pip install license-ledger[statsd]"
            yield Finding("metrics", "warning", words)
    elif is_measured():
        yield Finding("metrics", "ok", "are sent")
    if is_traced():
        yield Finding("lineage", "ok", "events of OpenLineage are sent")
    if settings.notify_published_by:
        if f"{SnapshotDay.__module__}.{SnapshotDay.__qualname__}" in get_deadline_references_plugins():
            yield Finding("deadline", "ok", f"days are to be published by {settings.notify_published_by} UTC")
        else:
            words = (
                "Airflow does not know the ledger's plugin, and no run can begin: install the package anew"
            )
            yield Finding("deadline", "problem", words)


def is_installed(module: str) -> bool:
    """Whether a module can be imported."""
    try:
        import_module(module)
    except ImportError:
        return False
    return True


def _encryption() -> tuple[State, str]:
    require_encryption()
    return "ok", "there is a Fernet key"


def _executor(settings: Settings) -> tuple[State, str]:
    executor = conf.get("core", "executor")
    require_shared_places(settings, executor)
    return "ok", executor


def _version() -> Finding:
    found = Version(version("apache-airflow-core"))
    if OLDEST <= found < NEXT_MAJOR:
        return Finding("Airflow", "ok", str(found))
    return Finding("Airflow", "problem", f"{found} is installed; the ledger needs {OLDEST} or newer, below 4")


def _database(settings: Settings) -> Iterator[Finding]:
    with create_session() as session:
        if conf.get("database", "sql_alchemy_conn").startswith("sqlite"):
            words = "SQLite: backfills from the UI do not work, and one task runs at a time; use Postgres"
            yield Finding("Airflow's database", "warning", words)
        else:
            yield Finding("Airflow's database", "ok", "answers")
        for kind, name in JOBS.items():
            job = most_recent_job(kind, session=session)
            if job is not None and job.is_alive():
                yield Finding(name, "ok", "alive")
            else:
                yield Finding(name, "warning", "no heartbeat: start it, or no run begins or goes on")
        if settings.org_pools:
            pools = set(session.scalars(select(Pool.pool)))
            for org in settings.orgs:
                yield _pool(org_pool(org), pools)
        broken = [row.filename for row in session.scalars(select(ParseImportError)) if row.filename]
        for org in settings.orgs:
            dag = session.get(DagModel, dag_id(org))
            yield _dag(dag_id(org), dag, broken)


def _pool(name: str, pools: Collection[str | None]) -> Finding:
    if name in pools:
        return Finding(f"pool {name}", "ok", "is there")
    words = "does not exist, so its tasks never run: license-ledger pools"
    return Finding(f"pool {name}", "problem", words)


def _dag(name: str, dag: DagModel | None, broken: list[str]) -> Finding:
    if dag is None or dag.is_stale:
        why = f"; these files have import errors: {', '.join(sorted(broken))}" if broken else ""
        words = f"Airflow does not know it: copy dags/salesforce_license_snapshot.py into its DAG folder{why}"
        return Finding(f"DAG {name}", "problem", words)
    if dag.is_paused:
        return Finding(f"DAG {name}", "warning", "is paused: it runs when you trigger it, not daily")
    return Finding(f"DAG {name}", "ok", "is known and not paused")
