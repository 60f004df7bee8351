"""
A Parquet file that carries the one it replaces. May import its own package.

A reader may open a file more than once: DuckDB 2.0 takes the footer from one opening and the rows from
another, and a client of an object store that does not pin versions takes every range from whatever is
there. When the file is replaced in between, such a reader applies the old footer to new bytes. So the new
file holds the bytes of the old one at their old places, and its own rows and footer where nobody looks who
has the old footer: either footer finds its own rows, whole. Nothing is encoded anew; the offsets in the new
footer are moved.

The bytes carried are dead as soon as the readers of the old file are done; :func:`without_dead` leaves them
out, without moving what is alive.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from license_ledger.errors import CorruptSnapshot
from license_ledger.staging import thrift
from license_ledger.staging.parquet import open_parquet

MAGIC = b"PAR1"
_TAIL = 8
_PIECE = 1 << 20
SMALL = 256 << 10
_MANY = 4
"""An unsettled file may carry so many times its own size."""

Extent = tuple[int, int]


@dataclass(frozen=True)
class Carried:
    """
    What a file consists of.

    Attributes:
        bytes: its size.
        sha256: of its living bytes.
        live: where they are: first and last-but-one byte of each stretch, ascending.
    """

    bytes: int
    sha256: str
    live: list[Extent]


@dataclass(frozen=True)
class _Parts:
    """Where things are in a Parquet file: its rows, and the footer to the end."""

    rows: Extent
    footer: int
    size: int


def pages_of(chunk: pq.ColumnChunkMetaData) -> Extent:
    """Where the pages of a column chunk are, its dictionary included."""
    start = chunk.data_page_offset
    if chunk.has_dictionary_page:
        start = min(start, chunk.dictionary_page_offset)
    return start, start + chunk.total_compressed_size


def is_parquet(file: pa.NativeFile) -> bool:
    """Whether there is anything that somebody could be reading."""
    try:
        open_parquet(file, "the replaced file")
    except CorruptSnapshot:
        return False
    return True


def compose(
    target: IO[bytes], old: pa.NativeFile, new: pa.NativeFile, *, settled: bool, small: int = SMALL
) -> Carried:
    """
    Write a file with the rows of ``new`` that a reader with the footer of ``old`` takes for ``old``.

    Args:
        target: an empty, seekable stream.
        old: the file to be replaced.
        new: a file as the ledger writes it, without page index.
        settled: whether ``old`` has been there for long, so that nobody reads what it carries itself.
        small: a file is simply appended to while it has no more than a few times so many bytes.

    Returns:
        What was written.

    Raises:
        CorruptSnapshot: a file is not as expected.
    """
    was = _parts(old, "the replaced file")
    has = _parts(new, "the new file")
    start, end = _gap(was, has, (2 if settled else _MANY) * (has.size + small))
    digest = hashlib.sha256()
    for piece in _pieces(old, 0, start):
        target.write(piece)
    for piece in _pieces(new, 0, has.footer):
        target.write(piece)
        digest.update(piece)
    target.seek(max(end, start + has.footer))
    for piece in _pieces(old, end, was.size):
        target.write(piece)
    footer_at = target.tell()
    footer = moved(_read(new, has.footer, has.size - _TAIL), start)
    tail = footer + struct.pack("<I", len(footer)) + MAGIC
    target.write(tail)
    digest.update(tail)
    live = [(start, start + has.footer), (footer_at, footer_at + len(tail))]
    return Carried(live[1][1], digest.hexdigest(), live)


def without_dead(target: IO[bytes], file: pa.NativeFile, live: list[Extent]) -> None:
    """Write the living bytes at their places, and holes or zeros elsewhere."""
    target.write(MAGIC)
    for start, end in live:
        target.seek(start)
        for piece in _pieces(file, start, end):
            target.write(piece)


def digest_of(file: pa.NativeFile, live: list[Extent]) -> str:
    """SHA-256 of the living bytes."""
    digest = hashlib.sha256()
    for start, end in live:
        for piece in _pieces(file, start, end):
            digest.update(piece)
    return digest.hexdigest()


def moved(footer: bytes, by: int) -> bytes:
    """
    The footer of a file whose rows lie so many bytes further on.

    Raises:
        CorruptSnapshot: it is not a footer that is fully understood.
    """
    try:
        found = thrift.decode(footer)
        for group in _items(found, 4):
            _move(group, by, 5)
            for chunk in _items(group, 1):
                if thrift.field(chunk, 4) or thrift.field(chunk, 6):
                    raise ValueError("a page index")
                _move(chunk, by, 2)
                columns = thrift.field(chunk, 3)
                if columns is None:
                    raise ValueError("a column without metadata")
                _move(columns.value, by, 9, 10, 11, 14)
    except ValueError as error:
        raise CorruptSnapshot(
            "footer of the new file", f"cannot be moved: {error}", "write it with this ledger"
        ) from error
    return thrift.encode(found)


def _items(of: thrift.Struct, number: int) -> list[Any]:
    found = thrift.field(of, number)
    return [] if found is None else list(found.value.items)


def _move(of: thrift.Struct, by: int, *numbers: int) -> None:
    for number in numbers:
        found = thrift.field(of, number)
        if found is not None and found.value > 0:
            found.value += by


def _parts(file: pa.NativeFile, what: str) -> _Parts:
    size = file.size()
    metadata = open_parquet(file, what).metadata
    (length,) = struct.unpack("<I", _read(file, size - _TAIL, size - len(MAGIC)))
    return _Parts(_rows_extent(metadata), size - _TAIL - length, size)


def _rows_extent(metadata: pq.FileMetaData) -> Extent:
    """From the first to behind the last byte of any page; empty at the beginning when there are no rows."""
    starts, ends = [], []
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            start, end = pages_of(metadata.row_group(group).column(column))
            starts.append(start)
            ends.append(end)
    return (min(starts), max(ends)) if starts else (len(MAGIC), len(MAGIC))


def _gap(was: _Parts, has: _Parts, most: int) -> Extent:
    """Where the new rows go: behind everything, or beyond that size in place of dead bytes."""
    if was.size > most:
        for start, end in ((0, was.rows[0]), (was.rows[1], was.footer)):
            if end - start >= has.footer:
                return start, end
    return was.size, was.size


def _pieces(file: pa.NativeFile, start: int, end: int) -> Iterator[bytes]:
    file.seek(start)
    while start < end:
        piece = file.read(min(_PIECE, end - start))
        if not piece:
            raise CorruptSnapshot("a file that is being replaced", "ends too early", "try again")
        start += len(piece)
        yield piece


def _read(file: pa.NativeFile, start: int, end: int) -> bytes:
    return b"".join(_pieces(file, start, end))
