"""Files that carry the one they replace: either footer finds its own rows, whole."""

from __future__ import annotations

import hashlib
import io
import statistics
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from license_ledger.errors import CorruptSnapshot
from license_ledger.staging import thrift
from license_ledger.staging.carry import Carried, compose, digest_of, is_parquet, moved, without_dead
from license_ledger.staging.parquet import ParquetSink, footer, open_parquet

SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), False),
        pa.field("text", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("names", pa.list_(pa.string())),
        pa.field("flag", pa.bool_()),
        pa.field("at", pa.timestamp("us", "UTC")),
    ]
)


def rows(number: int, count: int) -> pa.Table:
    """So many rows that all tell the number."""
    return pa.table(
        {
            "id": [number * 10_000 + row for row in range(count)],
            "text": [f"{number}/{row}" for row in range(count)],
            "kind": [f"kind {number}"] * count,
            "names": [[str(number)] * (row % 3) for row in range(count)],
            "flag": [row % 2 == number % 2 for row in range(count)],
            "at": [number * 10**9 + row for row in range(count)],
        },
        SCHEMA,
    )


def written(number: int, count: int, group: int = 50) -> bytes:
    """A file as the ledger writes it."""
    buffer = io.BytesIO()
    sink = ParquetSink(buffer, "x", SCHEMA, {"number": str(number)}, group)
    sink.write(rows(number, count))
    sink.finish()
    return buffer.getvalue()


def composed(old: bytes, new: bytes, *, settled: bool = False) -> tuple[bytes, Carried]:
    """The new file carrying the old one, which is as thrifty with bytes as can be."""
    target = io.BytesIO()
    carried = compose(target, pa.BufferReader(old), pa.BufferReader(new), settled=settled, small=0)
    return target.getvalue(), carried


def read(content: bytes, metadata: pq.FileMetaData | None = None) -> pa.Table:
    """All rows, found by the file's own footer or by one that was read before."""
    return pq.ParquetFile(pa.BufferReader(content), metadata=metadata, page_checksum_verification=True).read()


def test_either_footer_finds_its_own_rows() -> None:
    """A reader with the old footer sees the old rows in the new file; one without sees the new rows."""
    old, new = written(1, 120), written(2, 200)
    both, carried = composed(old, new)

    assert read(both).equals(rows(2, 200))
    assert read(both, pq.read_metadata(pa.BufferReader(old))).equals(rows(1, 120))
    assert both.startswith(old)
    assert carried.bytes == len(both)
    assert footer(open_parquet(pa.BufferReader(both), "x"), 0).metadata["number"] == "2"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.sampled_from([7, 50, 1000]), st.booleans(), st.booleans()),
        min_size=2,
        max_size=9,
    )
)
def test_any_series_of_replacements(series: list[tuple[int, int, bool, bool]]) -> None:
    """After each replacement the new footer finds the new rows, and that of the replaced file its own."""
    (count, group, _, _), *later = series
    there, was = written(0, count, group), rows(0, count)
    for number, (count, group, settled, purge) in enumerate(later, 1):
        replaced, (there, carried) = there, composed(there, written(number, count, group), settled=settled)
        now = rows(number, count)

        assert read(there).equals(now)
        assert read(there, pq.read_metadata(pa.BufferReader(replaced))).equals(was)
        assert carried.bytes == len(there)
        assert digest_of(pa.BufferReader(there), carried.live) == carried.sha256
        if purge:
            target = io.BytesIO()
            without_dead(target, pa.BufferReader(there), carried.live)
            alive = target.getvalue()
            assert len(alive) == len(there)
            assert read(alive).equals(now)
            assert read(alive, pq.read_metadata(pa.BufferReader(there))).equals(now)
            assert digest_of(pa.BufferReader(alive), carried.live) == carried.sha256
            there = alive
        was = now


def test_dead_bytes_are_used_again_once_they_are_many() -> None:
    """A settled file of several times its rows is not appended to: it grows by footers only."""
    there = written(0, 20_000, 10_000)
    size, sizes = len(there), []
    for number in range(1, 20):
        there, _ = composed(there, written(number, 20_000, 10_000), settled=True)
        sizes.append(len(there))
        assert read(there)["id"][0].as_py() == number * 10_000

    assert sizes[0] > 1.9 * size
    assert statistics.median(after - before for before, after in pairwise(sizes)) < 0.1 * size
    assert max(sizes) < 4 * size


def test_the_hash_is_of_the_living_bytes() -> None:
    """It is that of the file's own rows and footer, whatever else it carries."""
    both, carried = composed(written(1, 120), written(2, 200))
    living = b"".join(both[start:end] for start, end in carried.live)

    assert hashlib.sha256(living).hexdigest() == carried.sha256
    assert living.endswith(b"PAR1")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all", b"PAR1" + bytes(50) + b"PAR1"])
def test_what_is_not_parquet_has_no_readers(content: bytes) -> None:
    """Such a file need not be carried."""
    assert not is_parquet(pa.BufferReader(content))
    assert is_parquet(pa.BufferReader(written(1, 1)))


