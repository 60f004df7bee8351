"""
A Parquet file with some column chunks made anew, and all others taken over as the bytes they are. May import
its own package.

A row group holds one chunk per column. Whoever changes one row in two columns of a file has to encode two
chunks; the pages of the others, and of the row groups that are not touched, are copied without being
decoded. Nothing of a replaced chunk is left: its dictionary, its statistics and its pages are those of the
new values.
"""

from __future__ import annotations

import hashlib
import io
import struct
import uuid
from collections.abc import Callable
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from license_ledger.errors import CorruptSnapshot
from license_ledger.staging import thrift
from license_ledger.staging.carry import MAGIC
from license_ledger.staging.parquet import FILE_ID, FileReceipt

_TAIL = 8
_PIECE = 1 << 20
_ROW_GROUPS, _KEY_VALUES = 4, 5  # of FileMetaData
_CHUNKS, _BYTES, _FILE_OFFSET, _COMPRESSED = 1, 2, 5, 6  # of RowGroup
_CHUNK_OFFSET, _METADATA = 2, 3  # of ColumnChunk
_UNCOMPRESSED_SIZE, _COMPRESSED_SIZE, _DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE = 6, 7, 9, 10, 11
_OFFSETS = (_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE)


class _Target:
    """A stream that counts and hashes what is written to it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.at, self.sha256 = stream, 0, hashlib.sha256()

    def write(self, piece: bytes) -> None:
        self._stream.write(piece)
        self.sha256.update(piece)
        self.at += len(piece)


def spliced(
    target: IO[bytes],
    source: pa.NativeFile,
    file: pq.ParquetFile,
    changes: Callable[[int], pa.Table | None],
    path: str,
) -> FileReceipt:
    """
    Write a file anew with other values in some columns of some row groups.

    Args:
        target: an empty stream.
        source: the file as the ledger wrote it, seekable.
        file: the same, opened as Parquet.
        changes: gives by number of the row group the columns that change: as many rows as the group has, in
            its order, of the file's types; None for a group that stays. Called once per group, in order.
        path: of the file that is being written, for the receipt.

    Returns:
        The receipt of the new file, which has a ``file_id`` of its own.

    Raises:
        CorruptSnapshot: the footer is not one that is fully understood, or the changes do not fit it.
    """
    out, identity = _Target(target), uuid.uuid4().hex
    footer = _footer(source, path)
    names = file.schema_arrow.names
    out.write(MAGIC)
    for number, group in enumerate(_items(footer, _ROW_GROUPS)):
        _write_group(out, source, file, number, group, changes(number), names, path)
    _rename(footer, identity)
    content = thrift.encode(footer)
    out.write(content + struct.pack("<I", len(content)) + MAGIC)
    return FileReceipt(
        path=path,
        rows=file.metadata.num_rows,
        bytes=out.at,
        sha256=out.sha256.hexdigest(),
        file_id=identity,
    )


def _write_group(
    out: _Target,
    source: pa.NativeFile,
    file: pq.ParquetFile,
    number: int,
    group: thrift.Struct,
    changed: pa.Table | None,
    names: list[str],
    path: str,
) -> None:
    chunks = _items(group, _CHUNKS)
    if len(chunks) != len(names):
        raise _not_understood(path, "columns that are not flat")
    encoded = {} if changed is None else _encoded(file, number, changed, path)
    began = out.at
    for place, name in enumerate(names):
        if name in encoded:
            content, chunk = encoded[name]
            chunks[place][:] = chunk
            _shift(chunk, out.at - _extent(chunk)[0], path)
            out.write(content)
        else:
            start, end = _extent(chunks[place])
            _shift(chunks[place], out.at - start, path)
            _copy(out, source, start, end)
    metadata = [_value(chunk, _METADATA, path) for chunk in chunks]
    _set(group, _BYTES, sum(_value(each, _UNCOMPRESSED_SIZE, path) for each in metadata))
    _set(group, _FILE_OFFSET, began)
    _set(group, _COMPRESSED, sum(_value(each, _COMPRESSED_SIZE, path) for each in metadata))


def _encoded(
    file: pq.ParquetFile, number: int, changed: pa.Table, path: str
) -> dict[str, tuple[bytes, thrift.Struct]]:
    """The bytes of each changed column's chunk, and what its footer says of it, offsets included."""
    group = file.metadata.row_group(number)
    was = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    whole = file.schema_arrow
    schema = pa.schema([whole.field(name) for name in changed.schema.names])
    if changed.num_rows != group.num_rows or changed.schema.types != schema.types:
        raise CorruptSnapshot(f"file {path}", "does not take the changed rows", "report this")
    buffer = io.BytesIO()
    with pq.ParquetWriter(
        buffer,
        schema,
        compression={name: was[name].compression.lower() for name in schema.names},
        use_dictionary=[name for name in schema.names if was[name].has_dictionary_page],
        write_statistics=[name for name in schema.names if was[name].is_stats_set],
        write_page_checksum=True,
        store_schema=False,
    ) as writer:
        table = pa.Table.from_arrays(changed.columns, schema=schema)
        writer.write_table(table, row_group_size=max(table.num_rows, 1))
    content = buffer.getvalue()
    [written] = _items(_footer(pa.BufferReader(content), path), _ROW_GROUPS)
    found = {}
    for name, chunk in zip(schema.names, _items(written, _CHUNKS), strict=True):
        start, end = _extent(chunk)
        found[name] = content[start:end], chunk
    return found


