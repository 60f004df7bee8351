"""
Some tables of a published day replaced by others with as many rows; the snapshot stays the same one. May
import its own package.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from license_ledger.errors import CorruptSnapshot
from license_ledger.schemas import SNAPSHOTS
from license_ledger.staging.layout import Day
from license_ledger.staging.lease import Held
from license_ledger.staging.manifest import from_json, to_json
from license_ledger.staging.parquet import FileReceipt
from license_ledger.staging.publish import (
    Publication,
    keep_files,
    put_in_place,
    put_row_in_place,
    stage_file,
    stage_row,
)
from license_ledger.staging.published import Published, published
from license_ledger.staging.storage import Storage


def amend(
    staging: Storage, day: Day, held: Held, files: Mapping[str, FileReceipt], source: Storage
) -> tuple[Published, Published]:
    """
    Put files in place of published ones, and then the row that names them.

    Whoever reads meanwhile sees each table old or new, and follows the row to the one or the other, as with
    any publishing. Replaced files stay, kept and carried, until they are swept.

    Args:
        staging: the staging root.
        day: a published day, whose lease is held.
        held: that lease.
        files: receipts of the new files by table; with the rows, schema and metadata of those they replace.
        source: where they lie.

    Returns:
        What was published, and what is now.

    Raises:
        CorruptSnapshot: nothing is published, or a table is none of the snapshot's.
        StoreBusy: the lease is lost.
        StagingUnwritable: naming the path.
    """
    seen = staging.version(day.canonical(SNAPSHOTS.name))
    before = published(staging, day)
    if before is None or not before.manifest["files"].keys() >= files.keys():
        raise CorruptSnapshot(f"snapshot of {day}", "does not have the tables to amend", "publish the day")
    publication = Publication(staging, source, day, before.snapshot_id, files, {}, before.manifest["landed"])
    staged = {name: stage_file(publication, name, before) for name in files}
    entries = before.manifest["files"] | {name: table.entry for name, table in staged.items()}
    text = to_json({**before.manifest, "files": entries})
    row = before.table.replace_schema_metadata(None)
    place = row.schema.get_field_index("manifest")
    row = row.set_column(place, row.schema.field(place), pa.array([text], row.schema.field(place).type))
    row_id = stage_row(publication, row)
    keep_files(staging, before, held, list(files))
    for name, table in staged.items():
        put_in_place(publication, name, table, held)
    put_row_in_place(staging, day, row_id, seen, held)
    return before, Published(day, row, from_json(text, f"snapshot of {day}"), row_id)
