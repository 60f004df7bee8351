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

import numpy as np
import numpy.typing as npt
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
_DIGIT_BYTES = np.frombuffer(_DIGITS.encode(), np.uint8)
_CHECKSUM_BYTES = np.frombuffer(_CHECKSUM.encode(), np.uint8)
_HEX_BYTES = np.frombuffer(b"0123456789abcdef", np.uint8)
_USERS = b"license-ledger user pseudonym, version 1\0"
_RECORDS = b"license-ledger record pseudonym, version 1\0"
"""They keep these pseudonyms apart from whatever else somebody makes with the same key."""


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
    ids = list(user_ids)
    return dict(zip(ids, pseudonym_column(key, pa.array(ids, pa.string())).to_pylist(), strict=True))


def pseudonym_column(key: bytes, user_ids: pa.Array) -> pa.Array:
    """
    The pseudonyms of a column of users, see :func:`pseudonyms`.

    Args:
        key: the secret.
        user_ids: 18 characters each; without nulls.
    """
    count = _LENGTH - len(PSEUDONYM_HEAD)
    numbers = _remainders(_digests(key, _USERS, user_ids), 62**count)
    made = np.empty((len(user_ids), _LENGTH + 3), np.uint8)
    made[:, : len(PSEUDONYM_HEAD)] = np.frombuffer(PSEUDONYM_HEAD.encode(), np.uint8)
    for place in range(len(PSEUDONYM_HEAD), _LENGTH):
        numbers, digits = np.divmod(numbers, np.uint64(62))
        made[:, place] = _DIGIT_BYTES[digits]
    is_upper = (made[:, :_LENGTH] >= ord("A")) & (made[:, :_LENGTH] <= ord("Z"))
    made[:, _LENGTH:] = _CHECKSUM_BYTES[is_upper.reshape(-1, 3, 5) @ (1 << np.arange(5))]
    return _texts(made)


def record_pseudonyms(key: bytes, record_ids: pa.Array) -> pa.Array:
    """
    What takes the place of ids of records that belong to one user each, such as assignments.

    Args:
        key: the secret.
        record_ids: null stays null.

    Returns:
        Hexadecimal texts of 18 characters: equal for equal ids, and no id of Salesforce's.
    """
    known = record_ids.drop_null()
    digests = np.frombuffer(b"".join(_digests(key, _RECORDS, known)), np.uint8).reshape(len(known), 32)
    halves = np.stack([digests[:, :9] >> 4, digests[:, :9] & 15], axis=2).reshape(len(known), 18)
    made = _texts(_HEX_BYTES[halves])
    is_known = record_ids.is_valid().to_numpy(zero_copy_only=False)
    return made.take(pa.array(np.cumsum(is_known) - 1, pa.int64(), mask=~is_known))


def _digests(key: bytes, domain: bytes, ids: pa.Array) -> list[bytes]:
    """HMAC-SHA-256 of every id. No library has a keyed hash for whole columns: a microsecond each."""
    keyed, found = hmac.new(key, domain, hashlib.sha256), []
    for each in ids.to_pylist():
        one = keyed.copy()
        one.update(each.encode())
        found.append(one.digest())
    return found


def _remainders(digests: list[bytes], divisor: int) -> npt.NDArray[np.uint64]:
    """The first 16 bytes of each digest as a number, and what is left of it; sixteen divisors fit 64 bits."""
    octets = np.frombuffer(b"".join(digests), np.uint8).reshape(len(digests), 32)[:, :16]
    found = np.zeros(len(digests), np.uint64)
    for place in range(16):
        for half in (octets[:, place] >> 4, octets[:, place] & 15):
            found = (found * np.uint64(16) + half) % np.uint64(divisor)
    return found


def _texts(characters: npt.NDArray[np.uint8]) -> pa.Array:
    """Rows of ASCII characters as texts."""
    rows, width = characters.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(characters))]
    return pa.Array.from_buffers(pa.string(), rows, buffers)


def is_synthetic(user_ids: pa.Array) -> pa.Array:
    """Whether each id is one of the ledger's own, a tombstone or a pseudonym; null stays null."""
    return pc.or_(pc.starts_with(user_ids, TOMBSTONE_HEAD), pc.starts_with(user_ids, PSEUDONYM_HEAD))


def _with_checksum(id15: str) -> str:
    groups = (id15[at : at + 5] for at in range(0, _LENGTH, 5))
    return id15 + "".join(
        _CHECKSUM[sum(1 << place for place, character in enumerate(group) if character.isupper())]
        for group in groups
    )
