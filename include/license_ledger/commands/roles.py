"""``license-ledger roles``: the statements that make a loader and a reader in a Postgres database."""

from __future__ import annotations

import argparse

from license_ledger.errors import ConfigError
from license_ledger.settings import load_settings

__all__ = ["add_to", "run"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "roles",
        help="print the SQL that makes the loader and the reader of a Postgres warehouse",
        description="Print the SQL that makes a loader and a reader of a Postgres warehouse, for an "
        "administrator to run. Nothing is connected to, and no password is asked or printed.",
    )
    parser.add_argument("--schema", help="of the warehouse; default: the one of LICENSE_LEDGER_WAREHOUSE")
    parser.add_argument("--loader", default="license_ledger_loader", help="default: license_ledger_loader")
    parser.add_argument("--reader", default="license_ledger_reader", help="default: license_ledger_reader")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> str:
    """
    Print the statements.

    Raises:
        ConfigError: a name is longer than Postgres takes; or the setting is no URL it can be taken from.
    """
    from license_ledger.warehouse.postgres.address import is_name
    from license_ledger.warehouse.postgres.roles import roles

    for name in ("schema", "loader", "reader"):
        value = getattr(options, name)
        if value is not None and not is_name(value):
            raise ConfigError(
                f"option --{name}", "is no name of Postgres", "use letters, digits, underscores"
            )
    return roles(options.schema or _schema(), options.loader, options.reader)


def _schema() -> str:
    from license_ledger.warehouse.postgres.address import SCHEMA, Address

    url = load_settings().warehouse
    return Address.parse(url).schema if url.startswith("postgres") and "://" in url else SCHEMA
