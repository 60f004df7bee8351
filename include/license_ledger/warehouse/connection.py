"""
Connections to the warehouse file: how DuckDB is set up, what a file must be, reading it. May import errors,
schemas and the warehouse.

No DuckDB extension is used that is not built in, and none is looked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import duckdb

from license_ledger.errors import ConfigError, StoreBusy
from license_ledger.schemas import SCHEMA_VERSION
from license_ledger.warehouse import ddl
from license_ledger.warehouse.statements import views

MEMORY_LIMIT = "256MB"
THREADS = 2
STATE_TABLE = "ledger_warehouse"
"""One row about the file itself: version of its schema, what its tables and views were made from."""


def open_readonly(
    path: str | Path, *, memory_limit: str = MEMORY_LIMIT, threads: int = THREADS
) -> duckdb.DuckDBPyConnection:
    """
    Open the warehouse as it is now, for reading; later loads do not change what this connection sees.

    The file is attached to an in-memory database, because connections that one process opens on a path share
    its first version for as long as any of them is open. The connection can reach no other file, spills
    nothing to disk, and its cursors have to name tables in full, ``ledger.users``.

    Raises:
        ConfigError: there is no such file, or it is no warehouse that this version can read.
        StoreBusy: somebody has opened the file for writing.
    """
    target = Path(path).resolve()
    if not target.exists():
        raise ConfigError(
            f"warehouse {target}",
            "does not exist",
            "take a snapshot first, or correct LICENSE_LEDGER_WAREHOUSE",
        )
    config = configuration(memory_limit, threads) | {"temp_directory": ""}
    connection = duckdb.connect(":memory:", config=config)
    try:
        with _opening(target):
            connection.execute(f"ATTACH {ddl.literal(str(target))} AS ledger (READ_ONLY)")
        connection.execute("USE ledger")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_external_access = false")
        identify(connection, target)
    except BaseException:
        connection.close()
        raise
    return connection


def warehouse_path(url: str) -> Path:
    """
    The file that a ``duckdb:///`` URL names: three slashes for a relative path, four for an absolute one.

    The first step of a run asks for it too, so that nobody waits for an extract that cannot be loaded.

    Raises:
        ConfigError: it names no file, or another kind of database. An address of a server is not repeated,
            since it may hold a password.
    """
    scheme, separator, _ = url.partition("://")
    if scheme != "duckdb" or not separator:
        raise ConfigError(
            "setting warehouse",
            f"names {f'a server ({scheme}://…)' if separator else 'no URL'}; DuckDB and Postgres are loaded",
            "set LICENSE_LEDGER_WAREHOUSE to duckdb:///path/to/warehouse.duckdb or postgresql://…, or to "
            "nothing: then the day is only published",
        )
    name = url.removeprefix("duckdb:///")
    if name == url or not name or name.startswith(":"):
        raise ConfigError("setting warehouse", "names no file", "write duckdb:///path/to/warehouse.duckdb")
    return Path(name)


def is_postgres(url: str) -> bool:
    """Whether a URL is one of those that libpq takes."""
    return url.startswith(("postgresql://", "postgres://"))


@cache
def fingerprint() -> str:
    """What the tables and views of this version come from; a file with another one is brought up to date."""
    parts = [ddl.create_table(table, ddl.DUCKDB) for table in ddl.WAREHOUSE_TABLES]
    parts += [comment for table in ddl.WAREHOUSE_TABLES for comment in ddl.comments(table)]
    parts += [statement for view in views() for statement in ddl.create_view(view)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def configuration(memory_limit: str, threads: int) -> dict[str, str | bool | int | float | list[str]]:
    """How DuckDB is set up: within limits, without a look at the internet or at Python's variables."""
    return {
        "memory_limit": memory_limit,
        "threads": threads,
        "autoload_known_extensions": False,
        "autoinstall_known_extensions": False,
        "python_enable_replacements": False,
    }


def identify(connection: duckdb.DuckDBPyConnection, target: Path) -> str | None:
    """
    The fingerprint of the warehouse that is open; None for an empty database.

    Raises:
        ConfigError: something else is in the file, or a schema of another major or a newer minor version.
    """
    names = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not names:
        return None
    if STATE_TABLE not in names:
        raise ConfigError(
            f"warehouse {target}",
            "is a DuckDB file of somebody else's",
            "name another file in LICENSE_LEDGER_WAREHOUSE",
        )
    rows = connection.execute(f"SELECT schema_version, fingerprint FROM {STATE_TABLE}").fetchall()  # noqa: S608
    version, mark = rows[0] if rows else ("none", "")
    if not is_writable_version(version):
        raise ConfigError(
            f"warehouse {target}",
            f"has schema version {version}, and this is {SCHEMA_VERSION}",
            "upgrade license-ledger, or move the file away and load the snapshots again",
        )
    return str(mark)


def is_writable_version(version: str) -> bool:
    """Whether this version may write what that one wrote: the same major version, and no newer."""
    try:
        major, minor = (int(part) for part in version.split("."))
    except ValueError:
        return False
    ours = [int(part) for part in SCHEMA_VERSION.split(".")]
    return major == ours[0] and minor <= ours[1]


@contextmanager
def _opening(target: Path) -> Iterator[None]:
    """Say in the ledger's words why the warehouse does not open."""
    try:
        with target.open("rb"):
            yield
    except OSError as error:
        raise ConfigError(
            f"warehouse {target}",
            str(error.strerror),
            "name a file that may be read in LICENSE_LEDGER_WAREHOUSE",
        ) from None
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise StoreBusy(
                f"warehouse {target}",
                "somebody has opened it for writing",
                "close that program, or let it open the file read-only",
            ) from None
        raise ConfigError(
            f"warehouse {target}",
            f"is not a DuckDB file that DuckDB {duckdb.__version__} can read",
            "name another file in LICENSE_LEDGER_WAREHOUSE, or move this one away and load again",
        ) from None
