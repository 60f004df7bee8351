"""A Postgres database as a :class:`license_ledger.warehouse.contract.Warehouse`. May import the warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from license_ledger.errors import CheckFailed, ConfigError
from license_ledger.warehouse import ddl
from license_ledger.warehouse.contract import WAIT_SECONDS, Inputs, LoadableSnapshot, LoadReceipt, Replacement
from license_ledger.warehouse.day import announced_rows
from license_ledger.warehouse.postgres import history
from license_ledger.warehouse.postgres.address import Address
from license_ledger.warehouse.postgres.day import analyze, replace_day
from license_ledger.warehouse.postgres.refusals import refusals
from license_ledger.warehouse.postgres.session import Connection, session
from license_ledger.warehouse.postgres.tables import identify, prepare

OLDEST_SERVER = 13
"""Major version; the views and the maintenance need no newer one."""


@dataclass(frozen=True)
class PostgresWarehouse:
    """
    A warehouse in a schema of a Postgres database: one transaction per snapshot.

    Attributes:
        address: of the schema.
    """

    address: Address

    @classmethod
    def parse(cls, url: str) -> PostgresWarehouse:
        """The warehouse of a URL. Raises ConfigError when it is none."""
        return cls(Address.parse(url))

    @property
    def name(self) -> str:
        """Host, database and schema."""
        return self.address.name

    @property
    def file(self) -> Path | None:
        """None: the server's files are its own."""
        return None

    def require_writable(self) -> None:
        """
        Connect, and see that the loader may do what a load needs.

        Raises:
            WarehouseUnavailable: the server cannot be reached.
            ConfigError: password, privileges, version or encoding are not as they must be.
        """
        with session(self.address) as connection, refusals(self.address):
            _require_server(connection, self.address)
            _require_privileges(connection, self.address)
            identify(connection, self.address)

    def load_all(
        self,
        snapshots: Sequence[LoadableSnapshot],
        *,
        inputs: Inputs | None = None,
        wait_seconds: float = WAIT_SECONDS,
    ) -> list[LoadReceipt]:
        """Each in a transaction of its own; days before one that fails stay loaded."""
        expected = [announced_rows(snapshot) for snapshot in snapshots]
        with session(self.address) as connection:
            prepare(connection, self.address, wait_seconds)
            loaded = [
                replace_day(
                    connection, self.address, snapshot, rows, inputs=inputs, wait_seconds=wait_seconds
                )
                for snapshot, rows in zip(snapshots, expected, strict=True)
            ]
            with refusals(self.address):
                if any(loaded):
                    analyze(connection, self.address, ddl.WAREHOUSE_TABLES)
                size = _size(connection, self.address)
        return [
            LoadReceipt(
                warehouse=self.name,
                org_id=snapshot.org_id,
                snapshot_date=snapshot.snapshot_date.isoformat(),
                snapshot_id=snapshot.snapshot_id,
                rows=rows,
                bytes=size,
                loaded=is_loaded,
            )
            for snapshot, rows, is_loaded in zip(snapshots, expected, loaded, strict=True)
        ]

    def days(self, org_id: str) -> dict[date, str]:
        """The org's days with their provenances."""
        with self._there() as connection:
            return {} if connection is None else history.days_of(connection, self.address, org_id)

    def forget_days(self, org_id: str, days: Iterable[date], *, wait_seconds: float = WAIT_SECONDS) -> int:
        """In one transaction; the server's own vacuum makes use of the room."""
        doomed = sorted(self.days(org_id).keys() & set(days))
        if not doomed:
            return 0
        with session(self.address) as connection:
            return history.forget(connection, self.address, org_id, doomed, wait_seconds)

    def count_person(self, org_id: str, user_ids: Sequence[str]) -> dict[str, int]:
        """Rows per table that lists people."""
        with self._there() as connection:
            return {} if connection is None else history.count(connection, self.address, org_id, user_ids)

    def replace_person(self, who: Replacement, *, wait_seconds: float = WAIT_SECONDS) -> dict[str, int]:
        """
        In one transaction, after which dead rows are vacuumed away.

        Raises:
            CheckFailed: a transaction that began before is not over and still sees the old rows.
        """
        with self._there() as connection:
            if connection is None:
                return {}
            prepare(connection, self.address, wait_seconds)
            changed = history.replace(connection, self.address, who, wait_seconds)
        with self._there() as connection:
            left = history.vacuum(connection, self.address, wait_seconds) if connection else {}
        if left:
            raise CheckFailed(
                f"erasure in warehouse {self.name}",
                f"old rows can still be seen in {', '.join(left)} by a transaction that began before",
                "end long transactions and drop unused replication slots, then erase again",
            )
        return changed if any(changed.values()) else {}

    @contextmanager
    def texts(self) -> Iterator[PostgresTexts | None]:
        """Read the tables of the schema."""
        with self._there() as connection:
            yield None if connection is None else PostgresTexts(connection, self.address)

    @contextmanager
    def _there(self) -> Iterator[Connection | None]:
        """A connection in whose schema our tables are; None when they are not made yet."""
        with session(self.address) as connection, refusals(self.address):
            yield connection if identify(connection, self.address) is not None else None


@dataclass(frozen=True)
class PostgresTexts:
    """The texts of the tables in a schema."""

    connection: Connection
    address: Address

    def columns(self) -> Mapping[str, Sequence[str]]:
        """Of every table of the schema that may be read."""
        rows = self.connection.execute(
            "SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            "JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
            "WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'm') AND a.atttypid IN "
            "('text'::regtype, 'varchar'::regtype) AND has_table_privilege(c.oid, 'SELECT') "
            "ORDER BY 1, a.attnum",
            [self.address.schema],
        ).fetchall()
        found: dict[str, list[str]] = {}
        for table, column in rows:
            found.setdefault(table, []).append(column)
        return found

    def ask(self, query: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.connection.transaction():
            self.connection.execute(
                "SELECT set_config('search_path', %s, true), set_config('statement_timeout', '0', true)",
                [ddl.quoted(self.address.schema)],
            )
            return psycopg.RawCursor(self.connection).execute(query, parameters).fetchall()


def _require_server(connection: Connection, address: Address) -> None:
    version = connection.info.server_version // 10_000
    encoding = connection.info.parameter_status("server_encoding")
    got = ""
    if version < OLDEST_SERVER:
        got = f"is a Postgres {version}"
    elif encoding != "UTF8":
        got = f"has the encoding {encoding}"
    if got:
        raise ConfigError(
            f"warehouse {address.name}",
            got,
            f"use a database of Postgres {OLDEST_SERVER} or newer with the encoding UTF8",
        )


def _require_privileges(connection: Connection, address: Address) -> None:
    row = connection.execute(
        "SELECT has_database_privilege(current_database(), 'CREATE'), "
        "(SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE') "
        "FROM pg_namespace WHERE nspname = %s)",
        [address.schema],
    ).fetchone()
    may_make_schemas, may_use_schema = row or (False, None)
    if may_use_schema or (may_use_schema is None and may_make_schemas):
        return
    got = (
        f"the loader may not use schema {address.schema}" if may_use_schema is False else "there is no schema"
    )
    raise ConfigError(
        f"warehouse {address.name}",
        f"{got}, and may not make one" if may_use_schema is None else got,
        "run the statements that `license-ledger roles` prints, as an administrator of the database",
    )


def _size(connection: Connection, address: Address) -> int:
    """Bytes of the tables with their indexes."""
    row = connection.execute(
        "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class AS c "
        "JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind = 'r'",
        [address.schema],
    ).fetchone()
    return int(row[0]) if row else 0
