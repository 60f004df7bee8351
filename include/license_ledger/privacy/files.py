"""
One Parquet file: whether it mentions somebody, and the same file without. May import staging, rules and
schemas.

A row group is read column by column, and only as far as it has to be; what has statistics that exclude an id
is not read at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from license_ledger.errors import StoreBusy
from license_ledger.privacy.rules import is_reference
from license_ledger.staging.carry import pages_of
from license_ledger.staging.parquet import FileReceipt, corruption, open_parquet
from license_ledger.staging.published import is_replaced
from license_ledger.staging.splice import spliced
from license_ledger.staging.storage import Storage

_T = TypeVar("_T")
Changes = Callable[["Group"], dict[str, pa.Array]]
"""Of a row group, the columns that change, whole; empty when it stays."""


@dataclass
class Group(Mapping[str, Callable[[], pa.Array]]):
    """
    A row group, each column of which is read when it is first asked for.

    Attributes:
        file: the open file.
        number: of the group.
        path: of the file, for messages.
    """

    file: pq.ParquetFile
    number: int
    path: str
    _read: dict[str, pa.Array] = field(default_factory=dict)

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns of the file."""
        return self.file.schema_arrow

    def column(self, name: str) -> pa.Array:
        """A column in one piece. Raises CorruptSnapshot when it cannot be decoded."""
        self.load([name])
        return self._read[name]

    def load(self, names: Iterable[str]) -> None:
        """Read several columns at once, which costs less than one by one."""
        known = self.schema.names
        missing = [name for name in names if name not in self._read and name in known]
        if missing:
            with corruption(self.path):
                table = self.file.read_row_group(self.number, columns=missing, use_threads=False)
            self._read.update((name, table.column(name).combine_chunks()) for name in missing)

    def may_hold(self, name: str, ids: Sequence[str]) -> bool:
        """Whether the statistics of a column leave it open that one of the ids is among its values."""
        place = self.schema.names.index(name)
        statistics = self.file.metadata.row_group(self.number).column(place).statistics
        if statistics is None or not statistics.has_min_max:
            return statistics is None or statistics.null_count != statistics.num_values
        return any(statistics.min <= each <= statistics.max for each in ids)

    def __getitem__(self, name: str) -> Callable[[], pa.Array]:
        if name not in self.schema.names:
            raise KeyError(name)
        return lambda: self.column(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.schema.names)

    def __len__(self) -> int:
        return len(self.schema.names)


@contextmanager
def opened(storage: Storage, path: str) -> Iterator[tuple[pa.NativeFile, pq.ParquetFile]]:
    """
    Open a Parquet file for as long as the block lasts.

    Raises:
        FileNotFoundError: there is none.
        CorruptSnapshot: it is torn.
        StoreBusy: it was replaced in the store while it was being read.
    """
    full = storage.path(path)
    try:
        with storage.open_input(path) as source:
            yield source, open_parquet(source, full)
    except OSError as error:
        if not is_replaced(error):
            raise
        raise StoreBusy(f"file {full}", "was replaced while it was being read", "try again") from error


def digest(file: pq.ParquetFile, source: pa.NativeFile) -> bytes:
    """
    Of everything that the rows of an open file are decoded from, wherever in the file it lies.

    Two files with the same digest have the same rows, and the same bytes of them; reading both costs less
    than decoding one. What a file says of itself, such as its id, is no part of it.
    """
    rows = hashlib.sha256(file.schema_arrow.remove_metadata().serialize())
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        for place in range(group.num_columns):
            chunk = group.column(place)
            start, end = pages_of(chunk)
            about = (number, chunk.num_values, chunk.compression, chunk.encodings, end - start)
            rows.update(repr(about).encode())
            source.seek(start)
            rows.update(source.read_buffer(end - start))
    return rows.digest()


def groups(file: pq.ParquetFile, path: str) -> Iterator[Group]:
    """The row groups of an open file."""
    for number in range(file.metadata.num_row_groups):
        yield Group(file, number, path)


def references(group: Group) -> list[str]:
    """Columns of a file that hold ids of records: landed references, and the published ``user_id``."""
    return [
        each.name
        for each in group.schema
        if each.type == pa.string() and (is_reference(each.name) or each.name == "user_id")
    ]


def rewritten(
    storage: Storage, path: str, changes: Changes, *, to: str | None = None, durable: bool = True
) -> FileReceipt:
    """
    Write a file without the people who are replaced; chunks that do not change are copied.

    Args:
        storage: where it lies.
        path: of the file.
        changes: what changes in each row group.
        to: where the new file goes; in place of the old one when None.
        durable: whether it must survive a power cut.

    Returns:
        The receipt of the new file.

    Raises:
        CorruptSnapshot: the file is torn, or was not written by the ledger.
        StagingUnwritable: naming the path.
    """
    target = storage.path(to or path)

    def changed(number: int) -> pa.Table | None:
        columns = changes(Group(file, number, target))
        if not columns:
            return None
        names = [name for name in schema.names if name in columns]
        return pa.Table.from_arrays(
            [columns[name].cast(schema.field(name).type) for name in names], names=names
        )

    with opened(storage, path) as (source, file), storage.medium.sink(target, durable=durable) as stream:
        schema = file.schema_arrow  # made anew each time it is asked for
        return spliced(stream, source, file, changed, target)
