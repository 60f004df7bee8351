"""
All that is published as Parquet, table by table over every org and day. May import the reader, staging and
schemas.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as pafs

from license_ledger import reader
from license_ledger.schemas import SNAPSHOTS
from license_ledger.staging.layout import DATA_TABLES, Day
from license_ledger.staging.published import Published, published, published_days, published_orgs
from license_ledger.staging.storage import Storage


@dataclass(frozen=True)
class PublishedFiles:
    """
    The files of all snapshots, as one look found them.

    Attributes:
        staging: the staging root.
        days: the snapshots.
        paths: full path per table and snapshot, by position in ``days``; None where a snapshot lacks a table.
        mark: names this state of the staging area; another writing of any day has another.
    """

    staging: Storage
    days: tuple[Published, ...]
    paths: Mapping[str, tuple[str | None, ...]]
    mark: str

    def dataset(self, name: str) -> ds.FileSystemDataset:
        """
        A table over all snapshots, partition columns first; files of other orgs and days are passed over.

        Raises:
            KeyError: no table is called so.
        """
        schema = reader.schema_of(name)
        files = self.staging.fs if not self.staging.is_local else None
        system = pafs.LocalFileSystem() if files is None else pafs.PyFileSystem(pafs.FSSpecHandler(files))
        form = ds.ParquetFileFormat()
        fragments = [
            form.make_fragment(path, system, partition_expression=is_of(published.day))
            for published, path in zip(self.days, self.paths[name], strict=True)
            if path is not None
        ]
        return ds.FileSystemDataset(fragments, schema, form, system)


def published_files(staging: Storage) -> PublishedFiles:
    """
    Find the files that belong together, of every snapshot.

    Each is known by the id in its footer and not by its place, so that tables of two writings of a day are
    never joined. A file that is replaced after that is read in its new writing or is not to be found.

    Raises:
        CorruptSnapshot: a row or a file is torn or not to be found.
        StoreBusy: a day was replaced meanwhile, and its files are gone.
    """
    days = [
        found
        for org in published_orgs(staging)
        for snapshot_date in published_days(staging, org)
        if (found := published(staging, Day(org, snapshot_date))) is not None
    ]
    paths: dict[str, list[str | None]] = {name: [] for name in DATA_TABLES}
    for found in days:
        snapshot = reader.Snapshot(staging, found)
        for name in DATA_TABLES:
            paths[name].append(snapshot.path(name))
    paths[SNAPSHOTS.name] = [staging.path(found.day.canonical(SNAPSHOTS.name)) for found in days]
    mark = hashlib.sha256("\n".join(f"{found.day} {found.file_id}" for found in days).encode()).hexdigest()
    return PublishedFiles(staging, tuple(days), {name: tuple(found) for name, found in paths.items()}, mark)


def is_of(day: Day) -> pc.Expression:
    """What is true of every row of a day's files."""
    org = pc.field("org_id") == pa.scalar(day.org_id)
    return org & (pc.field("snapshot_date") == pa.scalar(day.snapshot_date, pa.date32()))
