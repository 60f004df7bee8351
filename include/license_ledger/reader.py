"""
Reading what was published, one whole snapshot at a time. May import staging, schemas and errors; writes
nothing.

A snapshot is named by its row in `snapshots`; its files are where the row's manifest says or, while the day
is being published again and for a while after, among the kept ones. Every file is known by the id in its
footer, so that two snapshots are never joined, whatever happens to the tree in the meantime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random

from license_ledger.errors import CorruptSnapshot, SchemaDrift, SnapshotRefused, StoreBusy
from license_ledger.schemas import SNAPSHOTS, table
from license_ledger.staging.carry import digest_of
from license_ledger.staging.layout import DATA_TABLES, Day
from license_ledger.staging.manifest import FileEntry, Manifest
from license_ledger.staging.parquet import batches_of, footer, open_parquet
from license_ledger.staging.published import (
    Published,
    is_replaced,
    parsed,
    published,
    published_days,
    published_orgs,
)
from license_ledger.staging.storage import Storage

_T = TypeVar("_T")
_ATTEMPTS = 6
_PARTITION = (pa.field("org_id", pa.string(), False), pa.field("snapshot_date", pa.date32(), False))


def schema_of(name: str) -> pa.Schema:
    """The Arrow schema of a table as it is read: the partition columns first, then the published ones."""
    return pa.schema([*_PARTITION, *table(name).arrow_schema])


def snapshots(staging: Storage, org_id: str | None = None) -> pa.Table:
    """
    List what is published.

    Args:
        staging: the staging root.
        org_id: one org; all when None.

    Returns:
        Table `snapshots` with ``org_id`` and ``snapshot_date``, one row per snapshot, ordered by both.
        Empty when nothing is published.

    Raises:
        CorruptSnapshot: a row cannot be read; naming the file.
    """
    schema = schema_of(SNAPSHOTS.name)
    found = []
    for org in [org_id] if org_id else published_orgs(staging):
        days = [Day(org, snapshot_date) for snapshot_date in published_days(staging, org)]
        paths = {staging.path(day.canonical(SNAPSHOTS.name)): day for day in days}
        for path, content in staging.read_all(list(paths)).items():
            rows = parsed(paths[path], content, path).table
            found += [_as_read(batch, paths[path], schema) for batch in rows.to_batches()]
    return pa.Table.from_batches(found, schema)


def open_snapshot(staging: Storage, org_id: str, snapshot_date: date) -> Snapshot:
    """
    Open the snapshot that is published for a day.

    Returns:
        The snapshot; nothing but its row has been read.

    Raises:
        SnapshotRefused: none is published.
        CorruptSnapshot: the row cannot be read.
    """
    found = published(staging, Day(org_id, snapshot_date))
    if found is None:
        days = published_days(staging, org_id)
        known = f"days from {days[0]} to {days[-1]} are known" if days else "the org has none"
        raise SnapshotRefused(
            f"snapshot of {snapshot_date} of org {org_id}",
            "is not published",
            f"{known}; publish the day first",
        )
    return Snapshot(staging, found)


@dataclass(frozen=True)
class _Opened:
    """An open file of a table; closed on leaving."""

    source: pa.NativeFile
    file: pq.ParquetFile
    path: str

    def __enter__(self) -> _Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()


@dataclass(frozen=True)
class Snapshot:
    """
    One published snapshot, with all its tables from the same writing of the day.

    Reading goes on undisturbed when the day is published again meanwhile, for as long as the replaced files
    are kept; after that StoreBusy says that the snapshot is gone, and a new one can be opened.
    """

    staging: Storage
    published: Published

    @property
    def org_id(self) -> str:
        """Salesforce id of the org."""
        return self.published.day.org_id

    @property
    def snapshot_date(self) -> date:
        """The UTC day."""
        return self.published.day.snapshot_date

    @property
    def snapshot_id(self) -> str:
        """Identifies this writing of the day."""
        return self.published.snapshot_id

    @property
    def row(self) -> dict[str, Any]:
        """The row of table `snapshots`, by column, without the partition columns."""
        return self.published.row

    @property
    def manifest(self) -> Manifest:
        """The files of the snapshot."""
        return self.published.manifest

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """
        A whole table.

        Args:
            name: of a published table.
            columns: in the order wanted; all, the partition columns first, when None.

        Raises: as :meth:`batches`.
        """
        return pa.Table.from_batches(list(self.batches(name, columns)), _projected(name, columns))

    def batches(self, name: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """
        Stream a table, one row group in memory at a time.

        Args:
            name: of a published table.
            columns: in the order wanted; all, the partition columns first, when None. A column that is
                younger than the snapshot is null, a table that is younger has no rows.

        Raises:
            KeyError: no table is called so.
            SchemaDrift: no column is called so.
            CorruptSnapshot: a file is torn or not to be found.
            StoreBusy: the snapshot was replaced, and its files are gone.
        """
        schema = _projected(name, columns)
        if name == SNAPSHOTS.name:
            pieces: Iterator[pa.RecordBatch] = iter(self.published.table.to_batches())
        else:
            pieces = self._pieces(name, [field.name for field in schema])
        for piece in pieces:
            yield _as_read(piece, self.published.day, schema)

    def path(self, name: str) -> str | None:
        """
        The full path of a table's file as it lies now; None for a table that the snapshot lacks.

        Raises:
            CorruptSnapshot: it is torn or not to be found.
            StoreBusy: the snapshot was replaced, and its files are gone.
        """
        entry = self._entry(name)
        if entry is None:
            return None
        with self._open(name, entry) as opened:
            return opened.path

    def verify(self) -> None:
        """
        Read every file whole and hold it against the manifest.

        Raises:
            CorruptSnapshot: a file has other bytes than were published; naming it.
            StoreBusy: the snapshot was replaced, and its files are gone.
        """
        for name in DATA_TABLES:
            entry = self._entry(name)
            if entry is None:
                continue
            digest = _again(self._digest, name, entry)
            if digest != entry["sha256"]:
                raise CorruptSnapshot(
                    f"table {name} of snapshot {self.snapshot_id}",
                    "has other bytes than were published",
                    "publish the day again",
                )

    def _entry(self, name: str) -> FileEntry | None:
        """The file of a table; None for a table that the snapshot was published without."""
        declared, files = table(name), self.published.manifest["files"]
        if name in files:
            return files[name]
        if declared.is_optional:
            return None
        raise CorruptSnapshot(
            f"table {name} of snapshot {self.snapshot_id}", "is not in the manifest", "publish the day again"
        )

    def _pieces(self, name: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """
        The rows of a data table, row group by row group.

        An object that is replaced in mid-read is looked for again, and reading goes on at the same row group:
        the file found then has the same id, hence the same bytes.
        """
        entry = self._entry(name)
        if entry is None:
            return
        group, left = 0, _ATTEMPTS
        while left:
            with self._open(name, entry) as opened:
                present = [column for column in columns if column in opened.file.schema_arrow.names]
                if opened.file.metadata.num_rows != entry["rows"]:
                    raise CorruptSnapshot(
                        f"file {opened.path}",
                        "has other rows than its manifest says",
                        "publish the day again",
                    )
                try:
                    while group < opened.file.metadata.num_row_groups:
                        pieces = list(batches_of(opened.file, present, opened.path, row_groups=[group]))
                        group, left = group + 1, _ATTEMPTS
                        yield from pieces
                    return
                except OSError as error:
                    if not _is_moved(error):
                        raise
                    left -= 1
        raise self._gone(name)

    def _digest(self, name: str, entry: FileEntry) -> str:
        with self._open(name, entry) as opened:
            return digest_of(opened.source, entry["live"])

    def _open(self, name: str, entry: FileEntry) -> _Opened:
        """The file with the entry's id, wherever it lies. Raises CorruptSnapshot and StoreBusy."""
        try:
            return _again(self._look_for, name, entry)
        except OSError as error:
            if not _is_moved(error):
                raise
            raise self._gone(name) from error

    def _look_for(self, name: str, entry: FileEntry) -> _Opened:
        day = self.published.day
        torn: CorruptSnapshot | None = None
        for path in (day.canonical(name), day.kept(name, entry["file_id"])):
            with suppress(FileNotFoundError):
                source = self.staging.open_input(path)
                try:
                    file = open_parquet(source, self.staging.path(path))
                    if footer(file, 0).file_id == entry["file_id"]:
                        return _Opened(source, file, self.staging.path(path))
                except CorruptSnapshot as error:
                    torn = error
                source.close()
        raise torn or FileNotFoundError(f"table {name} of snapshot {self.snapshot_id}")

    def _gone(self, name: str) -> CorruptSnapshot | StoreBusy:
        now_there = published(self.staging, self.published.day)
        if now_there is not None and now_there.file_id == self.published.file_id:
            return CorruptSnapshot(
                f"table {name} of snapshot {self.snapshot_id}", "is not to be found", "publish the day again"
            )
        return StoreBusy(
            f"snapshot {self.snapshot_id}", "was replaced, and its files are gone", "open the day again"
        )


