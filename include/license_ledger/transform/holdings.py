"""
Holdings: who holds which license, in one shape for all layers. May import schemas and its neighbors.

A holding is internal; :func:`license_ledger.transform.seats.seats` makes published rows of those in scope,
and :func:`license_ledger.transform.counts.counts` numbers of all. Salesforce keeps at most one assignment of
a license per user and takes one seat for it, so an assignment read twice (an overlap of pages) is one
holding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.schemas import (
    ACCOUNT_CLASSES,
    ACTIVITY_BANDS,
    CAUSES,
    CERTAINTIES,
    LAYERS,
    TIMESTAMP,
)
from license_ledger.transform.activity import microseconds
from license_ledger.transform.counts import not_seen
from license_ledger.transform.features import feature_type
from license_ledger.transform.landed import CERTAINTY, coded, field, filled, flags, whole
from license_ledger.transform.person_index import PersonIndex
from license_ledger.transform.persons import Codes, Persons
from license_ledger.transform.scope import HOLDER_CAUSES

_WORD = pa.dictionary(pa.int8(), pa.string())

HOLDINGS_SCHEMA: pa.Schema = pa.schema(
    [
        pa.field("user_id", pa.string(), False),
        pa.field("license_layer", _WORD, False),
        pa.field("license_id", pa.dictionary(pa.int32(), pa.string()), False),
        pa.field("assigned_at", TIMESTAMP),
        pa.field("is_active", pa.bool_(), False),
        pa.field("is_frozen", pa.bool_()),
        pa.field("activity_band", _WORD),
        pa.field("account_class", _WORD, False),
        pa.field("cause", _WORD, False),
        pa.field("certainty", _WORD, False),
        pa.field("is_system", pa.bool_(), False),
        pa.field("in_scope", pa.bool_(), False),
        pa.field("created_at", TIMESTAMP),
        pa.field("last_modified_at", TIMESTAMP),
    ]
)
"""
One row per user and license held. ``cause`` is where the mismatch bridge books the seat, ``is_system``
whether a user of the platform itself holds it, active or not. The last two columns are the evidence for
counters taken earlier, null in layers whose counter is never old.
"""


class Assigned(NamedTuple):
    """
    Assignments, joined with their users.

    Attributes:
        holdings: one row per user and license, of users who were read.
        unseen: counts of the assignments whose users were not read, to be merged with the counts of the
            holdings.
    """

    holdings: pa.Table
    unseen: pa.Table


def user_holdings(people: pa.Table) -> pa.Table:
    """
    List who holds a user license, by way of the profile.

    Args:
        people: conformed users.

    Returns:
        :data:`HOLDINGS_SCHEMA` in the order of ``people``; users without a license do not occur.
    """
    license_ids = whole(people["license_id"])
    chosen = np.flatnonzero(flags(license_ids.is_valid()))
    return _of_people("user", people, chosen, license_ids.take(pa.array(chosen)).dictionary_encode())


def feature_holdings(
    people: pa.Table, users: pa.Table | pa.RecordBatch, feature_flags: Sequence[str]
) -> pa.Table:
    """
    List who holds a feature license, by way of its check box.

    Args:
        people: conformed users.
        users: the landed users they were made of, in the same order.
        feature_flags: names of the check boxes, see :func:`license_ledger.transform.features.feature_flags`.

    Returns:
        :data:`HOLDINGS_SCHEMA` by feature, within one in the order of ``people``.
    """
    checked = [np.flatnonzero(flags(field(users, name, pa.bool_()))) for name in feature_flags]
    chosen = np.concatenate([np.empty(0, np.int64), *checked])
    codes = np.repeat(np.arange(len(checked), dtype=np.int32), [len(rows) for rows in checked])
    features = pa.array([feature_type(name) for name in feature_flags], pa.string())
    return _of_people("feature", people, chosen, pa.DictionaryArray.from_arrays(pa.array(codes), features))


_ASSIGNMENTS = {
    "permission_set": ("PermissionSetLicenseAssign", "AssigneeId", "PermissionSetLicenseId"),
    "package": ("UserPackageLicense", "UserId", "PackageLicenseId"),
}


def assigned_holdings(layer: str, assignments: pa.Table | pa.RecordBatch, index: PersonIndex) -> Assigned:
    """
    List who holds a license by assignment.

    Args:
        layer: ``permission_set`` or ``package``.
        assignments: landed PermissionSetLicenseAssign or UserPackageLicense, any part of it. Assignments that
            repeat a user and a license are recognized within a part; the newest one stays.
        index: everybody who was read.

    Returns:
        Holdings in the order of the assignments, and counts of those whose users are not in the index.

    Raises:
        SchemaDrift: user or license were not landed.
        CorruptAnswer: assignments without a user or a license.
    """
    object_name, user_field, license_field = _ASSIGNMENTS[layer]
    user_ids = filled(assignments, object_name, user_field, pa.string())
    license_ids = filled(assignments, object_name, license_field, pa.string()).dictionary_encode()
    assigned_at = field(assignments, "CreatedDate", TIMESTAMP)
    positions = index.find(user_ids)
    unseen = pa.array(positions < 0)
    pairs = positions * max(len(license_ids.dictionary), 1) + license_ids.indices.to_numpy()
    rows = _newest(np.flatnonzero(positions >= 0), pairs, assigned_at)
    chosen = pa.array(rows)
    holdings = _holdings(
        layer,
        user_ids.take(chosen),
        license_ids.take(chosen),
        index.persons(positions[rows]),
        doubts=_doubts(assignments)[rows],
        assigned_at=assigned_at.take(chosen),
    )
    return Assigned(holdings, not_seen(layer, license_ids.filter(unseen), user_ids.filter(unseen)))


def _doubts(assignments: pa.Table | pa.RecordBatch) -> Codes:
    """How sure each assignment is, whoever holds it: position in ``CERTAINTIES``."""
    found = pc.index_in(field(assignments, CERTAINTY, pa.string()), value_set=pa.array(CERTAINTIES))
    result: Codes = found.fill_null(0).cast(pa.uint8()).to_numpy(zero_copy_only=False)
    return result


def _newest(
    rows: npt.NDArray[np.int64], pairs: npt.NDArray[np.int64], assigned_at: pa.Array
) -> npt.NDArray[np.int64]:
    """Of the rows, in their order, one per user and license: the newest assignment."""
    kept = np.sort(pairs[rows])
    if not (kept[1:] == kept[:-1]).any():
        return rows
    order = np.lexsort((rows, microseconds(assigned_at)[rows], pairs[rows]))
    ordered = pairs[rows][order]
    is_last = np.append(ordered[1:] != ordered[:-1], [True])
    return np.sort(rows[order[is_last]])


def _of_people(
    layer: str, people: pa.Table, chosen: npt.NDArray[np.int64], license_ids: pa.DictionaryArray
) -> pa.Table:
    rows = pa.array(chosen)
    return _holdings(
        layer,
        whole(people["user_id"]).take(rows),
        license_ids,
        Persons.of(people).take(chosen),
        created_at=whole(people["created_at"]).take(rows),
        last_modified_at=whole(people["last_modified_at"]).take(rows),
    )


def _holdings(
    layer: str,
    user_ids: pa.Array,
    license_ids: pa.DictionaryArray,
    persons: Persons,
    doubts: Codes | None = None,
    **instants: pa.Array,
) -> pa.Table:
    size = len(user_ids)
    certainty = persons.certainty if doubts is None else np.maximum(persons.certainty, doubts)
    is_known = persons.band < len(ACTIVITY_BANDS)
    is_active = persons.is_active.astype(np.bool_)
    columns = {
        "user_id": user_ids,
        "license_layer": coded(np.full(size, LAYERS.index(layer)), LAYERS),
        "license_id": license_ids,
        "is_active": pa.array(is_active),
        "is_frozen": persons.is_frozen,
        "activity_band": coded(persons.band, ACTIVITY_BANDS, is_known),
        "account_class": coded(persons.account_class, ACCOUNT_CLASSES),
        "cause": coded(np.where(is_active, _CAUSES[persons.cause], _DEACTIVATED), CAUSES),
        "certainty": coded(certainty, CERTAINTIES),
        "is_system": pa.array(persons.is_system),
        "in_scope": pa.array(persons.in_scope.astype(np.bool_)),
        **instants,
    }
    return pa.Table.from_arrays(
        [columns.get(name, pa.nulls(size, TIMESTAMP)) for name in HOLDINGS_SCHEMA.names],
        schema=HOLDINGS_SCHEMA,
    )


_CAUSES = np.array([CAUSES.index(cause) for cause in HOLDER_CAUSES], np.int8)
_DEACTIVATED = np.int8(CAUSES.index("deactivated_holder"))
