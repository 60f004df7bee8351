"""Ids of users, tombstones and pseudonyms."""

from __future__ import annotations

import hmac
import string

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_org.world.ids import is_valid
from license_ledger.errors import ConfigError
from license_ledger.privacy.identifiers import (
    PSEUDONYM_HEAD,
    TOMBSTONE_HEAD,
    full_id,
    is_synthetic,
    new_tombstone,
    pseudonym,
    pseudonym_column,
    pseudonyms,
    record_pseudonyms,
)

KEY = b"k" * 32
ids = st.from_regex(r"005[0-9A-Za-z]{12}", fullmatch=True).map(full_id)


@given(ids)
def test_both_lengths_are_one_user(user_id: str) -> None:
    """Fifteen characters give the eighteen that an independent implementation finds valid."""
    assert is_valid(user_id)
    assert full_id(user_id) == full_id(user_id[:15]) == full_id(f"  {user_id}\n") == user_id


@pytest.mark.parametrize(
    "wrong", ["", "005", "001A0000000001", "005A0000000001AAAZ", "005A00000000001ZZZ", "ann@acme.com"]
)
def test_what_is_no_user_id_is_refused(wrong: str) -> None:
    """Another object's id, a wrong length, a wrong check: the message does not repeat it."""
    with pytest.raises(ConfigError) as raised:
        full_id(wrong)

    assert len(wrong) < 4 or wrong not in str(raised.value)


def test_tombstones_are_valid_ids_and_never_the_same() -> None:
    """Random, of the form of an id, and to be told from anybody's."""
    found = {new_tombstone() for _ in range(200)}

    assert len(found) == 200
    assert all(is_valid(each) and each.startswith(TOMBSTONE_HEAD) for each in found)


@given(st.lists(ids, unique=True, min_size=1, max_size=30))
def test_pseudonyms_follow_from_key_and_user(user_ids: list[str]) -> None:
    """The same for the same, different for others, valid ids, and nothing of the user's own id."""
    found = pseudonyms(KEY, user_ids)

    assert found == {each: pseudonym(KEY, each) for each in user_ids}
    assert len(set(found.values())) == len(user_ids)
    assert all(is_valid(each) and each.startswith(PSEUDONYM_HEAD) for each in found.values())
    assert all(pseudonym(b"q" * 32, each) != found[each] for each in user_ids)


def test_a_pseudonym_never_changes() -> None:
    """History depends on it: the value for a fixed key and user is part of the contract."""
    assert pseudonym(KEY, "005A0000000001hIAA") == "005zyRCClenyZihAHE"


@given(ids)
def test_the_ledgers_own_ids_are_told_from_real_ones(user_id: str) -> None:
    """By how they begin; null stays null."""
    column = pa.array([new_tombstone(), pseudonym(KEY, user_id), None, "005A0000000001hIAA"])

    assert is_synthetic(column).to_pylist() == [True, True, None, False]


@given(st.lists(ids, unique=True, max_size=30))
def test_pseudonyms_are_the_keyed_hash_of_the_standard_library(user_ids: list[str]) -> None:
    """The low digits to base 62 of the first 16 bytes of HMAC-SHA-256, worked out number by number."""
    expected = []
    for user_id in user_ids:
        digest = hmac.digest(KEY, b"license-ledger user pseudonym, version 1\0" + user_id.encode(), "sha256")
        number, digits = int.from_bytes(digest[:16]), ""
        for _ in range(10):
            number, digit = divmod(number, 62)
            digits += (string.digits + string.ascii_uppercase + string.ascii_lowercase)[digit]
        expected.append(full_id(PSEUDONYM_HEAD + digits))

    assert pseudonym_column(KEY, pa.array(user_ids, pa.string())).to_pylist() == expected


@given(st.lists(st.none() | st.text(min_size=1, max_size=18), max_size=30))
def test_ids_of_records_are_replaced_by_their_hash(record_ids: list[str | None]) -> None:
    """Equal for equal ids and no others, of 18 hexadecimal digits; null stays null."""
    found = record_pseudonyms(KEY, pa.array(record_ids, pa.string())).to_pylist()

    assert [one is None for one in found] == [one is None for one in record_ids]
    assert len(set(found)) == len(set(record_ids))
    for one, record_id in zip(found, record_ids, strict=True):
        if record_id is not None:
            message = b"license-ledger record pseudonym, version 1\0" + record_id.encode()
            assert one == hmac.digest(KEY, message, "sha256").hex()[:18]
