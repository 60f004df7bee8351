"""
The rows of one org's day in Postgres: taken out, put in, counted. May import errors, schemas and the
warehouse.

Rows go from Arrow to the server in the binary form of ``COPY``, made of whole batches by a compiled encoder,
one piece ahead of what is being sent: memory holds a few pieces, whatever the size of the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pgpq
import pyarrow as pa
from psycopg import sql

from license_ledger.errors import CorruptSnapshot
from license_ledger.inputs.given import WHOLE, Inputs
from license_ledger.inputs.tables import INPUT_FILES
from license_ledger.schemas import SNAPSHOTS, Table
from license_ledger.warehouse import ddl
from license_ledger.warehouse.day import LoadableSnapshot, warehouse_rows, warehouse_schema
from license_ledger.warehouse.given import compared
from license_ledger.warehouse.postgres.address import Address
from license_ledger.warehouse.postgres.refusals import MissingValue, told_of_rows
from license_ledger.warehouse.postgres.session import Connection, lock_day, lock_inputs, transaction

_PIECE = 2_000
"""Rows that are encoded at a time: less than the server takes in while nothing is sent."""


def replace_day(
    connection: Connection,
    address: Address,
    snapshot: LoadableSnapshot,
    expected: Mapping[str, int],
    *,
    inputs: Inputs | None,
    wait_seconds: float,
) -> bool:
    """
    Put the snapshot's rows in place of those that its org has for its day, in one transaction.

    Args:
        connection: of a session, with the tables brought up to date.
        address: of the warehouse.
        snapshot: read once, streaming.
        expected: rows per table that it announces.
        inputs: what the files that people keep say now, put in place of what they said; None: that stays.
        wait_seconds: how long to wait for another loader of the same day.

    Returns:
        False when the snapshot is there already, with the same files beside it, and nothing was written.

    Raises:
        CorruptSnapshot: rows are not those announced, or do not fit.
        StoreBusy, WarehouseUnavailable, ConfigError: see the warehouse. Whatever reading the snapshot raises
            comes out unchanged. In every case the day stays as it was.
    """
    with transaction(connection, address, wait_seconds):
        lock_day(connection, address, snapshot.org_id, snapshot.snapshot_date)
        if holds(connection, snapshot) and (inputs is None or holds_inputs(connection, inputs)):
            return False
        for table in ddl.DAY_TABLES:
            connection.execute(
                f"DELETE FROM {ddl.quoted(table.name)} WHERE org_id = %s AND snapshot_date = %s",  # noqa: S608
                [snapshot.org_id, snapshot.snapshot_date],
            )
        [filled] = compared([snapshot], inputs)
        for table in ddl.DAY_TABLES:
            with told_of_rows(f"table {table.name} of snapshot {snapshot.snapshot_id}"):
                loaded = copy(connection, table, warehouse_schema(table), warehouse_rows(filled, table))
            _require(loaded, {**expected, SNAPSHOTS.name: 1}.get(table.name, loaded), table, snapshot)
        if inputs is not None:
            _replace_inputs(connection, address, inputs)
    return True


def _replace_inputs(connection: Connection, address: Address, inputs: Inputs) -> None:
    """Last, since loaders of other days wait for it."""
    lock_inputs(connection, address)
    if holds_inputs(connection, inputs):
        return
    for table in WHOLE:
        connection.execute(f"DELETE FROM {ddl.quoted(table.name)}")  # noqa: S608
        rows = inputs.tables[table.name]
        with told_of_rows(f"input {table.name}"):
            copy(connection, table, rows.schema, rows.to_batches())


def holds_inputs(connection: Connection, inputs: Inputs) -> bool:
    """Whether the tables of the warehouse come from exactly these files."""
    query = f"SELECT input_name, sha256 FROM {ddl.quoted(INPUT_FILES.name)}"  # noqa: S608
    return dict(connection.execute(query).fetchall()) == inputs.fingerprints


def holds(connection: Connection, snapshot: LoadableSnapshot) -> bool:
    """Whether the warehouse holds exactly this snapshot: its whole row is compared, manifest and all."""
    names = [column.name for column in SNAPSHOTS.columns]
    query = sql.SQL("SELECT {} FROM snapshots WHERE org_id = %s AND snapshot_date = %s").format(
        sql.SQL(", ").join(map(sql.Identifier, names))
    )
    row = connection.execute(query, [snapshot.org_id, snapshot.snapshot_date]).fetchone()
    return row == tuple(snapshot.row.get(name) for name in names)


def copy(connection: Connection, table: Table, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """
    Append rows to a table.

    Args:
        connection: in a transaction.
        table: of the warehouse.
        schema: of the rows.
        batches: of that schema.

    Returns:
        The number of rows that the server has taken.
    """
    query = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, schema.names))
    )
    with connection.cursor() as cursor:
        with cursor.copy(query) as target:
            for piece in _ahead(_encoded(schema, batches)):
                target.write(piece)
        return cursor.rowcount


def analyze(connection: Connection, address: Address, tables: Sequence[Table]) -> None:
    """
    Tell the planner of a day that came; without it the newest day is taken for empty.

    A table that somebody else is analyzing or vacuuming is passed over: that says the same.
    """
    for table in tables:
        target = sql.Identifier(address.schema, table.name)
        connection.execute(sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(target))


def _encoded(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    encoder = pgpq.ArrowToPostgresBinaryEncoder(schema)
    yield encoder.write_header()
    for batch in batches:
        _require_values(batch)
        for start in range(0, batch.num_rows, _PIECE):
            yield encoder.write_batch(batch.slice(start, _PIECE))
    yield encoder.finish()


def _require_values(batch: pa.RecordBatch) -> None:
    """The encoder takes a column that must have values at its word."""
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if not field.nullable and column.null_count:
            raise MissingValue(f"has no value for {field.name}")


def _ahead(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, the next one being made by another thread meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, pieces, None)
        while (piece := coming.result()) is not None:
            coming = pool.submit(next, pieces, None)
            yield piece


def _require(loaded: int, announced: int, table: Table, snapshot: LoadableSnapshot) -> None:
    if loaded != announced:
        raise CorruptSnapshot(
            f"table {table.name} of snapshot {snapshot.snapshot_id}",
            f"has {loaded} rows, and the snapshot announces {announced}",
            "publish the day again",
        )
