"""
What a holding needs to know of its holder, in a few bits per person. May import schemas, scope and landed
only.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.schemas import ACCOUNT_CLASSES, ACTIVITY_BANDS, CERTAINTIES
from license_ledger.transform.landed import Flags, flags, whole
from license_ledger.transform.scope import HOLDER_CAUSES

Codes = npt.NDArray[np.uint8]

_UNKNOWN = 2
NO_BAND = len(ACTIVITY_BANDS)
_WIDTHS = {
    "is_active": 1,
    "in_scope": 1,
    "frozen": 2,
    "band": 3,
    "account_class": 3,
    "cause": 4,
    "certainty": 2,
}


@dataclass(frozen=True)
class Persons:
    """
    Attributes of people, row by row.

    Attributes:
        is_active: 1 for a user who may log in.
        in_scope: 1 for a user who is published.
        frozen: 0 not frozen, 1 frozen, 2 not known.
        band: position in ``ACTIVITY_BANDS``; one more than there are where the band is not known.
        account_class: position in ``ACCOUNT_CLASSES``.
        cause: position in ``HOLDER_CAUSES``.
        certainty: position in ``CERTAINTIES``.
    """

    is_active: Codes
    in_scope: Codes
    frozen: Codes
    band: Codes
    account_class: Codes
    cause: Codes
    certainty: Codes

    @classmethod
    def of(cls, people: pa.Table) -> Persons:
        """Read them from rows of :func:`license_ledger.transform.conform.people`."""
        frozen = whole(people["is_frozen"]).cast(pa.uint8()).fill_null(_UNKNOWN)
        return cls(
            is_active=flags(whole(people["is_active"])).astype(np.uint8),
            in_scope=flags(whole(people["in_scope"])).astype(np.uint8),
            frozen=frozen.to_numpy(zero_copy_only=False),
            band=_positions(people["activity_band"], ACTIVITY_BANDS, NO_BAND),
            account_class=_positions(people["account_class"], ACCOUNT_CLASSES),
            cause=_positions(people["holder_cause"], HOLDER_CAUSES),
            certainty=_positions(people["certainty"], CERTAINTIES),
        )

    def take(self, positions: npt.NDArray[Any]) -> Persons:
        """The persons at these positions, in this order."""
        return Persons(*(getattr(self, each.name)[positions] for each in fields(self)))

    def packed(self) -> npt.NDArray[np.uint16]:
        """All attributes of a person in one number."""
        result = np.zeros(len(self.is_active), np.uint16)
        shift = 0
        for name, width in _WIDTHS.items():
            result |= getattr(self, name).astype(np.uint16) << np.uint16(shift)
            shift += width
        return result

    @classmethod
    def unpacked(cls, numbers: npt.NDArray[np.uint16]) -> Persons:
        """The reverse of :meth:`packed`."""
        columns: dict[str, Codes] = {}
        shift = 0
        for name, width in _WIDTHS.items():
            columns[name] = ((numbers >> np.uint16(shift)) & np.uint16((1 << width) - 1)).astype(np.uint8)
            shift += width
        return cls(**columns)

    @property
    def is_frozen(self) -> pa.Array:
        """Frozen as a boolean array, null where not known."""
        return pa.array(self.frozen == 1, pa.bool_(), mask=self.frozen == _UNKNOWN)

    @property
    def is_system(self) -> Flags:
        """Whether the person is a user of the platform itself."""
        result: Flags = self.cause == HOLDER_CAUSES.index("system_user")
        return result


def _positions(column: pa.ChunkedArray, words: tuple[str, ...], missing: int = 0) -> Codes:
    found = pc.index_in(whole(column), value_set=pa.array(words)).cast(pa.uint8()).fill_null(missing)
    result: Codes = found.to_numpy(zero_copy_only=False)
    return result
