"""
What leaves a Postgres warehouse: days that are no longer kept, and people who are erased. May import errors,
schemas and the warehouse.

A person's rows are changed where they are, in one transaction, and the tables vacuumed: then no query and no
transaction can find what was there. What `docs/warehouses.md` says about the log and the backups of the
server is the server's.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from psycopg import sql

from license_ledger.schemas import SNAPSHOTS, Table
from license_ledger.warehouse import ddl
from license_ledger.warehouse.contract import Replacement
from license_ledger.warehouse.postgres.address import Address
from license_ledger.warehouse.postgres.session import Connection, lock_warehouse, transaction

PERSON, DOMAIN = "user_id", "email_domain"
PEOPLE = tuple(table for table in ddl.DAY_TABLES if PERSON in {column.name for column in table.columns})
"""Tables that list people."""

_POLL_SECONDS = 1.0


def days_of(connection: Connection, address: Address, org_id: str) -> dict[date, str]:
    """The org's days in the warehouse with their provenances, ascending."""
    query = sql.SQL("SELECT snapshot_date, provenance FROM {} WHERE org_id = %s ORDER BY 1")
    table = sql.Identifier(address.schema, SNAPSHOTS.name)
    return dict(connection.execute(query.format(table), [org_id]).fetchall())


def forget(
    connection: Connection, address: Address, org_id: str, days: Iterable[date], wait_seconds: float
) -> int:
    """
    Take days out, all of them in one transaction.

    Returns:
        Number of days that were there.
    """
    wanted = list(days)
    with transaction(connection, address, wait_seconds):
        lock_warehouse(connection, address)
        gone = 0
        for table in ddl.DAY_TABLES:
            done = connection.execute(
                f"DELETE FROM {ddl.quoted(table.name)} WHERE org_id = %s AND snapshot_date = ANY(%s)",  # noqa: S608
                [org_id, wanted],
            )
            gone = done.rowcount if table is SNAPSHOTS else gone
    return gone


def count(connection: Connection, address: Address, org_id: str, user_ids: Sequence[str]) -> dict[str, int]:
    """Rows of a person per table that lists people."""
    found = {}
    days = list(days_of(connection, address, org_id))
    for table in PEOPLE:
        query = sql.SQL(
            "SELECT count(*) FROM {} WHERE org_id = %s AND snapshot_date = ANY(%s) AND user_id = ANY(%s)"
        ).format(sql.Identifier(address.schema, table.name))
        row = connection.execute(query, [org_id, days, list(user_ids)]).fetchone()
        found[table.name] = row[0] if row else 0
    return found


def replace(
    connection: Connection, address: Address, who: Replacement, wait_seconds: float
) -> dict[str, int]:
    """
    Put a tombstone in place of a person, in every day and table, in one transaction.

    Returns:
        Rows per table that were changed.
    """
    changed = {}
    with transaction(connection, address, wait_seconds):
        lock_warehouse(connection, address)
        days = list(days_of(connection, address, who.org_id))
        for table in PEOPLE:
            query, values = _update(table, who)
            parameters = {**values, "org_id": who.org_id, "days": days, "ids": list(who.user_ids)}
            changed[table.name] = connection.execute(query, parameters).rowcount
        for day, (before, after) in dict(who.manifests).items():
            connection.execute(
                "UPDATE snapshots SET manifest = %s "
                "WHERE org_id = %s AND snapshot_date = %s AND manifest = %s",
                [after, who.org_id, day, before],
            )
    return changed


def _update(table: Table, who: Replacement) -> tuple[sql.Composed, Mapping[str, object]]:
    """What becomes of a person's rows in a table: the same as in a file that is rebuilt."""
    there = [column.name for column in table.columns]
    forgotten = [
        name for name in there if name in who.forgotten.get(table.name, ()) and name not in (PERSON, DOMAIN)
    ]
    changes = [
        sql.SQL("user_id = %(tombstone)s"),
        *(sql.SQL("{} = NULL").format(sql.Identifier(n)) for n in forgotten),
    ]
    if DOMAIN in there:
        changes.append(
            sql.SQL("email_domain = CASE WHEN email_domain = ANY(%(domains)s) THEN email_domain END")
        )
    query = sql.SQL(
        "UPDATE {} SET {} "
        "WHERE org_id = %(org_id)s AND snapshot_date = ANY(%(days)s) AND user_id = ANY(%(ids)s)"
    ).format(sql.Identifier(table.name), sql.SQL(", ").join(changes))
    return query, {"tombstone": who.tombstone, "domains": list(who.domains)}


def vacuum(connection: Connection, address: Address, wait_seconds: float) -> dict[str, int]:
    """
    Remove rows that were changed or deleted from the tables of people, once nobody can see them any more.

    Args:
        connection: of a session, in no transaction.
        address: of the warehouse.
        wait_seconds: how long to wait for transactions that began before and may still read them.

    Returns:
        Dead rows that are left, by table; empty when there are none.
    """
    deadline = time.monotonic() + wait_seconds
    while True:
        for table in PEOPLE:
            target = sql.Identifier(address.schema, table.name)
            connection.execute(sql.SQL("VACUUM {}").format(target))
        left = {table.name: dead for table in PEOPLE if (dead := dead_rows(connection, address, table))}
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(_POLL_SECONDS)


def dead_rows(connection: Connection, address: Address, table: Table) -> int:
    """Rows of a table that are gone and still take room, as the server's statistics tell."""
    row = connection.execute(
        "SELECT pg_stat_get_dead_tuples(to_regclass(%s))",
        [f"{ddl.quoted(address.schema)}.{ddl.quoted(table.name)}"],
    ).fetchone()
    return int(row[0] or 0) if row else 0
