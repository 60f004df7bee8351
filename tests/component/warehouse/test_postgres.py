"""The same snapshots in Postgres and in a DuckDB file: the same tables, and the same answers of all views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from every_view import made_history, made_inputs
from tests.pg import connected, running

from license_ledger.warehouse import ddl
from license_ledger.warehouse.duckdb import load_all, open_readonly
from license_ledger.warehouse.statements import VIEWS, views


@dataclass(frozen=True)
class Both:
    """Two warehouses of the same snapshots."""

    file: Path
    url: str


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Two orgs and several days with what changes between days, and files of one's own beside them."""
    folder = tmp_path_factory.mktemp("both")
    snapshots, inputs = made_history(), made_inputs(folder)
    load_all(folder / "warehouse.duckdb", snapshots, inputs=inputs)
    with running() as server:
        name = server.database()
        server.warehouse(name).load_all(snapshots, inputs=inputs)
        yield Both(folder / "warehouse.duckdb", server.url(name))


@pytest.fixture(scope="module")
def postgres(both: Both) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the one in Postgres."""
    with connected(both.url) as connection:
        yield connection


def _comparable(rows: list[tuple[Any, ...]]) -> list[str]:
    """Rows in an order of their own, with instants in one notation."""

    def value(item: Any) -> str:
        if isinstance(item, Decimal):
            return format(item, "f")
        return str(item.timestamp()) if hasattr(item, "timestamp") else str(item)

    return sorted("|".join(map(value, row)) for row in rows)


@pytest.mark.parametrize("name", [*(table.name for table in ddl.WAREHOUSE_TABLES), *VIEWS])
def test_a_table_or_view_has_the_same_rows_in_both_databases(
    both: Both, postgres: psycopg.Connection[Any], name: str
) -> None:
    """Names and order of columns and all rows are the same in Postgres as in DuckDB; none is empty."""
    with open_readonly(both.file) as connection:
        result = connection.execute(f"SELECT * FROM {name}")
        names = [column[0] for column in result.description]
        rows = result.fetchall()
    found = postgres.execute(f"SELECT * FROM {name}")

    assert [column.name for column in found.description or ()] == names
    assert _comparable(found.fetchall()) == _comparable(rows)
    assert rows


def test_postgres_guards_the_keys(postgres: psycopg.Connection[Any]) -> None:
    """A second row of the same key is refused, in every table that declares one but seats."""
    for table in ddl.WAREHOUSE_TABLES:
        if table.key and table.name != "seats":
            with pytest.raises(psycopg.errors.UniqueViolation), postgres.transaction():
                postgres.execute(f"INSERT INTO {table.name} SELECT * FROM {table.name} LIMIT 1")


def test_a_day_is_found_by_an_index(postgres: psycopg.Connection[Any]) -> None:
    """Every table whose rows belong to a day has an index that begins with org and day."""
    rows = postgres.execute(
        "SELECT tablename FROM pg_indexes WHERE schemaname = 'license_ledger' "
        "AND indexdef LIKE '%(org_id, snapshot_date%'"
    ).fetchall()

    assert {name for (name,) in rows} == {table.name for table in ddl.DAY_TABLES}


def test_texts_are_ordered_by_their_bytes(postgres: psycopg.Connection[Any]) -> None:
    """Whatever the collation of the database, texts of the warehouse compare as in DuckDB."""
    rows = postgres.execute(
        "SELECT DISTINCT collation_name FROM information_schema.columns "
        "WHERE table_schema = 'license_ledger' AND data_type IN ('text', 'ARRAY') AND table_name = ANY(%s)",
        [[table.name for table in ddl.WAREHOUSE_TABLES]],
    ).fetchall()

    assert rows == [("C",)]


def _commented(postgres: psycopg.Connection[Any], name: str) -> dict[str, str | None]:
    rows = postgres.execute(
        "SELECT coalesce(attname, ''), description FROM pg_class AS c "
        "LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 "
        "LEFT JOIN pg_description AS d ON d.objoid = c.oid AND d.objsubid = a.attnum "
        "WHERE c.oid = to_regclass(%s)",
        [name],
    ).fetchall()
    return dict(rows)


def test_tables_views_and_all_their_columns_are_explained(postgres: psycopg.Connection[Any]) -> None:
    """The data dictionary is in the database: no table, view or column is without a comment."""
    for table in ddl.WAREHOUSE_TABLES:
        [(about,)] = postgres.execute("SELECT obj_description(to_regclass(%s))", [table.name]).fetchall()
        assert about == ddl.about(table)
        comments = _commented(postgres, table.name)
        for column in table.columns:
            assert (comments[column.name] or "").startswith(column.description)
    for view in views():
        [(about,)] = postgres.execute("SELECT obj_description(to_regclass(%s))", [view.name]).fetchall()
        assert about.startswith(view.purpose)
        comments = _commented(postgres, view.name)
        assert [name for name, comment in comments.items() if not comment] == []
        assert {name: comments[name] for name in view.columns} == dict(view.columns)


def test_the_planner_knows_the_newest_day(both: Both, postgres: psycopg.Connection[Any]) -> None:
    """After a load the statistics count the rows that are there."""
    rows = postgres.execute(
        "SELECT relname, reltuples::bigint FROM pg_class WHERE oid IN ('users'::regclass, 'seats'::regclass)"
    ).fetchall()

    with open_readonly(both.file) as connection:
        assert dict(rows) == {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
            for name in ("users", "seats")
        }
