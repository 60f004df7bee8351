"""
The rows of one org's day in a DuckDB warehouse: taken out, put in, counted. May import errors, schemas and
the warehouse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from license_ledger.errors import ConfigError, CorruptSnapshot, LedgerError
from license_ledger.schemas import SCHEMA_VERSION, SNAPSHOTS, TABLES, Table
from license_ledger.warehouse import ddl
from license_ledger.warehouse.connection import is_writable_version

_DAY = '"org_id" = ? AND "snapshot_date" = ?'


class LoadableSnapshot(Protocol):
    """What the loader needs of a published snapshot; ``license_ledger.reader.Snapshot`` is one."""

    @property
    def org_id(self) -> str:
        """18 characters."""

    @property
    def snapshot_date(self) -> date:
        """UTC day."""

    @property
    def snapshot_id(self) -> str:
        """Identifies this writing of the day."""

    @property
    def row(self) -> Mapping[str, Any]:
        """The snapshot's row of table `snapshots`, by column."""

    def batches(self, table: str) -> Iterable[pa.RecordBatch]:
        """The rows of a published table, piece by piece."""


def announced_rows(snapshot: LoadableSnapshot) -> dict[str, int]:
    """
    The rows per table that the snapshot says it has.

    Raises:
        ConfigError: a newer version has published the snapshot.
        CorruptSnapshot: the snapshot does not say.
    """
    version = str(snapshot.row["schema_version"])
    if not is_writable_version(version):
        raise ConfigError(
            f"snapshot {snapshot.snapshot_id}",
            f"has schema version {version}, and this is {SCHEMA_VERSION}",
            "upgrade license-ledger here too",
        )
    try:
        rows = json.loads(snapshot.row["rows"])
        lacking = {table.name: 0 for table in TABLES if table.is_optional}
        return {table.name: int((lacking | rows)[table.name]) for table in TABLES if table is not SNAPSHOTS}
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptSnapshot(
            f"snapshot {snapshot.snapshot_id}",
            f"does not tell its rows per table ({type(error).__name__})",
            "publish the day again",
        ) from None


def holds(connection: duckdb.DuckDBPyConnection, snapshot: LoadableSnapshot) -> bool:
    """
    Whether the warehouse holds exactly this snapshot.

    The whole row is compared, manifest and all: a run that is cleared and repeated publishes other files
    under the id it had.
    """
    names = ", ".join(ddl.quoted(column.name) for column in SNAPSHOTS.columns)
    query = f"SELECT {names} FROM snapshots WHERE {_DAY}"  # noqa: S608
    found = connection.sql(query, params=[snapshot.org_id, snapshot.snapshot_date])
    rows: list[dict[str, Any]] = found.to_arrow_table().to_pylist()
    return rows == [{column.name: snapshot.row.get(column.name) for column in SNAPSHOTS.columns}]


def replace_day(connection: duckdb.DuckDBPyConnection, snapshot: LoadableSnapshot) -> None:
    """
    Put the snapshot's rows in place of those that the org has for its day.

    Raises:
        CorruptSnapshot: rows do not fit the schema. Whatever reading the snapshot raises comes out unchanged.
    """
    day = [snapshot.org_id, snapshot.snapshot_date]
    for table in TABLES:
        connection.execute(f"DELETE FROM {ddl.quoted(table.name)} WHERE {_DAY}", day)  # noqa: S608
    # Only a checkpoint gives the room of the deleted rows back to those that come.
    connection.execute("CHECKPOINT")
    for table in TABLES:
        rows = (
            [pa.RecordBatch.from_pylist([dict(snapshot.row)], SNAPSHOTS.arrow_schema)]
            if table is SNAPSHOTS
            else snapshot.batches(table.name)
        )
        _insert(connection, table, rows, snapshot)


def _insert(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    batches: Iterable[pa.RecordBatch],
    snapshot: LoadableSnapshot,
) -> None:
    """Stream batches into a table. An error of whoever makes the batches comes out as it was raised."""
    raised: list[Exception] = []

    def conformed() -> Iterator[pa.RecordBatch]:
        try:
            for batch in batches:
                yield _conformed(batch, table)
        except Exception as error:
            raised.append(error)
            raise

    names = ", ".join(ddl.quoted(column.name) for column in table.columns)
    partition = ", ".join(ddl.quoted(column.name) for column in ddl.PARTITION)
    connection.register("incoming", pa.RecordBatchReader.from_batches(table.arrow_schema, conformed()))
    try:
        connection.execute(
            f"INSERT INTO {ddl.quoted(table.name)} ({partition}, {names}) "  # noqa: S608
            f"SELECT CAST(? AS VARCHAR), CAST(? AS DATE), {names} FROM incoming",
            [snapshot.org_id, snapshot.snapshot_date],
        )
    except (duckdb.IOException, duckdb.OutOfMemoryException):
        if not raised:
            raise
        raise _told(raised[0], table, snapshot) from None
    except duckdb.Error as error:
        raise _told(raised[0] if raised else error, table, snapshot) from None
    finally:
        connection.unregister("incoming")


def _conformed(batch: pa.RecordBatch, table: Table) -> pa.RecordBatch:
    """The batch in the order and types of the schema; a column younger than the snapshot is null."""
    arrays = []
    for field in table.arrow_schema:
        if field.name in batch.schema.names:
            column = batch.column(field.name)
            arrays.append(column if column.type == field.type else column.cast(field.type))
        else:
            arrays.append(pa.nulls(batch.num_rows, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=table.arrow_schema)


def _told(error: Exception, table: Table, snapshot: LoadableSnapshot) -> Exception:
    """The error in the ledger's words: databases quote the offending value, which may be a person's."""
    if isinstance(error, LedgerError) or not isinstance(error, (duckdb.Error, pa.ArrowException)):
        return error
    missing = re.search(r"NOT NULL constraint failed: ([\w.]+)", str(error))
    return CorruptSnapshot(
        f"table {table.name} of snapshot {snapshot.snapshot_id}",
        f"has no value for {missing[1]}" if missing else f"does not fit the schema ({type(error).__name__})",
        "publish the day again",
    )


def verify_day(
    connection: duckdb.DuckDBPyConnection, snapshot: LoadableSnapshot, expected: Mapping[str, int]
) -> None:
    """
    Count the rows of the day in every table.

    Raises:
        CorruptSnapshot: they are not those that were announced.
    """
    for table, rows in {**expected, SNAPSHOTS.name: 1}.items():
        query = f"SELECT count(*) FROM {ddl.quoted(table)} WHERE {_DAY}"  # noqa: S608
        [(loaded,)] = connection.execute(query, [snapshot.org_id, snapshot.snapshot_date]).fetchall()
        if loaded != rows:
            raise CorruptSnapshot(
                f"table {table} of snapshot {snapshot.snapshot_id}",
                f"has {loaded} rows, and the snapshot announces {rows}",
                "publish the day again",
            )
