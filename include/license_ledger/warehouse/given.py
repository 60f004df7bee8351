"""
What comes from files that people keep, in a warehouse: the files' tables whole, the comparison with the
directory day by day. May import errors, schemas, the inputs and the warehouse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa

from license_ledger.inputs.directory import Directory
from license_ledger.inputs.given import WHOLE, Inputs
from license_ledger.inputs.tables import DIRECTORY_CHECKS, DIRECTORY_FINDINGS, INPUT_FILES
from license_ledger.warehouse import ddl
from license_ledger.warehouse.day import LoadableSnapshot

_COMPARISON = (DIRECTORY_FINDINGS, DIRECTORY_CHECKS)

__all__ = ["ComparedSnapshot", "compared", "holds_inputs", "replace_inputs"]


@dataclass(frozen=True)
class ComparedSnapshot:
    """
    A snapshot that also has the rows of the tables `directory_checks` and `directory_findings`.

    Attributes:
        snapshot: as it was published.
        directory: with which its users are compared; None: with none, and both tables have no rows.
    """

    snapshot: LoadableSnapshot
    directory: Directory | None

    @property
    def org_id(self) -> str:
        """18 characters."""
        return self.snapshot.org_id

    @property
    def snapshot_date(self) -> date:
        """UTC day."""
        return self.snapshot.snapshot_date

    @property
    def snapshot_id(self) -> str:
        """Identifies this writing of the day."""
        return self.snapshot.snapshot_id

    @property
    def row(self) -> Mapping[str, Any]:
        """The snapshot's row of table `snapshots`, by column."""
        return self.snapshot.row

    def batches(self, table: str) -> Iterable[pa.RecordBatch]:
        """The rows of a table, piece by piece."""
        if table in {each.name for each in _COMPARISON}:
            found: list[pa.RecordBatch] = self._found[table].to_batches()
            return found
        return self.snapshot.batches(table)

    @cached_property
    def _found(self) -> dict[str, pa.Table]:
        if self.directory is None:
            return {table.name: table.arrow_schema.empty_table() for table in _COMPARISON}
        found = self.directory.compare(self.snapshot.batches("users"))
        return dict(zip((table.name for table in _COMPARISON), found, strict=True))


def compared(snapshots: Sequence[LoadableSnapshot], inputs: Inputs | None) -> list[ComparedSnapshot]:
    """
    Let the directory be compared with snapshots while they are loaded.

    Only with days that were captured as they were: the directory of today says nothing about the people of a
    past day.
    """
    directory = inputs.directory if inputs else None
    return [
        ComparedSnapshot(snapshot, directory if snapshot.row["provenance"] == "observed" else None)
        for snapshot in snapshots
    ]


def holds_inputs(connection: duckdb.DuckDBPyConnection, inputs: Inputs) -> bool:
    """Whether the tables of the warehouse come from exactly these files."""
    rows = connection.execute(f"SELECT input_name, sha256 FROM {INPUT_FILES.name}").fetchall()  # noqa: S608
    return dict(rows) == inputs.fingerprints


def replace_inputs(connection: duckdb.DuckDBPyConnection, inputs: Inputs) -> None:
    """Put what the files say now in place of what they said; a file that is no longer given has no rows."""
    for table in WHOLE:
        name = ddl.quoted(table.name)
        names = ", ".join(ddl.quoted(column.name) for column in table.columns)
        connection.execute(f"DELETE FROM {name}")  # noqa: S608
        connection.register("incoming", inputs.tables[table.name])
        connection.execute(f"INSERT INTO {name} ({names}) SELECT {names} FROM incoming")  # noqa: S608
        connection.unregister("incoming")
