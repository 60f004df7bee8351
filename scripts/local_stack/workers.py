"""
Celery workers and their broker, as plain processes: what several machines would run, on one.

The broker is a Redis (or Valkey) server that the machine has; ``scripts/redis.sh`` installs one. It listens
on loopback, asks for a password made for this home, and keeps nothing on the disk.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from . import worker
from .home import Home, write_private
from .processes import Component, Family, StackFailed

LOOPBACK = "127.0.0.1"
SERVERS = ("redis-server", "valkey-server")
SERVER_VARIABLE = "LEDGER_REDIS"
LONGEST_TASK_SECONDS = 86_400
"""The broker hands a task out again after so long; longer than any task may take."""


@dataclass(frozen=True)
class Workers:
    """
    Workers in place of the scheduler's own processes.

    Attributes:
        count: how many.
        slots: tasks that each runs at once.
    """

    count: int
    slots: int = 1

    def settings(self, home: Home, database_uri: str, port: int) -> dict[str, str]:
        """
        What makes Airflow use them.

        Args:
            home: where everything lies.
            database_uri: SQLAlchemy address of the metadata database.
            port: of the broker.
        """
        secret = quote(home.broker_password(), safe="")
        return {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CELERY__BROKER_URL": f"redis://:{secret}@{LOOPBACK}:{port}/0",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database_uri}",
            "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": str(LONGEST_TASK_SECONDS),
            # A busy machine is not a broken broker.
            "AIRFLOW__CELERY__OPERATION_TIMEOUT": "20",
            # All are on this machine, and so are the files of the default staging.
            "LICENSE_LEDGER_SHARED_DISK": os.environ.get("LICENSE_LEDGER_SHARED_DISK", "true"),
        }


def start_broker(home: Home, family: Family, port: int) -> Component:
    """
    Start the broker.

    Raises:
        StackFailed: there is none on this machine.
    """
    found = [shutil.which(name) for name in (os.environ.get(SERVER_VARIABLE, ""), *SERVERS) if name]
    server = next((path for path in found if path), None)
    if server is None:
        raise StackFailed("workers need a Redis server; scripts/redis.sh installs one where it can")
    lines = (
        f"bind {LOOPBACK}",
        f"port {port}",
        f"requirepass {home.broker_password()}",
        'save ""',
        "appendonly no",
        f"dir {home.state}",
    )
    configuration = home.state / "redis.conf"
    write_private(configuration, "\n".join(lines) + "\n")
    return family.start("redis", [server, str(configuration)], home.log("redis"), os.environ)


def broker_answers(home: Home, port: int) -> bool:
    """Whether the broker is up, and ours."""
    import redis  # only a stack with workers needs it

    try:
        with redis.Redis(LOOPBACK, port, password=home.broker_password(), socket_timeout=5) as client:
            return bool(client.ping())
    except redis.exceptions.RedisError:
        return False


def start_workers(workers: Workers, home: Home, family: Family, settings: Mapping[str, str]) -> None:
    """Start the workers; they take tasks as soon as they are up."""
    for number in range(1, workers.count + 1):
        name = f"worker-{number}"
        argv = [sys.executable, str(Path(worker.__file__)), name, str(workers.slots)]
        family.start(name, argv, home.log(name), settings, spare=True)
