"""What does not fit the declared schema is not published. May import errors, schemas and its own package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from license_ledger.errors import CorruptSnapshot, SchemaDrift
from license_ledger.schemas import SNAPSHOTS, table
from license_ledger.staging import manifest
from license_ledger.staging.layout import DATA_TABLES, Day
from license_ledger.staging.parquet import FILE_ID, FileReceipt, Footer, checked_schema
from license_ledger.staging.storage import Storage


def check_files(source: Storage, day: Day, snapshot_id: str, files: Mapping[str, FileReceipt]) -> None:
    """
    Hold finished files against their receipts and the published schema. Reads footers only.

    Raises:
        SchemaDrift: a table is missing or unknown, or a column differs; naming it.
        CorruptSnapshot: a file is not there, torn, not the one of its receipt, or of another snapshot.
    """
    for name in (*DATA_TABLES, *files):
        if name not in DATA_TABLES or name not in files:
            state = "has no file" if name in DATA_TABLES else "is not a published table"
            raise SchemaDrift(f"table {name}", state, f"publish exactly {', '.join(DATA_TABLES)}")
    for name, receipt in files.items():
        try:
            found = source.parquet_footer(receipt["path"])
        except FileNotFoundError:
            raise CorruptSnapshot(
                f"file {receipt['path']}", "is not there", "run the transform again"
            ) from None
        checked_schema(found.schema, table(name).arrow_schema, f"the file of table {name}", nullability=True)
        _check_identity(name, receipt, found, day, snapshot_id)


def _check_identity(name: str, receipt: FileReceipt, found: Footer, day: Day, snapshot_id: str) -> None:
    expected = manifest.file_metadata(
        name, org_id=day.org_id, snapshot_date=day.snapshot_date, snapshot_id=snapshot_id
    )
    del expected["grain"]
    facts: dict[str, tuple[object, object]] = {
        key: (found.metadata.get(key), value) for key, value in expected.items()
    }
    facts["rows"] = (found.rows, receipt["rows"])
    facts["bytes"] = (found.bytes, receipt["bytes"])
    facts[FILE_ID] = (found.file_id, receipt["file_id"])
    for fact, (has, should_have) in facts.items():
        if has != should_have:
            raise CorruptSnapshot(
                f"file {receipt['path']} of table {name}",
                f"has {fact} {has!r}, not {should_have!r}",
                "run the transform again and publish its files with their receipts",
            )


def snapshot_table(row: Mapping[str, Any], decided: Mapping[str, Any]) -> pa.Table:
    """
    The one row of table `snapshots`, typed.

    Args:
        row: what the pipeline knows; nullable columns may be missing.
        decided: what publishing decides: id, rows, manifest, schema version. Wins.

    Raises:
        SchemaDrift: a column is unknown, missing, null or of another type; naming it.
    """
    values = {**row, **decided}
    schema = SNAPSHOTS.arrow_schema
    for name in values:
        if name not in schema.names:
            raise SchemaDrift(f"column {name}", "is not a column of table snapshots", "leave it out")
    columns = []
    for field in schema:
        if values.get(field.name) is None and not field.nullable:
            raise SchemaDrift(f"column {field.name}", "has no value for table snapshots", "give it one")
        try:
            columns.append(pa.array([values.get(field.name)], field.type))
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            kind = type(values[field.name]).__name__
            raise SchemaDrift(
                f"column {field.name}",
                f"is a {kind}, not {field.type}, for table snapshots",
                "give that type",
            ) from None
    return pa.Table.from_arrays(columns, schema=schema)
