"""
Everybody's attributes by user id, in ten bytes a person. May import persons, record_keys and landed only.

Assignments name their users in no order, so all users have to be at hand at once; at ten million of them that
has to fit beside everything else.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from license_ledger.transform.landed import whole
from license_ledger.transform.persons import Persons
from license_ledger.transform.record_keys import Keys, RecordKeys

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
        keys: list[Keys] = []
        attributes: list[npt.NDArray[np.uint16]] = []
        for people in batches:
            keys.append(self._ids.learn(whole(people["user_id"])))
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
