"""
DDL and comments of the published tables, made from the schema. May import schemas only.

The partition columns ``org_id`` and ``snapshot_date``, which staging carries in its paths, come first in
every table. What differs between databases is a :class:`Dialect`: the names of types, and which keys are
worth an index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

from license_ledger.schemas import TABLES, TIMESTAMP, Column, Table
from license_ledger.warehouse.statements import Statement

PARTITION = (
    Column("org_id", pa.string(), "Salesforce id (18 characters) of the org.", "Organization.Id", False),
    Column("snapshot_date", pa.date32(), "UTC day of the snapshot.", "the run", False),
)
"""The columns every warehouse table begins with."""


@dataclass(frozen=True)
class Dialect:
    """
    How one database spells the schema.

    Attributes:
        name: of the database.
        types: Arrow type to SQL type; lists are the element's type with ``[]``.
        enforced_keys: tables whose key becomes a primary key. A key that is left out is stated in the table's
            comment, and the checks have proved it before anything was published.
    """

    name: str
    types: Mapping[pa.DataType, str]
    enforced_keys: frozenset[str]

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
}

DUCKDB = Dialect("duckdb", MappingProxyType({**_TYPES, pa.float64(): "DOUBLE"}), frozenset({"snapshots"}))
"""An index over millions of seats a day would cost more than the rest of a load; on snapshots it is free."""

POSTGRES = Dialect(
    "postgres", MappingProxyType({**_TYPES, pa.string(): "TEXT"}), frozenset(table.name for table in TABLES)
)


def quoted(identifier: str) -> str:
    """An identifier as SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def columns(table: Table) -> tuple[Column, ...]:
    """The columns of a table in the warehouse, in order: the partition first."""
    return (*PARTITION, *table.columns)


def key(table: Table) -> tuple[str, ...]:
    """The columns that make a row of the warehouse table unique."""
    return (*(column.name for column in PARTITION), *table.key)


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
    return f"ALTER TABLE {quoted(table.name)} ADD COLUMN {quoted(column.name)} {dialect.type_of(column)}"


def comments(table: Table) -> list[str]:
    """The statements that put the schema's descriptions on the table and its columns."""
    name = quoted(table.name)
    about = f"One row is {table.grain}, per org and day. Key: {', '.join(key(table))}."
    return [
        f"COMMENT ON TABLE {name} IS {literal(about)}",
        *(
            f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {literal(_comment(column))}"
            for column in columns(table)
        ),
    ]


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
    return f"{quoted(column.name)} {dialect.type_of(column)}{required}"


def _comment(column: Column) -> str:
    unit = f" Unit: {column.unit}." if column.unit else ""
    values = f" One of: {', '.join(column.values)}." if column.values else ""
    return f"{column.description}{unit}{values} Source: {column.source}."
