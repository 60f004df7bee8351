"""
The views in other dialects, by sqlglot. May import the warehouse.

sqlglot is told the types of all columns, so that the difference of two days, or of a day and a number,
becomes the function that a dialect has for it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from license_ledger.errors import ConfigError
from license_ledger.warehouse import ddl
from license_ledger.warehouse.elsewhere.by_hand import BY_HAND
from license_ledger.warehouse.elsewhere.dialects import RESERVED, Dialect, dialect
from license_ledger.warehouse.statements import Statement, views

_NEVER_EMPTY = ("snapshot_date", "org_id", "number", "at_date", "user_id")


def view_statements(to: Dialect) -> tuple[list[str], dict[str, str]]:
    """
    The views that can be had in a dialect.

    Returns:
        The statements in the order of their creation, and the views that are left out with the reason.

    Raises:
        ConfigError: sqlglot is not installed.
    """
    left_out: dict[str, str] = {}
    made = []
    for view in views():
        missing = sorted(_read(view) & left_out.keys())
        if view.name in to.omitted:
            left_out[view.name] = to.omitted[view.name]
        elif missing:
            left_out[view.name] = f"reads {', '.join(missing)}"
        else:
            made.append(f"CREATE OR REPLACE VIEW {view.name} AS\n{translated(view, to)}")
    return made, left_out


def translated(view: Statement, to: Dialect) -> str:
    """The statement of a view in a dialect."""
    return _translated(view.name, to.name)


@cache
def _translated(name: str, dialect_name: str) -> str:
    to = dialect(dialect_name)
    if name in BY_HAND[to.name]:
        return BY_HAND[to.name][name]
    glot = _sqlglot()
    tree = _typed(name).copy()
    if to.name == "bigquery":
        _round(tree)
    for identifier in tree.find_all(glot.exp.Identifier):
        if identifier.name.lower() in RESERVED:
            name = identifier.name.upper() if to.is_upper else identifier.name
            identifier.replace(glot.exp.to_identifier(name, quoted=True))
    for ordered in tree.find_all(glot.exp.Ordered):
        # A day is never empty: where empty ones would come is all the same, and not every dialect can say.
        if ordered.this.name in _NEVER_EMPTY:
            ordered.set("nulls_first", glot.Dialect.get_or_raise(to.name).NULL_ORDERING != "nulls_are_last")
    return str(tree.sql(dialect=to.name, pretty=True, unsupported_level=glot.ErrorLevel.RAISE))


def _round(tree: Any) -> None:
    """BigQuery casts to no number of digits: what is cast so is rounded."""
    exp = _sqlglot().exp
    for cast in list(tree.find_all(exp.Cast)):
        if cast.to.this == exp.DataType.Type.DECIMAL and len(cast.to.expressions) == 2:
            digits = cast.to.expressions[1].this.copy()
            plain = exp.Cast(this=cast.this.copy(), to=exp.DataType.build("DECIMAL"))
            cast.replace(exp.Round(this=plain, decimals=digits))


@cache
def _typed(name: str) -> Any:
    """The statement as a tree in which every expression knows its type, days and numbers of days apart."""
    glot = _sqlglot()
    view = next(view for view in views() if view.name == name)
    from sqlglot.optimizer.annotate_types import annotate_types
    from sqlglot.optimizer.qualify import qualify

    exp, schema = glot.exp, _schema()
    tree = qualify(
        glot.parse_one(view.text, read="duckdb"),
        schema=schema,
        dialect="duckdb",
        quote_identifiers=False,
        identify=False,
    )
    tree = annotate_types(tree, schema=schema, dialect="duckdb")
    for cast in list(tree.find_all(exp.Cast)):
        if cast.to.this == exp.DataType.Type.JSON:
            cast.replace(cast.this)
    for taken in list(tree.find_all(exp.Extract)):
        span = taken.expression.unnest()
        if taken.name.upper() == "EPOCH" and isinstance(span, exp.Sub):
            seconds = exp.DateDiff(this=span.left, expression=span.right, unit=exp.var("SECOND"))
            taken.replace(exp.cast(seconds, "DOUBLE"))
    date, day = exp.DataType.Type.DATE, exp.var("DAY")
    for node in list(tree.find_all(exp.Sub, exp.Add)):
        left, right = node.left, node.right
        if left.type is None or left.type.this != date or isinstance(right, exp.Interval):
            continue
        if right.type is not None and right.type.this == date:
            kind = exp.DateDiff
        else:
            kind = exp.DateSub if isinstance(node, exp.Sub) else exp.DateAdd
        node.replace(kind(this=left.copy(), expression=right.copy(), unit=day))
    return tree


def _read(view: Statement) -> set[str]:
    """The views and tables that a view reads."""
    glot = _sqlglot()
    return {table.name for table in glot.parse_one(view.text, read="duckdb").find_all(glot.exp.Table)}


@cache
def _schema() -> dict[str, object]:
    """Columns with their types of every table and view, as DuckDB has them."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        for table in ddl.WAREHOUSE_TABLES:
            connection.execute(ddl.create_table(table, ddl.DUCKDB))
        for view in views():
            connection.execute(ddl.create_view(view)[0])
        rows = connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for name, column, kind in rows:
        found.setdefault(name, {})[column] = kind
    return dict(found)


def _sqlglot() -> Any:
    try:
        import sqlglot
    except ImportError:
        raise ConfigError(
            "command statements",
            "sqlglot is not installed, which translates the views",
            "install license-ledger with its extra `statements`, or take the files in docs/load",
        ) from None
    return sqlglot
