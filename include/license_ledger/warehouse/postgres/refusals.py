"""
What Postgres refuses, in the ledger's words. May import errors.

A server's message may quote a value, which may be a person's: of errors about rows only the SQLSTATE, the
table and the column are repeated. What happens while connecting is told by libpq, without a SQLSTATE.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pyarrow as pa

from license_ledger.errors import ConfigError, CorruptSnapshot, LedgerError, StoreBusy, WarehouseUnavailable
from license_ledger.warehouse.postgres.address import Address

_NEEDS_A_CHANGE = (
    "password authentication failed",
    "no password supplied",
    "authentication failed",
    "no pg_hba.conf entry",
    "does not exist",
    "is not permitted to log in",
    "permission denied",
    "certificate",
    "does not support SSL",
    "requires encryption",
    "invalid",
)
"""Said of a connection that somebody has to put right; anything else may pass."""

_GONE = ("08", "53", "57", "58")
"""Classes of SQLSTATE: connection, resources, operator's intervention, system."""
_STANDBY, _PRIVILEGE = "25006", "42501"
_LOCKED = ("55P03", "40001", "40P01")
_ROLES = "run the statements that `license-ledger roles` prints, as an administrator of the database"


@contextmanager
def refusals(address: Address) -> Iterator[None]:
    """
    Turn what psycopg raises into an error of the tree.

    Raises:
        WarehouseUnavailable: the server cannot be reached, goes down, or has no room.
        StoreBusy: a lock was held too long by somebody else.
        ConfigError: password, privilege, database or server are not as they must be.
        CorruptSnapshot: rows do not fit the tables.
    """
    try:
        yield
    except psycopg.Error as error:
        raise _told(error, address) from None


class MissingValue(pa.ArrowInvalid):  # type: ignore[misc]
    """A column that must have values lacks one; says which."""


@contextmanager
def told_of_rows(what: str) -> Iterator[None]:
    """Say what rows do not fit: they are those of a snapshot's table, or of a file."""
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise CorruptSnapshot(what, _unfit(error), "publish the day again") from None
    except pa.ArrowException as error:
        unfit = str(error) if isinstance(error, MissingValue) else f"does not fit ({type(error).__name__})"
        raise CorruptSnapshot(what, unfit, "publish the day again") from None


@contextmanager
def connecting(address: Address) -> Iterator[None]:
    """The same while a connection is made."""
    try:
        yield
    except psycopg.Error as error:
        raise _not_connected(error, address) from None


def _not_connected(error: psycopg.Error, address: Address) -> LedgerError:
    """The last line says it: the ones before are of other addresses of the host."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if "failed" in line or "FATAL" in line), lines[-1])
    got = address.without_secrets(said.rpartition("FATAL:")[2].strip())
    if any(phrase in got for phrase in _NEEDS_A_CHANGE):
        return ConfigError(
            f"warehouse {address.name}",
            got,
            f"correct user, password or database in LICENSE_LEDGER_WAREHOUSE or its connection, or {_ROLES}",
        )
    return WarehouseUnavailable(
        f"warehouse {address.name}", got, "see that the server is up and that the worker reaches it"
    )


def _told(error: psycopg.Error, address: Address) -> LedgerError:
    state, where = error.sqlstate or "", f"warehouse {address.name}"
    if state in _LOCKED:
        return StoreBusy(
            where,
            "somebody else holds a lock",
            "let the other loader, or whoever reads in a long transaction, finish",
        )
    if state == _PRIVILEGE:
        return ConfigError(where, "the loader lacks a privilege, or does not own what it made", _ROLES)
    if not state or state.startswith(_GONE) or state == _STANDBY:
        got = f"ended the work ({type(error).__name__})"
        return WarehouseUnavailable(where, got, "see that the server is up, takes writes and has room")
    if state.startswith(("22", "23")):
        return CorruptSnapshot(where, _unfit(error), "publish the day again")
    return ConfigError(where, f"refused a statement (SQLSTATE {state})", "see the log of the server")


def _unfit(error: psycopg.Error) -> str:
    """What is wrong with rows, by table, column and kind of error alone."""
    table, column = error.diag.table_name, error.diag.column_name
    place = ".".join(name for name in (table, column) if name)
    if isinstance(error, psycopg.errors.NotNullViolation):
        return f"a row has no value for {place}"
    if isinstance(error, psycopg.errors.UniqueViolation):
        return f"a key of {place} comes twice"
    return f"a value does not fit{f' {place}' if place else ''} ({type(error).__name__})"
