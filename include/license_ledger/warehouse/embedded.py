"""The DuckDB file as a :class:`license_ledger.warehouse.contract.Warehouse`. May import the warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from license_ledger.warehouse import duckdb as loader
from license_ledger.warehouse import rebuild
from license_ledger.warehouse.connection import open_readonly, warehouse_path
from license_ledger.warehouse.contract import WAIT_SECONDS, Inputs, LoadableSnapshot, LoadReceipt, Replacement


@dataclass(frozen=True)
class DuckDBWarehouse:
    """
    A warehouse in one file, which is replaced as a whole.

    Attributes:
        path: of the file; it need not exist.
    """

    path: Path

    @classmethod
    def parse(cls, url: str) -> DuckDBWarehouse:
        """The warehouse of a ``duckdb:///`` URL. Raises ConfigError when it names no file."""
        return cls(warehouse_path(url))

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path.resolve())

    @property
    def file(self) -> Path | None:
        """The file, where there is one."""
        return self.path if self.path.exists() else None

    def require_writable(self) -> None:
        """Nothing: the file is made when it is missing, and judged when it is loaded."""

    def load_all(
        self,
        snapshots: Sequence[LoadableSnapshot],
        *,
        inputs: Inputs | None = None,
        wait_seconds: float = WAIT_SECONDS,
    ) -> list[LoadReceipt]:
        """All of them in one swap, or none; see :func:`license_ledger.warehouse.duckdb.load_all`."""
        return loader.load_all(self.path, snapshots, inputs=inputs, wait_seconds=wait_seconds)

    def days(self, org_id: str) -> dict[date, str]:
        """See :func:`license_ledger.warehouse.rebuild.loaded_days`."""
        return rebuild.loaded_days(self.path, org_id)

    def forget_days(self, org_id: str, days: Iterable[date], *, wait_seconds: float = WAIT_SECONDS) -> int:
        """See :func:`license_ledger.warehouse.rebuild.forget_days`."""
        return rebuild.forget_days(self.path, org_id, days, wait_seconds=wait_seconds)

    def count_person(self, org_id: str, user_ids: Sequence[str]) -> dict[str, int]:
        """See :func:`license_ledger.warehouse.rebuild.count_person`."""
        return rebuild.count_person(self.path, org_id, user_ids)

    def replace_person(self, who: Replacement, *, wait_seconds: float = WAIT_SECONDS) -> dict[str, int]:
        """Make the file anew where it holds rows of the person, or may hold bytes of deleted ones."""
        rows = self.count_person(who.org_id, who.user_ids)
        if self.file is None or (not any(rows.values()) and not rebuild.has_free_blocks(self.path)):
            return {}
        return rebuild.rebuild(self.path, who, wait_seconds=wait_seconds)

    @contextmanager
    def texts(self) -> Iterator[DuckDBTexts | None]:
        """Read the file as it is now."""
        if self.file is None:
            yield None
            return
        with open_readonly(self.path) as connection:
            yield DuckDBTexts(connection)


@dataclass(frozen=True)
class DuckDBTexts:
    """The texts of a file that is open."""

    connection: duckdb.DuckDBPyConnection

    def columns(self) -> Mapping[str, Sequence[str]]:
        """Of every table of the file."""
        rows = self.connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() "
            "WHERE database_name = 'ledger' AND schema_name = 'main' AND data_type = 'VARCHAR' "
            "AND table_name IN (SELECT table_name FROM duckdb_tables() WHERE database_name = 'ledger')"
        ).fetchall()
        return _by_table(rows)

    def ask(self, query: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.connection.execute(query, list(parameters)).fetchall()


def _by_table(rows: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, column in rows:
        found.setdefault(table, []).append(column)
    return found
