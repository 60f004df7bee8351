"""
A Postgres warehouse as a source. May import errors, the warehouse and its own package.

A session is one read-only transaction that sees one state of the database. Give the API server an address
with a reader's login: it needs no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from license_ledger.errors import StoreBusy
from license_ledger.questions.answers import Answers
from license_ledger.questions.session import Session, question
from license_ledger.questions.states import TIMEOUT_SECONDS, NothingYet
from license_ledger.warehouse.postgres.address import Address
from license_ledger.warehouse.postgres.refusals import connecting, refusals
from license_ledger.warehouse.postgres.session import quoted_path


class PostgresSource:
    """
    The warehouse database.

    Args:
        url: ``postgresql://…`` as the setting has it.

    Raises:
        ConfigError: it is no address of a Postgres warehouse.
    """

    def __init__(self, url: str) -> None:
        self._address = Address.parse(url)
        self._answers = Answers()

    @contextmanager
    def session(self, seconds: float = TIMEOUT_SECONDS) -> Iterator[Session]:
        """See :class:`license_ledger.questions.source.Source`."""
        with connecting(self._address):
            # A standby does for reading.
            parameters = {**self._address.parameters, "target_session_attrs": "any"}
            connection = psycopg.connect(**parameters, prepare_threshold=None)  # type: ignore[arg-type]
        try:
            with refusals(self._address), _told(), connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute(
                    "SELECT set_config('search_path', %s, true), set_config('timezone', 'UTC', true), "
                    "set_config('statement_timeout', %s, true)",
                    [quoted_path(self._address.schema), str(int(seconds * 1000))],
                )
                yield Session(cursor, "pyformat", _mark(cursor), self._answers)
        finally:
            connection.close()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.UndefinedTable:
        raise NothingYet from None
    except psycopg.errors.QueryCanceled:
        raise StoreBusy(
            "a question to the warehouse", "was given up: it took too long", "choose a narrower filter"
        ) from None


def _mark(cursor: psycopg.Cursor[tuple[object, ...]]) -> str:
    cursor.execute(question("marks").text.encode())
    return hashlib.sha256(repr(cursor.fetchall()).encode()).hexdigest()
