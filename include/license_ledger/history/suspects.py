"""
The users whom entries may concern, found in one pass over the landed users. May import transform.

Kept in memory are only users whom an entry names, by id, name or username, or whose record was last changed
in the very second of an entry; they are about as many as there are entries.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.history.vocabulary import FIXED, Vocabulary
from license_ledger.schemas import TIMESTAMP
from license_ledger.transform.landed import field, filled, flags

Ints = npt.NDArray[np.int64]

SECOND = 1_000_000
SLACK = 5 * SECOND
"""An entry and the date on the record it is about may differ by so much."""

NEVER = np.iinfo(np.int64).max
_TEXT = pa.string()


@dataclass(frozen=True)
class Wanted:
    """
    What to look for.

    Attributes:
        names: distinct names and usernames.
        ids15: distinct user ids, of 15 characters.
        seconds: sorted distinct seconds since 1970.
    """

    names: pa.Array
    ids15: pa.Array
    seconds: Ints


@dataclass(frozen=True)
class Suspects:
    """
    Users whom entries may concern.

    Attributes:
        ids: their ids.
        created: when they were created, in microseconds since 1970.
        modified: when their record was last changed; NEVER when that is not told.
        today: state of today, one row per user and one column per attribute but the assignments.
        by_name: pairs of a place in the names that were wanted and a row here, sorted by the first.
        by_id: the same for ids.
        by_second: the same for seconds.
    """

    ids: pa.Array
    created: Ints
    modified: Ints
    today: npt.NDArray[np.int32]
    by_name: Ints
    by_id: Ints
    by_second: Ints


def modified_at(users: pa.Table | pa.RecordBatch) -> Ints:
    """When records were last changed, in microseconds since 1970; NEVER where that is not told."""
    found = field(users, "LastModifiedDate", TIMESTAMP).cast(pa.int64()).fill_null(NEVER)
    result: Ints = found.to_numpy(zero_copy_only=False)
    return result


def created_at(users: pa.Table | pa.RecordBatch) -> Ints:
    """When users were created, in microseconds since 1970. Raises as ``filled`` does."""
    result: Ints = filled(users, "User", "CreatedDate", TIMESTAMP).cast(pa.int64()).to_numpy()
    return result


def find_suspects(
    batches: Iterable[pa.RecordBatch], wanted: Wanted, vocabulary: Vocabulary, frozen: pa.Array | None
) -> Suspects:
    """
    Look for users.

    Args:
        batches: landed users, each once.
        wanted: whom to look for.
        vocabulary: of the org.
        frozen: ids of the users who are frozen today; None when that is not readable.

    Returns:
        The users found, in the order of the batches.
    """
    parts: list[Suspects] = []
    size = 0
    for users in batches:
        part = _of_batch(users, wanted, vocabulary, frozen, size)
        size += len(part.ids)
        parts.append(part)
    return Suspects(
        ids=pa.concat_arrays([pa.array([], _TEXT), *(part.ids for part in parts)]),
        created=_joined([part.created for part in parts]),
        modified=_joined([part.modified for part in parts]),
        today=np.concatenate(
            [np.empty((0, _columns(vocabulary)), np.int32), *(part.today for part in parts)]
        ),
        by_name=_sorted([part.by_name for part in parts]),
        by_id=_sorted([part.by_id for part in parts]),
        by_second=_sorted([part.by_second for part in parts]),
    )


def _columns(vocabulary: Vocabulary) -> int:
    return len(FIXED) + len(vocabulary.flags)


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate([np.empty(0, np.int64), *parts])


def _sorted(parts: list[Ints]) -> Ints:
    pairs = np.concatenate([np.empty((0, 2), np.int64), *parts])
    pairs = np.unique(pairs, axis=0) if len(pairs) else pairs
    result: Ints = pairs
    return result


def _of_batch(
    users: pa.RecordBatch, wanted: Wanted, vocabulary: Vocabulary, frozen: pa.Array | None, shift: int
) -> Suspects:
    modified = modified_at(users)
    by_name = np.concatenate([_pairs(names, wanted.names) for names in spellings(users)])
    by_id = _pairs(pc.utf8_slice_codeunits(filled(users, "User", "Id", _TEXT), 0, 15), wanted.ids15)
    by_second = _seconds(modified, wanted.seconds)
    rows = np.unique(np.concatenate([by_name[:, 1], by_id[:, 1], by_second[:, 1]]))
    few = users.take(pa.array(rows))
    return Suspects(
        ids=field(few, "Id", _TEXT),
        created=created_at(few),
        modified=modified[rows],
        today=states_of_today(few, vocabulary, frozen),
        by_name=_shifted(by_name, rows, shift),
        by_id=_shifted(by_id, rows, shift),
        by_second=_shifted(by_second, rows, shift),
    )


def spellings(users: pa.RecordBatch) -> list[pa.Array]:
    """What a sentence may call a user: full name, last name first, username."""
    first, last = field(users, "FirstName", _TEXT), field(users, "LastName", _TEXT)
    return [
        field(users, "Name", _TEXT),
        pc.binary_join_element_wise(last, first, " "),
        pc.binary_join_element_wise(first, last, " "),
        field(users, "Username", _TEXT),
    ]


def _pairs(values: pa.Array, wanted: pa.Array) -> Ints:
    """Place in the wanted values and row, for every row whose value is wanted."""
    found = pc.index_in(values, value_set=wanted)
    rows = np.flatnonzero(flags(found.is_valid()))
    places = found.take(pa.array(rows)).to_numpy().astype(np.int64)
    return np.column_stack([places, rows])


def _seconds(modified: Ints, wanted: Ints) -> Ints:
    """Place in the wanted seconds and row; the second before and after count as well."""
    found = []
    for shift in (-1, 0, 1):
        seconds = modified // SECOND + shift
        places = np.minimum(np.searchsorted(wanted, seconds), max(len(wanted) - 1, 0))
        rows = np.flatnonzero(wanted[places] == seconds) if len(wanted) else np.empty(0, np.int64)
        found.append(np.column_stack([places[rows], rows]))
    return np.concatenate(found)


def _shifted(pairs: Ints, rows: Ints, shift: int) -> Ints:
    return np.column_stack([pairs[:, 0], np.searchsorted(rows, pairs[:, 1]) + shift])


def states_of_today(
    users: pa.Table | pa.RecordBatch, vocabulary: Vocabulary, frozen: pa.Array | None
) -> npt.NDArray[np.int32]:
    """
    States of today, one row per user and one column per attribute but the assignments.

    E-mail, username and federation id have no numbers: their state is unknown throughout, and so is whether
    a login is frozen where that cannot be read.
    """
    states = np.full((users.num_rows, _columns(vocabulary)), -1, np.int32)
    states[:, FIXED.index("active")] = flags(field(users, "IsActive", pa.bool_()))
    if frozen is not None:
        states[:, FIXED.index("frozen")] = flags(pc.is_in(field(users, "Id", _TEXT), value_set=frozen))
    states[:, FIXED.index("profile")] = _places(field(users, "ProfileId", _TEXT), vocabulary.profiles)
    roles = field(users, "UserRoleId", _TEXT)
    places = _places(roles, vocabulary.roles)
    states[:, FIXED.index("role")] = np.where(flags(roles.is_null()), 0, np.where(places < 0, -1, places + 1))
    for flag in vocabulary.flags:
        states[:, vocabulary.feature(flag)] = flags(field(users, flag, pa.bool_()))
    return states


def _places(values: pa.Array, known: list[str]) -> npt.NDArray[np.int32]:
    found = pc.index_in(values, value_set=pa.array(known, _TEXT)).fill_null(-1)
    result: npt.NDArray[np.int32] = found.to_numpy(zero_copy_only=False).astype(np.int32)
    return result
