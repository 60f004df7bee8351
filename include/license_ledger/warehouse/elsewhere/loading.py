"""
The statements that load one published day, and the query that checks it. May import the warehouse.

They are Jinja templates as Airflow renders them: the day is the run's partition key, the org and the staging
root are params. A day is replaced as a whole; the row in `snapshots` goes first and comes last, so that who
follows it sees a day whole or not at all, also where a database has no transaction over several tables.
"""

from __future__ import annotations

from license_ledger.schemas import SNAPSHOTS, TABLES, Column, Table, table
from license_ledger.warehouse import ddl
from license_ledger.warehouse.elsewhere.dialects import Dialect
from license_ledger.warehouse.elsewhere.tables import STAGING

ORG, DAY = "{{ params.org_id }}", "{{ dag_run.partition_key or params.snapshot_date }}"
THE_DAY = f"org_id = '{ORG}' AND snapshot_date = DATE '{DAY}'"
_DATA = tuple(each for each in TABLES if each is not SNAPSHOTS)
_ORDER = (*_DATA, SNAPSHOTS)


def load_day(to: Dialect) -> list[str]:
    """The statements, in order; none where the tables are the files."""
    if to.is_external:
        return []
    return {
        "snowflake": _snowflake,
        "bigquery": _bigquery,
        "redshift": _redshift,
        "databricks": _databricks,
    }[to.name](to)


def check_day(to: Dialect) -> str:
    """
    A query of one row and one column: whether the day has the rows that its snapshot announces.

    False, or no row, means that the day was published again meanwhile: load it again.
    """
    counts = " AND ".join(
        f"(SELECT count(*) FROM {each.name} WHERE {THE_DAY}) = {_announced(to, each)}"  # noqa: S608
        for each in _DATA
    )
    query = f"SELECT {counts} AS is_whole\nFROM snapshots\nWHERE {THE_DAY}"
    return query.replace(" AND (SELECT", "\n    AND (SELECT")


def _announced(to: Dialect, each: Table) -> str:
    rows = to.named("rows") if to.name != "athena" else '"rows"'
    value = {
        "snowflake": f"PARSE_JSON({rows}):{each.name}::BIGINT",
        "bigquery": f"CAST(JSON_VALUE({rows}, '$.{each.name}') AS INT64)",
        "redshift": f"CAST(JSON_EXTRACT_PATH_TEXT({rows}, '{each.name}') AS BIGINT)",
        "athena": f"CAST(json_extract_scalar({rows}, '$.{each.name}') AS BIGINT)",
        "databricks": f"CAST(get_json_object({rows}, '$.{each.name}') AS BIGINT)",
    }[to.name]
    return f"coalesce({value}, 0)" if each.is_optional else value


def _folder(each: Table) -> str:
    return f"{each.name}/org_id={ORG}/snapshot_date={DAY}/"


def _names(to: Dialect, each: Table) -> str:
    return ", ".join(to.named(column.name) for column in ddl.columns(each))


def _deletes() -> list[str]:
    return [f"DELETE FROM {each.name} WHERE {THE_DAY}" for each in reversed(_ORDER)]  # noqa: S608


def _snowflake(to: Dialect) -> list[str]:
    def copy(each: Table) -> str:
        values = ",\n    ".join(f"$1:{column.name}::{to.type_of(column)}" for column in each.columns)
        return (
            f"COPY INTO {each.name} ({_names(to, each)})\n"
            f"FROM (\n    SELECT\n    '{ORG}', DATE '{DAY}',\n    {values}\n"
            f"    FROM @license_ledger_staging/{_folder(each)}\n)\n"
            "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)\nPATTERN = '.*[.]parquet'\nFORCE = TRUE"
        )

    return ["BEGIN", *_deletes(), *map(copy, _ORDER), "COMMIT"]


def _bigquery(to: Dialect) -> list[str]:
    def files(each: Table) -> str:
        return (
            f"CREATE OR REPLACE EXTERNAL TABLE staged_{each.name}\n"
            "WITH PARTITION COLUMNS (org_id STRING, snapshot_date DATE)\n"
            f"OPTIONS (format = 'PARQUET', uris = ['{STAGING}/{_folder(each)}*.parquet'], "
            f"hive_partition_uri_prefix = '{STAGING}/{each.name}', enable_list_inference = TRUE)"
        )

    inserts = [
        f"INSERT INTO {each.name} ({_names(to, each)})\n"
        f"SELECT {_names(to, each)} FROM staged_{each.name}\nWHERE {THE_DAY}"
        for each in _ORDER
    ]
    return [*map(files, _ORDER), "BEGIN TRANSACTION", *_deletes(), *inserts, "COMMIT TRANSACTION"]


def _redshift(to: Dialect) -> list[str]:
    """Instants come as UTC without a zone, lists as texts of JSON: what COPY takes of Parquet."""
    begin, copies, inserts = [], [], []
    for each in _ORDER:
        columns = ", ".join(f"{to.named(column.name)} {_copied(to, column)}" for column in each.columns)
        begin.append(f"CREATE TEMPORARY TABLE staged_{each.name} ({columns})")
        serialized = " SERIALIZETOJSON" if each is SNAPSHOTS else ""
        copies.append(
            f"COPY staged_{each.name} FROM '{STAGING}/{_folder(each)}'\n"
            f"IAM_ROLE DEFAULT FORMAT AS PARQUET{serialized}"
        )
        values = ", ".join(_converted(to, column) for column in each.columns)
        inserts.append(
            f"INSERT INTO {each.name} ({_names(to, each)})\n"
            f"SELECT '{ORG}', DATE '{DAY}', {values}\nFROM staged_{each.name}"
        )
    drops = [f"DROP TABLE staged_{each.name}" for each in _ORDER]
    return [*begin, *copies, "BEGIN", *_deletes(), *inserts, "COMMIT", *drops]


def _copied(to: Dialect, column: Column) -> str:
    return "TIMESTAMP" if to.type_of(column) == "TIMESTAMPTZ" else to.type_of(column)


def _converted(to: Dialect, column: Column) -> str:
    name = to.named(column.name)
    return f"{name} AT TIME ZONE 'UTC'" if to.type_of(column) == "TIMESTAMPTZ" else name


def _databricks(to: Dialect) -> list[str]:
    """Each statement is atomic; the row in `snapshots` is what makes a day of them."""

    def insert(each: Table) -> str:
        values = ", ".join(
            f"CAST({to.named(column.name)} AS {to.type_of(column)})" for column in each.columns
        )
        return (
            f"INSERT INTO {each.name} REPLACE WHERE {THE_DAY}\n"
            f"SELECT '{ORG}' AS org_id, DATE '{DAY}' AS snapshot_date, {values}\n"
            f"FROM parquet.`{STAGING}/{_folder(each)}`"
        )

    return [
        f"DELETE FROM {SNAPSHOTS.name} WHERE {THE_DAY}",  # noqa: S608
        *map(insert, _DATA),
        insert(table(SNAPSHOTS.name)),
    ]
