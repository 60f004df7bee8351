"""Assignments of today, looked up by user and license. May import transform."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.history.vocabulary import Vocabulary
from license_ledger.schemas import TIMESTAMP
from license_ledger.transform.landed import field, flags

Ints = npt.NDArray[np.int64]

ASSIGNMENTS = {
    "permission_set": ("PermissionSetLicenseAssign", "AssigneeId", "PermissionSetLicenseId"),
    "package": ("UserPackageLicense", "UserId", "PackageLicenseId"),
}
"""Layer to the object that lists its seats, and the fields that name user and license."""

_TEXT = pa.string()


@dataclass(frozen=True)
class Held:
    """
    Seats that some users hold today.

    Attributes:
        chain: number of user and license, ascending, each once.
        created: when it was assigned, in microseconds since 1970; 0 when that is not told.
    """

    chain: Ints
    created: Ints

    def since(self, chain: Ints) -> Ints:
        """When each chain's seat was assigned; -1 for one that is not held today."""
        if not len(self.chain):
            return np.full(len(chain), -1, np.int64)
        places = np.minimum(np.searchsorted(self.chain, chain), len(self.chain) - 1)
        return np.where(self.chain[places] == chain, self.created[places], -1)


def held_by(
    users: pa.Array, vocabulary: Vocabulary, assignments: Iterable[tuple[str, Iterable[pa.RecordBatch]]]
) -> Held:
    """
    Find what some users hold today.

    Args:
        users: their ids; the number of a chain is place times the width of the vocabulary plus attribute.
        vocabulary: of the org.
        assignments: landed assignments by layer.
    """
    chains, created = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for layer, batches in assignments:
        _, user, license_ = ASSIGNMENTS[layer]
        for batch in batches:
            who = pc.index_in(field(batch, user, _TEXT), value_set=users)
            what = pc.index_in(
                field(batch, license_, _TEXT), value_set=pa.array(vocabulary.licenses[layer], _TEXT)
            )
            rows = pa.array(np.flatnonzero(flags(pc.and_(who.is_valid(), what.is_valid()))))
            people = who.take(rows).to_numpy().astype(np.int64)
            attributes = what.take(rows).to_numpy() + vocabulary.first(layer)
            chains.append(people * vocabulary.width + attributes)
            created.append(microseconds_or_zero(field(batch, "CreatedDate", TIMESTAMP).take(rows)))
    chain, time = np.concatenate(chains), np.concatenate(created)
    order = np.lexsort((time, chain))
    chain, time = chain[order], time[order]
    # Of an assignment that was read twice the newest counts.
    last = np.append(chain[1:] != chain[:-1], [True])[: len(chain)]
    return Held(chain[last], time[last])


def microseconds_or_zero(instants: pa.Array) -> Ints:
    """Timestamps as microseconds since 1970; null becomes 0."""
    result: Ints = instants.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return result