def _plain(**options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(rows(1, 100), buffer, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "snappy", "row_group_size": 10, "data_page_version": "2.0"},
        {"use_dictionary": False, "write_statistics": False, "store_schema": False},
        {"version": "1.0", "write_page_checksum": True},
        {"sorting_columns": [pq.SortingColumn(0)], "write_page_index": True},
    ],
)
def test_footers_are_written_back_byte_for_byte(options: dict[str, Any]) -> None:
    """Whatever a writer puts into a footer stays what it is."""
    content = _plain(**options)
    found = content[-8 - int.from_bytes(content[-8:-4], "little") : -8]

    assert thrift.encode(thrift.decode(found)) == found


def test_a_page_index_is_not_moved() -> None:
    """A footer that points to more than the ledger's writer makes is refused, not half moved."""
    content = _plain(write_page_index=True)
    found = content[-8 - int.from_bytes(content[-8:-4], "little") : -8]
    with pytest.raises(CorruptSnapshot, match="a page index"):
        moved(found, 100)


def test_what_is_no_footer_is_not_moved() -> None:
    """Bytes that are not a struct are refused."""
    with pytest.raises(CorruptSnapshot, match="cannot be moved"):
        moved(b"\x15", 100)
    with pytest.raises(CorruptSnapshot, match="more than one struct"):
        moved(b"\x00\x00", 100)


def _kinds(depth: int) -> st.SearchStrategy[tuple[int, Any]]:
    simple = st.one_of(
        st.tuples(st.sampled_from([thrift.TRUE, thrift.FALSE]), st.none()),
        st.tuples(st.just(thrift.BYTE), st.integers(0, 255)),
        st.tuples(st.sampled_from([thrift.I16, thrift.I32, thrift.I64]), st.integers(-(2**63), 2**63 - 1)),
        st.tuples(st.just(thrift.DOUBLE), st.binary(min_size=8, max_size=8)),
        st.tuples(st.just(thrift.BINARY), st.binary(max_size=300)),
    )
    if not depth:
        return simple
    sequence = st.builds(thrift.Sequence, st.just(thrift.I64), st.lists(st.integers(0, 2**40), max_size=20))
    flags = st.builds(thrift.Sequence, st.just(thrift.TRUE), st.lists(st.integers(1, 2), max_size=20))
    structs = st.builds(thrift.Sequence, st.just(thrift.STRUCT), st.lists(_structs(depth - 1), max_size=3))
    return st.one_of(
        simple,
        st.tuples(st.sampled_from([thrift.LIST, thrift.SET]), st.one_of(sequence, flags, structs)),
        st.tuples(st.just(thrift.STRUCT), _structs(depth - 1)),
    )


def _structs(depth: int) -> st.SearchStrategy[thrift.Struct]:
    fields = st.lists(st.tuples(st.integers(1, 40), _kinds(depth)), max_size=5)
    return fields.map(_numbered)


def _numbered(fields: list[tuple[int, tuple[int, Any]]]) -> thrift.Struct:
    found, last = [], 0
    for step, (kind, value) in fields:
        last += step
        found.append(thrift.Field(last, kind, value))
    return found


@given(_structs(2))
def test_any_struct_survives(value: thrift.Struct) -> None:
    """What is encoded is decoded to the same, and encoded to the same bytes again."""
    content = thrift.encode(value)

    assert thrift.decode(content) == value
    assert thrift.encode(thrift.decode(content)) == content


@settings(max_examples=2000)
@given(_structs(2), st.data())
def test_what_is_read_is_written_back_as_it_was(value: thrift.Struct, given_by: st.DataObject) -> None:
    """Any bytes, and those of a struct with some of them changed, are refused or come back the same."""
    content = bytearray(thrift.encode(value))
    for _ in range(given_by.draw(st.integers(1, 3))):
        at = given_by.draw(st.integers(0, len(content) - 1))
        content[at : at + given_by.draw(st.integers(0, 1))] = given_by.draw(st.binary(max_size=3))
        if not content:
            return
    with suppress(ValueError):
        assert thrift.encode(thrift.decode(bytes(content))) == content


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x16\x81\x00\x00", "a whole number in two bytes that fits one"),
        (b"\x06\x02\x02\x00", "the id of a field in full, where the distance to the last would do"),
        (b"\x19\xf8\x01\x01a\x00", "the length of a short list in a byte of its own"),
        (b"\x17" + b"a" * 7, "a double of seven bytes"),
        (b"\x18\x05ab\x00", "a text that is longer than what is there"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_would_be_written_otherwise_is_refused(content: bytes, why: str) -> None:
    """There is one way of writing a struct, and no other is read."""
    with pytest.raises(ValueError, match=r"longer than it need be|compact protocol"):
        thrift.decode(content)


@given(st.binary(max_size=60))
def test_nonsense_is_refused_and_nothing_worse(content: bytes) -> None:
    """Any bytes are a struct or a ValueError."""
    try:
        found = thrift.decode(content)
    except ValueError:
        return
    assert thrift.encode(found) == content
