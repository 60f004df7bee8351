"""Within a major version a view only gains columns, and none changes its type."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from license_ledger.schemas import SCHEMA_VERSION
from license_ledger.warehouse import ddl
from license_ledger.warehouse.statements import VIEWS, views

PROMISED = Path(__file__).with_name(f"views-{SCHEMA_VERSION.partition('.')[0]}.txt")
"""One line per column that was ever published under this major version: view, column, type in DuckDB."""


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], str]:
    """View and column to type, as they are now."""
    with duckdb.connect() as connection:
        for table in ddl.WAREHOUSE_TABLES:
            connection.execute(ddl.create_table(table, ddl.DUCKDB))
        for view in views():
            connection.execute(ddl.create_view(view)[0])
        return {
            (view, name): kind
            for view in VIEWS
            for name, kind, *_ in connection.execute(f"DESCRIBE {view}").fetchall()
        }


def test_no_column_of_a_view_is_lost_or_changed(found: dict[tuple[str, str], str]) -> None:
    """Every promised column is there, with its type."""
    lines = [line.split("\t") for line in PROMISED.read_text("utf-8").splitlines()]

    assert {(view, name): found.get((view, name)) for view, name, _ in lines} == {
        (view, name): kind for view, name, kind in lines
    }


def test_every_column_is_promised(found: dict[tuple[str, str], str]) -> None:
    """A new column joins the list, so that it cannot be lost again."""
    promised = {tuple(line.split("\t")) for line in PROMISED.read_text("utf-8").splitlines()}

    assert {(view, name, kind) for (view, name), kind in found.items()} - promised == set()
