"""The token store: encrypted, masked, found by grant, and refused where it would be in clear."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from license_ledger.airflow.token_store import VariableTokenStore, variable_key
from license_ledger.errors import ConfigError
from license_ledger.salesforce.credentials import Credentials
from license_ledger.salesforce.tokens import Grant, Session, StoredToken

TYPED = "5Aep-typed-into-the-connection"
LIVE = "5Aep-rotated-and-alive"
ACCESS = "00Dxx0000001gPL!an.access.token"
CREDENTIALS = Credentials("https://login.salesforce.com", "3MVG9client", refresh_token=TYPED)


def stored(typed: str = TYPED) -> StoredToken:
    """A store that has rotated the typed token."""
    empty = StoredToken.empty("https://login.salesforce.com")
    mark = empty.fingerprint(CREDENTIALS.consumer_key, typed)
    session = Session(
        ACCESS, "https://acme.my.salesforce.com", "00Dxx0000001gPLEAY", "", datetime(2026, 9, 9, tzinfo=UTC)
    )
    known = empty.with_grant(mark, Grant(LIVE))
    return StoredToken(known.salt, known.login_url, known.grants, session, mark)


def test_what_is_written_is_read(variables: Any) -> None:
    """A store gives back exactly what was written, to any other reader of the same connection."""
    token = stored()
    VariableTokenStore("salesforce_default", CREDENTIALS).write(token)

    assert VariableTokenStore("salesforce_default", CREDENTIALS).read() == token


def test_an_empty_store_is_none(variables: Any) -> None:
    """Before the first refresh there is nothing."""
    assert VariableTokenStore("salesforce_default", CREDENTIALS).read() is None


def test_tokens_are_encrypted_at_rest(variables: Any) -> None:
    """No token is in the database's text, and the row says that it is encrypted."""
    from airflow.utils.session import create_session
    from sqlalchemy import text

    VariableTokenStore("salesforce_default", CREDENTIALS).write(stored())
    with create_session() as session:
        row = session.execute(text("select key, val, description, is_encrypted from variable")).one()

    assert row.key == "salesforce__salesforce_default__refresh_token"
    assert row.is_encrypted
    assert row.val.startswith("gAAAA")
    assert not any(token in " ".join(map(str, row)) for token in (LIVE, ACCESS, TYPED))


def test_tokens_are_masked_in_logs(variables: Any) -> None:
    """Whoever has read the store cannot log a token any more."""
    from airflow.sdk._shared.secrets_masker import redact

    VariableTokenStore("salesforce_default", CREDENTIALS).write(stored())
    VariableTokenStore("salesforce_default", CREDENTIALS).read()
    line = io.StringIO()
    print(redact(f"tokens {LIVE} and {ACCESS}"), file=line)

    assert line.getvalue() == "tokens *** and ***\n"


@pytest.mark.parametrize("call", ["read", "write"])
def test_without_encryption_the_store_refuses(
    variables: Any, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty Fernet key, with which Airflow would keep tokens in clear, is refused."""
    store = VariableTokenStore("salesforce_default", CREDENTIALS)
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "")

    with pytest.raises(ConfigError, match="fernet_key is empty"):
        store.read() if call == "read" else store.write(stored())


@pytest.mark.parametrize("connection_id", [None, "renamed"])
def test_the_store_is_found_by_grant(variables: Any, connection_id: str | None) -> None:
    """A connection under test, or renamed, finds the rotated token that was stored under the old name."""
    token = stored()
    VariableTokenStore("salesforce_default", CREDENTIALS).write(token)
    store = VariableTokenStore(connection_id, CREDENTIALS)

    assert store.read() == token
    assert store.key == variable_key("salesforce_default")


def test_a_tested_grant_is_found_by_its_connection(variables: Any) -> None:
    """What a test of an unsaved connection rotated is found once the connection has an id."""
    token = stored()
    VariableTokenStore(None, CREDENTIALS).write(token)

    assert VariableTokenStore("salesforce_default", CREDENTIALS).read() == token


def test_another_grant_has_another_store(variables: Any) -> None:
    """Two connections with different tokens never see each other's."""
    VariableTokenStore("salesforce_default", CREDENTIALS).write(stored())
    other = Credentials("https://login.salesforce.com", "3MVG9client", refresh_token="5Aep-another")

    assert VariableTokenStore("emea", other).read() is None


@pytest.mark.parametrize("text", ["{}", "not json", json.dumps({"salt": 1}), "[]"])
def test_a_variable_that_is_no_store_is_named(variables: Any, text: str) -> None:
    """A variable that somebody edited is an error that names it and repeats nothing of it."""
    variables.set(variable_key("salesforce_default"), text)

    with pytest.raises(ConfigError, match="salesforce__salesforce_default__refresh_token"):
        VariableTokenStore("salesforce_default", CREDENTIALS).read()


def test_a_hidden_variable_is_noticed(variables: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment variable that hides what is written is an error, not a lost token."""
    key = variable_key("salesforce_default")
    monkeypatch.setenv(f"AIRFLOW_VAR_{key.upper()}", json.dumps(stored().to_dict()))

    with pytest.raises(ConfigError, match="AIRFLOW_VAR_SALESFORCE__SALESFORCE_DEFAULT__REFRESH_TOKEN"):
        VariableTokenStore("salesforce_default", CREDENTIALS).write(stored())


def test_where_variables_cannot_be_reached_nothing_is_tried(
    variables: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection test on a worker cannot reach the store and must not use a token that may be rotated."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")

    with pytest.raises(ConfigError, match="cannot be reached"):
        VariableTokenStore("salesforce_default", CREDENTIALS).read()
