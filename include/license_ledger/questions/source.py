"""
Where the console's answers come from: the warehouse, or published staging where there is none. May import
errors, the reader, the warehouse and its own package.

A source hands out sessions. Within a session nothing moves: what is loaded meanwhile is seen by the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from license_ledger.errors import ConfigError
from license_ledger.questions.session import Session
from license_ledger.questions.states import TIMEOUT_SECONDS
from license_ledger.warehouse.connection import is_postgres, warehouse_path

if TYPE_CHECKING:
    from license_ledger.staging.storage import Storage


class Source(Protocol):
    """A place that answers questions."""

    def session(self, seconds: float = TIMEOUT_SECONDS) -> AbstractContextManager[Session]:
        """
        One look at the data as it is now, in which no answer takes more than so many seconds.

        Raises:
            NothingYet: there is none.
            LedgerError: it cannot be read.
        """


def open_source(warehouse: str, staging: Callable[[], Storage]) -> Source:
    """
    The source that the settings name; nothing is opened yet.

    Args:
        warehouse: setting `warehouse`, an Airflow connection id resolved; empty when there is none.
        staging: opens the staging root; called for the first session, and only without a warehouse.

    Raises:
        ConfigError: it names no warehouse that this version can read.
    """
    if not warehouse:
        from license_ledger.questions.staged import StagedSource

        return StagedSource(staging)
    if is_postgres(warehouse):
        return _postgres(warehouse)
    from license_ledger.questions.embedded import DuckDbSource

    return DuckDbSource(warehouse_path(warehouse))


def _postgres(url: str) -> Source:
    try:
        from license_ledger.questions.postgres import PostgresSource
    except ImportError as error:
        raise ConfigError(
            "setting warehouse",
            f"names a Postgres database, and {error.name} is not installed",
            "install license-ledger with its extra `postgres` in the API server too",
        ) from None
    return PostgresSource(url)
