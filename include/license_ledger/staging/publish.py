"""
The switch: all tables of a day, or none. May import its own package.

The finished files get a name in the day's place for kept files, next to those of the snapshot that is
published now; then each table's one canonical file is replaced in one step, and the row in `snapshots`
last. Killed between any two steps, a table is wholly old or wholly new, and the published snapshot is found
whole in canonical and kept files; ``docs/decisions/0004-atomic-publish.md`` has the reasons.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypedDict

import pyarrow as pa
import structlog

from license_ledger.errors import CorruptSnapshot, DayOutOfReach, StoreBusy
from license_ledger.schemas import SCHEMA_VERSION, SNAPSHOTS
from license_ledger.staging import gate, manifest
from license_ledger.staging.carry import Carried, compose, is_parquet
from license_ledger.staging.layout import DATA_TABLES, Day, checked_snapshot_id
from license_ledger.staging.lease import TTL_SECONDS, Held, lease
from license_ledger.staging.manifest import FileEntry, Manifest
from license_ledger.staging.medium import Stat, refusals
from license_ledger.staging.objects import SMALL
from license_ledger.staging.parquet import FileReceipt, ParquetSink
from license_ledger.staging.published import Published, canonical_id, published
from license_ledger.staging.storage import Storage
from license_ledger.staging.sweep import GRACE, sweep

_log = structlog.get_logger(__name__)

SETTLED = timedelta(minutes=5)
"""A file that has been there for so long has no more readers of the files that it carries."""
_PIECE = 1 << 20


class PublishReceipt(TypedDict):
    """
    What was published.

    Attributes:
        org_id: of the org.
        snapshot_date: the day, ISO.
        snapshot_id: of the snapshot.
        replaced: id of the snapshot that it replaced; None when the day is new.
        unchanged: whether exactly this was published already, so that nothing was written.
        rows: rows per table.
        bytes: size of all files.
        url: of the staging root.
    """

    org_id: str
    snapshot_date: str
    snapshot_id: str
    replaced: str | None
    unchanged: bool
    rows: dict[str, int]
    bytes: int
    url: str


@dataclass(frozen=True)
class Publication:
    """One snapshot on its way."""

    staging: Storage
    source: Storage
    day: Day
    snapshot_id: str
    files: Mapping[str, FileReceipt]
    snapshot_row: Mapping[str, Any]
    landed: dict[str, int]

    @property
    def rows(self) -> dict[str, int]:
        """Rows per table."""
        return {name: self.files[name]["rows"] for name in DATA_TABLES}

    def row(self, entries: dict[str, FileEntry]) -> pa.Table:
        """The row of table `snapshots`, naming these files. Raises SchemaDrift."""
        made = Manifest(
            version=manifest.MANIFEST_VERSION,
            snapshot_id=self.snapshot_id,
            files=entries,
            landed=self.landed,
        )
        decided = {
            "snapshot_id": self.snapshot_id,
            "rows": json.dumps(self.rows),
            "schema_version": SCHEMA_VERSION,
            "manifest": manifest.to_json(made),
        }
        return gate.snapshot_table(self.snapshot_row, decided)

    def is_there(self, found: Published) -> bool:
        """Whether exactly this has been published and is in place."""
        files = found.manifest["files"]
        return found.table.equals(self.row(files)) and all(
            name in files
            and files[name]["file_id"]
            == self.files[name]["file_id"]
            == canonical_id(self.staging, self.day, name)
            for name in DATA_TABLES
        )

    def versions(self) -> dict[str, str | None]:
        """Of the finished files, by table."""
        return {name: self.source.version(receipt["path"]) for name, receipt in self.files.items()}

    def receipt(self, replaced: Published | None, *, unchanged: bool) -> PublishReceipt:
        """What is told of it."""
        return PublishReceipt(
            org_id=self.day.org_id,
            snapshot_date=self.day.snapshot_date.isoformat(),
            snapshot_id=self.snapshot_id,
            replaced=None if replaced is None else replaced.snapshot_id,
            unchanged=unchanged,
            rows=self.rows,
            bytes=sum(self.files[name]["bytes"] for name in DATA_TABLES),
            url=self.staging.url,
        )


def publish(
    staging: Storage,
    *,
    org_id: str,
    snapshot_date: date,
    snapshot_id: str,
    files: Mapping[str, FileReceipt],
    snapshot_row: Mapping[str, Any],
    source: Storage | None = None,
    landed: Mapping[str, int] | None = None,
    now: datetime | None = None,
    grace: timedelta = GRACE,
    wait_seconds: float = 60.0,
    ttl_seconds: float = TTL_SECONDS,
    keeps: Collection[str] = (),
    sweeps: bool = True,
) -> PublishReceipt:
    """
    Make a snapshot the day's one, wholly or not at all.

    Of writers of one day that overlap, one wins and the others get StoreBusy; tried again later, such a
    writer replaces the day like any re-run. Publishing what is published already does nothing.

    Args:
        staging: the staging root.
        org_id: of the org.
        snapshot_date: the UTC day.
        snapshot_id: of this writing of the day; in the metadata of every file.
        files: receipts of the finished files, one for every table but `snapshots`.
        snapshot_row: the row of table `snapshots`, without what publishing decides: ``snapshot_id``,
            ``rows``, ``schema_version``, ``manifest``.
        source: where the files lie, when their file system is not that of staging.
        landed: rows per extracted object, kept in the manifest for the comparison with the next extract.
        now: the present, for clearing away leftovers; the clock's when None.
        grace: how long the replaced files stay for readers.
        wait_seconds: how long to wait for another writer of the day.
        ttl_seconds: see :func:`license_ledger.staging.lease.lease`.
        keeps: provenances that this snapshot does not replace.
        sweeps: whether leftovers are cleared away afterwards; who publishes many days does that once.

    Returns:
        The receipt.

    Raises:
        SchemaDrift: a file or the row does not fit the schema; naming the column.
        CorruptSnapshot: a file does not match its receipt.
        StagingUnwritable: naming the path. After any of these three the snapshot that was published still is.
        StoreBusy: another writer of the day was first, or is at it.
        DayOutOfReach: the day is published with one of the provenances to keep.
    """
    day = Day(org_id, snapshot_date)
    checked_snapshot_id(snapshot_id)
    publication = Publication(
        staging, source or staging, day, snapshot_id, files, snapshot_row, dict(landed or {})
    )
    staging.check_writable()
    made = publication.versions()
    gate.check_files(publication.source, day, snapshot_id, files)
    publication.row({})
    snapshots_path = staging.path(day.canonical(SNAPSHOTS.name))
    with refusals(staging.root):
        seen = staging.version(snapshots_path)
        with lease(staging, day.lease, wait_seconds=wait_seconds, ttl_seconds=ttl_seconds) as held:
            if staging.version(snapshots_path) != seen:
                raise _beaten(day)
            _require_same(publication, made)
            before = _published_if_readable(staging, day)
            _require_replaceable(before, keeps)
            if before is not None and publication.is_there(before):
                return publication.receipt(before, unchanged=True)
            _replace(publication, before, seen, held)
    if sweeps:
        _clear_away(staging, org_id, now, grace)
    receipt = publication.receipt(before, unchanged=False)
    _log.info("publish.finished", **receipt)
    return receipt


def _require_same(publication: Publication, made: Mapping[str, str | None]) -> None:
    """Whoever held the lease may have erased somebody from the finished files meanwhile."""
    if publication.versions() != made:
        raise StoreBusy(
            f"publishing {publication.day}",
            "its files were written anew while it waited for its turn",
            "try again: the receipts tell of the new ones",
        )


def _require_replaceable(before: Published | None, keeps: Collection[str]) -> None:
    if before is not None and before.row["provenance"] in keeps:
        raise DayOutOfReach(
            f"publishing {before.day}",
            f"the day is published as {before.row['provenance']}",
            "nothing is needed: that is better than a reconstruction",
        )


def _clear_away(staging: Storage, org_id: str, now: datetime | None, grace: timedelta) -> None:
    """Sweep; what is published is published, whatever becomes of that."""
    try:
        sweep(staging, org_id=org_id, now=now, grace=grace)
    except Exception as error:
        _log.warning("publish.not_swept", org_id=org_id, error=type(error).__name__)


def _published_if_readable(staging: Storage, day: Day) -> Published | None:
    """What is published now; a row that cannot be read is about to be repaired by publishing over it."""
    try:
        return published(staging, day)
    except CorruptSnapshot as error:
        _log.warning("publish.over_unreadable", day=str(day), reason=str(error))
        return None


def _replace(publication: Publication, before: Published | None, seen: str | None, held: Held) -> None:
    """Stage, keep, switch."""
    staging, day = publication.staging, publication.day
    staged = {name: stage_file(publication, name, before) for name in DATA_TABLES}
    row = publication.row({name: table.entry for name, table in staged.items()})
    row_id = stage_row(publication, row)
    if before is not None:
        keep_files(staging, before, held, list(before.manifest["files"]))
    for name, table in staged.items():
        put_in_place(publication, name, table, held)
    put_row_in_place(staging, day, row_id, seen, held)


@dataclass(frozen=True)
class _Staged:
    """A file that is ready to be put in place over one particular version."""

    entry: FileEntry
    over: str | None
    is_there: bool = False


def stage_file(publication: Publication, name: str, before: Published | None) -> _Staged:
    """Put a finished file among the kept ones, carrying what it will replace."""
    staging, source, day = publication.staging, publication.source, publication.day
    receipt = publication.files[name]
    canonical, kept = staging.path(day.canonical(name)), staging.path(day.kept(name, receipt["file_id"]))
    over = staging.medium.stat(canonical)
    was = None if before is None else before.manifest["files"].get(name)
    if was is not None and was["file_id"] == receipt["file_id"] == canonical_id(staging, day, name):
        return _Staged(was, over and over.version, is_there=True)
    carried = None
    if over is not None:
        with source.open_input(receipt["path"]) as new:
            carried = _carry(staging, canonical, over, new, kept)
    if carried is None:
        staging.remove(kept)
        _adopt(staging, source, receipt["path"], kept)
        carried = Carried(receipt["bytes"], receipt["sha256"], [(0, receipt["bytes"])])
    entry = FileEntry(
        path=day.canonical(name),
        rows=receipt["rows"],
        bytes=carried.bytes,
        sha256=carried.sha256,
        live=carried.live,
        file_id=receipt["file_id"],
    )
    return _Staged(entry, over and over.version)


def _carry(staging: Storage, canonical: str, stat: Stat, new: pa.NativeFile, kept: str) -> Carried | None:
    """Make the replacement of a canonical file; None when that is nothing that anybody could be reading."""
    small = stat.size <= SMALL
    with pa.BufferReader(staging.read_bytes(canonical)) if small else staging.open_input(canonical) as old:
        if not is_parquet(old):
            return None
        with staging.medium.sink(kept) as target:
            return compose(target, old, new, settled=datetime.now(UTC) - stat.written > SETTLED)


def _adopt(staging: Storage, source: Storage, path: str, kept: str) -> None:
    """Give a finished file a name in staging: by a link, a copy in the store, or an upload."""
    if source.fs == staging.fs or (source.is_local and staging.is_local):
        staging.medium.duplicate(source.path(path), kept)
    elif source.is_local:
        staging.medium.receive(source.path(path), kept)
    else:
        with source.open_input(path) as stream, staging.medium.sink(kept) as target:
            while piece := stream.read(_PIECE):
                target.write(piece)


def stage_row(publication: Publication, row: pa.Table) -> str:
    """Write the file of table `snapshots` among the kept ones; its id."""
    staging, day = publication.staging, publication.day
    metadata = manifest.file_metadata(
        SNAPSHOTS.name,
        org_id=day.org_id,
        snapshot_date=day.snapshot_date,
        snapshot_id=publication.snapshot_id,
    )
    canonical, buffer = staging.path(day.canonical(SNAPSHOTS.name)), io.BytesIO()
    sink = ParquetSink(buffer, canonical, row.schema, metadata, row.num_rows)
    sink.write(row)
    file_id = sink.finish()["file_id"]
    kept, content = staging.path(day.kept(SNAPSHOTS.name, file_id)), buffer.getvalue()
    over = staging.medium.stat(canonical)
    if over is None or _carry(staging, canonical, over, pa.BufferReader(content), kept) is None:
        staging.write_bytes(kept, content)
    return file_id


def keep_files(staging: Storage, before: Published, held: Held, names: Collection[str]) -> None:
    """
    Keep files of the published snapshot, by table, for its readers and for putting them back.

    Raises:
        StoreBusy: a file was replaced while it was being kept.
    """
    for name in names:
        entry = before.manifest["files"][name]
        kept = staging.path(before.day.kept(name, entry["file_id"]))
        if staging.exists(kept):
            continue
        if canonical_id(staging, before.day, name) != entry["file_id"]:
            _log.warning("publish.was_broken", day=str(before.day), table=name)
            continue
        held.check()
        staging.medium.duplicate(staging.path(before.day.canonical(name)), kept)
        if not staging.is_local and staging.parquet_footer(kept).file_id != entry["file_id"]:
            staging.remove(kept)
            raise _beaten(before.day)


def put_in_place(publication: Publication, name: str, staged: _Staged, held: Held) -> None:
    """
    Make a staged file the canonical one.

    The version to be replaced was read before the lease is checked: whoever takes the lease over after the
    check changes the version that this writer then insists on.
    """
    if staged.is_there:
        return
    staging, day = publication.staging, publication.day
    held.check()
    kept, canonical = day.kept(name, staged.entry["file_id"]), day.canonical(name)
    placed = staging.medium.place(staging.path(kept), staging.path(canonical), staged.over)
    if not placed and canonical_id(staging, day, name) != staged.entry["file_id"]:
        raise _beaten(day)


def put_row_in_place(staging: Storage, day: Day, file_id: str, seen: str | None, held: Held) -> None:
    """Switch. A request that was repeated may have met its own success, so what is there decides."""
    held.check()
    canonical = staging.path(day.canonical(SNAPSHOTS.name))
    if not staging.medium.place(staging.path(day.kept(SNAPSHOTS.name, file_id)), canonical, seen):
        now_there = published(staging, day)
        if now_there is None or now_there.file_id != file_id:
            raise _beaten(day)


def _beaten(day: Day) -> StoreBusy:
    return StoreBusy(
        f"publishing {day}",
        "another writer published this day meanwhile",
        "try again: the day is then replaced",
    )
