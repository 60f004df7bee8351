"""
Record ids as 64-bit numbers. May import errors and landed only.

A record id is unique by its first 15 characters, the last nine of which count in base 62 (54 bits); the few
different beginnings of an org's ids are numbered. Both together make one exact 64-bit key.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from license_ledger.errors import CorruptAnswer

Keys = npt.NDArray[np.uint64]

_WIDTH, _HEAD, _TAIL = 18, 6, 15
_DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SPAN = 62 ** (_TAIL - _HEAD)
_MOST_HEADS = 2**64 // _SPAN
_NO_DIGIT = np.uint64(255)
_VALUES = np.full(256, _NO_DIGIT, np.uint64)
_VALUES[np.frombuffer(_DIGITS, np.uint8)] = np.arange(len(_DIGITS), dtype=np.uint64)


class RecordKeys:
    """The keys of one org's records of one kind."""

    def __init__(self) -> None:
        self._heads: Keys = np.empty(0, np.uint64)
        self._numbers: dict[int, int] = {}

    def learn(self, ids: pa.Array) -> Keys:
        """
        Keys of ids, whatever they begin with.

        Args:
            ids: string array of 18-character ids, without nulls.

        Raises:
            CorruptAnswer: an id is not one of 18 characters, or they begin in too many ways.
        """
        heads, tails = _split(ids)
        if not (len(self._heads) == 1 and (heads == self._heads[0]).all()):
            for head in np.setdiff1d(heads, self._heads):
                self._numbers[int(head)] = len(self._numbers)
            if len(self._numbers) > _MOST_HEADS:
                raise CorruptAnswer("user ids", "begin in too many different ways to be ids of one org")
            self._heads = np.array(sorted(self._numbers), np.uint64)
        return self._keys(heads, tails)[0]

    def find(self, ids: pa.Array) -> tuple[Keys, npt.NDArray[np.bool_]]:
        """
        Keys of ids, and whether one that begins like that was learned: without it the key means nothing.

        Raises:
            CorruptAnswer: an id is not one of 18 characters.
        """
        return self._keys(*_split(ids))

    def _keys(self, heads: Keys, tails: Keys) -> tuple[Keys, npt.NDArray[np.bool_]]:
        if not len(heads) or not len(self._heads):
            return tails, np.zeros(len(heads), np.bool_)
        numbers = np.array([self._numbers[int(head)] for head in self._heads], np.uint64)
        places = np.minimum(np.searchsorted(self._heads, heads), len(self._heads) - 1)
        return numbers[places] * np.uint64(_SPAN) + tails, self._heads[places] == heads


class RecordSet:
    """
    A set of records, in eight bytes each.

    Args:
        ids: string array of 18-character ids, without nulls, in any order.

    Raises:
        CorruptAnswer: an id is not one of 18 characters.
    """

    def __init__(self, ids: pa.Array) -> None:
        self._ids = RecordKeys()
        self._sorted = np.sort(self._ids.learn(ids))

    def has(self, ids: pa.Array) -> npt.NDArray[np.bool_]:
        """
        Whether each of these is in it.

        Raises:
            CorruptAnswer: an id is not one of 18 characters.
        """
        keys, is_possible = self._ids.find(ids)
        if not len(self._sorted):
            return is_possible
        places = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
        result: npt.NDArray[np.bool_] = is_possible & (self._sorted[places] == keys)
        return result


def _split(user_ids: pa.Array) -> tuple[Keys, Keys]:
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
