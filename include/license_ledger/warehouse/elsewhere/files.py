"""The files with the statements for one database. May import the warehouse."""

from __future__ import annotations

from textwrap import wrap

from license_ledger.warehouse.elsewhere.by_hand import BY_HAND
from license_ledger.warehouse.elsewhere.dialects import Dialect
from license_ledger.warehouse.elsewhere.loading import check_day, load_day
from license_ledger.warehouse.elsewhere.tables import create_tables
from license_ledger.warehouse.elsewhere.views import view_statements

_TABLES = """
Makes the tables with types and comments. Run once, and again after an upgrade: what is there is not changed.
"""
_LOAD = """
Loads one published day from the staged Parquet, in place of what was loaded for it. A Jinja template for
Airflow's SQLExecuteQueryOperator: params staging and org_id; the day is the run's partition key, or the param
snapshot_date.
"""
_CHECK = """
Whether the day is whole: one row that is true, for SQLCheckOperator. If it is not, load the day again.
"""
_VIEWS = """
The views on top of the tables, translated by sqlglot from those that DuckDB and Postgres run.
"""
_TESTED = """
How it was tested: {how} It was not run on {title}, for want of one: try it in a schema of its own first, and
report what differs.
"""
_PARSED = "every statement is parsed by sqlglot as SQL of {title}{but}."
_BACK = """
each view is parsed by sqlglot as SQL of {title}, and those that it translated are translated back to DuckDB
and run there: they have the same rows as the originals over made-up snapshots.
"""
NAMES = ("01_tables.sql", "02_load_day.sql", "03_check_day.sql", "04_views.sql")
"""The files; the second is missing where the tables are the Parquet files themselves."""

_NEEDED = {
    "snowflake": "Needs a stage license_ledger_staging over the staging root.",
    "bigquery": "Needs staging in Cloud Storage, in the region of the data set.",
    "redshift": "Needs staging in S3, and a default role of the cluster that may read it.",
    "databricks": "Needs staging in a location that the warehouse may read.",
}
BY_EYE = {
    "snowflake": "COPY INTO",
    "bigquery": "CREATE EXTERNAL TABLE",
    "redshift": "COPY",
    "databricks": "REPLACE WHERE",
}
"""What sqlglot takes as it comes, without knowing its parts."""


def files(to: Dialect) -> dict[str, str]:
    """
    The files by name, each with a head that says what it does and how it was tested.

    Raises:
        ConfigError: sqlglot is not installed.
    """
    made, left_out = view_statements(to)
    by_hand = f"By hand, compared with the manual by eye alone: {', '.join(BY_HAND[to.name])}."
    missing = [f"Left out: {name} ({reason})." for name, reason in left_out.items()]
    loads = load_day(to)
    but = f" ({BY_EYE[to.name]} was compared with its manual by eye alone)" if to.name in BY_EYE else ""
    texts = {
        "01_tables.sql": ([_TABLES], _PARSED.format(title=to.title, but=""), create_tables(to)),
        "02_load_day.sql": (
            [_LOAD, _NEEDED.get(to.name, "")],
            _PARSED.format(title=to.title, but=but),
            loads,
        ),
        "03_check_day.sql": ([_CHECK], _PARSED.format(title=to.title, but=""), [check_day(to)]),
        "04_views.sql": (
            [_VIEWS, by_hand, *missing],
            _BACK.format(title=to.title).strip(),
            made,
        ),
    }
    return {
        name: _file(to, [*about, _TESTED.format(how=how, title=to.title)], statements)
        for name, (about, how, statements) in texts.items()
        if statements
    }


def _file(to: Dialect, about: list[str], statements: list[str]) -> str:
    made_by = f"{to.title}. Written by `license-ledger statements --dialect {to.name}`."
    lines = [
        f"-- {line}" for part in (made_by, *about) for line in wrap(part.strip(), 105, break_on_hyphens=False)
    ]
    return "\n".join(lines) + "\n\n" + ";\n\n".join(statements) + ";\n"
