"""Parquet as the ledger writes it."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from license_ledger.errors import CorruptSnapshot, SchemaDrift
from license_ledger.staging.parquet import (
    ROW_GROUP_ROWS,
    ParquetSink,
    batches_of,
    checked_schema,
    open_parquet,
    repeating_columns,
)

FIELDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (pa.string(), st.text(st.characters(exclude_categories=["Cs"]))),
    "count": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "share": (pa.float64(), st.floats(allow_nan=False)),
    "flag": (pa.bool_(), st.booleans()),
    "day": (pa.date32(), st.dates(date(1, 1, 1))),
    "at": (
        pa.timestamp("us", "UTC"),
        st.datetimes(datetime(1700, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    ),
}
SCHEMA = pa.schema([pa.field(name, kind) for name, (kind, _) in FIELDS.items()])
ROW = st.fixed_dictionaries({name: st.none() | values for name, (_, values) in FIELDS.items()})


def written(
    pieces: list[pa.Table],
    schema: pa.Schema,
    row_group_rows: int = ROW_GROUP_ROWS,
    *,
    landing: bool = False,
) -> tuple[bytes, Any]:
    """The file and its receipt."""
    buffer = io.BytesIO()
    sink = ParquetSink(buffer, "x.parquet", schema, {"k": "v"}, row_group_rows, landing=landing)
    for piece in pieces:
        sink.write(piece)
    sink.finish()
    return buffer.getvalue(), sink.receipt


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(ROW, max_size=12), max_size=5), st.integers(1, 9), st.booleans())
def test_every_value_survives(
    batches: list[list[dict[str, Any]]], row_group_rows: int, landing: bool
) -> None:
    """Whatever the values and however they come in batches, they are read as they were written."""
    pieces = [pa.Table.from_pylist(batch, SCHEMA) for batch in batches]
    content, receipt = written(pieces, SCHEMA, row_group_rows, landing=landing)
    file = open_parquet(pa.BufferReader(content), "x")
    found = list(batches_of(file, None, "x"))

    assert [row for batch in found for row in batch.to_pylist()] == [row for rows in batches for row in rows]
    assert receipt["rows"] == sum(map(len, batches))
    assert receipt["bytes"] == len(content)
    assert receipt["sha256"] == hashlib.sha256(content).hexdigest()
    groups = [file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)]
    assert all(rows == row_group_rows for rows in groups[:-1])


def test_two_writings_have_two_ids() -> None:
    """The same rows written twice are told apart."""
    table = pa.table({"a": ["x"]})
    _, first = written([table], table.schema)
    _, second = written([table], table.schema)

    assert first["file_id"] != second["file_id"]


def test_only_repeating_texts_get_a_dictionary() -> None:
    """Names and ids are written plainly, departments through a dictionary; flags and numbers without."""
    table = pa.table(
        {
            "user_id": [f"005{n}" for n in range(20_000)],
            "department": [f"d{n % 7}" for n in range(20_000)],
            "blank": pa.nulls(20_000, pa.string()),
            "count": [1] * 20_000,
        }
    )
    content, _ = written([table], table.schema)
    group = pq.ParquetFile(pa.BufferReader(content)).metadata.row_group(0)
    dictionaries = {group.column(n).path_in_schema for n in range(4) if group.column(n).has_dictionary_page}

    assert repeating_columns(table) == ["department", "blank"]
    assert dictionaries == {"department", "blank"}
    assert repeating_columns(table.slice(0, 0)) == []


def test_statistics_tell_nothing_about_persons() -> None:
    """Keys, numbers and repeating texts have a minimum and maximum; names and addresses have none."""
    count = 1000
    table = pa.table(
        {
            "user_id": [f"005{n:05d}" for n in range(count)],
            "email": [f"person{n}@example.com" for n in range(count)],
            "department": ["d"] * count,
            "count": range(count),
        }
    )
    content, _ = written([table], table.schema)
    group = pq.ParquetFile(pa.BufferReader(content)).metadata.row_group(0)
    told = {group.column(n).path_in_schema: group.column(n).is_stats_set for n in range(4)}

    assert told == {"user_id": True, "email": False, "department": True, "count": True}
    assert group.column(0).statistics.min == "00500000"
    assert {group.column(n).compression for n in range(4)} == {"ZSTD"}


def test_what_is_landed_has_statistics_where_ids_are_looked_for() -> None:
    """Ids, numbers and times have a minimum and maximum, no other text has; times are differences."""
    count = 1000
    table = pa.table(
        {
            "UserId": [f"005{n:05d}" for n in range(count)],
            "Department": ["d"] * count,
            "CreatedDate": pa.array(range(count), pa.timestamp("us", "UTC")),
        }
    )
    content, _ = written([table], table.schema, landing=True)
    group = pq.ParquetFile(pa.BufferReader(content)).metadata.row_group(0)
    columns = {group.column(n).path_in_schema: group.column(n) for n in range(3)}

    told = {name: column.is_stats_set for name, column in columns.items()}
    assert told == {"UserId": True, "Department": False, "CreatedDate": True}
    assert "DELTA_BINARY_PACKED" in columns["CreatedDate"].encodings
    assert {column.compression for column in columns.values()} == {"SNAPPY"}


def test_small_batches_become_large_row_groups() -> None:
    """Row groups do not depend on how the rows come in."""
    table = pa.table({"a": range(1000)})
    content, _ = written([table] * 300, table.schema)
    file = pq.ParquetFile(pa.BufferReader(content))
    groups = [file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)]

    whole, rest = divmod(300_000, ROW_GROUP_ROWS)
    assert groups == [ROW_GROUP_ROWS] * whole + [rest]
    assert 32_000 <= ROW_GROUP_ROWS <= 128_000


WANTED = pa.schema([pa.field("id", pa.int64(), False), pa.field("text", pa.string())])


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (pa.table({"id": [1]}), "column text"),
        (pa.table({"id": [1], "text": ["a"], "more": [1]}), "column more"),
        (pa.table({"text": ["a"], "id": [1]}), "column id: is not number 1"),
        (pa.table({"id": ["1"], "text": ["a"]}), "column id: is string, not int64"),
        (pa.table({"id": pa.array([None], pa.int64()), "text": ["a"]}), "column id: is null"),
        (pa.table([pa.array([1]), pa.array(["a"]), pa.array(["b"])], ["id", "text", "text"]), "column text"),
    ],
)
def test_rows_that_do_not_fit_are_refused(found: pa.Table, named: str) -> None:
    """The first column that differs is named."""
    sink = ParquetSink(io.BytesIO(), "x", WANTED, {}, 10)
    with pytest.raises(SchemaDrift, match=named):
        sink.write(found)


def test_nullability_counts_only_where_it_is_asked_for() -> None:
    """A file must say the same about nulls as the declaration; a batch on its way need not."""
    loose = pa.schema([pa.field("id", pa.int64()), pa.field("text", pa.string(), metadata={"a": "b"})])
    checked_schema(loose, WANTED, "a batch")
    with pytest.raises(SchemaDrift, match="column id: is nullable"):
        checked_schema(loose, WANTED, "a file", nullability=True)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    """A page with any other byte is refused, or the byte was in its header and of no consequence."""
    table = pa.table({"id": range(500), "text": [f"text {n * n}" for n in range(500)]})
    content, _ = written([table], table.schema, 100)
    metadata = pq.read_metadata(pa.BufferReader(content))
    chunk = metadata.row_group(2).column(1)
    start = chunk.data_page_offset
    end = start + chunk.total_compressed_size
    at = data.draw(st.integers(start, end - 1))
    damaged = bytearray(content)
    damaged[at] ^= data.draw(st.integers(1, 255))
    try:
        found = pa.Table.from_batches(
            batches_of(open_parquet(pa.BufferReader(bytes(damaged)), "x"), None, "x")
        )
    except CorruptSnapshot:
        return

    assert found.equals(table), "rows changed unnoticed"


def test_a_cut_file_is_noticed() -> None:
    """A file without its end is told as torn, by name."""
    table = pa.table({"id": range(500)})
    content, _ = written([table], table.schema)
    with pytest.raises(CorruptSnapshot, match=r"cut\.parquet.*torn"):
        open_parquet(pa.BufferReader(content[:-9]), "cut.parquet")
