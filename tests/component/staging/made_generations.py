"""
Generations: snapshots that differ in every value of every table, and know themselves again.

Every text of a generation begins with its number, and the number of rows follows from it, so that a mixture
of two generations, or a torn one, cannot look like either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pads

from license_ledger.errors import SnapshotRefused
from license_ledger.reader import Snapshot, open_snapshot
from license_ledger.schemas import table
from license_ledger.staging.layout import DATA_TABLES, Day
from license_ledger.staging.manifest import file_metadata
from license_ledger.staging.parquet import FileReceipt
from license_ledger.staging.publish import PublishReceipt, publish
from license_ledger.staging.storage import Storage

ORG = "00D5g000008XyzAEAS"
OTHER_ORG = "00D5g000009QrsBEAS"
DAY = date(2026, 3, 1)
ROW_GROUP_ROWS = 40
_BASE = {"users": 90, "licenses": 7, "seats": 150, "mismatches": 20, "control_totals": 12}


@dataclass(frozen=True)
class Generation:
    """A finished snapshot that can be published."""

    number: int
    org_id: str
    snapshot_date: date
    snapshot_id: str
    source: Storage
    files: Mapping[str, FileReceipt]
    row: Mapping[str, Any]

    def publish(self, staging: Storage, **options: Any) -> PublishReceipt:
        """Publish it."""
        return publish(
            staging,
            org_id=self.org_id,
            snapshot_date=self.snapshot_date,
            snapshot_id=self.snapshot_id,
            files=self.files,
            snapshot_row=self.row,
            source=self.source,
            **options,
        )


def rows_of(number: int, name: str) -> int:
    """How many rows a table has in a generation."""
    return _BASE[name] + number % 13


def table_of(number: int, name: str) -> pa.Table:
    """The rows of a table in a generation."""
    count, columns = rows_of(number, name), []
    schema = table(name).arrow_schema
    for field in schema:
        if pa.types.is_string(field.type):
            columns.append(pa.array([f"{number:06d}/{field.name}/{row}" for row in range(count)]))
        elif pa.types.is_int64(field.type):
            columns.append(pa.array([number * 1000 + row for row in range(count)]))
        elif pa.types.is_date(field.type):
            columns.append(pa.array([DAY + timedelta(days=number + row) for row in range(count)]))
        elif pa.types.is_boolean(field.type):
            columns.append(pa.array([(number + row) % 2 == 0 for row in range(count)]))
        else:
            columns.append(pa.nulls(count, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def number_in(found: pa.Table, name: str) -> int:
    """
    The generation that the rows are, if they are one and all of it.

    Raises:
        AssertionError: they are torn, or a mixture.
    """
    texts = [field.name for field in table(name).arrow_schema if pa.types.is_string(field.type)]
    numbers = {int(value[:6]) for column in texts for value in found.column(column).to_pylist()}
    assert len(numbers) == 1, f"{name} mixes generations {sorted(numbers)}"
    number = numbers.pop()
    wanted = table_of(number, name)
    order = [(texts[0], "ascending")]
    has = found.select(wanted.column_names).cast(wanted.schema).sort_by(order)
    assert has.equals(wanted.sort_by(order)), f"{name} is a torn generation {number}: {found.num_rows} rows"
    return number


def number_of(snapshot: Snapshot) -> int:
    """The generation that a snapshot is, in all its tables and its row."""
    numbers = {number_in(snapshot.table(name), name) for name in DATA_TABLES}
    assert numbers == {int(snapshot.row["org_name"])}, f"tables {numbers}, row {snapshot.row['org_name']}"
    return numbers.pop()


def row_of(number: int) -> dict[str, Any]:
    """What the pipeline knows of a generation's snapshot."""
    return {
        "provenance": "observed",
        "captured_at": datetime(2026, 3, 1, 1, 2, 3, tzinfo=UTC),
        "org_name": str(number),
        "company_names": ["*"],
        "scope_hash": "abc",
        "capabilities": "{}",
        "out_of_scope": "{}",
        "unexplained_count": 0,
        "ledger_version": "0.1.0",
    }


def made(
    source: Storage, number: int, *, org_id: str = ORG, day: date = DAY, snapshot_id: str | None = None
) -> Generation:
    """Write the files of a generation below ``source``."""
    identity = snapshot_id or f"snapshot-{number:06d}"
    files = {}
    for name in DATA_TABLES:
        path = f"made/{day}/{number}/{name}.parquet"
        metadata = file_metadata(name, org_id=org_id, snapshot_date=day, snapshot_id=identity)
        schema = table(name).arrow_schema
        with source.parquet_writer(path, schema, metadata, row_group_rows=ROW_GROUP_ROWS) as sink:
            sink.write(table_of(number, name))
        files[name] = sink.receipt
    return Generation(number, org_id, day, identity, source, files, row_of(number))


def seen(staging: Storage) -> dict[str, int | None]:
    """The generation that a plain glob finds for each table, and None where it finds nothing."""
    staging.fs.invalidate_cache()
    fs = None if staging.is_local else staging.fs
    found: dict[str, int | None] = {}
    for name in DATA_TABLES:
        paths = staging.fs.glob(staging.path(name, "*", "*", "*.parquet"))
        rows = pads.dataset(paths, filesystem=fs).to_table() if paths else None
        found[name] = None if rows is None else number_in(rows, name)
    return found


def joined(staging: Storage) -> int | None:
    """The generation that a reader who joins tables finds; None when nothing is published."""
    try:
        return number_of(open_snapshot(staging, ORG, DAY))
    except SnapshotRefused:
        return None


def files(staging: Storage) -> set[str]:
    """Every file below the root but the leases."""
    staging.fs.invalidate_cache()
    found = {str(path).removeprefix(f"{staging.root}/") for path in staging.fs.find(staging.root)}
    return {path for path in found if not path.startswith("_leases/")}


CANONICAL = {Day(ORG, DAY).canonical(name) for name in (*DATA_TABLES, "snapshots")}
"""The files of a published day."""
