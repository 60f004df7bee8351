"""docs/tables.md, from schemas.py and the views."""

from __future__ import annotations

import duckdb

from doc_pages import NOTE, prose, table
from license_ledger.inputs.tables import INPUT_TABLES
from license_ledger.schemas import SCHEMA_VERSION, TABLES, Column, Table
from license_ledger.warehouse import ddl
from license_ledger.warehouse.statements import Statement, views

CHANGES = {
    "1.0": ("Tables `users`, `licenses`, `seats`, `mismatches`, `control_totals` and `snapshots`.",),
}
"""What changed in the staging contract, newest version first."""

_PERSONAL = (
    ("none", "says nothing about a person"),
    ("pseudonym", "names a row without saying who it is"),
    ("identity", "says who a person is"),
    ("attribute", "describes a person's position or account"),
    ("activity", "says what a person did"),
)


def tables_page() -> str:
    """The published tables with every column, the views of the warehouse, the changes of the contract."""
    lines = [
        "# Tables",
        "",
        NOTE,
        "",
        *prose(
            f"The staging contract, version {SCHEMA_VERSION}. Staging holds the tables as Parquet (zstd), "
            "a warehouse holds the same tables and the views below."
        ),
        "```",
        "<staging>/<table>/org_id=<18 characters>/snapshot_date=<YYYY-MM-DD>/*.parquet",
        "```",
        "",
        *prose(
            "`org_id` and `snapshot_date` are in the path, not in the files; readers of Hive partitions "
            "add them, and in a warehouse they are the first two columns of every table. A snapshot date "
            "is a UTC day."
        ),
        *prose(
            "- **Join tables within one snapshot.** A day is replaced as a whole when it is taken again; "
            "the row in `snapshots` is switched last. The warehouse and `reader.py` follow it.",
            "  ",
        ),
        *prose(
            "- **Names.** `_id` Salesforce id of 18 characters, `_key` stable business key, `_name` text, "
            "`_on` a day, `_at` a UTC timestamp, `_count` a whole number, `is_` true or false. The same "
            "name means the same thing in every table.",
            "  ",
        ),
        *prose(
            "- **Empty is not zero.** A column that may be empty is empty when the value does not apply "
            "or was not visible. What was not visible is in `snapshots.capabilities` and in the view "
            "`capability_gaps`.",
            "  ",
        ),
        *prose("- **Personal.** " + "; ".join(f"*{n}*: {meaning}" for n, meaning in _PERSONAL) + ".", "  "),
        "",
    ]
    for each in TABLES:
        lines += _table(each)
    return "\n".join([*lines, *_inputs(), *_views(), *_changelog()])


def _table(each: Table, level: str = "##") -> list[str]:
    key = ", ".join(f"`{name}`" for name in ddl.key(each))
    key = f" Key: {key}." if key else ""
    rows = [_column(column) for column in each.columns]
    return [
        f"{level} {each.name}",
        "",
        *prose(f"One row is {each.grain}{', per org and day' if each.is_daily else ''}.{key}"),
        *table(("Column", "Type", "May be empty", "Unit", "Personal", "Meaning", "Source"), rows),
        "",
    ]


def _column(column: Column) -> tuple[str, ...]:
    words = ", ".join(f"`{word}`" for word in column.values)
    return (
        f"`{column.name}`",
        f"`{_type(column)}`",
        "yes" if column.nullable else "no",
        column.unit or "",
        column.personal,
        column.description + (f" One of {words}." if words else ""),
        column.source,
    )


def _type(column: Column) -> str:
    return str(column.type).replace("list<item: string>", "list<string>").replace("list<element: ", "list<")


def _inputs() -> list[str]:
    lines = [
        "## Tables from files of your own",
        "",
        *prose(
            "In every warehouse and not in staging: what comes of the files that the settings `prices`, "
            "`license_products` and `directory` name, see [costs](costs.md) and [directory](directory.md). "
            "Empty when none is named."
        ),
    ]
    for each in INPUT_TABLES:
        lines += _table(each, "###")
    return lines


def _views() -> list[str]:
    lines = [
        "## Views",
        "",
        *prose(
            "In every warehouse, on top of the tables. The statements are in "
            "`include/license_ledger/warehouse/sql/views/`."
        ),
    ]
    with duckdb.connect(":memory:") as connection:
        for each in ddl.WAREHOUSE_TABLES:
            connection.execute(ddl.create_table(each, ddl.DUCKDB))
        for view in views():
            for statement in ddl.create_view(view):
                connection.execute(statement)
            lines += _view(connection, view)
    return lines


def _view(connection: duckdb.DuckDBPyConnection, view: Statement) -> list[str]:
    described = connection.execute(f"DESCRIBE {ddl.quoted(view.name)}").fetchall()
    rows = [(f"`{name}`", f"`{kind}`", _meaning(view, name)) for name, kind, *_ in described]
    return [
        f"### {view.name}",
        "",
        *prose(f"{view.purpose} One row is {view.grain}"),
        *table(("Column", "Type in DuckDB", "Meaning"), rows),
        "",
    ]


def _meaning(view: Statement, name: str) -> str:
    """What a view's column means: as its file says, else as the schema says, where a name means one thing."""
    declared = {
        column.name: column.description
        for each in reversed(ddl.WAREHOUSE_TABLES)
        for column in ddl.columns(each)
    }
    return view.columns[name] if name in view.columns else declared[name]


def _changelog() -> list[str]:
    lines = [
        "## Changes of the contract",
        "",
        *prose(
            "Within a major version a table only gains columns that may be empty, and tables are only "
            "added; such a change raises the minor version. Anything else raises the major version. "
            "`snapshots.schema_version` says which version a day was published under."
        ),
    ]
    for version, changes in CHANGES.items():
        lines += [f"### {version}", "", *(f"- {change}" for change in changes), ""]
    return lines
