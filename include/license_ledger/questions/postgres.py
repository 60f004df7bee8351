"""
A Postgres warehouse as a source. May import errors, schemas and the warehouse.

A session is one read-only transaction that sees one state of the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from license_ledger.errors import StoreBusy
from license_ledger.questions.answers import Answers
from license_ledger.questions.session import Session, question
from license_ledger.questions.source import TIMEOUT_SECONDS, NothingYet, refused

_OPTIONS = "-c default_transaction_read_only=on -c timezone=UTC"


class PostgresSource:
    """
    The warehouse database.

    Args:
        url: ``postgresql://…``, with or without a password; never part of a message.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._answers = Answers()

    @contextmanager
    def session(self, seconds: float = TIMEOUT_SECONDS) -> Iterator[Session]:
        """See :class:`license_ledger.questions.source.Source`."""
        try:
            with psycopg.connect(
                self._url, options=f"{_OPTIONS} -c statement_timeout={int(seconds * 1000)}"
            ) as connection:
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                with connection.cursor() as cursor:
                    yield Session(cursor, "pyformat", _mark(cursor), self._answers)
        except psycopg.errors.UndefinedTable:
            raise NothingYet from None
        except psycopg.errors.QueryCanceled:
            raise StoreBusy(
                "a question to the warehouse", "was given up: it took too long", "choose a narrower filter"
            ) from None
        except psycopg.Error as error:
            raise refused(error) from None


def _mark(cursor: psycopg.Cursor[tuple[object, ...]]) -> str:
    cursor.execute(question("marks").text.encode())
    return hashlib.sha256(repr(cursor.fetchall()).encode()).hexdigest()
