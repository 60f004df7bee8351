"""The roles that `license-ledger roles` makes: one that loads, one that reads views and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from made_snapshots import made_snapshot
from tests.pg import Server, asked, connected, running

from license_ledger.__main__ import main
from license_ledger.errors import ConfigError
from license_ledger.warehouse.ddl import WAREHOUSE_TABLES
from license_ledger.warehouse.postgres.roles import roles
from license_ledger.warehouse.statements import VIEWS

LOADER, READER, BI = "license_ledger_loader", "license_ledger_reader", "superset"
PASSWORD = "correct horse/battery@staple"  # pragma: allowlist secret


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server where the loader has to give a password."""
    with running() as one:
        with connected(one.url("postgres")) as connection:
            connection.execute(f"CREATE ROLE {BI} LOGIN")
            connection.execute(f"CREATE ROLE {LOADER} LOGIN PASSWORD '{PASSWORD}'")
        one.require_password(LOADER)
        yield one


@pytest.fixture
def database(server: Server) -> str:
    """A database in which an administrator has run the statements, twice."""
    name = server.database()
    with connected(server.url(name)) as connection:
        for _ in range(2):
            connection.execute(roles("license_ledger"))
        connection.execute(f"GRANT {READER} TO {BI}")
    return name


def _url(server: Server, database: str, **parameters: str) -> str:
    return server.url(database, user=LOADER, password=PASSWORD, **{"reader": READER, **parameters})


def _warehouse(server: Server, url: str) -> type:
    return type(server.warehouse("x")).parse(url)


def test_the_loader_loads_and_the_reader_reads_views_and_nothing_else(server: Server, database: str) -> None:
    """A member of the reader selects every view and no table, makes nothing and changes nothing."""
    warehouse = _warehouse(server, _url(server, database))
    warehouse.require_writable()
    [receipt] = warehouse.load_all([made_snapshot(30)])

    assert receipt["loaded"]
    assert PASSWORD not in f"{warehouse!r}{receipt}"
    with connected(server.url(database, user=BI)) as connection:
        for view in VIEWS:
            connection.execute(f"SELECT * FROM {view} LIMIT 1")
        [(count,)] = connection.execute("SELECT count(*) FROM license_position").fetchall()
        forbidden = [f"SELECT * FROM {table.name}" for table in WAREHOUSE_TABLES]
        forbidden += [
            "SELECT * FROM ledger_warehouse",
            "DROP VIEW data_trust",
        ]
        forbidden += ["CREATE TABLE license_ledger.mine (x int)", "INSERT INTO users DEFAULT VALUES"]
        for statement in forbidden:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        not_theirs = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)
        for view in VIEWS:
            with pytest.raises(not_theirs):
                connection.execute(f"DELETE FROM {view}")
    assert count == 5


def test_a_day_loaded_later_and_a_view_made_later_are_the_readers_too(server: Server, database: str) -> None:
    """Views that are replaced, or come with a newer version, are granted again."""
    url = _url(server, database)
    warehouse = _warehouse(server, url)
    warehouse.load_all([made_snapshot(30)])
    with connected(server.url(database)) as connection:
        connection.execute("DROP VIEW data_trust")
        connection.execute("UPDATE ledger_warehouse SET fingerprint = 'older'")
    warehouse.load_all([made_snapshot(31, snapshot_id="s2")])

    assert asked(server.url(database, user=BI), "SELECT snapshot_id FROM data_trust") == [("s2",)]


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_is_permanent_and_not_repeated(server: Server, database: str, password: str) -> None:
    """Check and load say whose password is wrong and what to do, never which it was."""
    url = server.url(database, user=LOADER, password=password)
    warehouse = _warehouse(server, url)
    for attempt in (warehouse.require_writable, lambda: warehouse.load_all([made_snapshot(1)])):
        with pytest.raises(ConfigError, match="password") as caught:
            attempt()
        assert "LICENSE_LEDGER_WAREHOUSE" in str(caught.value)
        assert not password or password not in str(caught.value)


@pytest.mark.parametrize(
    ("user", "name", "said"),
    [
        ("postgres", "nowhere", 'database "nowhere" does not exist'),
        ("nobody", "postgres", 'role "nobody" does not'),
    ],
)
def test_a_database_or_role_that_is_not_there_is_permanent(
    server: Server, user: str, name: str, said: str
) -> None:
    """The message names it."""
    with pytest.raises(ConfigError, match=said):
        _warehouse(server, server.url(name, user=user)).require_writable()


def test_a_loader_without_privileges_learns_it_at_the_first_step(server: Server) -> None:
    """Before the statements were run, the check names the command that prints them; nothing is made."""
    name = server.database()
    with pytest.raises(ConfigError, match="license-ledger roles"):
        _warehouse(server, _url(server, name)).require_writable()
    with connected(server.url(name)) as connection:
        connection.execute("CREATE SCHEMA license_ledger")
    with pytest.raises(ConfigError, match="may not use schema license_ledger"):
        _warehouse(server, _url(server, name)).require_writable()


def test_tables_of_another_owner_are_a_privilege_that_lacks(server: Server, database: str) -> None:
    """A warehouse that an administrator has begun cannot be loaded by the loader, which says what to do."""
    server.warehouse(database).load_all([made_snapshot(3)])
    with pytest.raises(ConfigError, match="license-ledger roles"):
        _warehouse(server, _url(server, database)).require_writable()
    with pytest.raises(ConfigError, match="lacks a privilege"):
        _warehouse(server, _url(server, database)).load_all([made_snapshot(3, snapshot_id="s2")])


def test_a_reader_that_does_not_exist_is_said(server: Server, database: str) -> None:
    """A misspelt reader is ConfigError, and no table has been made."""
    warehouse = _warehouse(server, _url(server, database, reader="absent_reader"))
    with pytest.raises(ConfigError, match="there is no role absent_reader"):
        warehouse.load_all([made_snapshot(1)])
    assert (
        asked(server.url(database), "SELECT tablename FROM pg_tables WHERE schemaname = 'license_ledger'")
        == []
    )


def test_the_command_prints_the_statements(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are options; the schema is that of the setting, whose password is not printed."""
    secret = "s3cret"  # pragma: allowlist secret
    monkeypatch.setenv("LICENSE_LEDGER_WAREHOUSE", f"postgresql://a:{secret}@db.example/x?schema=hr")
    assert main(["roles", "--loader", "l1", "--reader", "r1"]) == 0
    assert capsys.readouterr().out.strip() == roles("hr", "l1", "r1").strip()
    assert main(["settings"]) == 0
    assert secret not in capsys.readouterr().out
    assert main(["roles", "--loader", "l'; DROP TABLE x; --"]) == 1
    assert "option --loader" in capsys.readouterr().err
