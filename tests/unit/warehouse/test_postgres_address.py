"""What a warehouse's URL may be, what is shown of it, and which database it names."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import OperationalError
from psycopg.errors import lookup

from license_ledger.errors import (
    ConfigError,
    CorruptSnapshot,
    LedgerError,
    StoreBusy,
    WarehouseUnavailable,
)
from license_ledger.settings import Settings, without_password
from license_ledger.warehouse.embedded import DuckDBWarehouse
from license_ledger.warehouse.places import warehouse_at
from license_ledger.warehouse.postgres.address import Address
from license_ledger.warehouse.postgres.refusals import connecting, refusals
from license_ledger.warehouse.postgres.warehouse import PostgresWarehouse

ADDRESS = Address.parse("postgresql://ledger:s3cret@db.example/crm")  # pragma: allowlist secret


@pytest.mark.parametrize(
    ("url", "parameters", "schema", "reader", "name"),
    [
        (
            "postgresql://ledger:s3cret@db.example:6432/crm",  # pragma: allowlist secret
            {"user": "ledger", "password": "s3cret", "host": "db.example", "port": "6432", "dbname": "crm"},
            "license_ledger",
            "",
            "postgresql://db.example:6432/crm?schema=license_ledger",
        ),
        (
            "postgres:///crm?host=/run/pg&schema=hr&reader=bi&sslmode=verify-full&connect_timeout=3",
            {"host": "/run/pg", "dbname": "crm", "sslmode": "verify-full", "connect_timeout": "3"},
            "hr",
            "bi",
            "postgresql:///run/pg/crm?schema=hr",
        ),
        (
            "postgresql://a@h1:1,h2:2/crm?target_session_attrs=any",
            {"host": "h1,h2", "port": "1,2", "target_session_attrs": "any"},
            "license_ledger",
            "",
            "postgresql://h1,h2:1,2/crm?schema=license_ledger",
        ),
    ],
)
def test_a_url_is_taken_apart(
    url: str, parameters: dict[str, str], schema: str, reader: str, name: str
) -> None:
    """Libpq's parameters are passed on, ours are taken out, and what the URL leaves open has a default."""
    address = Address.parse(url)

    assert {key: address.parameters[key] for key in parameters} == parameters
    assert {"schema", "reader"}.isdisjoint(address.parameters)
    assert address.parameters.keys() >= {"connect_timeout", "target_session_attrs", "tcp_user_timeout"}
    assert (address.schema, address.reader, address.name) == (schema, reader, name)
    assert "s3cret" not in repr(address)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://a:pa/ss@h/d", "percent-encoded"),
        ("postgresql://a:pa?ss@h/d", "percent-encoded"),
        ("postgresql://a:p@ss@h/d", "percent-encoded"),
        ("postgresql://h/d?colour=red", "the parameter colour"),
        ("postgresql://h/d?p4ss-w0rd=x", "the parameter of another form"),
        ("postgresql://h/d?schema=", "a schema that is no name"),
        ("postgresql://h/d?reader=a%22b", "a reader that is no name"),
        (f"postgresql://h/d?schema={'x' * 64}", "a schema that is no name"),
        ("postgresql://h:x%/d", "no URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_being_repeated(url: str, said: str) -> None:
    """The error says what is wrong and how a URL looks, and has no part of this one in it."""
    with pytest.raises(ConfigError, match="setting warehouse") as caught:
        Address.parse(url)

    assert said in str(caught.value)
    for part in ("pa/ss", "pa?ss", "p@ss", "p4ss", "w0rd", "red"):
        assert part not in caught.value.got


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\0"), min_size=6))
def test_no_password_is_ever_shown(password: str) -> None:
    """Encoded, it reaches libpq as it is; raw, it is refused or it does as well; it is shown in no case."""
    secret = f"pw{password}pw"
    encoded = f"postgresql://ledger:{quote(secret, safe='')}@db.example/crm"
    address = Address.parse(encoded)

    assert address.parameters["password"] == secret
    assert secret not in f"{address!r}{address.name}{PostgresWarehouse(address)!r}"
    shown = without_password(encoded)
    assert quote(secret, safe="") not in shown
    assert Settings(warehouse=encoded).model_dump(mode="json")["warehouse"] == shown
    raw = f"postgresql://ledger:{secret}@db.example/crm"
    assert secret not in without_password(raw)
    try:
        told = Address.parse(raw).name
    except ConfigError as error:
        told = str(error)
    assert secret not in told


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("duckdb:///var/x.duckdb", DuckDBWarehouse),
        ("postgresql://h/d", PostgresWarehouse),
        ("postgres://h/d", PostgresWarehouse),
    ],
)
def test_a_setting_names_a_warehouse(url: str, kind: type) -> None:
    """The scheme says which; nothing is opened."""
    assert isinstance(warehouse_at(url), kind)


