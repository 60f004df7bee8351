"""
The connections of orgs, for commands: read from wherever Airflow has them, written to its database.

Tasks cannot write connections; this runs where Airflow's commands run, with the same configuration.
"""

from __future__ import annotations

import json
import os
from typing import Any

from airflow.models import Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from license_ledger.airflow.provider import CONNECTION_TYPE
from license_ledger.airflow.token_store import require_encryption
from license_ledger.errors import ConfigError
from license_ledger.salesforce.credentials import Credentials
from license_ledger.salesforce.tokens import Sessions

__all__ = ["open_org", "read_fields", "require_storable", "store_fields"]


def open_org(connection_id: str) -> tuple[Credentials, Sessions]:
    """
    What leads to the org of a connection, wherever Airflow has it; nothing is asked of Salesforce yet.

    Raises:
        ConfigError: there is no such connection, or a field of it is wrong.
    """
    # As an Airflow command, and not as a task, the process reads connections and Variables itself.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    from license_ledger.airflow.hook import LedgerSalesforceHook

    hook = LedgerSalesforceHook(connection_id)
    try:
        return hook.credentials, hook.sessions
    except AirflowNotFoundException:
        raise ConfigError(
            f"Airflow connection {connection_id}", "does not exist", "make it: `license-ledger authorize`"
        ) from None


def read_fields(connection_id: str) -> dict[str, Any] | None:
    """
    The extras of a connection in Airflow's database; None when there is none.

    Raises:
        ConfigError: the database cannot be asked, or the extras are no JSON object.
    """
    try:
        with create_session() as session:
            found = session.scalar(select(Connection).where(Connection.conn_id == connection_id))
            return None if found is None else _fields(found)
    except SQLAlchemyError as error:
        raise _unreachable(error) from None


def require_storable(connection_id: str) -> None:
    """
    See that a connection stored in the database would be encrypted, and read by tasks.

    Raises:
        ConfigError: it would not; says what hides it.
    """
    require_encryption()
    variable = f"AIRFLOW_CONN_{connection_id.upper()}"
    if variable in os.environ:
        raise ConfigError(
            f"Airflow connection {connection_id}",
            f"is set by the environment variable {variable}, which hides the one in the database",
            "remove the variable, or print the connection with --to and store it where that comes from",
        )


def store_fields(connection_id: str, fields: dict[str, Any]) -> None:
    """
    Add fields to a connection's extras, or make the connection; committed when it returns.

    Args:
        connection_id: of the Airflow connection.
        fields: by name, as the connection form has them; others that are there stay.

    Raises:
        ConfigError: as :func:`require_storable` and :func:`read_fields`.
    """
    require_storable(connection_id)
    try:
        with create_session() as session:
            found = session.scalar(select(Connection).where(Connection.conn_id == connection_id))
            if found is None:
                found = Connection(conn_id=connection_id, conn_type=CONNECTION_TYPE)
                session.add(found)
            found.set_extra(json.dumps(_fields(found) | fields))
    except SQLAlchemyError as error:
        raise _unreachable(error) from None


def _fields(connection: Connection) -> dict[str, Any]:
    try:
        fields = json.loads(connection.get_extra() or "{}")
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise ConfigError(
            f"Airflow connection {connection.conn_id}",
            "its extras are no JSON object",
            "correct them in the UI",
        )
    return fields


def _unreachable(error: SQLAlchemyError) -> ConfigError:
    return ConfigError(
        "Airflow's database",
        f"cannot be asked ({type(error).__name__})",
        "run the command where `airflow connections list` works, or print the connection with --to",
    )
