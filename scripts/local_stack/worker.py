"""
One Celery worker of Airflow, started so that its tasks are quick. Run as a script: ``worker.py NAME SLOTS``.

Like the scheduler of a single machine it imports the libraries before it forks the processes that run tasks.
"""

from __future__ import annotations

import importlib
import sys

LIBRARIES = (
    "airflow.executors.workloads",
    "airflow.providers.celery.executors.celery_executor",
    "airflow.providers.salesforce.hooks.salesforce",
    "airflow.providers.standard.operators.python",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "duckdb",
    "pydantic_settings",
    "tenacity",
)


def main() -> None:
    """Import, then work until told to end."""
    name, slots = sys.argv[1:]
    for library in LIBRARIES:
        importlib.import_module(library)
    from airflow.__main__ import main as airflow

    sys.argv = ["airflow", "celery", "worker", "--celery-hostname", f"{name}@%h", "--concurrency", slots]
    sys.argv += ["--skip-serve-logs", "--without-gossip", "--without-mingle"]
    airflow()


if __name__ == "__main__":
    main()
