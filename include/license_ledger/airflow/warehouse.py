"""
From the setting of the warehouse to its URL, with an Airflow connection looked up.

The URL holds the password and lives in memory only: in no receipt, no message and no log. What does get
logged is masked as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from license_ledger.errors import ConfigError

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from license_ledger.settings import Settings

OURS = {"warehouse_schema": "schema", "warehouse_reader": "reader"}
"""Extras of the connection that are ours, with the names of the URL's parameters."""


def with_warehouse(settings: Settings) -> Settings:
    """
    The settings with the warehouse's URL in place of an Airflow connection id.

    Raises:
        ConfigError: there is no such connection, or it is of a database that is not loaded directly.
    """
    value = settings.warehouse
    if not value or "://" in value:
        return settings
    return settings.model_copy(update={"warehouse": url_of(value)})


def url_of(conn_id: str) -> str:
    """
    The URL of a connection of type Postgres.

    What libpq knows among its extras becomes a parameter, `warehouse_schema` and `warehouse_reader` become
    `schema` and `reader`.

    Raises:
        ConfigError: as :func:`with_warehouse`.
    """
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError
    from airflow.sdk.log import mask_secret

    try:
        connection = BaseHook.get_connection(conn_id)
    except (AirflowException, AirflowRuntimeError) as error:
        raise ConfigError(
            f"warehouse connection {conn_id}",
            f"cannot be had ({type(error).__name__})",
            "create it, of type Postgres, or set LICENSE_LEDGER_WAREHOUSE to a URL",
        ) from None
    if connection.conn_type not in ("postgres", "postgresql"):
        raise ConfigError(
            f"warehouse connection {conn_id}",
            f"is of type {connection.conn_type}; DuckDB and Postgres are loaded directly",
            "name a connection of type Postgres; other databases run the statements in docs/load",
        )
    url = _url(connection)
    if connection.password:
        mask_secret(connection.password)
        mask_secret(quote(connection.password, safe=""))
    return url


def _url(connection: Connection) -> str:
    from psycopg.pq import Conninfo

    extra = dict(connection.extra_dejson)
    if extra.get("iam"):
        raise ConfigError(
            f"warehouse connection {connection.conn_id}",
            "asks for a token of AWS IAM, which the loader does not do",
            "give the loader a password or a client certificate",
        )
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    parameters = {
        name: str(value) for name, value in extra.items() if name in known and value not in (None, "")
    }
    parameters |= {ours: str(extra[name]) for name, ours in OURS.items() if extra.get(name)}
    who = quote(connection.login or "", safe="")
    if connection.password:
        who = f"{who}:{quote(connection.password, safe='')}"
    port = f":{connection.port}" if connection.port else ""
    place = f"{who}@{connection.host or ''}{port}" if who else f"{connection.host or ''}{port}"
    query = f"?{urlencode(parameters, quote_via=quote)}" if parameters else ""
    return f"postgresql://{place}/{quote(connection.schema or '', safe='')}{query}"
