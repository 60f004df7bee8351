"""
Assignments rolled back to a moment. Pure Arrow; may import its neighbors.

An assignment that is there today and was made before the moment was there then. One that was made later was
not; one that has been removed since comes back from the entry that says so, without the date it was made on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.history.chains import UNKNOWN
from license_ledger.history.findings import Findings
from license_ledger.history.holdings import ASSIGNMENTS
from license_ledger.schemas import CERTAINTIES, TIMESTAMP
from license_ledger.transform.landed import CERTAINTY, field

Ints = npt.NDArray[np.int64]

_TEXT = pa.string()
_SURE, _LIKELY, _UNSURE = range(3)


@dataclass(frozen=True)
class Restored:
    """
    Assignments of one layer that were removed since.

    Attributes:
        users: ids.
        licenses: ids.
        certainty: position in ``CERTAINTIES`` of each.
        open_licenses: ids of licenses that somebody may have held of whom it is not known.
    """

    users: pa.Array
    licenses: pa.Array
    certainty: npt.NDArray[np.int8]
    open_licenses: frozenset[str]


def restored(layer: str, findings: Findings, moment: int) -> Restored:
    """
    Find the assignments that were removed since.

    Args:
        layer: of the assignments.
        findings: what the trail tells.
        moment: microseconds since 1970.
    """
    vocabulary, suspects = findings.vocabulary, findings.suspects
    first, licenses = vocabulary.first(layer), vocabulary.licenses[layer]
    rows, places, certainty = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.int8)]
    open_ = {licenses[each - first] for each in findings.doubts.licenses if 0 <= each - first < len(licenses)}
    for place in range(len(licenses)):
        chain = findings.chains.get(first + place)
        if chain is None:
            continue
        may = np.array([1 in chain.possible.get(row, ()) for row in chain.rows.tolist()], np.bool_)
        held = np.where(chain.settled, chain.state == 1, may) & (suspects.created[chain.rows] <= moment)
        if not chain.settled.all():
            open_.add(licenses[place])
        mine = chain.rows[held]
        created = np.maximum(suspects.created[mine], moment)
        doubt = findings.doubts.concern(
            first + place, np.zeros(len(mine), np.int64), created, chain.until[held]
        )
        # A grant that nobody could be told to have got may stand before the removal.
        late = _granted_between(findings, first + place, created, chain.until[held])
        rows.append(mine)
        places.append(np.full(len(mine), place))
        certainty.append(np.where(chain.settled[held] & ~doubt & ~late, _LIKELY, _UNSURE).astype(np.int8))
    return Restored(
        users=suspects.ids.take(pa.array(np.concatenate(rows))),
        licenses=pa.array(licenses, _TEXT).take(pa.array(np.concatenate(places))),
        certainty=np.concatenate(certainty),
        open_licenses=frozenset(open_),
    )


def _granted_between(findings: Findings, attribute: int, start: Ints, end: Ints) -> npt.NDArray[np.bool_]:
    return findings.doubts.concern(attribute, np.ones(len(start), np.int64), start, end)


def roll_back_assignments(
    layer: str, assignments: Iterable[pa.RecordBatch], schema: pa.Schema, back: Restored, moment: int
) -> Iterator[pa.Table]:
    """
    Roll the assignments of a layer back.

    Args:
        layer: of the assignments.
        assignments: landed assignments of today.
        schema: of them, also when there are none.
        back: those that were removed since.
        moment: microseconds since 1970.

    Yields:
        Landed assignments as of the moment, with their certainty.
    """
    for batch in assignments:
        created = field(batch, "CreatedDate", TIMESTAMP).cast(pa.int64())
        there = batch.filter(pc.less_equal(created, moment).fill_null(True))
        # Without a date nobody knows whether it was there.
        dated = field(there, "CreatedDate", TIMESTAMP).is_valid()
        yield _with_certainty(pa.Table.from_batches([there]), pc.if_else(dated, _SURE, _UNSURE))
    if len(back.users):
        yield _with_certainty(_rows(layer, schema, back), pa.array(back.certainty))


def _rows(layer: str, schema: pa.Schema, back: Restored) -> pa.Table:
    _, user, license_ = ASSIGNMENTS[layer]
    known = {user: back.users, license_: back.licenses}
    size = len(back.users)
    return pa.table([known.get(each.name, pa.nulls(size, each.type)) for each in schema], schema=schema)


def _with_certainty(rows: pa.Table, codes: pa.Array) -> pa.Table:
    words = pa.array(CERTAINTIES, _TEXT).take(pa.array(codes) if not isinstance(codes, pa.Array) else codes)
    return rows.append_column(CERTAINTY, words)


__all__ = ["UNKNOWN", "Restored", "restored", "roll_back_assignments"]
