"""
What a snapshot consists of, as the ``manifest`` column of its row tells it. Pure; may import errors and
schemas.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TypedDict

from license_ledger.errors import CorruptSnapshot
from license_ledger.schemas import SCHEMA_VERSION, table

MANIFEST_VERSION = 1


class FileEntry(TypedDict):
    """
    One published file.

    Attributes:
        path: below the staging root.
        rows: number of rows.
        bytes: size.
        sha256: of the living bytes, hexadecimal.
        live: where these are, from and upto, ascending; the rest may hold bytes of a replaced file, see
            :mod:`license_ledger.staging.carry`. Everything, for a day that was published once.
        file_id: in the file's metadata; tells this file from every other writing of the table.
    """

    path: str
    rows: int
    bytes: int
    sha256: str
    live: list[tuple[int, int]]
    file_id: str


class Manifest(TypedDict):
    """
    The files of one snapshot.

    Attributes:
        version: of this structure.
        snapshot_id: also in the metadata of every file.
        files: by table, without `snapshots` itself.
        landed: rows per extracted object, for the comparison with the next extract.
    """

    version: int
    snapshot_id: str
    files: dict[str, FileEntry]
    landed: dict[str, int]


def file_metadata(name: str, *, org_id: str, snapshot_date: date, snapshot_id: str) -> dict[str, str]:
    """
    The key-value metadata that every file of a published table must carry.

    It is written when the file is made, so that publishing never rewrites a byte.
    """
    return {
        "table": name,
        "grain": table(name).grain,
        "org_id": org_id,
        "snapshot_date": snapshot_date.isoformat(),
        "snapshot_id": snapshot_id,
        "schema_version": SCHEMA_VERSION,
    }


def to_json(manifest: Manifest) -> str:
    """The text for the column."""
    return json.dumps(manifest, sort_keys=True)


def from_json(text: str, what: str) -> Manifest:
    """
    Read the column.

    Raises:
        CorruptSnapshot: it is not a manifest, or one of a later structure.
    """
    try:
        found = json.loads(text)
        if found["version"] != MANIFEST_VERSION:
            raise ValueError(f"version {found['version']}")
        return Manifest(
            version=MANIFEST_VERSION,
            snapshot_id=str(found["snapshot_id"]),
            files={
                str(name): FileEntry(
                    path=str(entry["path"]),
                    rows=int(entry["rows"]),
                    bytes=int(entry["bytes"]),
                    sha256=str(entry["sha256"]),
                    live=[(int(start), int(end)) for start, end in entry["live"]],
                    file_id=str(entry["file_id"]),
                )
                for name, entry in found["files"].items()
            },
            landed={str(name): int(rows) for name, rows in found.get("landed", {}).items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorruptSnapshot(
            f"manifest of {what}", f"cannot be read ({error!r})", "publish the day again"
        ) from error
