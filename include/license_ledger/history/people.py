"""
Users rolled back to a moment, batch by batch. Pure Arrow; may import its neighbors.

A record that was last changed before the moment is the same now as then. Of one that was changed later only
what the trail accounts for is told; texts that nobody keeps a history of are null.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.history.chains import UNKNOWN
from license_ledger.history.findings import Findings
from license_ledger.history.logins import LastLogins
from license_ledger.history.suspects import NEVER, created_at, modified_at, states_of_today
from license_ledger.history.vocabulary import FIXED, NO_ROLE
from license_ledger.schemas import CERTAINTIES, TIMESTAMP
from license_ledger.transform import landed
from license_ledger.transform.landed import CERTAINTY, EMAIL_KNOWN, FROZEN_KNOWN, LOGIN_KNOWN, flags

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

KEPT = frozenset({"Id", "CreatedDate", "Username", "Email", "FederationIdentifier", "UserType", "ProfileId"})
"""Fields of a changed user that are not simply null: the trail tells when they change, or they never do."""

ADDED: tuple[tuple[str, pa.DataType], ...] = (
    (CERTAINTY, pa.string()),
    (LOGIN_KNOWN, pa.bool_()),
    (EMAIL_KNOWN, pa.bool_()),
    (FROZEN_KNOWN, pa.bool_()),
)
"""Columns that landed users get."""

_TEXT = pa.string()
_FROZEN = FIXED.index("frozen")
_MARKING = ("active", "frozen", "profile", "role")
_SURE, _LIKELY, _UNSURE = range(3)


@dataclass(frozen=True)
class RolledBack:
    """
    A batch of users as of the moment.

    Attributes:
        users: landed users with :data:`ADDED`; those who did not exist yet are left out.
        frozen: ids of those whose login was blocked.
        certainty: position in ``CERTAINTIES`` of each.
        profiles: state numbers of profiles that somebody may have had of whom it is not known; UNKNOWN among
            them for any.
    """

    users: pa.Table
    frozen: pa.Array
    certainty: npt.NDArray[np.int8]
    profiles: frozenset[int]


@dataclass
class _Batch:
    """Users who existed, with everything that is asked of them several times."""

    rows: pa.RecordBatch
    findings: Findings
    moment: int
    created: Ints = field(init=False)
    modified: Ints = field(init=False)
    today: npt.NDArray[np.int32] = field(init=False)
    place: Ints = field(init=False)

    def __post_init__(self) -> None:
        frozen = self.findings.frozen
        self.created, self.modified = created_at(self.rows), modified_at(self.rows)
        self.today = states_of_today(
            self.rows, self.findings.vocabulary, None if frozen is None else frozen.ids
        )
        ids = landed.field(self.rows, "Id", _TEXT)
        found = pc.index_in(ids, value_set=self.findings.suspects.ids).fill_null(-1)
        self.place = found.to_numpy(zero_copy_only=False).astype(np.int64)

    @property
    def is_changed(self) -> Mask:
        """Whose record was changed after the moment, or may have been."""
        result: Mask = self.modified > self.moment
        return result

    def state(self, attribute: int) -> tuple[Ints, Mask, Mask]:
        """State of an attribute at the moment, whether that is doubtful, whether any entry is about it."""
        state = self.today[:, attribute].astype(np.int64)
        until, told = np.full(len(state), NEVER), np.zeros(len(state), np.bool_)
        doubtful: Mask = told.copy()
        chain = self.findings.chains.get(attribute)
        if chain is not None:
            told, places = chain.lookup(self.place)
            doubtful = told & ~chain.settled[places]
            state = np.where(told & ~doubtful, chain.state[places], state)
            until = np.where(told, chain.until[places], until)
        changed = np.minimum(until, self.modified)
        # Freezing does not change the user's record.
        nameless = until if attribute == _FROZEN else changed
        doubtful |= self.findings.doubts.concern(attribute, state, self.created, changed, nameless)
        return state, doubtful, told

    def possible(self, attribute: int) -> frozenset[int]:
        """States that a doubtful chain of this batch may have been in; UNKNOWN among them for any."""
        chain = self.findings.chains.get(attribute)
        found = set() if chain is None else {s for states in chain.possible.values() for s in states}
        return frozenset(found)


def roll_back(
    users: pa.RecordBatch, findings: Findings, logins: LastLogins, moment: int
) -> Iterator[RolledBack]:
    """
    Roll a batch of users back.

    Args:
        users: landed users.
        findings: what the trail tells.
        logins: last logins as of the moment.
        moment: microseconds since 1970.

    Yields:
        The users who existed; nothing when none did.
    """
    there = users.take(pa.array(np.flatnonzero(created_at(users) <= moment)))
    if there.num_rows:
        yield _rolled_back(_Batch(there, findings, moment), logins)


def _rolled_back(batch: _Batch, logins: LastLogins) -> RolledBack:
    columns = {name: batch.rows.column(name) for name in batch.rows.schema.names}
    _forget(columns, batch)
    found = {name: batch.state(place) for place, name in enumerate(FIXED)}
    doubtful = np.zeros(batch.rows.num_rows, np.bool_)
    told = doubtful.copy()
    for name in _MARKING:
        doubtful |= found[name][1]
        told |= found[name][2]
    columns["IsActive"] = pa.array(found["active"][0] == 1)
    _set_profiles(columns, batch, found["profile"][0])
    _set_roles(columns, batch, *found["role"][:2])
    _set_flags(columns, batch, doubtful, told)
    _set_addresses(columns, found)
    doubtful |= found["email"][1]
    columns["LastLoginDate"], is_known = logins.at_moment(batch.rows, batch.created)
    certainty = np.where(doubtful, _UNSURE, np.where(told | batch.is_changed, _LIKELY, _SURE)).astype(np.int8)
    columns[CERTAINTY] = pa.array(CERTAINTIES, _TEXT).take(pa.array(certainty))
    columns[LOGIN_KNOWN] = pa.array(is_known)
    columns[FROZEN_KNOWN] = pa.array(~found["frozen"][1])
    was_frozen = pa.array((found["frozen"][0] == 1) & ~found["frozen"][1])
    return RolledBack(
        users=pa.table(columns),
        frozen=columns["Id"].filter(was_frozen),
        certainty=certainty,
        profiles=_open_profiles(batch, found["profile"][1]),
    )


def _forget(columns: dict[str, pa.Array], batch: _Batch) -> None:
    """Nobody keeps a history of the texts of a record that was changed."""
    is_changed = pa.array(batch.is_changed)
    for name, values in columns.items():
        if name not in KEPT and name not in batch.findings.vocabulary.flags:
            columns[name] = pc.if_else(is_changed, pa.scalar(None, values.type), values)
    if "LastPasswordChangeDate" in columns:
        dates = columns["LastPasswordChangeDate"]
        is_later = pc.greater(dates.cast(TIMESTAMP).cast(pa.int64()), batch.moment).fill_null(False)
        columns["LastPasswordChangeDate"] = pc.if_else(is_later, pa.scalar(None, dates.type), dates)


def _set_profiles(columns: dict[str, pa.Array], batch: _Batch, state: Ints) -> None:
    """The profile of the moment, and the kind of user that goes with it."""
    today = batch.today[:, FIXED.index("profile")].astype(np.int64)
    moved = pa.array((state != today) & (state != UNKNOWN))
    known = np.maximum(state, 0)
    ids = pa.array(batch.findings.vocabulary.profiles, _TEXT)
    types = batch.findings.vocabulary.profile_types
    if not len(ids):
        return
    columns["ProfileId"] = pc.if_else(moved, ids.take(pa.array(known)), columns["ProfileId"])
    was = types.take(pa.array(known))
    # A user whose kind is not that of the profile today was an exception then as well.
    usual = pc.equal(types.take(pa.array(np.maximum(today, 0))), columns["UserType"]).fill_null(False)
    usual = pc.and_(usual, pa.array(today != UNKNOWN))
    columns["UserType"] = pc.if_else(pc.and_(moved, usual), was, columns["UserType"])


def _set_roles(columns: dict[str, pa.Array], batch: _Batch, state: Ints, doubtful: Mask) -> None:
    """The role of the moment; null where it is not known."""
    if "UserRoleId" not in columns:
        return
    ids = pa.array([None, *batch.findings.vocabulary.roles], _TEXT)
    known = ids.take(pa.array(np.maximum(state, NO_ROLE)))
    today = batch.rows.column("UserRoleId")
    kept = pc.if_else(pa.array(state == UNKNOWN), today, known)
    columns["UserRoleId"] = pc.if_else(pa.array(doubtful), pa.scalar(None, _TEXT), kept)


def _set_flags(columns: dict[str, pa.Array], batch: _Batch, doubtful: Mask, told: Mask) -> None:
    """Check boxes of the moment; whoever may have held the license is among its holders, and not sure."""
    for flag in batch.findings.vocabulary.flags:
        state, open_, any_ = batch.state(batch.findings.vocabulary.feature(flag))
        columns[flag] = pa.array((state == 1) | (open_ & any_))
        doubtful |= open_
        told |= any_


def _set_addresses(columns: dict[str, pa.Array], found: dict[str, tuple[Ints, Mask, Mask]]) -> None:
    """E-mail, username and federation id are what they are today unless an entry says that they changed."""
    columns[EMAIL_KNOWN] = pa.array(~found["email"][1])
    for name, attribute in (("Username", "username"), ("FederationIdentifier", "federation")):
        if name in columns:
            unknown = pa.array(found[attribute][1])
            columns[name] = pc.if_else(unknown, pa.scalar(None, _TEXT), columns[name])


def _open_profiles(batch: _Batch, doubtful: Mask) -> frozenset[int]:
    """Profiles that a doubtful user of this batch may have had."""
    if not doubtful.any():
        return frozenset()
    possible = batch.possible(FIXED.index("profile"))
    chain = batch.findings.chains.get(FIXED.index("profile"))
    told = np.zeros(len(doubtful), np.bool_) if chain is None else chain.lookup(batch.place)[0]
    return possible | {UNKNOWN} if (doubtful & ~told).any() else possible


__all__ = ["ADDED", "NEVER", "RolledBack", "flags", "roll_back"]