def _footer(source: pa.NativeFile, path: str) -> thrift.Struct:
    size = source.size()
    source.seek(size - _TAIL)
    (length,) = struct.unpack("<I", source.read(4))
    source.seek(size - _TAIL - length)
    content = source.read(length)
    try:
        found = thrift.decode(content)
    except ValueError as error:
        raise _not_understood(path, str(error)) from error
    for group in _items(found, _ROW_GROUPS):
        for chunk in _items(group, _CHUNKS):
            if thrift.field(chunk, 4) or thrift.field(chunk, 6):
                raise _not_understood(path, "a page index")
            if thrift.field(_value(chunk, _METADATA, path), 14):
                raise _not_understood(path, "a Bloom filter")
    return found


def _extent(chunk: thrift.Struct) -> tuple[int, int]:
    """Where a chunk's pages begin and end."""
    metadata = _value(chunk, _METADATA, "")
    offsets = [found.value for number in _OFFSETS if (found := thrift.field(metadata, number))]
    start = min(offset for offset in offsets if offset > 0)
    return start, start + _value(metadata, _COMPRESSED_SIZE, "")


def _shift(chunk: thrift.Struct, by: int, path: str) -> None:
    own = thrift.field(chunk, _CHUNK_OFFSET)
    for found in (own, *(thrift.field(_value(chunk, _METADATA, path), number) for number in _OFFSETS)):
        if found is not None and found.value > 0:
            found.value += by


def _copy(out: _Target, source: pa.NativeFile, start: int, end: int) -> None:
    source.seek(start)
    while start < end:
        piece = source.read(min(_PIECE, end - start))
        if not piece:
            raise CorruptSnapshot("a file that is being rewritten", "ends too early", "try again")
        out.write(piece)
        start += len(piece)


def _rename(footer: thrift.Struct, identity: str) -> None:
    for pair in _items(footer, _KEY_VALUES):
        key, value = thrift.field(pair, 1), thrift.field(pair, 2)
        if key is not None and value is not None and key.value == FILE_ID.encode():
            value.value = identity.encode()


def _items(of: thrift.Struct, number: int) -> list[Any]:
    found = thrift.field(of, number)
    return [] if found is None else list(found.value.items)


def _value(of: thrift.Struct, number: int, path: str) -> Any:
    found = thrift.field(of, number)
    if found is None:
        raise _not_understood(path, f"no field {number} where there must be one")
    return found.value


def _set(of: thrift.Struct, number: int, value: int) -> None:
    found = thrift.field(of, number)
    if found is not None:
        found.value = value


def _not_understood(path: str, why: str) -> CorruptSnapshot:
    return CorruptSnapshot(f"file {path}", f"cannot be rewritten: {why}", "write it with this ledger")
