"""
Who had logged in last, and when, as of a past moment. May import transform.

``User.LastLoginDate`` of today is that of the moment as well when it is not later. Else the history of logins
tells, as far as it reaches: about sixteen bytes a user who logs in are kept in memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.history.suspects import NEVER, SLACK
from license_ledger.schemas import TIMESTAMP
from license_ledger.transform.landed import Flags, field, flags
from license_ledger.transform.record_keys import Keys, RecordKeys

Ints = npt.NDArray[np.int64]

SUCCESS = "Success"
"""Status of a login that got in (Object Reference, LoginHistory.Status)."""

_MOST_PENDING = 2_000_000
_TEXT = pa.string()


@dataclass(frozen=True)
class LastLogins:
    """
    Last logins as of a moment.

    Attributes:
        moment: in microseconds since 1970.
        since: from when on the history tells all logins; NEVER when there is none.
        ids: the keys' vocabulary.
        keys: sorted keys of users with a login in the history.
        before: the newest login of each up to the moment; -1 for none.
        newest: the newest of all.
    """

    moment: int
    since: int
    ids: RecordKeys
    keys: Keys
    before: Ints
    newest: Ints

    def at_moment(self, users: pa.Table | pa.RecordBatch, created: Ints) -> tuple[pa.Array, Flags]:
        """
        Tell the last logins of a batch of users.

        Args:
            users: landed users.
            created: when each was created, in microseconds since 1970.

        Returns:
            The last login up to the moment, null for none or not known, and whether it is known. It is known
            where today's is not later; where the history, reaching up to today's, has one; and where it has
            none and begins before the user does.
        """
        today = field(users, "LastLoginDate", TIMESTAMP)
        latest = today.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
        before, newest = self._lookup(field(users, "Id", _TEXT))
        is_same = latest <= self.moment
        # Logins that the integration user may not see would look like none.
        is_whole = newest >= latest - SLACK
        is_told = is_whole & ((before >= 0) | (created >= self.since))
        last = np.where(is_same, latest, before)
        is_known: Flags = is_same | is_told
        values = pa.array(last, pa.int64(), mask=(last < 0) | ~is_known).cast(TIMESTAMP)
        return values, is_known

    def _lookup(self, users: pa.Array) -> tuple[Ints, Ints]:
        none = np.full(len(users), -1, np.int64)
        if not len(self.keys):
            return none, none
        wanted, is_possible = self.ids.find(users)
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        found = is_possible & (self.keys[places] == wanted)
        return np.where(found, self.before[places], -1), np.where(found, self.newest[places], -1)


def last_logins(history: Iterable[pa.RecordBatch] | None, moment: int, since: int) -> LastLogins:
    """
    Read the history of logins.

    Args:
        history: landed LoginHistory; None when it could not be read.
        moment: microseconds since 1970.
        since: from when on it tells all logins.
    """
    ids = RecordKeys()
    keys, before, newest = np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64)
    pending: list[tuple[Keys, Ints, Ints]] = []
    size = 0
    for batch in history or ():
        part = _of_batch(batch, ids, moment)
        pending.append(part)
        size += len(part[0])
        if size > _MOST_PENDING:
            keys, before, newest = _merged([(keys, before, newest), *pending])
            pending, size = [], 0
    keys, before, newest = _merged([(keys, before, newest), *pending])
    return LastLogins(moment, NEVER if history is None else since, ids, keys, before, newest)


def _of_batch(batch: pa.RecordBatch, ids: RecordKeys, moment: int) -> tuple[Keys, Ints, Ints]:
    good = pc.and_(pc.equal(field(batch, "Status", _TEXT), SUCCESS), field(batch, "UserId", _TEXT).is_valid())
    rows = pa.array(np.flatnonzero(flags(good.fill_null(False))))
    times = field(batch, "LoginTime", TIMESTAMP).take(rows).cast(pa.int64()).fill_null(-1).to_numpy()
    keys = ids.learn(field(batch, "UserId", _TEXT).take(rows))
    return _merged([(keys, np.where(times <= moment, times, -1), times)])


def _merged(parts: list[tuple[Keys, Ints, Ints]]) -> tuple[Keys, Ints, Ints]:
    """Of each key the newest of both times."""
    keys, before, newest = (np.concatenate([part[place] for part in parts]) for place in range(3))
    if not len(keys):
        return keys, before, newest
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.append([True], keys[1:] != keys[:-1]))
    return (
        keys[starts],
        np.maximum.reduceat(before[order], starts),
        np.maximum.reduceat(newest[order], starts),
    )
