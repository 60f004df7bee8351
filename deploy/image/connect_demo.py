"""
Write the demo org's connection into Airflow's database, where it is encrypted.

    connect_demo.py CONNECTION_FILE

A connection of that name that somebody else has made is left alone, and the demo org is not used.
"""

# ruff: noqa: T201 - a command says what it did
from __future__ import annotations

import json
import sys
from pathlib import Path

from airflow.models import Connection
from airflow.utils.session import create_session
from sqlalchemy import select

NAME = "salesforce_default"
MARK = "Bundled demo org of docker-compose.yaml's profile demo."


def main() -> int:
    """Write it; returns 0, also when it was not to be written."""
    told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with create_session() as session:
        found = session.scalar(select(Connection).where(Connection.conn_id == NAME))
        if found is not None and found.description != MARK:
            print(f"connection {NAME} is somebody's own and stays as it is")
            return 0
        connection = found or Connection(conn_id=NAME, conn_type=told["conn_type"], description=MARK)
        connection.set_extra(json.dumps(told["extra"]))
        session.add(connection)
    print(f"connection {NAME} leads to the demo org")
    return 0


if __name__ == "__main__":
    sys.exit(main())
