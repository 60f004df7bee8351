"""
The warehouse file made anew, row by row, with one person replaced; and days taken out of it. May import
errors, schemas and the warehouse.

DuckDB gives the blocks of changed rows back to its own free list, bytes and all. So a person is not updated
away: every table is copied into an empty file beside, and that file takes the place of the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from license_ledger.schemas import SNAPSHOTS
from license_ledger.warehouse import ddl
from license_ledger.warehouse.connection import STATE_TABLE, THREADS, open_readonly
from license_ledger.warehouse.contract import Replacement
from license_ledger.warehouse.duckdb import prepare, require_no_log, writing
from license_ledger.warehouse.statements import VIEWS
from license_ledger.warehouse.swap import exclusive, successor

MEMORY_LIMIT = "512MB"
"""For DuckDB's own buffers while a whole file is copied."""

_PERSON = "user_id"


def count_person(path: str | Path, org_id: str, user_ids: Sequence[str]) -> dict[str, int]:
    """
    Count the rows of a person.

    Returns:
        Rows per table that lists people; empty when there is no such file.

    Raises:
        ConfigError: the path names something else than a warehouse that this version can read.
    """
    target = Path(path).resolve()
    if not target.exists():
        return {}
    found = {}
    with open_readonly(target) as connection:
        for name in _tables_of_people(_columns(connection, "ledger")):
            query = (
                f"SELECT count(*) FROM ledger.{ddl.quoted(name)} "  # noqa: S608
                f"WHERE org_id = ? AND {_PERSON} IN (SELECT unnest(?))"
            )
            [(found[name],)] = connection.execute(query, [org_id, list(user_ids)]).fetchall()
    return found


def has_free_blocks(path: str | Path) -> bool:
    """Whether the file has room that rows were deleted from, whose bytes may still be there."""
    with open_readonly(path) as connection:
        names = "SELECT free_blocks FROM pragma_database_size() WHERE database_name = 'ledger'"
        [(free,)] = connection.execute(names).fetchall()
    return bool(free)


def rebuild(
    path: str | Path, who: Replacement, *, memory_limit: str = MEMORY_LIMIT, wait_seconds: float = 600
) -> dict[str, int]:
    """
    Copy the warehouse into a new file, with a person's rows replaced, and put it in place of the old one.

    Readers that have the old file open finish on it; its bytes are gone when the last of them has closed it.

    Args:
        path: the warehouse file.
        who: the person, and what becomes of the rows.
        memory_limit: of DuckDB.
        wait_seconds: how long to wait for a loader of the file.

    Returns:
        Rows per table that were replaced; empty when there is no such file.

    Raises:
        StoreBusy: a loader, or somebody who opened the file for writing, has it.
        ConfigError: the path names something else than a warehouse that this version can write.
        StagingUnwritable: the file cannot be written. In every case the old file stays as it was.
    """
    target = Path(path).resolve()
    if not target.exists():
        return {}
    with exclusive(target, wait_seconds):
        require_no_log(target)
        if not target.exists():
            return {}
        replaced = count_person(target, who.org_id, who.user_ids)
        with (
            successor(target, empty=True) as building,
            writing(building, target, memory_limit, THREADS) as connection,
        ):
            connection.execute("SET preserve_insertion_order = true")
            prepare(connection)
            connection.execute(f"ATTACH {ddl.literal(str(target))} AS was (READ_ONLY)")
            _copy_tables(connection, who)
            _copy_strangers(connection)
            connection.execute("DETACH was")
            connection.execute("CHECKPOINT")
    return replaced


def forget_days(path: str | Path, org_id: str, days: Iterable[date], *, wait_seconds: float = 600) -> int:
    """
    Take days out of the warehouse.

    Args:
        path: the warehouse file.
        org_id: of the org.
        days: that go; those that are not there are passed over.
        wait_seconds: how long to wait for a loader of the file.

    Returns:
        Number of days that were there. The file is replaced once for all of them.

    Raises: as :func:`rebuild`.
    """
    target = Path(path).resolve()
    if not target.exists():
        return 0
    with exclusive(target, wait_seconds):
        require_no_log(target)
        doomed = sorted(loaded_days(target, org_id).keys() & set(days))
        if not doomed:
            return 0
        with successor(target) as building, writing(building, target) as connection:
            connection.begin()
            for table in ddl.DAY_TABLES:
                if table.name in _columns(connection, ""):
                    connection.execute(
                        f"DELETE FROM {ddl.quoted(table.name)} "  # noqa: S608
                        "WHERE org_id = ? AND snapshot_date IN (SELECT unnest(?))",
                        [org_id, doomed],
                    )
            connection.commit()
            connection.execute("CHECKPOINT")
    return len(doomed)


