"""
The environment every component of the local stack runs in.

Airflow is configured by environment alone; the user's own ``LICENSE_LEDGER_…``, ``AIRFLOW_CONN_…`` and proxy
variables pass through.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from .home import CHECKOUT, HOME_VARIABLE, USERNAME, Home

LOOPBACK = "127.0.0.1"
PARALLEL_TASKS = 6


def environment(
    home: Home, database_uri: str, port: int, *, scheduled: bool, executor: Mapping[str, str] | None = None
) -> dict[str, str]:
    """
    Build the environment of the components.

    Args:
        home: where everything lies.
        database_uri: SQLAlchemy address of the metadata database.
        port: of the API server.
        scheduled: whether DAGs run by their schedule too, or only when they are triggered.
        executor: settings of another executor than the one that runs tasks as children of the scheduler.

    Returns:
        The process environment with ours on top. Nothing of it appears on a command line.
    """
    inherited = {k: v for k, v in os.environ.items() if k not in {HOME_VARIABLE, "PYTHONDONTWRITEBYTECODE"}}
    defaults = {
        "LICENSE_LEDGER_STAGING": home.staging_url,
        "LICENSE_LEDGER_WAREHOUSE": home.warehouse_url,
    }
    ours = {
        "AIRFLOW_HOME": str(home.airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(CHECKOUT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(PARALLEL_TASKS),
        "AIRFLOW__CORE__FERNET_KEY": home.fernet_key(),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__AUTH_MANAGER": (
            "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USERNAME}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home.passwords),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{LOOPBACK}:{port}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_uri,
        "AIRFLOW__API__HOST": LOOPBACK,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://{LOOPBACK}:{port}",
        "AIRFLOW__API__INSTANCE_NAME": "License Ledger",
        "AIRFLOW__API_AUTH__JWT_SECRET": home.jwt_secret(),
        # The time a worker is held after a task whose process takes a moment to end.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home.logs / "tasks"),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": str(scheduled),
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "15",
        "NO_PROXY": _without_proxy("NO_PROXY"),
        "no_proxy": _without_proxy("no_proxy"),
        "PYTHONUNBUFFERED": "1",
        "OPENBLAS_NUM_THREADS": "1",  # numpy would start threads before the scheduler forks, and needs none
    }
    if sys.platform == "darwin":
        ours["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"  # macOS kills forked workers otherwise
    return defaults | inherited | ours | dict(executor or {})


def _without_proxy(name: str) -> str:
    """Components talk to each other over loopback, whatever proxy the user's environment names."""
    known = os.environ.get(name, "")
    return ",".join(filter(None, [known, LOOPBACK, "localhost"]))
