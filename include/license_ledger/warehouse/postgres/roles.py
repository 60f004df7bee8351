"""
The statements that make a loader and a reader in a Postgres database. May import the warehouse.

An administrator runs them once, in the database of the warehouse; running them again changes nothing. They
hold no password. The views do not exist by then: the loader grants them to the reader when it makes them,
because its URL names the reader.
"""

from __future__ import annotations

from license_ledger.warehouse.ddl import literal, quoted

LOADER, READER = "license_ledger_loader", "license_ledger_reader"


def roles(schema: str, loader: str = LOADER, reader: str = READER) -> str:
    """
    The statements, as one SQL script.

    Args:
        schema: of the warehouse.
        loader: role that loads; it logs in and owns tables and views.
        reader: role that may select from the views and do nothing else; people and tools become members.
    """
    lines = [
        f"-- Loader and reader of the warehouse in schema {schema}. For an administrator, in its database.",
        _create(loader, "LOGIN"),
        _create(reader, "NOLOGIN"),
        f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)};",
        f"REVOKE ALL ON SCHEMA {quoted(schema)} FROM PUBLIC;",
        f"GRANT USAGE, CREATE ON SCHEMA {quoted(schema)} TO {quoted(loader)};",
        f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {quoted(reader)};",
        "DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I, %I', "
        f"current_database(), {literal(loader)}, {literal(reader)}); END $$;",
        "",
        "-- Then, by hand:",
        f"--   \\password {quoted(loader)}",
        f"--   GRANT {quoted(reader)} TO your_bi_login;",
        f"-- The loader's URL: postgresql://{loader}@host:5432/database?schema={schema}&reader={reader}",
    ]
    return "\n".join(lines)


def _create(role: str, login: str) -> str:
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {literal(role)}) "
        f"THEN CREATE ROLE {quoted(role)} {login}; END IF; END $$;"
    )