def loaded_days(path: str | Path, org_id: str) -> dict[date, str]:
    """The org's days in the warehouse with their provenances; empty when there is no such file."""
    target = Path(path).resolve()
    if not target.exists():
        return {}
    with open_readonly(target) as connection:
        if SNAPSHOTS.name not in _columns(connection, "ledger"):
            return {}
        rows = connection.execute(
            "SELECT snapshot_date, provenance FROM ledger.snapshots WHERE org_id = ? ORDER BY 1", [org_id]
        ).fetchall()
    return dict(rows)


def _copy_tables(connection: duckdb.DuckDBPyConnection, who: Replacement) -> None:
    there, ours = _columns(connection, "was"), _columns(connection, "")
    for table in ddl.WAREHOUSE_TABLES:
        names = [name for name in ours[table.name] if name in there.get(table.name, ())]
        if not names:
            continue
        forgotten = set(who.forgotten.get(table.name, ())) if _PERSON in names else set()
        values = ", ".join(_value(name, forgotten, is_person=_PERSON in names) for name in names)
        listed = ", ".join(map(ddl.quoted, names))
        theirs = f", org_id = $org AND {_PERSON} IN $ids AS is_theirs" if _PERSON in names else ""
        with _settings(connection, who):
            connection.execute(
                f"INSERT INTO {ddl.quoted(table.name)} ({listed}) SELECT {values} "  # noqa: S608
                f"FROM (SELECT *{_bound(theirs)} FROM was.{ddl.quoted(table.name)})"
            )
    for day, (before, after) in dict(who.manifests).items():
        connection.execute(
            "UPDATE snapshots SET manifest = ? WHERE org_id = ? AND snapshot_date = ? AND manifest = ?",
            [after, who.org_id, day, before],
        )


def _bound(theirs: str) -> str:
    """The condition in DuckDB's variables: a statement that inserts takes no named parameters twice."""
    return theirs.replace("$org", "getvariable('org')").replace(
        "IN $ids", "IN (SELECT unnest(getvariable('ids')))"
    )


@contextmanager
def _settings(connection: duckdb.DuckDBPyConnection, who: Replacement) -> Iterator[None]:
    values = {"org": who.org_id, "ids": list(who.user_ids), "tombstone": who.tombstone}
    values["domains"] = list(who.domains) or [""]
    for name, value in values.items():
        connection.execute(f"SET VARIABLE {name} = ?", [value])
    try:
        yield
    finally:
        for name in values:
            connection.execute(f"RESET VARIABLE {name}")


def _value(name: str, forgotten: set[str], *, is_person: bool) -> str:
    column = ddl.quoted(name)
    if not is_person or (name not in forgotten and name not in (_PERSON, "email_domain")):
        return column
    if name == _PERSON:
        return f"CASE WHEN is_theirs THEN getvariable('tombstone') ELSE {column} END"
    if name == "email_domain":
        kept = f"list_contains(getvariable('domains'), {column})"
        return f"CASE WHEN is_theirs AND NOT coalesce({kept}, true) THEN NULL ELSE {column} END"
    return f"CASE WHEN is_theirs THEN NULL ELSE {column} END"


def _copy_strangers(connection: duckdb.DuckDBPyConnection) -> None:
    """Tables and views that somebody else keeps in the file come along as they are."""
    known = {table.name for table in ddl.WAREHOUSE_TABLES} | {STATE_TABLE, *VIEWS}
    tables = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'was' AND schema_name = 'main'"
    for (name,) in connection.execute(tables).fetchall():
        if name not in known:
            copied = ddl.quoted(name)
            connection.execute(f"CREATE TABLE {copied} AS FROM was.{copied}")
    views = (
        "SELECT view_name, sql FROM duckdb_views() "
        "WHERE database_name = 'was' AND schema_name = 'main' AND NOT internal ORDER BY view_oid"
    )
    for name, statement in connection.execute(views).fetchall():
        if name not in known:
            connection.execute(statement)


def _columns(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[str]]:
    """Columns per table of a database; of the current one when it is blank."""
    rows = connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal "
        "AND database_name = coalesce(nullif(?, ''), current_database()) ORDER BY table_name, column_index",
        [database],
    ).fetchall()
    found: dict[str, list[str]] = {}
    for table, column in rows:
        found.setdefault(table, []).append(column)
    return found


def _tables_of_people(columns: Mapping[str, Sequence[str]]) -> list[str]:
    ours = {table.name for table in ddl.WAREHOUSE_TABLES}
    return [name for name, names in columns.items() if _PERSON in names and name in ours]
