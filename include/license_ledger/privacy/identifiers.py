"""
Ids of users: in both lengths, of tombstones, and of pseudonyms. May import errors only.

A record id has 15 characters that count and three that follow from them (Object Reference, "ID Field Type").
Characters four to six name the pod that made the record. Tombstones and pseudonyms have pods of their own,
which no org has, so that neither can be the id of anybody, and each shows what it is.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.errors import ConfigError

USER_PREFIX = "005"
TOMBSTONE_HEAD = "005zzz"
"""What the id of an erased person begins with."""
PSEUDONYM_HEAD = "005zy"
"""What the pseudonym of a person out of scope begins with; ten characters that follow are the person's."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_LENGTH = 15
_USER_ID = re.compile(rf"{USER_PREFIX}[0-9A-Za-z]{{12}}(?:[A-Z0-5]{{3}})?")
_DOMAIN = b"license-ledger user pseudonym, version 1\0"
"""Keeps these pseudonyms apart from whatever else somebody makes with the same key."""


def full_id(user_id: str) -> str:
    """
    The 18-character form of a user id of 15 or 18 characters.

    Raises:
        ConfigError: it is not the id of a user; the id is not repeated.
    """
    text = user_id.strip()
    if not _USER_ID.fullmatch(text) or (len(text) > _LENGTH and _with_checksum(text[:_LENGTH]) != text):
        raise ConfigError(
            "user id",
            "is not the id of a Salesforce user",
            f"give the 15 or 18 characters that begin with {USER_PREFIX}, in their upper and lower case",
        )
    return _with_checksum(text[:_LENGTH])


def new_tombstone() -> str:
    """A random id that stands for an erased person; nothing leads back from it."""
    count = _LENGTH - len(TOMBSTONE_HEAD)
    return _with_checksum(TOMBSTONE_HEAD + "".join(secrets.choice(_DIGITS) for _ in range(count)))


def pseudonym(key: bytes, user_id: str) -> str:
    """
    The pseudonym of a user: the same for the same key and user, on whatever day.

    Args:
        key: the secret; whoever has it can find out whose pseudonym an id is, and nobody else.
        user_id: 18 characters.
    """
    return pseudonyms(key, [user_id])[user_id]


def pseudonyms(key: bytes, user_ids: Iterable[str]) -> dict[str, str]:
    """
    The pseudonyms of many users.

    Args:
        key: the secret.
        user_ids: 18 characters each, distinct.

    Returns:
        Pseudonym by user id.
    """
    keyed = hmac.new(key, _DOMAIN, hashlib.sha256)
    found = {}
    for user_id in user_ids:  # no library has a keyed hash for whole columns
        one = keyed.copy()
        one.update(user_id.encode())
        number = int.from_bytes(one.digest()[:16])
        characters = []
        for _ in range(_LENGTH - len(PSEUDONYM_HEAD)):
            number, digit = divmod(number, 62)
            characters.append(_DIGITS[digit])
        found[user_id] = _with_checksum(PSEUDONYM_HEAD + "".join(characters))
    return found


def is_synthetic(user_ids: pa.Array) -> pa.Array:
    """Whether each id is one of the ledger's own, a tombstone or a pseudonym; null stays null."""
    return pc.or_(pc.starts_with(user_ids, TOMBSTONE_HEAD), pc.starts_with(user_ids, PSEUDONYM_HEAD))


def _with_checksum(id15: str) -> str:
    groups = (id15[at : at + 5] for at in range(0, _LENGTH, 5))
    return id15 + "".join(
        _CHECKSUM[sum(1 << place for place, character in enumerate(group) if character.isupper())]
        for group in groups
    )
