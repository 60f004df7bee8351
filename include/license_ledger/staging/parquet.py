"""
Parquet as the ledger writes and reads it: streamed, hashed on the way, checked page by page. May import
errors.

Files are zstd level 1, in row groups of about 60,000 rows; dictionaries only where a string column repeats
itself; statistics on ids, numbers, times and repeating strings, and none on names and addresses; a checksum
on every page. What is landed, which nobody but the ledger reads, and reads whole, is made for quick writing:
Snappy, times as differences, which makes up for some of it, and no statistics on strings that are no ids.

Each file carries a ``file_id`` of its own in its key-value metadata: two writings of one table are told apart
by it, whatever else they have in common.
"""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any, TypedDict

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from license_ledger.errors import CorruptSnapshot, SchemaDrift
from license_ledger.staging.medium import refusals

ROW_GROUP_ROWS = 61_440
"""Half a row group of DuckDB's: a writer holds two of its own, and a task writes two files at a time."""

BATCH_ROWS = 20_480
"""A third of a row group. What is made of a batch on its way takes about ten times its memory."""

FILE_ID = "file_id"

_SAMPLE_ROWS = 16_384
_REPEATING = 0.3
"""A string column gets a dictionary when at most this share of the sampled values is distinct."""


class FileReceipt(TypedDict):
    """
    What a written file is known by.

    Attributes:
        path: full path on its file system, as :meth:`Storage.path` gives it.
        rows: number of rows.
        bytes: size of the file.
        sha256: of the whole file, hexadecimal.
        file_id: also in the file's metadata.
    """

    path: str
    rows: int
    bytes: int
    sha256: str
    file_id: str


class _Hashed(io.RawIOBase):
    """A write-only stream that counts and hashes what passes, and can be told to let nothing pass."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target, self._muted = target, False
        self.sha256, self.size = hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, piece: Any, /) -> int:
        size = len(piece)
        if not self._muted:
            self._target.write(piece)
            self.sha256.update(piece)
        self.size += size
        return size

    def mute(self) -> None:
        """Swallow everything from now on."""
        self._muted = True


class ParquetSink:
    """
    A Parquet file in the making; :meth:`Storage.parquet_writer` hands it out.

    Memory stays at about two row groups.

    Attributes:
        receipt: the file's receipt, once the ``with`` block of the writer has ended well.
    """

    receipt: FileReceipt

    def __init__(
        self,
        target: IO[bytes],
        path: str,
        schema: pa.Schema,
        metadata: Mapping[str, str],
        row_group_rows: int,
        *,
        landing: bool = False,
    ) -> None:
        self._path, self._landing = path, landing
        self._file_id = uuid.uuid4().hex
        self._schema = schema.with_metadata(
            {**(schema.metadata or {}), **{k: str(v) for k, v in metadata.items()}, FILE_ID: self._file_id}
        )
        self._required = [field.name for field in schema if not field.nullable]
        self._stream = _Hashed(target)
        self._row_group_rows = row_group_rows
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self.rows = 0

    def write(self, rows: pa.Table | pa.RecordBatch) -> None:
        """
        Append rows.

        Raises:
            SchemaDrift: a column is missing, extra, of another type, out of order, or null where it must
                not be.
            StagingUnwritable: the place is full or refuses, naming the path.
        """
        table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
        checked_schema(table.schema, self._schema, "rows to be written")
        for name in self._required:
            if table.column(name).null_count:
                raise SchemaDrift(
                    f"column {name}", "is null in some of the rows to be written", "it must have a value"
                )
        self._waiting.append(table.replace_schema_metadata(None))
        self._waiting_rows += table.num_rows
        self.rows += table.num_rows
        if self._waiting_rows >= self._row_group_rows:
            with refusals(self._path):
                self._flush(all_of_it=False)

    def finish(self) -> FileReceipt:
        """Write what is left and the footer, and make out the receipt."""
        self._flush(all_of_it=True)
        # Not empty_table(), for which Arrow imports pandas.
        self._open_writer(pa.Table.from_batches([], self._schema)).close()
        self.receipt = FileReceipt(
            path=self._path,
            rows=self.rows,
            bytes=self._stream.size,
            sha256=self._stream.sha256.hexdigest(),
            file_id=self._file_id,
        )
        return self.receipt

    def abandon_on_error(self, kind: type[BaseException] | None, *_: object) -> None:
        """When leaving with an error, let go of the writer without letting it write anything more."""
        if kind is not None:
            self._stream.mute()
            self._waiting.clear()
            if self._writer is not None:
                with suppress(Exception):
                    self._writer.close()

    def _flush(self, *, all_of_it: bool) -> None:
        if not self._waiting_rows:
            return
        table = pa.concat_tables(self._waiting)
        size = self._row_group_rows
        upto = table.num_rows if all_of_it else table.num_rows - table.num_rows % size
        writer = self._open_writer(table)
        for start in range(0, upto, size):
            rows = table.slice(start, min(size, upto - start))
            writer.write_table(pa.Table.from_arrays(rows.columns, schema=self._schema), row_group_size=size)
        self._waiting = [table.slice(upto)] if upto < table.num_rows else []
        self._waiting_rows = table.num_rows - upto

    def _open_writer(self, first: pa.Table) -> pq.ParquetWriter:
        if self._writer is None:
            repeating = repeating_columns(first)
            times = [field.name for field in self._schema if pa.types.is_timestamp(field.type)]
            self._writer = pq.ParquetWriter(
                self._stream,
                self._schema,
                compression="snappy" if self._landing else "zstd",
                compression_level=None if self._landing else 1,
                use_dictionary=repeating,
                column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED") if self._landing else None,
                write_statistics=_with_statistics(self._schema, [] if self._landing else repeating),
                write_page_checksum=True,
            )
        return self._writer


def repeating_columns(table: pa.Table) -> list[str]:
    """The string columns whose first rows repeat themselves enough for a dictionary to pay."""
    sample = table.slice(0, _SAMPLE_ROWS)
    return [
        field.name
        for field in table.schema
        if _is_text(field.type)
        and sample.num_rows
        and pc.count_distinct(sample.column(field.name), mode="all").as_py() <= _REPEATING * sample.num_rows
    ]


def _with_statistics(schema: pa.Schema, repeating: Sequence[str]) -> list[str]:
    """Columns whose minimum and maximum help a reader to skip and tell nothing about a person."""
    return [
        field.name
        for field in schema
        if not pa.types.is_nested(field.type)
        and (not _is_text(field.type) or field.name in repeating or field.name.lower().endswith("id"))
    ]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def checked_schema(found: pa.Schema, wanted: pa.Schema, what: str, *, nullability: bool = False) -> None:
    """
    Hold one schema against another: names, order and types, and nullability when asked; not the metadata.

    Raises:
        SchemaDrift: naming the first column that differs.
    """
    remedy = "the declared schema in schemas.py decides"
    for name in wanted.names:
        if found.names.count(name) != 1:
            raise SchemaDrift(f"column {name}", f"is not there once in {what}", remedy)
    for name in found.names:
        if name not in wanted.names:
            raise SchemaDrift(f"column {name}", f"is not declared, but in {what}", remedy)
    for place, (has, wants) in enumerate(zip(found, wanted, strict=True)):
        if has.name != wants.name:
            raise SchemaDrift(f"column {wants.name}", f"is not number {place + 1} in {what}", remedy)
        if has.type != wants.type:
            raise SchemaDrift(f"column {has.name}", f"is {has.type}, not {wants.type}, in {what}", remedy)
        if nullability and has.nullable != wants.nullable:
            kind = "nullable" if has.nullable else "required"
            raise SchemaDrift(f"column {has.name}", f"is {kind} in {what}", remedy)


@dataclass(frozen=True)
class Footer:
    """
    What a Parquet file says of itself.

    Attributes:
        rows: number of rows.
        bytes: size of the file.
        schema: Arrow schema with the descriptions.
        metadata: key-value metadata, texts.
    """

    rows: int
    bytes: int
    schema: pa.Schema
    metadata: Mapping[str, str]

    @property
    def file_id(self) -> str:
        """The file's own id; empty when the ledger did not write the file."""
        return self.metadata.get(FILE_ID, "")


