"""The DDL says what the schema says."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from license_ledger.schemas import TABLES, Column, Table
from license_ledger.schemas import table as table_named
from license_ledger.warehouse import ddl


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_in_duckdb_is_the_declared_table(table: Table) -> None:
    """Names, order, types and nullability come out as declared, with org and day in front."""
    with duckdb.connect() as connection:
        connection.execute(ddl.create_table(table, ddl.DUCKDB))
        connection.execute("SET TimeZone = 'UTC'")
        made = connection.sql(f'SELECT * FROM "{table.name}"').to_arrow_table().schema
        required = connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE NOT is_nullable ORDER BY column_index"
        ).fetchall()

    assert made.names == ["org_id", "snapshot_date", *table.arrow_schema.names]
    assert [made.field(field.name).type for field in table.arrow_schema] == table.arrow_schema.types
    assert [name for (name,) in required] == [c.name for c in ddl.columns(table) if not c.nullable]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_and_its_columns_carry_their_descriptions(table: Table) -> None:
    """The grain, the key and every column's description and source are comments in the database."""
    with duckdb.connect() as connection:
        connection.execute(ddl.create_table(table, ddl.DUCKDB))
        for comment in ddl.comments(table):
            connection.execute(comment)
        found = connection.execute(
            f"SELECT column_name, comment FROM duckdb_columns() WHERE table_name = '{table.name}'"
        ).fetchall()
        about = connection.execute("SELECT comment FROM duckdb_tables()").fetchall()

    assert about[0][0] == f"One row is {table.grain}, per org and day. Key: {', '.join(ddl.key(table))}."
    comments = dict(found)
    for column in table.columns:
        assert comments[column.name].startswith(column.description)
        assert column.source in comments[column.name]


def test_keys_are_enforced_where_that_is_cheap() -> None:
    """DuckDB guards the key of snapshots only, Postgres every key but that of seats, which has an index."""
    keyed = {
        dialect.name: {table.name for table in TABLES if "PRIMARY KEY" in ddl.create_table(table, dialect)}
        for dialect in (ddl.DUCKDB, ddl.POSTGRES)
    }

    assert keyed == {"duckdb": {"snapshots"}, "postgres": {table.name for table in TABLES} - {"seats"}}
    assert ddl.create_index(table_named("seats"), ddl.POSTGRES) == [
        'CREATE INDEX IF NOT EXISTS "seats_user_id" ON "seats" ("org_id", "snapshot_date", "user_id")'
    ]
    assert ddl.create_index(table_named("seats"), ddl.DUCKDB) == []


def test_a_new_column_is_added_without_a_demand_on_old_rows() -> None:
    """A column that a table lacks is added nullable, also when new rows must have it."""
    table = TABLES[0]
    column = Column("shoe_size", pa.int64(), "Size.", "rule", nullable=False)

    assert ddl.add_column(table, column, ddl.DUCKDB) == 'ALTER TABLE "users" ADD COLUMN "shoe_size" BIGINT'


def test_a_type_without_a_name_is_refused() -> None:
    """A type that a dialect does not know is an error, not a guess."""
    with pytest.raises(KeyError):
        ddl.DUCKDB.type_of(Column("odd", pa.duration("s"), "Odd.", "rule"))


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")))
def test_any_text_survives_as_a_literal_and_as_a_name(text: str) -> None:
    """Quotes, backslashes and semicolons in a text or a name cannot end it."""
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT {ddl.literal(text)} AS {ddl.quoted(text or 'x')}")

        assert found.description[0][0] == (text or "x")
        assert found.fetchall() == [(text,)]
