"""
From entries to claims: which users and licenses an entry may be about. May import its neighbors.

An entry is about whom it names by id; else about a user of the name or username it tells; else about one
whose record was last changed in its second. Who did not exist then, or whose record was last changed before,
it cannot be about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.history.chains import Claims
from license_ledger.history.holdings import Held
from license_ledger.history.reading import Reading
from license_ledger.history.suspects import NEVER, SECOND, SLACK, Suspects, Wanted
from license_ledger.history.vocabulary import FIXED, Vocabulary
from license_ledger.history.wording import LAYERS
from license_ledger.transform.landed import whole

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MOST_AT_ONCE = 8
"""More records than this changed in one second are one mass change, which tells nothing."""

_TEXT = pa.string()
_FROZEN = FIXED.index("frozen")


@dataclass(frozen=True)
class Claimed:
    """
    What entries may be about.

    Attributes:
        claims: the possibilities.
        today: state of today of the chain of each of them.
        explained: entries that say what today's assignments say themselves.
        homeless: entries that may be about nobody who is known.
        attributes: per entry the attributes it may have changed; empty when the sentence does not tell.
        after: per entry the state after it.
    """

    claims: Claims
    today: Ints
    explained: Ints
    homeless: Ints
    attributes: Sequence[Sequence[int]]
    after: Ints


def make_claims(
    reading: Reading, chosen: Mask, wanted: Wanted, suspects: Suspects, held: Held, frozen_since: Ints
) -> Claimed:
    """
    Say what entries may be about.

    Args:
        reading: all entries.
        chosen: those after the moment.
        wanted: whom was looked for among the users.
        suspects: the users found.
        held: what they hold today.
        frozen_since: per suspect when the record of its login was last changed; NEVER when not told.
    """
    pairs = _people(reading, wanted, suspects)
    attributes = reading.attributes(_learned(reading, pairs, held))
    rows = np.flatnonzero(chosen & reading.names_user)
    table = _expanded(pairs[np.isin(pairs[:, 0], rows)], attributes, reading.moves(rows))
    chains = table[:, 1] * reading.vocabulary.width + table[:, 2]
    claims = Claims(table[:, 0], reading.at[table[:, 0]], chains, table[:, 3], table[:, 4])
    claims, explained = _without_explained(claims, reading.vocabulary, held)
    claims = _credible(claims, reading, suspects, held, frozen_since)
    claims = _exact(claims, reading, suspects)
    return Claimed(
        claims=claims,
        today=_today(claims, reading.vocabulary, suspects),
        explained=explained,
        homeless=np.setdiff1d(rows, np.union1d(claims.entry, explained)),
        attributes=attributes,
        after=reading.states("after"),
    )


def _people(reading: Reading, wanted: Wanted, suspects: Suspects) -> Ints:
    """Pairs of entry and suspect, each once."""
    by_id = _joined(_places(reading.entries["user_id15"], wanted.ids15), suspects.by_id)
    named = _joined(_places(reading.entries["who"], wanted.names), suspects.by_name)
    named = named[~np.isin(named[:, 0], by_id[:, 0])]
    mentions = [(entry, text) for entry, texts in reading.mentioned.items() for text in texts]
    texts = pa.chunked_array([pa.array([text for _, text in mentions], _TEXT)])
    places = _places(texts, wanted.names)
    entries = np.array([entry for entry, _ in mentions], np.int64)
    mentioned = _joined(places, suspects.by_name)
    mentioned[:, 0] = entries[mentioned[:, 0]] if len(mentioned) else mentioned[:, 0]
    mentioned = mentioned[~np.isin(mentioned[:, 0], by_id[:, 0])]
    pairs = np.concatenate([by_id, named, mentioned])
    alone = np.setdiff1d(np.flatnonzero(reading.is_record), pairs[:, 0])
    pairs = np.concatenate([pairs, _by_second(reading, alone, suspects)])
    return np.unique(pairs, axis=0) if len(pairs) else pairs


def _by_second(reading: Reading, entries: Ints, suspects: Suspects) -> Ints:
    """For entries about nobody known by name: users last changed in that second, unless there are many."""
    wanted = np.unique(reading.at[reading.is_record] // SECOND)
    places = np.searchsorted(wanted, reading.at[entries] // SECOND)
    numbers = np.bincount(suspects.by_second[:, 0], minlength=len(wanted) + 1)
    few = numbers[places] <= MOST_AT_ONCE
    found = _joined(places[few], suspects.by_second)
    found[:, 0] = entries[few][found[:, 0]]
    return found


def _places(column: pa.ChunkedArray, values: pa.Array) -> Ints:
    found = pc.index_in(whole(column), value_set=values).fill_null(-1)
    result: Ints = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return result


def _joined(places: Ints, pairs: Ints) -> Ints:
    """Row of ``places`` and second of the pair, for every pair whose first is there; pairs are sorted."""
    starts = np.searchsorted(pairs[:, 0], places, "left")
    ends = np.searchsorted(pairs[:, 0], places, "right")
    counts = np.where(places < 0, 0, ends - starts)
    rows = np.repeat(np.arange(len(places)), counts)
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.column_stack([rows, pairs[np.repeat(starts, counts) + offsets, 1]])


def _learned(reading: Reading, pairs: Ints, held: Held) -> Mapping[tuple[str, str], int]:
    """
    Licenses by the labels that the trail uses and the org does not: a package goes by its namespace there.

    A grant and the assignment it made bear the same second; where all grants of a label point to one license,
    that is the license of the label.
    """
    labels = whole(reading.entries["license"]).dictionary_encode()
    words, codes = labels.dictionary.to_pylist(), labels.indices.fill_null(-1).to_numpy()
    grants = whole(reading.entries["turns"]).to_numpy() == 1
    found: dict[tuple[str, str], int] = {}
    for layer in sorted(LAYERS):
        is_new = np.array(
            [not reading.vocabulary.names[layer].get(word) for word in words] + [False], np.bool_
        )
        mine = is_new[codes] & grants & np.array([kind == layer for kind in reading.kinds], np.bool_)
        chosen = pairs[mine[pairs[:, 0]]]
        for word, place in _elected(chosen, codes[chosen[:, 0]], reading, layer, held):
            found[layer, words[word]] = place
    return found


def _elected(
    pairs: Ints, codes: npt.NDArray[np.int32], reading: Reading, layer: str, held: Held
) -> Iterator[tuple[int, int]]:
    """Labels and the attributes that four of five of their grants point to."""
    vocabulary = reading.vocabulary
    first, size = vocabulary.first(layer), len(vocabulary.licenses[layer])
    votes: Ints = np.zeros((int(codes.max(initial=-1)) + 1, size), np.int64)
    for place in range(size):
        since = held.since(pairs[:, 1] * vocabulary.width + first + place)
        near = np.abs(since - reading.at[pairs[:, 0]]) <= SECOND
        votes[:, place] = np.bincount(codes[near], minlength=len(votes))
    for word in np.flatnonzero(votes.sum(axis=1)).tolist():
        best = int(votes[word].argmax())
        if votes[word, best] > 0.8 * votes[word].sum():
            yield word, first + best


def _expanded(pairs: Ints, attributes: Sequence[Sequence[int]], states: Ints) -> Ints:
    """Every combination of user, attribute and states of an entry: entry, user, attribute, before, after."""
    entries = np.unique(pairs[:, 0]).tolist()
    placed = np.array([(e, a) for e in entries for a in attributes[e]], np.int64).reshape(-1, 2)
    first = _joined(pairs[:, 0], placed)
    both = np.column_stack([pairs[first[:, 0]], first[:, 1]])
    order = np.argsort(states[:, 0], kind="stable")
    states = states[order]
    numbered = np.column_stack([states[:, 0], np.arange(len(states))])
    last = _joined(both[:, 0], numbered)
    return np.column_stack([both[last[:, 0]], states[last[:, 1]][:, 1:]])


def _user_and_attribute(claims: Claims, vocabulary: Vocabulary) -> tuple[Ints, Ints]:
    user, attribute = np.divmod(claims.chain, max(vocabulary.width, 1))
    return user, attribute


def _is_assignment(attribute: Ints, vocabulary: Vocabulary) -> Mask:
    result: Mask = attribute >= vocabulary.first("permission_set")
    return result


def _without_explained(claims: Claims, vocabulary: Vocabulary, held: Held) -> tuple[Claims, Ints]:
    """Leave out grants whose assignment is still there and tells the same by its own date."""
    _, attribute = _user_and_attribute(claims, vocabulary)
    near = np.abs(held.since(claims.chain) - claims.at) <= SECOND
    explained = np.unique(claims.entry[_is_assignment(attribute, vocabulary) & (claims.after == 1) & near])
    return claims.take(~np.isin(claims.entry, explained)), explained


def _credible(claims: Claims, reading: Reading, suspects: Suspects, held: Held, frozen_since: Ints) -> Claims:
    """Leave out whom and what an entry cannot be about."""
    user, attribute = _user_and_attribute(claims, reading.vocabulary)
    fits = suspects.created[user] <= claims.at + SLACK
    fits &= ~reading.is_record[claims.entry] | (suspects.modified[user] >= claims.at - SLACK)
    # The record of a login that is frozen today did not change after it was frozen.
    is_frozen = (attribute == _FROZEN) & (suspects.today[user, _FROZEN] == 1)
    fits &= ~is_frozen | (frozen_since[user] == NEVER) | (claims.at <= frozen_since[user] + SLACK)
    # A seat that is held today has been since it was assigned.
    since = held.since(claims.chain)
    fits &= ~_is_assignment(attribute, reading.vocabulary) | (since < 0) | (claims.at <= since + SLACK)
    return claims.take(fits)


def _exact(claims: Claims, reading: Reading, suspects: Suspects) -> Claims:
    """Of several users of a name keep those whose record was last changed in the second of the entry."""
    user, _ = _user_and_attribute(claims, reading.vocabulary)
    near = reading.is_record[claims.entry] & (np.abs(suspects.modified[user] - claims.at) <= SECOND)
    return claims.take(near | ~np.isin(claims.entry, claims.entry[near]))


def _today(claims: Claims, vocabulary: Vocabulary, suspects: Suspects) -> Ints:
    """States of today; a seat was not held just before it was assigned, nor one that is not held today."""
    user, attribute = _user_and_attribute(claims, vocabulary)
    assigned = _is_assignment(attribute, vocabulary)
    known = suspects.today[user, np.where(assigned, 0, attribute)].astype(np.int64)
    return np.where(assigned, 0, known)
