"""
Everybody's attributes by user id, in ten bytes a person. May import errors, persons and landed only.

Assignments name their users in no order, so all users have to be at hand at once; at ten million of them that
has to fit beside everything else. A record id is unique by its first 15 characters, the last nine of which
count in base 62 (54 bits); the few different beginnings of an org's ids are numbered. Both together make one
exact 64-bit key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from license_ledger.errors import CorruptAnswer
from license_ledger.transform.landed import whole
from license_ledger.transform.persons import Persons

PERSON_COLUMNS = (
    "user_id",
    "is_active",
    "is_frozen",
    "activity_band",
    "account_class",
    "in_scope",
    "holder_cause",
    "certainty",
)
"""The columns of conformed users that the index reads."""

_Keys = npt.NDArray[np.uint64]

_WIDTH, _HEAD, _TAIL = 18, 6, 15
_DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SPAN = 62 ** (_TAIL - _HEAD)
_MOST_HEADS = 2**64 // _SPAN
_NO_DIGIT = np.uint64(255)
_VALUES = np.full(256, _NO_DIGIT, np.uint64)
_VALUES[np.frombuffer(_DIGITS, np.uint8)] = np.arange(len(_DIGITS), dtype=np.uint64)


class PersonIndex:
    """
    Finds people by user id.

    Args:
        batches: rows of :func:`license_ledger.transform.conform.people`, of which :data:`PERSON_COLUMNS` are
            read; each user once.

    Raises:
        CorruptAnswer: a user id is not one of 18 characters.
    """

    def __init__(self, batches: Iterable[pa.Table]) -> None:
        self._heads: _Keys = np.empty(0, np.uint64)
        self._numbers: dict[int, int] = {}
        keys: list[_Keys] = []
        attributes: list[npt.NDArray[np.uint16]] = []
        for people in batches:
            heads, tails = _split(whole(people["user_id"]))
            self._learn(heads)
            keys.append(self._keys(heads, tails)[0])
            attributes.append(Persons.of(people).packed())
        self._sorted = np.concatenate([np.empty(0, np.uint64), *keys])
        keys.clear()
        self._packed = np.concatenate([np.empty(0, np.uint16), *attributes])
        attributes.clear()
        # Salesforce mostly answers by id; then a third of the memory and of the time is never needed.
        if (self._sorted[1:] < self._sorted[:-1]).any():
            order = np.argsort(self._sorted)
            self._packed = self._packed[order]
            self._sorted = self._sorted[order]

    def __len__(self) -> int:
        return len(self._sorted)

    def find(self, user_ids: pa.Array) -> npt.NDArray[np.int64]:
        """
        Find users.

        Args:
            user_ids: string array of 18-character ids, without nulls.

        Returns:
            One position per id, for :meth:`persons`; -1 for a user who is not in the index.

        Raises:
            CorruptAnswer: an id is not one of 18 characters.
        """
        if not len(self):
            return np.full(len(user_ids), -1, np.int64)
        wanted, is_possible = self._keys(*_split(user_ids))
        # Looked up in order, neighbors share the cache: half the time at a million people.
        order = np.argsort(wanted)
        positions = np.empty(len(wanted), np.int64)
        positions[order] = np.searchsorted(self._sorted, wanted[order])
        np.minimum(positions, len(self) - 1, out=positions)
        is_found = is_possible & (self._sorted[positions] == wanted)
        return np.where(is_found, positions, -1)

    def persons(self, positions: npt.NDArray[np.int64]) -> Persons:
        """The attributes of the people at positions that :meth:`find` gave, none of them -1."""
        return Persons.unpacked(self._packed[positions])

    def _learn(self, heads: _Keys) -> None:
        if len(self._heads) == 1 and (heads == self._heads[0]).all():
            return
        for head in np.setdiff1d(heads, self._heads):
            self._numbers[int(head)] = len(self._numbers)
        if len(self._numbers) > _MOST_HEADS:
            raise CorruptAnswer("user ids", "begin in too many different ways to be ids of one org")
        self._heads = np.array(sorted(self._numbers), np.uint64)

    def _keys(self, heads: _Keys, tails: _Keys) -> tuple[_Keys, npt.NDArray[np.bool_]]:
        """Keys, and whether the beginning of the id is known at all: without it the key means nothing."""
        numbers = np.array([self._numbers[int(head)] for head in self._heads], np.uint64)
        places = np.minimum(np.searchsorted(self._heads, heads), max(len(self._heads) - 1, 0))
        if not len(heads):
            return tails, np.ones(0, np.bool_)
        return numbers[places] * np.uint64(_SPAN) + tails, self._heads[places] == heads


def _split(user_ids: pa.Array) -> tuple[_Keys, _Keys]:
    """The two parts of each id as numbers: the six characters of its beginning, the nine that count."""
    characters = _characters(user_ids)
    heads = np.zeros(len(characters), np.uint64)
    for place in range(_HEAD):
        heads = (heads << np.uint64(8)) | characters[:, place]
    tails = np.zeros(len(characters), np.uint64)
    is_wrong = np.zeros(len(characters), np.bool_)
    for place in range(_HEAD, _TAIL):
        digits = _VALUES[characters[:, place]]
        is_wrong |= digits == _NO_DIGIT
        tails = tails * np.uint64(62) + digits
    if is_wrong.any():
        raise _not_ids(int(is_wrong.sum()))
    return heads, tails


def _characters(user_ids: pa.Array) -> npt.NDArray[np.uint8]:
    rows = len(user_ids)
    if not rows:
        return np.empty((0, _WIDTH), np.uint8)
    _, offsets, text = user_ids.buffers()
    bounds = np.frombuffer(offsets, np.int32)[user_ids.offset : user_ids.offset + rows + 1]
    is_wrong = np.diff(bounds) != _WIDTH
    if is_wrong.any():
        raise _not_ids(int(is_wrong.sum()))
    flat: npt.NDArray[Any] = np.frombuffer(text, np.uint8, count=rows * _WIDTH, offset=int(bounds[0]))
    return flat.reshape(rows, _WIDTH)


def _not_ids(rows: int) -> CorruptAnswer:
    return CorruptAnswer("user ids", f"{rows} are not ids of 18 characters", "extract the object again")
