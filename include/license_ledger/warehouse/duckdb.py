"""
The embedded warehouse: one DuckDB file, built beside and swapped. May import errors, schemas, the warehouse.

Readers open the file whenever they like: it is never written in place, so they are never locked out and never
see half a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from license_ledger import __version__
from license_ledger.errors import StagingUnwritable, StoreBusy
from license_ledger.inputs.given import Inputs
from license_ledger.schemas import SCHEMA_VERSION
from license_ledger.warehouse import ddl
from license_ledger.warehouse.connection import (
    STATE_TABLE,
    configuration,
    fingerprint,
    identify,
    open_readonly,
    warehouse_path,
)
from license_ledger.warehouse.contract import LoadReceipt
from license_ledger.warehouse.day import (
    LoadableSnapshot,
    announced_rows,
    holds,
    replace_days,
    verify_days,
)
from license_ledger.warehouse.given import compared, holds_inputs, replace_inputs
from license_ledger.warehouse.statements import VIEWS, views
from license_ledger.warehouse.swap import exclusive, successor

__all__ = ["LoadReceipt", "LoadableSnapshot", "load_all", "open_readonly", "warehouse_path"]

MEMORY_LIMIT = "64MB"
"""For DuckDB's own buffers, beside which it takes as much again; twice what it cannot do without."""

LOADING_THREADS = 1
"""One writes a smaller file than two, with a quarter less processor time, and is no slower."""

STORAGE_VERSION = "v1.3.0"
"""
Format of a new file: BI tools carry older DuckDB releases, and the newest format is closed to them. The one
before this is written with a quarter more processor time.
"""


def load_all(
    path: str | Path,
    snapshots: Sequence[LoadableSnapshot],
    *,
    inputs: Inputs | None = None,
    memory_limit: str = MEMORY_LIMIT,
    threads: int = LOADING_THREADS,
    wait_seconds: float = 600,
) -> list[LoadReceipt]:
    """
    Put several snapshots into the warehouse in one swap: all of them or none.

    Args:
        path: the warehouse file; made, with its directory, when it does not exist.
        snapshots: of different days, read table by table, streaming; memory does not grow with them.
        inputs: what the files that people keep say now; None: what is in the warehouse of them stays.
        memory_limit: of DuckDB; beyond it DuckDB spills to files beside the warehouse.
        threads: of DuckDB.
        wait_seconds: how long to wait for another loader of the same file.

    Returns:
        A receipt per snapshot, in their order.

    Raises:
        StoreBusy: another loader, or somebody who opened the file for writing, has it.
        ConfigError: the path names something else than a warehouse that this version can write.
        CorruptSnapshot: the snapshot's rows are not those it announces, or do not fit the schema.
        StagingUnwritable: the file cannot be written. In every case the old file stays as it was.
    """
    target = Path(path).resolve()
    expected = [announced_rows(snapshot) for snapshot in snapshots]
    with exclusive(target, wait_seconds):
        mark, missing = _missing(target, snapshots, inputs)
        if missing:
            with (
                successor(target) as building,
                writing(building, target, memory_limit, threads) as connection,
            ):
                if mark != fingerprint():
                    prepare(connection)
                changed = inputs is not None and not holds_inputs(connection, inputs)
                # Where the file was up to date, what it holds has been asked already.
                known = changed or mark == fingerprint()
                absent = [
                    s
                    for s in snapshots
                    if (s.org_id, s.snapshot_date) in missing and (known or not holds(connection, s))
                ]
                replace_days(connection, compared(absent, inputs))
                if inputs is not None and changed:
                    replace_inputs(connection, inputs)
                verify_days(connection, snapshots, expected)
                connection.execute("CHECKPOINT")
        return [
            LoadReceipt(
                warehouse=str(target),
                org_id=snapshot.org_id,
                snapshot_date=snapshot.snapshot_date.isoformat(),
                snapshot_id=snapshot.snapshot_id,
                rows=rows,
                bytes=target.stat().st_size,
                loaded=(snapshot.org_id, snapshot.snapshot_date) in missing,
            )
            for snapshot, rows in zip(snapshots, expected, strict=True)
        ]


def require_no_log(target: Path) -> None:
    """
    Make sure that nobody else writes the file.

    Raises:
        StoreBusy: their log lies beside it.
    """
    if target.with_name(f"{target.name}.wal").exists():
        raise StoreBusy(
            f"warehouse {target}",
            "somebody writes to it, and their log lies beside it",
            "close that program; if none is running, open and close the file once with DuckDB",
        )


def _missing(
    target: Path, snapshots: Sequence[LoadableSnapshot], inputs: Inputs | None
) -> tuple[str | None, set[tuple[str, date]]]:
    """
    What the tables and views of the file come from, and the days that are still to be loaded.

    A day that is there is loaded again where the files beside it have changed.
    """
    days = {(snapshot.org_id, snapshot.snapshot_date) for snapshot in snapshots}
    require_no_log(target)
    if not target.exists():
        return None, days
    with open_readonly(target) as connection:
        mark = identify(connection, target)
        if mark != fingerprint():
            return mark, days
        if inputs is not None and not holds_inputs(connection, inputs):
            return mark, days
        there = {(s.org_id, s.snapshot_date) for s in snapshots if holds(connection, s)}
        return mark, days - there


@contextmanager
def writing(
    building: Path, target: Path, memory_limit: str = MEMORY_LIMIT, threads: int = LOADING_THREADS
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the file that is being built; it is closed before the file takes its place."""
    config = {
        **configuration(memory_limit, threads),
        "storage_compatibility_version": STORAGE_VERSION,
        "preserve_insertion_order": False,
    }
    try:
        with duckdb.connect(str(building), config=config) as connection:
            yield connection
    except duckdb.IOException:
        raise StagingUnwritable(
            f"writing {target}",
            "the disk refuses",
            f"see that {target.parent} has room for a second copy of the file",
        ) from None


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring tables and views to what this version declares; what is there already is left alone."""
    connection.begin()
    for table in ddl.WAREHOUSE_TABLES:
        connection.execute(ddl.create_table(table, ddl.DUCKDB))
        described = connection.execute(f"DESCRIBE {ddl.quoted(table.name)}").fetchall()
        there = {name for name, *_ in described}
        for column in ddl.columns(table):
            if column.name not in there:
                connection.execute(ddl.add_column(table, column, ddl.DUCKDB))
        for comment in ddl.comments(table):
            connection.execute(comment)
    for view in views():
        for statement in ddl.create_view(view):
            connection.execute(statement)
    for name in VIEWS:
        connection.execute(f"SELECT * FROM {ddl.quoted(name)} LIMIT 0")  # noqa: S608
    connection.execute(
        f"CREATE OR REPLACE TABLE {STATE_TABLE} AS "
        "SELECT ? AS schema_version, ? AS fingerprint, ? AS ledger_version",
        [SCHEMA_VERSION, fingerprint(), __version__],
    )
    connection.commit()
