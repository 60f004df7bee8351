"""What is remembered of grants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger.salesforce.credentials import Credentials
from license_ledger.salesforce.tokens import Grant, Holding, Session, StoredToken, case_safe_id

SESSION = Session(
    "00D!access",
    "https://acme.my.salesforce.com",
    "00Dx0000000BV7zEAG",
    "005x00000012Q9PAAU",
    datetime(2026, 11, 24, 6, tzinfo=UTC),
)


def connection(first: str = "first", standby: str | None = None, **changes: Any) -> Credentials:
    credentials = Credentials(
        "https://login.salesforce.com", "key", "secret", refresh_token=first, standby_refresh_token=standby
    )
    return replace(credentials, **changes)


def rotated(first: str = "first", standby: str | None = None) -> StoredToken:
    """A store whose first grant has been refreshed once, with rotation."""
    return Holding.of(connection(first, standby), None).with_grant(Grant("rotated"), SESSION).stored


def test_a_store_survives_json() -> None:
    """What is written is read back the same, with the inner names that the masker knows."""
    stored = rotated()
    values = stored.to_dict()

    assert StoredToken.from_dict(values) == stored
    assert {"access_token"} <= values["session"].keys()
    assert all("refresh_token" in grant for grant in values["grants"].values())
    assert StoredToken.from_dict(replace(stored, session=None).to_dict()).session is None


@pytest.mark.parametrize(
    "values", [{}, {"salt": 1}, {"salt": "s", "login_url": "u", "grants": {"a": {"x": 1}}}, {"grants": 3}]
)
def test_a_foreign_store_is_refused_without_being_shown(values: dict[str, Any]) -> None:
    """Values that are no token store are an error that repeats none of them."""
    with pytest.raises(ValueError, match="not the values of a token store") as caught:
        StoredToken.from_dict(values)

    assert caught.value.__cause__ is None


def test_no_token_is_in_a_representation() -> None:
    """Neither stored tokens nor sessions show a secret."""
    shown = repr(rotated("first", "spare"))

    for secret in ("rotated", "spare", "00D!access"):
        assert secret not in shown


def test_the_store_does_not_hold_the_token_that_was_typed() -> None:
    """After a rotation only a salted fingerprint of the connection's token is left."""
    one, other = rotated(), rotated()

    assert "'first'" not in str(one.to_dict())
    assert set(one.grants) != set(other.grants)


def test_the_rotated_token_is_used_and_not_the_typed_one() -> None:
    """While the connection is unchanged the store's token and session are the live ones."""
    holding = Holding.of(connection(), rotated())

    assert holding.grant.refresh_token == "rotated"
    assert holding.stored.session == SESSION


def test_a_new_token_in_the_connection_wins_over_the_store() -> None:
    """A token that was typed anew is a new grant, and the old session is not used with it."""
    holding = Holding.of(connection("second"), rotated())

    assert holding.grant.refresh_token == "second"
    assert holding.stored.session is None


def test_another_client_is_another_grant() -> None:
    """The same text for another app is not taken for the rotated grant of this one."""
    holding = Holding.of(connection(consumer_key="other"), rotated())

    assert holding.grant.refresh_token == "first"
    assert holding.stored.session is None


def test_another_login_host_gets_no_old_session_but_the_live_token() -> None:
    """A changed login URL drops the session; the rotated token stays, for its ancestor is dead."""
    holding = Holding.of(connection(login_url="https://acme.my.salesforce.com"), rotated())

    assert holding.grant.refresh_token == "rotated"
    assert holding.stored.session is None
    assert holding.stored.login_url == "https://acme.my.salesforce.com"


def test_going_back_to_an_earlier_token_finds_its_live_form() -> None:
    """Typing the old token again, after another one was tried, continues the old grant."""
    tried = Holding.of(connection("second"), rotated()).with_grant(Grant("second-live"), SESSION)
    holding = Holding.of(connection("first"), tried.stored)

    assert holding.grant.refresh_token == "rotated"


def test_the_standby_is_not_used_while_the_first_lives() -> None:
    """The first grant is in use as long as it is not known to be lost."""
    holding = Holding.of(connection("first", "spare"), rotated("first", "spare"))

    assert not holding.on_standby
    assert holding.grant.refresh_token == "rotated"


