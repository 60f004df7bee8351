"""
Connections to a Postgres warehouse and the transactions on them. May import errors.

What a transaction needs is set for it alone, so that a pooler between may give each one another connection.
Everybody who writes takes locks of the database that end with the transaction, whatever becomes of its
holder: one for the warehouse, shared among loaders, and one for the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg

from license_ledger.warehouse.postgres.address import Address
from license_ledger.warehouse.postgres.refusals import connecting, refusals

Connection = psycopg.Connection[tuple[Any, ...]]

_LOCAL = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "timezone": "UTC",
    # A loader whose machine is gone must not keep its locks for hours.
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
}


@contextmanager
def session(address: Address) -> Iterator[Connection]:
    """
    A connection, closed at the end. Outside of :func:`transaction` every statement stands for itself.

    Raises:
        WarehouseUnavailable, ConfigError: it cannot be had.
    """
    with connecting(address):
        connection = psycopg.connect(**address.parameters, autocommit=True, prepare_threshold=None)  # type: ignore[arg-type]
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def transaction(connection: Connection, address: Address, wait_seconds: float) -> Iterator[None]:
    """
    A transaction in which plain names are those of the warehouse's schema; all of it happens or nothing.

    Args:
        connection: of :func:`session`.
        address: of the warehouse.
        wait_seconds: how long to wait for a lock.

    Raises: as :func:`license_ledger.warehouse.postgres.refusals.refusals`.
    """
    wait = str(max(1, int(wait_seconds * 1000)))
    settings = {**_LOCAL, "lock_timeout": wait, "search_path": quoted_path(address.schema)}
    with refusals(address), connection.transaction():
        connection.execute(
            "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS given (name, value)",
            [list(settings), list(settings.values())],
        )
        yield


def quoted_path(schema: str) -> str:
    """The schema as a search path."""
    return '"' + schema.replace('"', '""') + '"'


def lock_warehouse(connection: Connection, address: Address) -> None:
    """Have the whole warehouse until the transaction ends, without any loader at work."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_key(address)])


def lock_day(connection: Connection, address: Address, org_id: str, day: date) -> None:
    """Have one day of an org until the transaction ends; other days go on beside it."""
    connection.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", [_key(address)])
    key = f"{_key(address)} {org_id} {day.isoformat()}"
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])


def lock_inputs(connection: Connection, address: Address) -> None:
    """Have what comes from files that people keep until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{_key(address)} inputs"])


def _key(address: Address) -> str:
    return f"license-ledger {address.schema}"
