"""
All that the landed audit trail tells about one past moment. Reads the run folder; may import its neighbors.

Memory grows with the number of entries and not with the number of users, who pass once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.history.audit import read_entries
from license_ledger.history.chains import UNKNOWN, Walked, walk_back
from license_ledger.history.claims import Claimed, make_claims
from license_ledger.history.doubts import Doubts
from license_ledger.history.holdings import ASSIGNMENTS, held_by
from license_ledger.history.reading import Reading
from license_ledger.history.suspects import NEVER, Suspects, find_suspects, modified_at
from license_ledger.history.vocabulary import FIXED, Vocabulary
from license_ledger.run import Landed
from license_ledger.transform.features import feature_flags
from license_ledger.transform.landed import field, flags

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_TEXT = pa.string()
_USER_FIELDS = (
    *("Id", "Name", "FirstName", "LastName", "Username", "CreatedDate", "LastModifiedDate", "IsActive"),
    *("ProfileId", "UserRoleId"),
)


class TrailStatistics(TypedDict):
    """
    Entries after the moment that concern licenses or access of users.

    Attributes:
        entries: how many there are.
        resolved: about one user, as far as can be told.
        ambiguous: about one of several users, who could not be told apart.
        unresolved: about nobody who fits.
        other_language: in a wording that is not among the English ones known here; of any of the above.
    """

    entries: int
    resolved: int
    ambiguous: int
    unresolved: int
    other_language: int


@dataclass(frozen=True)
class Frozen:
    """
    Logins that are frozen today.

    Attributes:
        ids: of the users.
        since: when the record of the login was last changed; NEVER when not told.
    """

    ids: pa.Array
    since: Ints

    def lookup(self, users: pa.Array) -> Ints:
        """When each user's frozen login was last changed; NEVER for who is not frozen."""
        found = pc.index_in(users, value_set=self.ids).fill_null(len(self.ids)).to_numpy(zero_copy_only=False)
        result: Ints = np.append(self.since, NEVER)[found]
        return result


@dataclass(frozen=True)
class Chain:
    """One attribute of some users: rows of the suspects, ascending, with what the walk back found."""

    rows: Ints
    state: Ints
    settled: Mask
    until: Ints
    possible: dict[int, frozenset[int]]

    def lookup(self, rows: Ints) -> tuple[Mask, Ints]:
        """Whether users are here, and where."""
        if not len(self.rows):
            return np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.int64)
        places = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return self.rows[places] == rows, places


@dataclass(frozen=True)
class Findings:
    """
    What the trail tells.

    Attributes:
        vocabulary: of the org.
        suspects: users whom entries may concern.
        chains: what was found, by attribute.
        doubts: what stays open.
        frozen: logins that are frozen today; None when not readable.
        touched: assignment layers that any entry is about.
        statistics: of the trail.
    """

    vocabulary: Vocabulary
    suspects: Suspects
    chains: dict[int, Chain]
    doubts: Doubts
    frozen: Frozen | None
    touched: frozenset[str]
    statistics: TrailStatistics


def vocabulary_of(anchor: Landed) -> Vocabulary:
    """The org's names, from the small objects of a landing."""
    table = anchor.table_if_landed
    return Vocabulary.build(
        profiles=table("Profile"),
        roles=table("UserRole"),
        permission_set_licenses=table("PermissionSetLicense"),
        package_licenses=table("PackageLicense"),
        flags=feature_flags(anchor.columns("User")),
    )


def frozen_today(anchor: Landed) -> Frozen | None:
    """Who is frozen today; None when that is not readable."""
    logins = anchor.table_if_landed("UserLogin")
    if logins is None:
        return None
    rows = logins.filter(pc.and_(logins["IsFrozen"], logins["UserId"].is_valid()))
    return Frozen(field(rows, "UserId", _TEXT), modified_at(rows))


def investigate(anchor: Landed, moment: int) -> Findings:
    """
    Find out what the trail tells about a moment.

    Args:
        anchor: a landing that holds SetupAuditTrail.
        moment: microseconds since 1970.

    Raises:
        SchemaDrift, CorruptAnswer: the landing cannot be used.
    """
    vocabulary, frozen = vocabulary_of(anchor), frozen_today(anchor)
    reading = Reading(read_entries(anchor.folder.table("SetupAuditTrail")), vocabulary)
    wanted = reading.wanted()
    names = [
        name for name in (*_USER_FIELDS, *vocabulary.flags) if name in anchor.folder.schema("User").names
    ]
    users = anchor.folder.batches("User", names)
    suspects = find_suspects(users, wanted, vocabulary, None if frozen is None else frozen.ids)
    reading.learn_names(set(wanted.names.take(pa.array(np.unique(suspects.by_name[:, 0]))).to_pylist()))
    held = held_by(
        suspects.ids,
        vocabulary,
        [
            (layer, anchor.batches(name))
            for layer, (name, _, _) in ASSIGNMENTS.items()
            if anchor.has_landed(name)
        ],
    )
    since = np.full(len(suspects.ids), NEVER) if frozen is None else frozen.lookup(suspects.ids)
    chosen = reading.at > moment
    claimed = make_claims(reading, chosen, wanted, suspects, held, since)
    walked = walk_back(claimed.claims, claimed.today)
    lost = np.union1d(claimed.homeless, walked.contradicted)
    return Findings(
        vocabulary=vocabulary,
        suspects=suspects,
        chains=_chains(walked, vocabulary.width),
        doubts=_doubts(reading, claimed, lost),
        frozen=frozen,
        touched=frozenset(reading.kinds[entry] for entry in np.flatnonzero(chosen).tolist()),
        statistics=_statistics(reading, chosen, walked, lost),
    )


def _chains(walked: Walked, width: int) -> dict[int, Chain]:
    users, attributes = np.divmod(walked.chain, max(width, 1))
    found = {}
    for attribute in np.unique(attributes).tolist():
        mine = np.flatnonzero(attributes == attribute)
        rows = users[mine]
        open_ = rows[~walked.settled[mine]].tolist()
        anything = frozenset({UNKNOWN})
        possible = {user: walked.possible.get(user * width + attribute, anything) for user in open_}
        found[attribute] = Chain(rows, walked.state[mine], walked.settled[mine], walked.until[mine], possible)
    return found


def _doubts(reading: Reading, claimed: Claimed, lost: Ints) -> Doubts:
    entries, nameless = lost.tolist(), reading.nameless()
    return Doubts.of(
        reading.vocabulary,
        [reading.kinds[entry] for entry in entries],
        [claimed.attributes[entry] for entry in entries],
        [int(claimed.after[entry]) for entry in entries],
        [int(reading.at[entry]) for entry in entries],
        [bool(nameless[entry]) for entry in entries],
    )


def _statistics(reading: Reading, chosen: Mask, walked: Walked, lost: Ints) -> TrailStatistics:
    counted = chosen & reading.names_user
    foreign = counted & ~flags(reading.entries["is_english"].combine_chunks())
    entries, ambiguous = int(counted.sum()), len(np.setdiff1d(walked.ambiguous, lost))
    return TrailStatistics(
        entries=entries,
        resolved=entries - ambiguous - len(lost),
        ambiguous=ambiguous,
        unresolved=len(lost),
        other_language=int(foreign.sum()),
    )


__all__ = ["FIXED", "UNKNOWN", "Chain", "Findings", "Frozen", "TrailStatistics", "investigate"]
