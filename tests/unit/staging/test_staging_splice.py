"""Parquet files with some chunks made anew: every other value stays, and nothing of the old ones does."""

from __future__ import annotations

import io
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from license_ledger.errors import CorruptSnapshot
from license_ledger.staging.carry import compose
from license_ledger.staging.parquet import ParquetSink, footer, open_parquet
from license_ledger.staging.splice import spliced

ROWS, GROUP = 1000, 300
SCHEMA = pa.schema(
    [
        pa.field("user_id", pa.string(), False),
        pa.field("name", pa.string()),
        pa.field("department", pa.string()),
        pa.field("is_active", pa.bool_(), False),
        pa.field("count", pa.int64()),
        pa.field("at", pa.timestamp("us", tz="UTC")),
    ]
)


def _table() -> pa.Table:
    return pa.table(
        {
            "user_id": [f"005A0000{row:07d}AAA" for row in range(ROWS)],
            "name": [f"Person number {row}" if row % 7 else None for row in range(ROWS)],
            "department": [f"D{row % 5}" for row in range(ROWS)],
            "is_active": [row % 3 == 0 for row in range(ROWS)],
            "count": [row if row % 11 else None for row in range(ROWS)],
            "at": pa.array([row * 1_000_000 for row in range(ROWS)], pa.timestamp("us", tz="UTC")),
        },
        schema=SCHEMA,
    )


def _written(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    sink = ParquetSink(buffer, "made", table.schema, {"table": "users"}, GROUP)
    sink.write(table)
    sink.finish()
    return buffer.getvalue()


def _spliced(content: bytes, changes: dict[int, pa.Table]) -> tuple[bytes, Any]:
    source, target = pa.BufferReader(content), io.BytesIO()
    receipt = spliced(target, source, open_parquet(source, "old"), changes.get, "new")
    return target.getvalue(), receipt


def _changed(table: pa.Table, row: int, columns: list[str]) -> tuple[dict[int, pa.Table], pa.Table]:
    """A change of one row, by row group, and the whole table with it."""
    group = row // GROUP
    parts = {}
    for name in columns:
        values = table.column(name).to_pylist()
        values[row] = None if SCHEMA.field(name).nullable else {"user_id": "005zzz", "is_active": True}[name]
        table = table.set_column(
            SCHEMA.names.index(name), SCHEMA.field(name), pa.array(values, SCHEMA.field(name).type)
        )
        parts[name] = table.column(name).slice(group * GROUP, GROUP).combine_chunks()
    return {group: pa.table(parts)}, table


@settings(deadline=None, max_examples=40)
@given(st.integers(0, ROWS - 1), st.lists(st.sampled_from(SCHEMA.names), min_size=1, unique=True))
def test_only_what_changes_is_different(row: int, columns: list[str]) -> None:
    """Any columns of any row group: the file reads as the changed table, by two readers."""
    columns = [name for name in SCHEMA.names if name in columns]
    changes, expected = _changed(_table(), row, columns)

    content, receipt = _spliced(_written(_table()), changes)

    found = open_parquet(pa.BufferReader(content), "new")
    assert found.read().equals(expected)
    assert receipt["rows"] == ROWS
    assert receipt["bytes"] == len(content)
    assert footer(found, len(content)).file_id == receipt["file_id"]
    assert footer(found, len(content)).metadata["table"] == "users"


def test_statistics_are_those_of_the_new_values() -> None:
    """The least and the greatest value of a chunk are not those of a row that is gone."""
    changes, _ = _changed(_table(), 0, ["user_id", "name"])

    content, _ = _spliced(_written(_table()), changes)

    statistics = pq.ParquetFile(pa.BufferReader(content)).metadata.row_group(0).column(0).statistics
    assert statistics.min == "005A00000000001AAA"
    assert b"005A00000000000AAA" not in content


def test_untouched_chunks_are_the_same_bytes() -> None:
    """A row group that does not change is copied, not encoded."""
    old = _written(_table())
    changes, _ = _changed(_table(), 5, ["name"])
    content, _ = _spliced(old, changes)

    def chunk(of: bytes, group: int, column: int) -> bytes:
        meta = pq.ParquetFile(pa.BufferReader(of)).metadata.row_group(group).column(column)
        start = meta.dictionary_page_offset or meta.data_page_offset
        return of[start : start + meta.total_compressed_size]

    for group in range(4):
        for column in range(len(SCHEMA)):
            is_same = chunk(old, group, column) == chunk(content, group, column)
            assert is_same != ((group, column) == (0, 1))


def test_the_result_can_be_spliced_carried_and_read_by_duckdb(tmp_path: Any) -> None:
    """A spliced file is a file of the ledger like any other."""
    first, table = _changed(_table(), 5, ["name"])
    second, table = _changed(table, 777, ["user_id", "department"])
    old = _written(_table())
    content, _ = _spliced(_spliced(old, first)[0], second)
    target = io.BytesIO()
    compose(target, pa.BufferReader(old), pa.BufferReader(content), settled=False)

    (tmp_path / "new.parquet").write_bytes(target.getvalue())
    found = duckdb.sql(f"FROM '{tmp_path}/new.parquet'").to_arrow_table()

    assert found.cast(table.schema).equals(table)


def test_without_changes_only_the_identity_is_new() -> None:
    """A copy is another writing of the same rows."""
    old = _written(_table())
    content, receipt = _spliced(old, {})

    assert open_parquet(pa.BufferReader(content), "new").read().equals(_table())
    assert len(content) == len(old)
    assert receipt["file_id"].encode() in content
    assert receipt["file_id"].encode() not in old


@pytest.mark.parametrize("rows", [0, 1])
def test_small_files(rows: int) -> None:
    """No row group, and one of one row."""
    table = _table().slice(0, rows)
    changes = {0: pa.table({"name": pa.array(["x"])})} if rows else {}

    content, receipt = _spliced(_written(table), changes)

    assert receipt["rows"] == rows
    assert open_parquet(pa.BufferReader(content), "new").read().num_rows == rows


def test_changes_that_do_not_fit_are_refused() -> None:
    """Another number of rows than the group has, or another type."""
    content = _written(_table())
    for wrong in (pa.table({"name": ["x"]}), pa.table({"name": list(range(GROUP))})):
        with pytest.raises(CorruptSnapshot, match="does not take the changed rows"):
            _spliced(content, {0: wrong})


def test_a_file_of_somebody_else_is_refused() -> None:
    """A page index is not understood, so that nothing is written wrongly."""
    buffer = io.BytesIO()
    pq.write_table(_table(), buffer, write_page_index=True)

    with pytest.raises(CorruptSnapshot, match="a page index"):
        _spliced(buffer.getvalue(), {})