def open_parquet(source: pa.NativeFile | pa.BufferReader, path: str) -> pq.ParquetFile:
    """
    Open a Parquet file for reading. Pages are verified against their checksums.

    Raises:
        CorruptSnapshot: it is not Parquet, or torn.
    """
    with corruption(path):
        return pq.ParquetFile(source, pre_buffer=True, page_checksum_verification=True)


def footer(file: pq.ParquetFile, size: int) -> Footer:
    """The footer of an open file of that many bytes."""
    pairs = file.metadata.metadata or {}
    metadata = {key.decode(): value.decode(errors="replace") for key, value in pairs.items()}
    return Footer(file.metadata.num_rows, size, file.schema_arrow, metadata)


def batches_of(
    file: pq.ParquetFile, columns: Sequence[str] | None, path: str, *, row_groups: Sequence[int] | None = None
) -> Iterator[pa.RecordBatch]:
    """
    Stream the rows, one row group in memory at a time.

    Args:
        file: an open file.
        columns: names in the order wanted; all when None.
        path: for messages.
        row_groups: numbers of row groups; all when None.

    Raises:
        SchemaDrift: a column is not there.
        CorruptSnapshot: a page does not match its checksum or cannot be decoded, or rows are missing; rows of
            its row group that were handed out by then are to be thrown away.
    """
    known = file.schema_arrow.names  # made anew each time it is asked for
    wanted = known if columns is None else list(columns)
    for name in wanted:
        if name not in known:
            raise SchemaDrift(f"column {name}", f"is not in {path}", "ask for a column of the schema")
    groups = range(file.metadata.num_row_groups) if row_groups is None else row_groups
    for group in groups:
        missing = file.metadata.row_group(group).num_rows
        with corruption(path):
            pieces = file.iter_batches(BATCH_ROWS, row_groups=[group], columns=wanted)
            while (piece := next(pieces, None)) is not None:
                missing -= piece.num_rows
                yield piece.select(wanted) if piece.schema.names != wanted else piece
        if missing:  # a damaged page header, which no checksum covers, can pass for the end of a column
            raise CorruptSnapshot(f"file {path}", "has fewer rows than it says", "publish the day again")


@contextmanager
def corruption(path: str) -> Iterator[None]:
    """
    Tell what the Parquet reader cannot make sense of as CorruptSnapshot; leave real file errors alone.

    Those have a number, or are of a class of their own, as the errors of object stores' clients are.
    """
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and (error.errno is not None or type(error) is not OSError):
            raise
        raise CorruptSnapshot(
            f"file {path}", f"is torn or not Parquet ({error})", "publish the day again"
        ) from error
