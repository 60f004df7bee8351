"""
Whether a service of Airflow lives: the health check of containers whose service has no address to ask.

    is_alive.py SchedulerJob|TriggererJob|DagProcessorJob FILE    its heartbeat is in the metadata database
    is_alive.py worker FILE                                       it answers over the broker

FILE holds the address of the database or the broker. Ends with 0 when the service of this container lives. It
does not import Airflow, which would cost seconds of processor time at every check.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

FRESH_SECONDS = 60
PATIENCE_SECONDS = 5


def beats(kind: str, address: str, host: str) -> bool:
    """
    Look for a heartbeat.

    Args:
        kind: of job, as Airflow names it.
        address: SQLAlchemy URL of the metadata database.
        host: the job's.
    """
    import psycopg

    query = (
        "SELECT 1 FROM job WHERE job_type = %s AND hostname = %s AND state = 'running' "
        "AND latest_heartbeat > now() - make_interval(secs => %s)"
    )
    url = address.replace("postgresql+psycopg2://", "postgresql://", 1)
    with psycopg.connect(url, connect_timeout=PATIENCE_SECONDS) as connection:
        return connection.execute(query, [kind, host, FRESH_SECONDS]).fetchone() is not None


def answers(address: str, host: str) -> bool:
    """
    Ask a Celery worker whether it is there.

    Args:
        address: of the broker.
        host: the worker's.
    """
    from celery import Celery

    name = f"celery@{host}"
    with Celery(broker=address) as application:
        return bool(application.control.ping(destination=[name], timeout=PATIENCE_SECONDS))


def main() -> int:
    """Return 0 when the service lives; an unreachable database or broker is an error, hence not 0."""
    kind, file = sys.argv[1:]
    address = Path(file).read_text(encoding="utf-8").strip()
    host = os.environ.get("HOSTNAME") or socket.gethostname()
    return 0 if (answers(address, host) if kind == "worker" else beats(kind, address, host)) else 1


if __name__ == "__main__":
    sys.exit(main())
