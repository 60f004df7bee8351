"""
What is published now: the rows of table `snapshots`, and where a table's file lies. May import its own
package.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, TypedDict

import pyarrow as pa
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random

from license_ledger.errors import CorruptSnapshot
from license_ledger.schemas import SNAPSHOTS
from license_ledger.staging import manifest
from license_ledger.staging.layout import Day, days_of, partition_values
from license_ledger.staging.parquet import corruption, footer, open_parquet
from license_ledger.staging.storage import Storage


@dataclass(frozen=True)
class Published:
    """
    One published snapshot.

    Attributes:
        day: org and day.
        table: its row of table `snapshots`, as a table of one row, as it was written.
        manifest: the files it consists of.
        file_id: of the file that holds the row.
    """

    day: Day
    table: pa.Table
    manifest: manifest.Manifest
    file_id: str

    @cached_property
    def row(self) -> dict[str, Any]:
        """The row, by column."""
        row: dict[str, Any] = self.table.to_pylist()[0]
        return row

    @property
    def snapshot_id(self) -> str:
        """Identifies this writing of the day."""
        return self.manifest["snapshot_id"]


class LastPublished(TypedDict):
    """
    The size of an earlier snapshot.

    Attributes:
        snapshot_date: its day, ISO.
        snapshot_id: its id.
        scope_hash: fingerprint of its scope; row counts of tables compare only where it is the same.
        rows: rows per published table.
        landed: rows per extracted object; empty when the snapshot was published without them.
    """

    snapshot_date: str
    snapshot_id: str
    scope_hash: str
    rows: dict[str, int]
    landed: dict[str, int]


def parsed(day: Day, content: bytes, path: str) -> Published:
    """
    Read the content of a day's file of table `snapshots`.

    Raises:
        CorruptSnapshot: naming the path.
    """
    with corruption(path):
        file = open_parquet(pa.BufferReader(content), path)
        table, file_id = file.read(), footer(file, len(content)).file_id
    if table.num_rows != 1 or not {"manifest", "snapshot_id"} <= set(table.column_names):
        raise CorruptSnapshot(f"file {path}", "does not hold one snapshot", "publish the day again")
    made = manifest.from_json(table.column("manifest")[0].as_py(), path)
    if made["snapshot_id"] != table.column("snapshot_id")[0].as_py():
        raise CorruptSnapshot(f"file {path}", "has the manifest of another snapshot", "publish the day again")
    return Published(day, table, made, file_id)


def published(staging: Storage, day: Day) -> Published | None:
    """The day's published snapshot; None when there is none. Raises CorruptSnapshot."""
    path = staging.path(day.canonical(SNAPSHOTS.name))
    try:
        content = staging.read_bytes(path)
    except FileNotFoundError:
        return None
    return parsed(day, content, path)


def published_orgs(staging: Storage) -> list[str]:
    """Ids of the orgs that table `snapshots` has directories of, sorted."""
    return list(partition_values(staging.list(SNAPSHOTS.name), "org_id"))


def published_days(staging: Storage, org_id: str) -> list[date]:
    """Days that table `snapshots` has directories of, ascending; a directory may turn out to be empty."""
    return list(days_of(staging.list(SNAPSHOTS.name, f"org_id={org_id}")))


def last_published(staging: Storage, org_id: str, before_or_on: date) -> LastPublished | None:
    """
    The newest snapshot of that day or earlier, from its row alone.

    Returns:
        Its size; None when there is none.

    Raises:
        CorruptSnapshot: the newest row cannot be read.
    """
    for snapshot_date in reversed(published_days(staging, org_id)):
        if snapshot_date > before_or_on:
            continue
        found = published(staging, Day(org_id, snapshot_date))
        if found is not None:
            return LastPublished(
                snapshot_date=snapshot_date.isoformat(),
                snapshot_id=found.snapshot_id,
                scope_hash=str(found.row["scope_hash"]),
                rows=_rows(found.row),
                landed=found.manifest["landed"],
            )
    return None


def last_published_rows(staging: Storage, org_id: str, before_or_on: date) -> dict[str, int] | None:
    """Rows per published table of the newest snapshot of that day or earlier; None when there is none."""
    found = last_published(staging, org_id, before_or_on)
    return None if found is None else found["rows"]


def _rows(row: Mapping[str, Any]) -> dict[str, int]:
    try:
        return {str(name): int(rows) for name, rows in json.loads(row["rows"]).items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorruptSnapshot(
            f"snapshot {row.get('snapshot_id')}", "does not tell its rows", "publish the day again"
        ) from error


def canonical_id(staging: Storage, day: Day, name: str) -> str | None:
    """
    The ``file_id`` of what a plain glob finds for a table; None when there is nothing.

    Empty when the file is torn or not the ledger's: something else has written there.
    """
    again = Retrying(
        stop=stop_after_attempt(20),
        wait=wait_random(0, 0.05),
        retry=retry_if_exception(is_replaced),
        reraise=True,
    )
    try:
        found = again(staging.parquet_footer, day.canonical(name))
    except FileNotFoundError:
        return None
    except CorruptSnapshot:
        return ""
    return found.file_id


def is_replaced(error: BaseException) -> bool:
    """Whether a read failed because the object was replaced after it was opened."""
    return isinstance(error, OSError) and error.errno == errno.EBUSY


def located(staging: Storage, day: Day, name: str, file_id: str) -> str | None:
    """Where a particular file of a table lies now: canonical, or kept; None when it is in neither place."""
    if canonical_id(staging, day, name) == file_id:
        return staging.path(day.canonical(name))
    kept = day.kept(name, file_id)
    return staging.path(kept) if staging.exists(kept) else None
