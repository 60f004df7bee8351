"""The warehouse file as a source. May import errors, the warehouse and its own package."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from license_ledger.errors import StoreBusy
from license_ledger.questions.answers import Answers
from license_ledger.questions.session import Session
from license_ledger.questions.states import TIMEOUT_SECONDS, NothingYet
from license_ledger.warehouse.connection import open_readonly

MEMORY_LIMIT = "768MB"
"""Of DuckDB in the API server: a sort of the seats of a million people by name takes half of it."""


class DuckDbSource:
    """
    The warehouse file. It is opened anew when a load has put another in its place.

    Args:
        path: of the file, which need not exist yet.
        memory_limit: of DuckDB.
    """

    def __init__(self, path: Path, *, memory_limit: str = MEMORY_LIMIT) -> None:
        self._path, self._memory_limit = path.absolute(), memory_limit
        self._opening = threading.Lock()
        self._opened: tuple[str, duckdb.DuckDBPyConnection] | None = None
        self._answers = Answers()

    @contextmanager
    def session(self, seconds: float = TIMEOUT_SECONDS) -> Iterator[Session]:
        """See :class:`Source`. The file is the one that was there when the session began."""
        mark, connection = self._current()
        cursor = connection.cursor()
        try:
            cursor.execute("USE ledger")
            cursor.execute("SET TimeZone = 'UTC'")
            with interrupted_after(cursor, seconds):
                yield Session(cursor, "named", mark, self._answers)
        finally:
            cursor.close()

    def _current(self) -> tuple[str, duckdb.DuckDBPyConnection]:
        with self._opening:
            try:
                found = self._path.stat()
            except FileNotFoundError:
                raise NothingYet from None
            mark = f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"
            if self._opened is None or self._opened[0] != mark:
                # Sessions on the file that was there before keep it open until they end.
                connection = open_readonly(self._path, memory_limit=self._memory_limit)
                if not connection.execute("SELECT 1 FROM duckdb_tables() LIMIT 1").fetchall():
                    connection.close()
                    raise NothingYet
                self._opened = (mark, connection)
            return self._opened


@contextmanager
def interrupted_after(cursor: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """
    Give up what takes too long.

    Raises:
        StoreBusy: a statement was interrupted, or took more memory than there is.
    """
    timer = threading.Timer(seconds, cursor.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
        raise StoreBusy(
            "a question to the warehouse",
            f"was given up ({type(error).__name__})",
            "choose a narrower filter, or ask again when less is going on",
        ) from None
    finally:
        timer.cancel()
