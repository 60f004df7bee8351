"""Some published days, what they count, and everything that is written down of them, read independently."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from license_ledger import reader
from license_ledger.privacy.erase import Erasure
from license_ledger.staging.layout import DATA_TABLES, Day
from license_ledger.staging.storage import Storage
from tests.walk import Walk

SEATS = ["license_layer", "license_id", "cause", "is_active", "is_frozen", "activity_band", "account_class"]
PEOPLE = ["license_id", "scope_reason", "is_active", "is_frozen", "activity_band", "account_class"]


@dataclass(frozen=True)
class History:
    """
    Days that were published, with their landing and their warehouse.

    Attributes:
        walk: where they are.
        org_id: of the org.
        days: the days, ascending.
    """

    walk: Walk
    org_id: str
    days: list[date]

    @property
    def staging(self) -> Storage:
        """The staging root."""
        return self.walk.staging

    @property
    def landing(self) -> Storage:
        """The landing root."""
        return Storage.from_url(self.walk.settings.landing_url)

    @property
    def warehouse(self) -> Path:
        """The warehouse file."""
        return self.walk.root / "warehouse.duckdb"

    def only(self, days: list[date]) -> History:
        """The same with fewer days; the others are removed, from the warehouse as well."""
        for gone in set(self.days) - set(days):
            partition = Day(self.org_id, gone).partition
            for name in ("_landing", "_generations", "snapshots", *DATA_TABLES):
                shutil.rmtree(Path(self.staging.path(name, partition)), ignore_errors=True)
        with duckdb.connect(str(self.warehouse)) as connection:
            for name in (*DATA_TABLES, "snapshots"):
                connection.execute(f"DELETE FROM {name} WHERE snapshot_date < ?", [min(days)])
        return replace(self, days=days)

    def snapshot(self, day: date) -> reader.Snapshot:
        """A published day."""
        return reader.open_snapshot(self.staging, self.org_id, day)

    def person(self, day: date, **values: Any) -> dict[str, Any]:
        """The first published user with these values."""
        rows = self.snapshot(day).table("users").to_pylist()
        return next(row for row in rows if all(row[name] == value for name, value in values.items()))

    def erasure(self) -> Erasure:
        """An erasure from all of it."""
        settings = self.walk.settings
        return Erasure(self.landing, self.staging, settings.warehouse, self.org_id)

    def counts(self, day: date) -> dict[str, Any]:
        """Everything that is counted of a day, as staging tells it."""
        snapshot = self.snapshot(day)
        snapshot.verify()
        return {
            "seats": grouped(snapshot.table("seats"), SEATS),
            "users": grouped(snapshot.table("users"), PEOPLE),
            "licenses": snapshot.table("licenses").to_pylist(),
            "mismatches": snapshot.table("mismatches").to_pylist(),
            "rows": snapshot.row["rows"],
            "out_of_scope": snapshot.row["out_of_scope"],
        }

    def loaded_counts(self) -> list[Any]:
        """The same over all days, as the warehouse tells it."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            found = []
            for name, keys in (("seats", SEATS), ("users", PEOPLE)):
                listed = ", ".join(["snapshot_date", *keys])
                found.append(
                    connection.execute(
                        f"SELECT {listed}, count(*), count(DISTINCT user_id) FROM {name} "
                        "GROUP BY ALL ORDER BY ALL"
                    ).fetchall()
                )
            for name in ("licenses", "mismatches"):
                found.append(connection.execute(f"FROM {name} ORDER BY ALL").fetchall())
        return found

    def ids(self, day: date) -> list[str]:
        """Ids of the published users, in the order of the table."""
        return [str(each) for each in self.snapshot(day).table("users", ["user_id"])["user_id"].to_pylist()]

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every text in every file, with the file and column it is in; read without the ledger."""
        for path in sorted(Path(self.staging.root).rglob("*")):
            if not path.is_file():
                continue
            if path.suffix in (".parquet", ".kept"):
                for name, column in zip(
                    (table := pq.read_table(path)).column_names, table.columns, strict=True
                ):
                    if pa.types.is_string(column.type):
                        for text in column.unique().to_pylist():
                            yield f"{path.name}/{name}", str(text)
            else:
                yield path.name, path.read_text(errors="replace")
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            columns = connection.execute(
                "SELECT table_name, column_name FROM duckdb_columns() "
                "WHERE data_type = 'VARCHAR' AND NOT internal AND schema_name = 'main'"
            ).fetchall()
            for table, column in columns:
                for (text,) in connection.execute(f'SELECT DISTINCT "{column}" FROM "{table}"').fetchall():
                    yield f"{table}/{column}", str(text)

    def raw(self) -> Iterator[tuple[str, bytes]]:
        """Every file as bytes."""
        for path in [*sorted(Path(self.staging.root).rglob("*")), self.warehouse]:
            if path.is_file():
                yield path.name, path.read_bytes()

    def mentions(self, *needles: str) -> set[str]:
        """Where any of the texts is found, in a value or in the bytes; all but ids in any case."""
        ids = [each for each in needles if each.startswith("005")]
        low = [each.lower() for each in needles if each not in ids]

        def holds(content: bytes) -> bool:
            lowered = content.lower()
            return any(each.encode() in content for each in ids) or any(
                each.encode() in lowered for each in low
            )

        found = {where for where, text in self.texts() if holds(text.encode())}
        return found | {where for where, content in self.raw() if holds(content)}


def grouped(table: pa.Table, keys: list[str]) -> list[dict[str, Any]]:
    """Rows and distinct users per group."""
    counted = table.group_by(keys).aggregate([("user_id", "count"), ("user_id", "count_distinct")])
    return counted.sort_by([(key, "ascending") for key in keys]).to_pylist()
