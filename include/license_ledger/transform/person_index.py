"""
Everybody's attributes by user id, in ten bytes a person. May import persons, record_keys and landed only.

Assignments name their users in no order, so all users have to be at hand at once; at ten million of them that
has to fit beside everything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from license_ledger.transform.landed import whole
from license_ledger.transform.persons import Persons
from license_ledger.transform.record_keys import RecordKeys

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


class _Growing:
    """Numbers that come in parts, in one array that grows in place: parts and whole together take twice."""

    def __init__(self, kind: np.dtype[Any]) -> None:
        self._room: npt.NDArray[Any] = np.empty(0, kind)
        self._size = 0

    def append(self, part: npt.NDArray[Any]) -> None:
        """Add a part at the end."""
        end = self._size + len(part)
        if end > len(self._room):
            # The memory of a large array is remapped, not copied; nobody else has seen it yet.
            self._room.resize(end + end // 8, refcheck=False)
        self._room[self._size : end] = part
        self._size = end

    def whole(self) -> npt.NDArray[Any]:
        """Everything; nothing is to be added afterwards."""
        self._room.resize(self._size, refcheck=False)
        return self._room


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
        self._ids = RecordKeys()
        keys, attributes = _Growing(np.dtype(np.uint64)), _Growing(np.dtype(np.uint16))
        for people in batches:
            keys.append(self._ids.learn(whole(people["user_id"])))
            attributes.append(Persons.of(people).packed())
        self._sorted, self._packed = keys.whole(), attributes.whole()
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
        wanted, is_possible = self._ids.find(user_ids)
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
