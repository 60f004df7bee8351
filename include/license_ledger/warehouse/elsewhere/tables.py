"""The statements that make the tables, with types and comments from the schema. May import the warehouse."""

from __future__ import annotations

from license_ledger.schemas import TABLES, Column, Table
from license_ledger.warehouse import ddl
from license_ledger.warehouse.elsewhere.dialects import Dialect

STAGING = "{{ params.staging }}"
"""Jinja, as Airflow renders it: the URL of the staging root."""


def create_tables(to: Dialect) -> list[str]:
    """The statements for a dialect; running them again changes nothing."""
    if to.is_external:
        return [_external(to, table) for table in TABLES]
    statements = []
    for table in ddl.WAREHOUSE_TABLES:
        statements.append(_table(to, table))
        if not to.is_inline:
            statements += ddl_comments(to, table)
    return statements


def _table(to: Dialect, table: Table) -> str:
    columns = ",\n".join(f"    {_column(to, column)}" for column in ddl.columns(table))
    return f"CREATE TABLE IF NOT EXISTS {table.name} (\n{columns}\n){_about(to, table)}"


def _external(to: Dialect, table: Table) -> str:
    """A table over the files themselves; which days there are is found by their paths, without a crawler."""
    columns = ",\n".join(f"    {_column(to, column)}" for column in table.columns)
    location = f"{STAGING}/{table.name}/"
    properties = {
        "projection.enabled": "true",
        "projection.org_id.type": "injected",
        "projection.snapshot_date.type": "date",
        "projection.snapshot_date.format": "yyyy-MM-dd",
        "projection.snapshot_date.range": "{{ params.first_day }},NOW",
        "storage.location.template": f"{location}org_id=${{org_id}}/snapshot_date=${{snapshot_date}}",
    }
    listed = ",\n".join(f"    '{name}' = '{value}'" for name, value in properties.items())
    return (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {table.name} (\n{columns}\n)\n"
        f"COMMENT {_text(to, ddl.about(table))}\n"
        "PARTITIONED BY (org_id STRING, snapshot_date DATE)\n"
        f"STORED AS PARQUET\nLOCATION '{location}'\nTBLPROPERTIES (\n{listed}\n)"
    )


def _column(to: Dialect, column: Column) -> str:
    required = "" if column.nullable or to.is_external else " NOT NULL"
    text = f"{to.named(column.name)} {to.type_of(column)}{required}"
    if not to.is_inline:
        return text
    said = ddl.described(column)
    return (
        f"{text} OPTIONS (description = {_bigquery(said)})"
        if to.name == "bigquery"
        else f"{text} COMMENT {_text(to, said)}"
    )


def _about(to: Dialect, table: Table) -> str:
    said = ddl.about(table)
    if to.name == "bigquery":
        return f"\nOPTIONS (description = {_bigquery(said)})"
    return f"\nCOMMENT {'= ' if to.name == 'snowflake' else ''}{_text(to, said)}" if to.is_inline else ""


def ddl_comments(to: Dialect, table: Table) -> list[str]:
    """Comments as statements of their own."""
    return [
        f"COMMENT ON TABLE {table.name} IS {ddl.literal(ddl.about(table))}",
        *(
            f"COMMENT ON COLUMN {table.name}.{to.named(column.name)} IS {ddl.literal(ddl.described(column))}"
            for column in ddl.columns(table)
        ),
    ]


def _text(to: Dialect, text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'" if to.name in ("databricks", "athena") else ddl.literal(text)


def _bigquery(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
