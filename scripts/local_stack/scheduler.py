"""
Airflow's scheduler, started so that a run on this machine is quick. Run as a module.

Its local executor forks a process for every task; what is imported here, before the first fork, no task has
to import again. Only libraries are: a change to the ledger itself is seen by the next task. It begins to
schedule when the API server answers, because tasks that start before that fail without a log.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

LIBRARIES = (
    "airflow.jobs.scheduler_job_runner",
    "airflow.executors.local_executor",
    "airflow.providers.salesforce.hooks.salesforce",
    "airflow.providers.standard.operators.python",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "duckdb",
    "fsspec.implementations.local",
    "pydantic_settings",
    "tenacity",
)


def main() -> None:
    """Import, wait for the API server, schedule."""
    for name in LIBRARIES:
        importlib.import_module(name)
    # Also makes the API server build the part of itself that tasks talk to, which takes it seconds.
    _wait_for(os.environ["AIRFLOW__API__BASE_URL"] + "/execution/health")
    from airflow.__main__ import main as airflow

    sys.argv = ["airflow", "scheduler", "--skip-serve-logs"]
    airflow()


def _wait_for(url: str) -> None:
    opener = build_opener(ProxyHandler({}))
    while True:
        with contextlib.suppress(URLError, ConnectionError, TimeoutError), opener.open(url, timeout=60):
            return
        time.sleep(0.1)


if __name__ == "__main__":
    main()
