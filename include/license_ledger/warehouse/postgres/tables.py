"""
Tables and views of a Postgres warehouse, brought to what this version declares. May import errors, schemas
and the warehouse.

That happens in a transaction of its own before anything is loaded, and only when something differs. Readers
wait for it while it lasts, which is about a second: what they have locked is never locked the other way
round.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import psycopg
from psycopg import sql
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from license_ledger import __version__
from license_ledger.errors import ConfigError, StoreBusy
from license_ledger.schemas import SCHEMA_VERSION, Table
from license_ledger.warehouse import ddl
from license_ledger.warehouse.connection import STATE_TABLE, is_writable_version
from license_ledger.warehouse.ddl import POSTGRES, WAREHOUSE_TABLES
from license_ledger.warehouse.postgres.address import Address
from license_ledger.warehouse.postgres.refusals import refusals
from license_ledger.warehouse.postgres.session import Connection, lock_warehouse, transaction
from license_ledger.warehouse.statements import VIEWS, views

_SHAPE = (psycopg.errors.InvalidTableDefinition, psycopg.errors.InvalidObjectDefinition)
"""What Postgres says when a view is to be replaced by one with other columns."""

_SHORTEST_PATIENCE, _LONGEST_PATIENCE = 0.05, 3.0
"""Seconds that readers may have to queue behind a change that waits for a reader; more with every try."""


@dataclass(frozen=True)
class State:
    """What the warehouse was made from; see :data:`license_ledger.warehouse.connection.STATE_TABLE`."""

    schema_version: str
    fingerprint: str


def fingerprint(address: Address) -> str:
    """What tables, views and grants of this version come from."""
    parts = [f"reader {address.reader}"]
    for table in WAREHOUSE_TABLES:
        parts += [ddl.create_table(table, POSTGRES), *ddl.create_index(table, POSTGRES), *ddl.comments(table)]
    parts += [statement for view in views() for statement in ddl.create_view(view)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def is_current(connection: Connection, address: Address) -> bool:
    """Whether nothing has to be brought up to date. Raises as :func:`identify`."""
    state = identify(connection, address)
    return state is not None and state.fingerprint == fingerprint(address)


def identify(connection: Connection, address: Address) -> State | None:
    """
    What is in the schema of the warehouse; None when nothing of ours is.

    Raises:
        ConfigError: tables of somebody else have our names there, or the schema is of another major or a
            newer minor version.
    """
    names = [table.name for table in WAREHOUSE_TABLES] + list(VIEWS)
    rows = connection.execute(
        "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE nspname = %s AND relname = ANY(%s)",
        [address.schema, [STATE_TABLE, *names]],
    ).fetchall()
    found = {name for (name,) in rows}
    if STATE_TABLE not in found:
        if found:
            raise ConfigError(
                f"warehouse {address.name}",
                f"has a {min(found)} of somebody else in that schema",
                "name another schema in LICENSE_LEDGER_WAREHOUSE: ?schema=license_ledger",
            )
        return None
    query = sql.SQL("SELECT schema_version, fingerprint FROM {}").format(
        sql.Identifier(address.schema, STATE_TABLE)
    )
    row = connection.execute(query).fetchone() or ("none", "")
    state = State(*row)
    if not is_writable_version(state.schema_version):
        raise ConfigError(
            f"warehouse {address.name}",
            f"has schema version {state.schema_version}, and this is {SCHEMA_VERSION}",
            "upgrade license-ledger, or name another schema and load the snapshots again",
        )
    return state


def prepare(connection: Connection, address: Address, wait_seconds: float) -> None:
    """
    Bring the warehouse up to date, in pieces of waiting that readers hardly notice.

    Args:
        connection: of a session.
        address: of the warehouse.
        wait_seconds: how long to wait for loaders and for readers in long transactions.

    Raises: as :func:`_prepare`.
    """
    with refusals(address):
        if is_current(connection, address):
            return
    trying = Retrying(
        stop=stop_after_delay(wait_seconds),
        wait=wait_random(0.2, 1),
        retry=retry_if_exception_type(StoreBusy),
        reraise=True,
    )
    for attempt in trying:
        with attempt:
            patience = min(_SHORTEST_PATIENCE * 2**attempt.retry_state.attempt_number, _LONGEST_PATIENCE)
            _prepare(connection, address, patience)


def _prepare(connection: Connection, address: Address, patience: float) -> None:
    """
    Bring schema, tables, views, comments and grants to what this version declares.

    Views are replaced as they are where their columns allow it. Otherwise they are dropped and made again,
    with the privileges that others had on them.

    Raises:
        StoreBusy: a loader or a long reader does not finish.
        ConfigError: the loader may not, something of somebody else is in the way, or builds on our views.
    """
    with transaction(connection, address, patience):
        lock_warehouse(connection, address)
        if is_current(connection, address):
            return
        _create_schema(connection, address)
        _lock_views(connection, address)
        for table in WAREHOUSE_TABLES:
            _create_table(connection, address, table)
        _create_views(connection, address)
        _grant(connection, address)
        _remember(connection, address)


def _remember(connection: Connection, address: Address) -> None:
    connection.execute(
        f'CREATE TABLE IF NOT EXISTS "{STATE_TABLE}" '
        "(schema_version text NOT NULL, fingerprint text NOT NULL, ledger_version text NOT NULL)"
    )
    connection.execute(f'DELETE FROM "{STATE_TABLE}"')  # noqa: S608
    connection.execute(
        f'INSERT INTO "{STATE_TABLE}" VALUES (%s, %s, %s)',  # noqa: S608
        [SCHEMA_VERSION, fingerprint(address), __version__],
    )


def _create_schema(connection: Connection, address: Address) -> None:
    """Only where it is missing: the privilege to create schemas is needed for nothing else."""
    row = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [address.schema]).fetchone()
    if row is None:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(address.schema)))


def _lock_views(connection: Connection, address: Address) -> None:
    """
    Have the views to ourselves, those first that read others.

    That is the order in which a reader of a view comes by them, so that nobody waits in a circle. A command
    that locks a view alone is used: LOCK TABLE would lock the tables below it before the next view.
    """
    there = _views_there(connection, address)
    for name in reversed([name for name in VIEWS if name in there]):
        connection.execute(f"ALTER VIEW {ddl.quoted(name)} RESET (security_barrier)")


def _views_there(connection: Connection, address: Address) -> set[str]:
    rows = connection.execute(
        "SELECT viewname FROM pg_views WHERE schemaname = %s", [address.schema]
    ).fetchall()
    return {name for (name,) in rows}


def _create_table(connection: Connection, address: Address, table: Table) -> None:
    connection.execute(ddl.create_table(table, POSTGRES))
    there = set(_columns(connection, address, table.name))
    for column in ddl.columns(table):
        if column.name not in there:
            connection.execute(ddl.add_column(table, column, POSTGRES))
    for statement in (*ddl.create_index(table, POSTGRES), *ddl.comments(table)):
        connection.execute(statement)


def _columns(connection: Connection, address: Address, name: str) -> list[str]:
    rows = connection.execute(
        "SELECT attname FROM pg_attribute "
        "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [f"{ddl.quoted(address.schema)}.{ddl.quoted(name)}"],
    ).fetchall()
    return [column for (column,) in rows]


def _create_views(connection: Connection, address: Address) -> None:
    try:
        with connection.transaction():
            _execute_views(connection)
    except _SHAPE:
        granted = _grants(connection, address)
        _drop_views(connection, address)
        _execute_views(connection)
        for statement in granted:
            connection.execute(statement)
    for view in views():
        for column, meaning in ddl.meanings(view, _columns(connection, address, view.name)).items():
            target = f"{ddl.quoted(view.name)}.{ddl.quoted(column)}"
            connection.execute(f"COMMENT ON COLUMN {target} IS {ddl.literal(meaning)}")


def _execute_views(connection: Connection) -> None:
    for view in views():
        for statement in ddl.create_view(view):
            connection.execute(statement)


def _drop_views(connection: Connection, address: Address) -> None:
    try:
        for name in reversed(VIEWS):
            connection.execute(f"DROP VIEW IF EXISTS {ddl.quoted(name)}")
    except psycopg.errors.DependentObjectsStillExist:
        raise ConfigError(
            f"warehouse {address.name}",
            "views have other columns in this version, and views of somebody else read them",
            "drop those, run again, and make them anew",
        ) from None


def _grants(connection: Connection, address: Address) -> list[sql.Composed]:
    """The statements that give others what they may do with our views now."""
    rows = connection.execute(
        "SELECT relname, coalesce(rolname, ''), privilege_type, is_grantable FROM pg_class "
        "JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "CROSS JOIN LATERAL aclexplode(relacl) AS acl LEFT JOIN pg_roles ON pg_roles.oid = acl.grantee "
        "WHERE nspname = %s AND relname = ANY(%s) AND acl.grantee <> relowner",
        [address.schema, list(VIEWS)],
    ).fetchall()
    return [
        sql.SQL("GRANT {} ON {} TO {}{}").format(
            sql.SQL(privilege),
            sql.Identifier(view),
            sql.Identifier(role) if role else sql.SQL("PUBLIC"),
            sql.SQL(" WITH GRANT OPTION" if may_grant else ""),
        )
        for view, role, privilege, may_grant in rows
    ]


def _grant(connection: Connection, address: Address) -> None:
    """Let the reader read every view, and nothing else."""
    if not address.reader:
        return
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [address.reader]).fetchone()
    if known is None:
        raise ConfigError(
            f"warehouse {address.name}",
            f"there is no role {address.reader}, which is to read the views",
            "run the statements that `license-ledger roles` prints, as an administrator of the database",
        )
    role = sql.Identifier(address.reader)
    listed = sql.SQL(", ").join(sql.Identifier(name) for name in VIEWS)
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(address.schema), role))
    connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(listed, role))
