"""
The rows of one org's day in a DuckDB warehouse: taken out, put in, counted. May import errors, schemas and
the warehouse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from license_ledger.errors import ConfigError, CorruptSnapshot, LedgerError
from license_ledger.schemas import SCHEMA_VERSION, SNAPSHOTS, TABLES, Table
from license_ledger.warehouse import ddl
from license_ledger.warehouse.connection import is_writable_version

_DAY = '"org_id" = ? AND "snapshot_date" = ?'
_PARTITION_FIELDS = (
    pa.field("org_id", pa.string(), nullable=False),
    pa.field("snapshot_date", pa.date32(), nullable=False),
)


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


def replace_days(connection: duckdb.DuckDBPyConnection, snapshots: Sequence[LoadableSnapshot]) -> None:
    """
    Put the rows of snapshots of different days in place of those that their orgs have for these days.

    Many days cost hardly more statements than one: every table is filled by one insert, streaming.

    Raises:
        CorruptSnapshot: rows do not fit the schema. Whatever reading a snapshot raises comes out unchanged.
    """
    days = [(snapshot.org_id, snapshot.snapshot_date) for snapshot in snapshots]
    if _delete(connection, days):
        # Only a checkpoint gives the room of the deleted rows back to those that come.
        connection.execute("CHECKPOINT")
    for table in ddl.DAY_TABLES:
        _insert(connection, table, snapshots)


def _delete(connection: duckdb.DuckDBPyConnection, days: Sequence[tuple[str, date]]) -> int:
    """Take the rows of the days out of every table; how many there were."""
    deleted = 0
    for table in ddl.DAY_TABLES:
        for org_id in {org_id for org_id, _ in days}:
            dates = [day for org, day in days if org == org_id]
            [(count,)] = connection.execute(
                f"DELETE FROM {ddl.quoted(table.name)} "  # noqa: S608
                'WHERE "org_id" = ? AND "snapshot_date" IN (SELECT unnest(CAST(? AS DATE[])))',
                [org_id, dates],
            ).fetchall()
            deleted += count
    return deleted


def _insert(
    connection: duckdb.DuckDBPyConnection, table: Table, snapshots: Sequence[LoadableSnapshot]
) -> None:
    """Stream batches into a table. An error of whoever makes the batches comes out as it was raised."""
    raised: list[Exception] = []
    schema = warehouse_schema(table)

    def conformed() -> Iterator[pa.RecordBatch]:
        for snapshot in snapshots:
            try:
                yield from warehouse_rows(snapshot, table)
            except Exception as error:
                raised.append(_told(error, table, [snapshot]))
                raise

    names = ", ".join(ddl.quoted(name) for name in schema.names)
    connection.register("incoming", pa.RecordBatchReader.from_batches(schema, conformed()))
    try:
        connection.execute(
            f"INSERT INTO {ddl.quoted(table.name)} ({names}) SELECT {names} FROM incoming"  # noqa: S608
        )
    except (duckdb.IOException, duckdb.OutOfMemoryException):
        if not raised:
            raise
        raise raised[0] from None
    except duckdb.Error as error:
        raise (raised[0] if raised else _told(error, table, snapshots)) from None
    finally:
        connection.unregister("incoming")


def warehouse_schema(table: Table) -> pa.Schema:
    """What rows of a table of days are in the warehouse: the partition columns first."""
    return pa.schema([*_PARTITION_FIELDS, *table.arrow_schema])


def warehouse_rows(snapshot: LoadableSnapshot, table: Table) -> Iterator[pa.RecordBatch]:
    """The rows of a snapshot as a table of days has them, piece by piece."""
    schema = warehouse_schema(table)
    batches = (
        [pa.RecordBatch.from_pylist([dict(snapshot.row)], SNAPSHOTS.arrow_schema)]
        if table is SNAPSHOTS
        else snapshot.batches(table.name)
    )
    for batch in batches:
        yield _of_its_day(_conformed(batch, table), snapshot, schema)


def _of_its_day(batch: pa.RecordBatch, snapshot: LoadableSnapshot, schema: pa.Schema) -> pa.RecordBatch:
    partition = [
        pa.repeat(pa.scalar(value, field.type), batch.num_rows)
        for field, value in zip(_PARTITION_FIELDS, (snapshot.org_id, snapshot.snapshot_date), strict=True)
    ]
    return pa.RecordBatch.from_arrays([*partition, *batch.columns], schema=schema)


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


def _told(error: Exception, table: Table, snapshots: Sequence[LoadableSnapshot]) -> Exception:
    """The error in the ledger's words: databases quote the offending value, which may be a person's."""
    if isinstance(error, LedgerError) or not isinstance(error, (duckdb.Error, pa.ArrowException)):
        return error
    missing = re.search(r"NOT NULL constraint failed: ([\w.]+)", str(error))
    which = " or ".join(snapshot.snapshot_id for snapshot in snapshots)
    return CorruptSnapshot(
        f"table {table.name} of snapshot {which}",
        f"has no value for {missing[1]}" if missing else f"does not fit the schema ({type(error).__name__})",
        "publish the day again",
    )


def verify_days(
    connection: duckdb.DuckDBPyConnection,
    snapshots: Sequence[LoadableSnapshot],
    expected: Sequence[Mapping[str, int]],
) -> None:
    """
    Count the rows of snapshots in every table.

    Args:
        connection: to the warehouse.
        snapshots: of different days.
        expected: rows per table that each of them announces, in their order.

    Raises:
        CorruptSnapshot: they are not those that were announced.
    """
    announced = [{**rows, SNAPSHOTS.name: 1} for rows in expected]
    orgs, dates = {s.org_id for s in snapshots}, {s.snapshot_date for s in snapshots}
    for table in {name for rows in announced for name in rows}:
        counted = connection.execute(
            f"SELECT org_id, snapshot_date, count(*) FROM {ddl.quoted(table)} "  # noqa: S608
            'WHERE "org_id" IN (SELECT unnest(CAST(? AS VARCHAR[]))) '
            'AND "snapshot_date" IN (SELECT unnest(CAST(? AS DATE[]))) GROUP BY ALL',
            [list(orgs), list(dates)],
        ).fetchall()
        loaded = {(org_id, day): count for org_id, day, count in counted}
        for snapshot, rows in zip(snapshots, announced, strict=True):
            found = loaded.get((snapshot.org_id, snapshot.snapshot_date), 0)
            if found != rows.get(table, found):
                raise CorruptSnapshot(
                    f"table {table} of snapshot {snapshot.snapshot_id}",
                    f"has {found} rows, and the snapshot announces {rows[table]}",
                    "publish the day again",
                )
