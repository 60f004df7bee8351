"""An empty warehouse in memory, to be filled row by row."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
from made_snapshots import CPQ, DAY, ORG, made_snapshot

from license_ledger.schemas import table
from license_ledger.warehouse import ddl
from license_ledger.warehouse.statements import views

Rows = list[dict[str, Any]]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LICENSE = dict(zip(("license_layer", "license_id", "license_key", "license_name"), CPQ, strict=True))


class Book:
    """An empty warehouse in memory, to be filled row by row."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(":memory:")
        self.connection.execute("SET TimeZone = 'UTC'")
        for made in ddl.WAREHOUSE_TABLES:
            self.connection.execute(ddl.create_table(made, ddl.DUCKDB))
        for view in views():
            for statement in ddl.create_view(view):
                self.connection.execute(statement)

    def write(self, name: str, *rows: dict[str, Any], org_id: str = ORG, day: date = DAY) -> None:
        """Add rows; what a row leaves out has a harmless value."""
        made = table(name)
        full = [_DEFAULTS[name] | row for row in rows]
        incoming = pa.Table.from_pylist(full, made.arrow_schema)
        names = ", ".join(f'"{column}"' for column in incoming.column_names)
        self.connection.register("incoming", incoming)
        self.connection.execute(
            f"INSERT INTO {name} (org_id, snapshot_date, {names}) SELECT ?, ?, {names} FROM incoming",
            [org_id, day],
        )
        self.connection.unregister("incoming")

    def keep(self, name: str, *rows: dict[str, Any]) -> None:
        """Add rows of a table that has no days; what a row leaves out is null."""
        made = next(each for each in ddl.WAREHOUSE_TABLES if each.name == name)
        self.connection.register("incoming", pa.Table.from_pylist(list(rows), made.arrow_schema))
        self.connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM incoming")
        self.connection.unregister("incoming")

    def clear(self) -> None:
        """Take all rows out again."""
        for made in ddl.WAREHOUSE_TABLES:
            self.connection.execute(f"TRUNCATE {made.name}")

    def read(self, query: str) -> Rows:
        """The rows of a query, by column."""
        return self.connection.sql(query).to_arrow_table().to_pylist()


_DEFAULTS: dict[str, dict[str, Any]] = {
    "snapshots": dict(made_snapshot(0).row),
    "licenses": LICENSE
    | {"is_unlimited": False, "count_basis": "all_assignees", "used_as_of": NOON, "in_scope_count": 0},
    "mismatches": LICENSE | {"cause": "in_scope", "seat_count": 0},
    "control_totals": LICENSE | {"metrics_on": DAY, "assigned_count": 0, "active_count": 0},
    "users": {
        "user_id": "005000000000001AAA",
        "email": "person@acme.com",
        "email_domain": "acme.com",
        "account_class": "employee",
        "user_type": "Standard",
        "scope_reason": "everyone",
        "is_active": True,
        "is_frozen": False,
        "activity_band": "0-30",
        "created_at": NOON - timedelta(days=500),
    },
    "seats": LICENSE
    | {
        "user_id": "005000000000001AAA",
        "is_active": True,
        "is_frozen": False,
        "activity_band": "0-30",
        "account_class": "employee",
        "cause": "in_scope",
    },
}
