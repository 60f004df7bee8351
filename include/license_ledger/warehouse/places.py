"""
Which warehouse a setting names. May import errors and the warehouse.

Databases are imported once one is asked for: most steps of a run need none, and DuckDB takes memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from license_ledger.errors import ConfigError

if TYPE_CHECKING:
    from license_ledger.warehouse.contract import Warehouse


def warehouse_at(url: str) -> Warehouse:
    """
    The warehouse of a URL; nothing is opened yet.

    Args:
        url: ``duckdb:///path`` or ``postgresql://…``. An Airflow connection id has been resolved before: only
            Airflow can do that.

    Raises:
        ConfigError: it is neither, or Postgres's driver is not installed. What may hold a password is not
            repeated.
    """
    from license_ledger.warehouse.connection import is_postgres
    from license_ledger.warehouse.embedded import DuckDBWarehouse

    scheme, separator, _ = url.partition("://")
    if is_postgres(url):
        try:
            from license_ledger.warehouse.postgres.warehouse import PostgresWarehouse
        except ImportError as error:
            raise ConfigError(
                "setting warehouse",
                f"names a Postgres database, and {error.name} is not installed",
                "install license-ledger with its extra `postgres`",
            ) from None
        return PostgresWarehouse.parse(url)
    if separator or scheme == "duckdb":
        return DuckDBWarehouse.parse(url)
    raise ConfigError(
        "setting warehouse",
        "names an Airflow connection, which only a task of Airflow can look up",
        "set LICENSE_LEDGER_WAREHOUSE to a URL for this command: duckdb:///path or postgresql://…",
    )