def test_the_standby_takes_over_when_the_first_is_lost() -> None:
    """A lost first grant brings in the standby, and only its own session counts."""
    stored = rotated("first", "spare")
    lost = stored.with_grant(
        Holding.of(connection("first", "spare"), stored).first, Grant("rotated", lost_since="x")
    )
    holding = Holding.of(connection("first", "spare"), lost)

    assert holding.on_standby
    assert holding.grant.refresh_token == "spare"
    assert holding.stored.session is None


def test_without_a_standby_a_lost_grant_is_tried_all_the_same() -> None:
    """There is nothing else to try, and nobody has to clear a store by hand."""
    stored = rotated()
    lost = stored.with_grant(Holding.of(connection(), stored).first, Grant("rotated", lost_since="x"))

    assert Holding.of(connection(), lost).grant.refresh_token == "rotated"


def test_a_standby_that_becomes_the_first_keeps_its_live_token() -> None:
    """Moving the standby token into the first field continues the standby's grant."""
    stored = rotated("first", "spare")
    lost = stored.with_grant(
        Holding.of(connection("first", "spare"), stored).first, Grant("rotated", lost_since="x")
    )
    taken = Holding.of(connection("first", "spare"), lost).with_grant(Grant("spare-live"), SESSION).stored

    assert Holding.of(connection("spare"), taken).grant.refresh_token == "spare-live"


def test_a_new_first_token_ends_the_time_of_the_standby() -> None:
    """After a new authorization the first grant is in use again, and the standby's live token is kept."""
    stored = rotated("first", "spare")
    lost = stored.with_grant(
        Holding.of(connection("first", "spare"), stored).first, Grant("rotated", lost_since="x")
    )
    taken = Holding.of(connection("first", "spare"), lost).with_grant(Grant("spare-live"), SESSION).stored
    holding = Holding.of(connection("third", "spare"), taken)

    assert not holding.on_standby
    assert holding.grant.refresh_token == "third"
    assert holding.stored.grants[str(holding.standby)].refresh_token == "spare-live"


def test_a_standby_outlives_many_new_first_tokens() -> None:
    """The standby's live token is kept however often the first grant is authorized again."""
    first = Holding.of(connection("first", "spare"), rotated("first", "spare"))
    stored = first.stored.with_grant(str(first.standby), Grant("spare-live"))
    for number in range(20):
        stored = Holding.of(connection(f"token{number}", "spare"), stored).stored
    holding = Holding.of(connection("last", "spare"), StoredToken.from_dict(stored.to_dict()))

    assert holding.stored.grants[str(holding.standby)].refresh_token == "spare-live"


def test_the_store_does_not_grow_for_ever() -> None:
    """Grants of many connections that came and went are forgotten, the latest are kept."""
    stored = rotated()
    for number in range(20):
        stored = Holding.of(connection(f"token{number}"), stored).stored

    assert len(stored.grants) <= 6
    assert Holding.of(connection("token19"), stored).first in stored.grants


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("00Dx0000000BV7z", "00Dx0000000BV7zEAG"),
        ("005x00000012Q9P", "005x00000012Q9PAAU"),
        ("001000000000000", "001000000000000AAA"),
        ("00Dx0000000BV7zEAG", "00Dx0000000BV7zEAG"),
    ],
)
def test_ids_get_their_case_safe_form(short: str, long: str) -> None:
    """Known pairs of short and long ids."""
    assert case_safe_id(short) == long


@given(st.text(st.sampled_from("0123456789ABCxyz"), min_size=15, max_size=15))
def test_ids_that_differ_in_case_differ_in_their_suffix(record_id: str) -> None:
    """Property: the long form is unique even where case is ignored."""
    other = record_id.swapcase()

    assert (case_safe_id(record_id).lower() == case_safe_id(other).lower()) == (record_id == other)


@pytest.mark.parametrize("text", ["", "00D", "00Dx0000000BV7z!", "00Dx0000000BV7\u00e9", "x" * 17])
def test_what_is_no_id_is_refused(text: str) -> None:
    """Wrong lengths and characters are no ids."""
    with pytest.raises(ValueError, match="record id"):
        case_safe_id(text)