def test_a_connection_id_is_airflows_to_look_up() -> None:
    """Outside of Airflow the setting has to be a URL."""
    with pytest.raises(ConfigError, match="only a task of Airflow can look up"):
        warehouse_at("warehouse_default")


@pytest.mark.parametrize(
    ("message", "kind", "got"),
    [
        (
            'connection to server at "10.0.0.1", port 5432 failed: Connection refused',
            WarehouseUnavailable,
            "refused",
        ),
        (
            "could not translate host name: failed: Name or service not known",
            WarehouseUnavailable,
            "not known",
        ),
        (
            "failed: FATAL:  the database system is starting up",
            WarehouseUnavailable,
            "the database system is",
        ),
        ("failed: FATAL:  sorry, too many clients already", WarehouseUnavailable, "too many clients"),
        ("failed: session is read-only", WarehouseUnavailable, "read-only"),
        ("connection timeout expired", WarehouseUnavailable, "timeout"),
        ('failed: FATAL:  password authentication failed for user "ledger"', ConfigError, "password auth"),
        ("failed: fe_sendauth: no password supplied", ConfigError, "no password supplied"),
        ('failed: FATAL:  no pg_hba.conf entry for host "10.0.0.9"', ConfigError, "no pg_hba.conf entry"),
        ('failed: FATAL:  database "crm" does not exist', ConfigError, "does not exist"),
        ('failed: FATAL:  permission denied for database "crm"', ConfigError, "permission denied"),
        ("failed: root certificate file does not exist", ConfigError, "certificate"),
        ('failed: invalid password "s3cret" given', ConfigError, "***"),
    ],
)
def test_what_a_connection_is_refused_for(message: str, kind: type[LedgerError], got: str) -> None:
    """What passes is retried, what somebody has to mend is not; a password is never repeated."""
    with pytest.raises(kind) as caught, connecting(ADDRESS):
        raise OperationalError(message)

    assert got in str(caught.value)
    assert caught.value.remedy
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("57P01", WarehouseUnavailable),
        ("57P03", WarehouseUnavailable),
        ("57014", WarehouseUnavailable),
        ("53100", WarehouseUnavailable),
        ("53300", WarehouseUnavailable),
        ("08006", WarehouseUnavailable),
        ("58030", WarehouseUnavailable),
        ("25006", WarehouseUnavailable),
        ("55P03", StoreBusy),
        ("40P01", StoreBusy),
        ("40001", StoreBusy),
        ("42501", ConfigError),
        ("42P01", ConfigError),
        ("22021", CorruptSnapshot),
        ("23505", CorruptSnapshot),
        ("23502", CorruptSnapshot),
    ],
)
def test_what_a_statement_is_refused_for(state: str, kind: type[LedgerError]) -> None:
    """Every class of SQLSTATE has its place in the tree; the server's words, which may quote rows, do not."""
    with pytest.raises(kind) as caught, refusals(ADDRESS):
        raise lookup(state)("Key (email)=(anna@acme.com) already exists")

    assert "anna" not in str(caught.value)
    assert caught.value.remedy
    assert caught.value.__suppress_context__
