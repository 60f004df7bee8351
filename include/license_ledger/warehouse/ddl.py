"""
DDL and comments of the tables, made from their declarations. May import schemas and the inputs' tables.

The partition columns ``org_id`` and ``snapshot_date``, which staging carries in its paths, come first in
every table that has them. What differs between databases is a :class:`Dialect`: the names of types, and which
keys are worth an index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pyarrow as pa

from license_ledger.inputs.tables import INPUT_TABLES, MONEY
from license_ledger.schemas import TABLES, TIMESTAMP, Column, Table
from license_ledger.warehouse.statements import Statement

PARTITION = (
    Column("org_id", pa.string(), "Salesforce id (18 characters) of the org.", "Organization.Id", False),
    Column("snapshot_date", pa.date32(), "UTC day of the snapshot.", "the run", False),
)
"""The columns that every table of snapshots begins with."""

WAREHOUSE_TABLES = (*TABLES, *INPUT_TABLES)
"""What a warehouse holds: the published tables, and what comes from files that people keep."""

DAY_TABLES = tuple(table for table in WAREHOUSE_TABLES if table.is_daily)
"""Those whose rows belong to a day of an org, and come and go with it."""


@dataclass(frozen=True)
class Dialect:
    """
    How one database spells the schema.

    Attributes:
        name: of the database.
        types: Arrow type to SQL type; lists are the element's type with ``[]``.
        enforced_keys: tables whose key becomes a primary key. A key that is left out is stated in the table's
            comment, and the checks have proved it before anything was published.
        collation: of texts; blank for the database's own.
        indexes: per table the columns of the indexes that queries need beyond its key.
    """

    name: str
    types: Mapping[pa.DataType, str]
    enforced_keys: frozenset[str]
    collation: str = ""
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def type_of(self, column: Column) -> str:
        """
        The SQL type of a column.

        Raises:
            KeyError: the schema uses a type that the dialect does not know.
        """
        if pa.types.is_list(column.type):
            return f"{self.types[column.type.value_type]}[]"
        return self.types[column.type]


_TYPES = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE PRECISION",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
    MONEY: "NUMERIC(18, 6)",
}

DUCKDB = Dialect("duckdb", MappingProxyType({**_TYPES, pa.float64(): "DOUBLE"}), frozenset({"snapshots"}))
"""An index over millions of seats a day would cost more than the rest of a load; on snapshots it is free."""

POSTGRES = Dialect(
    "postgres",
    MappingProxyType({**_TYPES, pa.string(): "TEXT"}),
    frozenset(table.name for table in WAREHOUSE_TABLES if table.key or table.is_daily) - {"seats"},
    collation='"C"',
    indexes=MappingProxyType({"seats": ("org_id", "snapshot_date", "user_id")}),
)
"""
Texts compare by their bytes, as in DuckDB: the same order everywhere, and ids at half the cost. The key of
seats is left out: it would be five times the size of the index, and as large as the seats.
"""


def quoted(identifier: str) -> str:
    """An identifier as SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def columns(table: Table) -> tuple[Column, ...]:
    """The columns of a table in the warehouse, in order: the partition first, where there is one."""
    return (*PARTITION, *table.columns) if table.is_daily else table.columns


def key(table: Table) -> tuple[str, ...]:
    """The columns that make a row of the warehouse table unique."""
    return (*(column.name for column in PARTITION if table.is_daily), *table.key)


def create_table(table: Table, dialect: Dialect) -> str:
    """The statement that creates the table where it is missing."""
    lines = [_definition(column, dialect) for column in columns(table)]
    if table.name in dialect.enforced_keys:
        lines.append(f"PRIMARY KEY ({', '.join(map(quoted, key(table)))})")
    body = ",\n    ".join(lines)
    return f"CREATE TABLE IF NOT EXISTS {quoted(table.name)} (\n    {body}\n)"


def add_column(table: Table, column: Column, dialect: Dialect) -> str:
    """
    The statement that adds a column which the table of an older minor version lacks.

    Rows of that time have no value for it, so it is nullable whatever the schema says of new rows.
    """
    return f"ALTER TABLE {quoted(table.name)} ADD COLUMN {quoted(column.name)} {_typed(column, dialect)}"


def create_index(table: Table, dialect: Dialect) -> list[str]:
    """The statements that create what queries need beside the key, where it is missing."""
    if table.name not in dialect.indexes:
        return []
    listed = ", ".join(map(quoted, dialect.indexes[table.name]))
    name = quoted(f"{table.name}_{dialect.indexes[table.name][-1]}")
    return [f"CREATE INDEX IF NOT EXISTS {name} ON {quoted(table.name)} ({listed})"]


def about(table: Table) -> str:
    """What a row of the table is, and its key, in words."""
    per = ", per org and day" if table.is_daily else ""
    identified = f" Key: {', '.join(key(table))}." if key(table) else ""
    return f"One row is {table.grain}{per}.{identified}"


def comments(table: Table) -> list[str]:
    """The statements that put the schema's descriptions on the table and its columns."""
    name = quoted(table.name)
    return [
        f"COMMENT ON TABLE {name} IS {literal(about(table))}",
        *(
            f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {literal(described(column))}"
            for column in columns(table)
        ),
    ]


def meanings(view: Statement, names: Iterable[str]) -> dict[str, str]:
    """
    What the columns of a view mean, by name.

    Args:
        view: of which the columns are.
        names: of all its columns. One that the view passes on means what the schema says: the same name is
            the same thing in every table.
    """
    declared = {
        column.name: described(column) for table in reversed(WAREHOUSE_TABLES) for column in columns(table)
    }
    every = declared | dict(view.columns)
    return {name: every[name] for name in names if name in every}


def create_view(view: Statement) -> list[str]:
    """The statements that create a view, or replace it, and say what it is for."""
    name = quoted(view.name)
    about = f"{view.purpose} One row is {view.grain}"
    return [
        f"CREATE OR REPLACE VIEW {name} AS\n{view.text}",
        f"COMMENT ON VIEW {name} IS {literal(about)}",
        *(
            f"COMMENT ON COLUMN {name}.{quoted(column)} IS {literal(meaning)}"
            for column, meaning in view.columns.items()
        ),
    ]


def _definition(column: Column, dialect: Dialect) -> str:
    required = "" if column.nullable else " NOT NULL"
    return f"{quoted(column.name)} {_typed(column, dialect)}{required}"


def _typed(column: Column, dialect: Dialect) -> str:
    element = column.type.value_type if pa.types.is_list(column.type) else column.type
    is_collated = dialect.collation and element == pa.string()
    return (
        f"{dialect.type_of(column)} COLLATE {dialect.collation}" if is_collated else dialect.type_of(column)
    )


def described(column: Column) -> str:
    """What a column means, in what unit, out of which values and from where, in words."""
    unit = f" Unit: {column.unit}." if column.unit else ""
    values = f" One of: {', '.join(column.values)}." if column.values else ""
    return f"{column.description}{unit}{values} Source: {column.source}."
