"""
Published staging as a source, for ledgers without a warehouse. May import errors, the reader and the
warehouse.

The Parquet files are read in place, only those columns, orgs and days that a question is about; the views are
those of the warehouse, made for the session.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb
import pyarrow.dataset as ds

from license_ledger.questions.answers import Answers
from license_ledger.questions.embedded import MEMORY_LIMIT, interrupted_after
from license_ledger.questions.published import PublishedFiles, published_files
from license_ledger.questions.session import Session
from license_ledger.questions.states import TIMEOUT_SECONDS, NothingYet
from license_ledger.schemas import TABLES
from license_ledger.staging.storage import Storage
from license_ledger.warehouse import ddl
from license_ledger.warehouse.connection import THREADS, configuration
from license_ledger.warehouse.statements import views

_UNPUBLISHED = tuple(table for table in ddl.WAREHOUSE_TABLES if table not in TABLES)
"""What a warehouse holds besides, for views that read it: without a warehouse it has no rows."""

LOOK_SECONDS = 5.0
"""How long a look at what is published counts as new."""


class StagedSource:
    """
    The published files.

    Args:
        staging: opens the staging root; called once.
    """

    def __init__(self, staging: Callable[[], Storage]) -> None:
        self._open = staging
        self._lock = threading.Lock()
        self._published: PublishedFiles | None = None
        self._datasets: dict[str, ds.Dataset] = {}
        self._until = 0.0
        self._storage: Storage | None = None
        self._answers = Answers()

    @contextmanager
    def session(self, seconds: float = TIMEOUT_SECONDS) -> Iterator[Session]:
        """See :class:`license_ledger.questions.source.Source`. The files are those of the last look."""
        mark, datasets = self._current()
        with duckdb.connect(":memory:", config=configuration(MEMORY_LIMIT, THREADS)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET enable_external_access = false")
            for name, dataset in datasets.items():
                connection.register(name, dataset)
            for table in _UNPUBLISHED:
                connection.execute(ddl.create_table(table, ddl.DUCKDB))
            for view in views():
                connection.execute(f"CREATE TEMP VIEW {ddl.quoted(view.name)} AS {view.text}")
            with interrupted_after(connection, seconds):
                yield Session(connection, "named", mark, self._answers)

    def _current(self) -> tuple[str, dict[str, ds.Dataset]]:
        with self._lock:
            if self._storage is None:
                self._storage = self._open()
            if self._published is None or time.monotonic() >= self._until:
                found = published_files(self._storage)
                if self._published is None or found.mark != self._published.mark:
                    self._datasets = {table.name: found.dataset(table.name) for table in TABLES}
                self._published, self._until = found, time.monotonic() + LOOK_SECONDS
            if not self._published.days:
                raise NothingYet
            return self._published.mark, self._datasets
