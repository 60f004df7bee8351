"""
Statements for databases that the ledger does not load itself, as far as they can be tested without them.

Nothing here has run on Snowflake, BigQuery, Redshift, Athena or Databricks. Their grammar is sqlglot's idea
of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, time
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from every_view import made_history, made_inputs
from jinja2 import Environment, StrictUndefined
from sqlglot import exp

from license_ledger.__main__ import main
from license_ledger.schemas import TABLES
from license_ledger.warehouse import ddl
from license_ledger.warehouse.duckdb import load_all, open_readonly
from license_ledger.warehouse.elsewhere.by_hand import BY_HAND
from license_ledger.warehouse.elsewhere.dialects import DIALECTS, Dialect
from license_ledger.warehouse.elsewhere.files import BY_EYE, files
from license_ledger.warehouse.elsewhere.views import translated, view_statements
from license_ledger.warehouse.statements import VIEWS, views

ROOT = Path(__file__).parents[3]
VALUES = {
    "params": {
        "staging": "s3://bucket/staging",
        "org_id": "00D000000000001EAA",
        "first_day": "2026-01-01",
        "snapshot_date": "",
    },
    "dag_run": {"partition_key": "2026-03-02"},
}
BY_TITLE = pytest.mark.parametrize("to", DIALECTS, ids=lambda to: to.name)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of two orgs, many days and files of one's own, in which every view has rows."""
    folder = tmp_path_factory.mktemp("elsewhere")
    path = folder / "warehouse.duckdb"
    load_all(path, made_history(), inputs=made_inputs(folder))
    with open_readonly(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def rows_of(connection: duckdb.DuckDBPyConnection) -> Callable[[str], tuple[list[str], list[str]]]:
    """The rows of a view as DuckDB has them, asked for once for all dialects."""
    return cache(lambda name: _rows(connection, f"SELECT * FROM {name}"))


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[list[str], list[str]]:
    """Names of the columns in lower case, and the rows in an order of their own."""
    found = connection.execute(query)
    names = [column[0].lower() for column in found.description or ()]
    return names, sorted("|".join(map(_shown, row)) for row in found.fetchall())


def _shown(value: Any) -> str:
    """In one notation: a day may come as its midnight, an amount as a fraction."""
    if isinstance(value, datetime) and value.tzinfo is None and value.time() == time():
        return value.date().isoformat()
    return (
        f"{float(value):.4f}" if isinstance(value, float) or "Decimal" in type(value).__name__ else str(value)
    )


@pytest.mark.parametrize(
    ("to", "name"),
    [(to, name) for to in DIALECTS for name in VIEWS],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_view_comes_back_with_the_same_rows(
    connection: duckdb.DuckDBPyConnection,
    rows_of: Callable[[str], tuple[list[str], list[str]]],
    to: Dialect,
    name: str,
) -> None:
    """To sqlglot it is SQL of the dialect; turned back into that of DuckDB it gives the same rows."""
    made, left_out = view_statements(to)
    if name in left_out or name in BY_HAND[to.name]:
        assert any(f"VIEW {name} " in statement for statement in made) is (name in BY_HAND[to.name])
        return
    view = next(view for view in views() if view.name == name)
    back = sqlglot.transpile(
        translated(view, to), read=to.name, write="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE
    )

    # Redshift's way to say "of any length" is none of DuckDB's.
    query = back[0].replace("TEXT(MAX)", "TEXT").replace("VARCHAR(MAX)", "TEXT")
    assert _rows(connection, query) == rows_of(name)


@BY_TITLE
def test_few_views_are_left_out_and_the_file_says_which(to: Dialect) -> None:
    """A view that cannot be had, or reads such a one, is named with the reason in the head of the file."""
    made, left_out = view_statements(to)
    text = re.sub(r"\n-- ", " ", files(to)["04_views.sql"])

    assert len(made) + len(left_out) == len(VIEWS)
    assert len(made) >= 16
    assert all(f"Left out: {name} ({reason})." in text for name, reason in left_out.items())
    assert left_out.keys() >= to.omitted.keys()


def _parsed(text: str, to: Dialect) -> list[exp.Expression]:
    rendered = Environment(undefined=StrictUndefined, autoescape=False).from_string(text).render(VALUES)
    assert "{{" not in rendered
    return [each for each in sqlglot.parse(rendered, read=to.name) if each is not None]


@BY_TITLE
def test_every_statement_is_sql_of_its_dialect(to: Dialect) -> None:
    """Rendered as Airflow does it, every statement is parsed, but for those that the head names."""
    for name, text in files(to).items():
        opaque = [each.sql()[:60] for each in _parsed(text, to) if isinstance(each, exp.Command)]
        if opaque:
            assert name == "02_load_day.sql"
            assert f"{BY_EYE[to.name]} was compared" in re.sub(r"\n-- ", " ", text)


@BY_TITLE
def test_the_tables_have_every_column_with_its_meaning(to: Dialect) -> None:
    """Names, order, and the description of every published column are in the statements."""
    text = files(to)["01_tables.sql"]
    for table in TABLES:
        start = text.index(f"IF NOT EXISTS {table.name} (")
        at = start
        for column in table.columns:
            at = text.index(f"    {to.named(column.name)} ", at)
    for table in TABLES:
        for column in table.columns:
            words = re.escape(column.description).replace("'", ".{1,2}").replace('"', ".{1,2}")
            assert re.search(words, text), column.name


@BY_TITLE
def test_a_day_is_replaced_with_its_snapshot_going_first_and_coming_last(to: Dialect) -> None:
    """Whoever follows the row in `snapshots` never sees a day in the making."""
    text = re.sub(r"--.*", "", files(to).get("02_load_day.sql", ""))
    if to.is_external:
        assert not text
        return
    deletes = [match[1] for match in re.finditer(r"(?:DELETE FROM|REPLACE WHERE) (\w+)", text)]
    filled = [match[1] for match in re.finditer(r"(?:COPY INTO|INSERT INTO) (\w+)", text)]

    assert deletes[0] == "snapshots"
    assert filled[-1] == "snapshots"
    assert set(filled) == {table.name for table in TABLES}


@BY_TITLE
def test_the_check_of_a_day_is_true_for_a_whole_one(
    connection: duckdb.DuckDBPyConnection, to: Dialect
) -> None:
    """Turned into DuckDB's SQL it is true for a loaded day, and false when a row is missing."""
    [check] = _parsed(files(to)["03_check_day.sql"], to)
    query = check.sql(dialect="duckdb")

    assert connection.execute(query).fetchall() == [(True,)]
    with duckdb.connect(":memory:") as copy:
        for table in TABLES:
            copy.execute(ddl.create_table(table, ddl.DUCKDB))
            rows = connection.sql(f"SELECT * FROM {table.name}").to_arrow_table()
            copy.register("incoming", rows)
            copy.execute(f"INSERT INTO {table.name} SELECT * FROM incoming")
        copy.execute("DELETE FROM seats WHERE user_id = (SELECT min(user_id) FROM seats)")
        assert copy.execute(query).fetchall() == [(False,)]


@BY_TITLE
def test_the_files_say_how_they_were_tested(to: Dialect) -> None:
    """Every head says what was not done: nothing was run on the product."""
    for text in files(to).values():
        head = re.sub(r"\n-- ", " ", text.partition("\n\n")[0])
        assert f"It was not run on {to.title}" in head
        assert "How it was tested:" in head


def test_the_command_writes_the_files_that_are_checked_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same files as in docs/load; an unknown dialect is named with those that are known."""
    for to in DIALECTS:
        assert main(["statements", "--dialect", to.name, "--to", str(tmp_path / to.name)]) == 0
        kept = ROOT / "docs" / "load" / to.name
        assert {path.name: path.read_text() for path in (tmp_path / to.name).iterdir()} == {
            path.name: path.read_text() for path in kept.iterdir()
        }
    assert main(["statements", "--dialect", "oracle"]) == 1
    assert "use one of snowflake" in capsys.readouterr().err