def _is_moved(error: BaseException) -> bool:
    """Whether a file was renamed, replaced or removed under the reader."""
    return isinstance(error, FileNotFoundError) or is_replaced(error)


def _again(call: Callable[[str, FileEntry], _T], name: str, entry: FileEntry) -> _T:
    """Call until nothing moves underneath; the last error is raised as it is."""
    calling = Retrying(
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random(0.01, 0.1),
        retry=retry_if_exception(_is_moved),
        reraise=True,
    )
    return calling(call, name, entry)


def _projected(name: str, columns: Sequence[str] | None) -> pa.Schema:
    schema = schema_of(name)
    if columns is None:
        return schema
    for column in columns:
        if column not in schema.names:
            raise SchemaDrift(
                f"column {column}", f"is not in table {name}", f"one of {', '.join(schema.names)}"
            )
    return pa.schema([schema.field(column) for column in columns])


def _as_read(batch: pa.RecordBatch, day: Day, schema: pa.Schema) -> pa.RecordBatch:
    """The batch in the schema's order, with the partition columns and with nulls for younger columns."""
    partition = {"org_id": day.org_id, "snapshot_date": day.snapshot_date}
    arrays = []
    for field in schema:
        if field.name in partition:
            arrays.append(pa.repeat(pa.scalar(partition[field.name], field.type), batch.num_rows))
        elif field.name in batch.schema.names:
            arrays.append(batch.column(field.name))
        else:
            arrays.append(pa.nulls(batch.num_rows, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
