"""
From entries to states: who was in which state at a past moment. Pure NumPy; imports nothing of the package.

A *chain* is one attribute of one user. Its state of today is known, and each entry that changed it says what
came after and what was before; walking back through the entries leads to the state of the moment. An entry
that may concern several users is a *claim* on each of them, and holds for exactly one. So chains that share
an entry are walked together, with every combination of states that the entries allow; what all combinations
agree on is settled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

UNKNOWN = -1
"""Stands for a state that nobody tells; it fits every other."""

MOST_COMBINATIONS = 512
"""Combinations of states beyond which chains count as not settled."""


@dataclass(frozen=True)
class Claims:
    """
    Entries and the chains that they may have changed, one row per possibility.

    Attributes:
        entry: number of the entry; the higher of two at the same time was written earlier.
        at: when it was written, the same for all rows of an entry.
        chain: number of the chain.
        before: state before it.
        after: state after it.
    """

    entry: Ints
    at: Ints
    chain: Ints
    before: Ints
    after: Ints

    def take(self, rows: Ints | Mask) -> Claims:
        """Some of the rows."""
        return Claims(self.entry[rows], self.at[rows], self.chain[rows], self.before[rows], self.after[rows])


@dataclass(frozen=True)
class Walked:
    """
    The chains that were claimed, walked back.

    Attributes:
        chain: numbers, ascending.
        state: state at the moment; today's where it is not settled, UNKNOWN where nobody tells it.
        settled: whether only one state is possible.
        until: when the earliest entry that was walked changed it; the state held until then.
        possible: the possible states of the chains that are not settled.
        ambiguous: numbers of entries that may concern several users and were not told apart.
        contradicted: numbers of entries that fit no chain at all.
    """

    chain: Ints
    state: Ints
    settled: Mask
    until: Ints
    possible: dict[int, frozenset[int]]
    ambiguous: Ints
    contradicted: Ints


def walk_back(claims: Claims, today: Ints) -> Walked:
    """
    Walk all claimed chains back.

    Args:
        claims: the possibilities, of entries after the moment only.
        today: state of today of the chain of each row.

    Returns:
        The states at the moment.
    """
    order = np.lexsort((claims.entry, -claims.at, claims.chain))
    claims = claims.take(order)
    chains, first, place = np.unique(claims.chain, return_index=True, return_inverse=True)
    states = today[order][first]
    knotted = _knotted(claims, states, first, place)
    last = np.append(first[1:], len(claims.chain))[: len(chains)] - 1
    state = claims.before[last] if len(chains) else states
    until = claims.at[last] if len(chains) else states
    result = Walked(
        chains, state.copy(), state != UNKNOWN, until.copy(), {}, np.empty(0, np.int64), np.empty(0, np.int64)
    )
    return _untangled(claims.take(knotted[place]), states, result) if knotted.any() else result


def _knotted(claims: Claims, states: Ints, first: Ints, place: Ints) -> Mask:
    """Chains that share an entry with another, or whose entries do not fit together."""
    _, inverse, numbers = np.unique(claims.entry, return_inverse=True, return_counts=True)
    shared = numbers[inverse] > 1
    # Rows are ordered backwards in time, so what stands before a row happened later.
    later = np.append([UNKNOWN], claims.before[:-1]).astype(np.int64) if len(claims.entry) else claims.before
    later[first] = states
    fits = (claims.after == UNKNOWN) | (later == UNKNOWN) | (claims.after == later)
    knotted: Mask = np.zeros(len(states), np.bool_)
    np.logical_or.at(knotted, place, shared | ~fits)
    return knotted


def _untangled(claims: Claims, states: Ints, walked: Walked) -> Walked:
    """Walk the chains that cannot be walked one by one."""
    of_today = dict(zip(walked.chain.tolist(), states.tolist(), strict=True))
    where = {chain: row for row, chain in enumerate(walked.chain.tolist())}
    ambiguous: list[int] = []
    contradicted: list[int] = []
    possible: dict[int, frozenset[int]] = {}
    for entries in _knots(claims):
        knot = _Knot(entries, of_today)
        knot.walk()
        ambiguous += knot.ambiguous
        contradicted += knot.contradicted
        for chain, found in knot.states().items():
            row = where[chain]
            walked.until[row] = knot.until.get(chain, np.iinfo(np.int64).max)
            walked.settled[row] = len(found) == 1 and UNKNOWN not in found
            walked.state[row] = next(iter(found)) if walked.settled[row] else of_today[chain]
            if not walked.settled[row]:
                possible[chain] = found
    return Walked(
        walked.chain,
        walked.state,
        walked.settled,
        walked.until,
        possible,
        np.array(sorted(ambiguous), np.int64),
        np.array(sorted(contradicted), np.int64),
    )


@dataclass(frozen=True)
class _Entry:
    """One entry with its possibilities: chain, before, after."""

    number: int
    at: int
    options: tuple[tuple[int, int, int], ...]


def _knots(claims: Claims) -> list[list[_Entry]]:
    """Entries that hang together by the chains they claim, each group backwards in time."""
    rows: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    at: dict[int, int] = {}
    for entry, time, *option in zip(
        *(column.tolist() for column in (claims.entry, claims.at, claims.chain, claims.before, claims.after)),
        strict=True,
    ):
        rows[entry].append((option[0], option[1], option[2]))
        at[entry] = time
    roots = _roots(rows)
    groups: dict[int, list[_Entry]] = defaultdict(list)
    for entry in sorted(rows, key=lambda each: (-at[each], each)):
        groups[roots[rows[entry][0][0]]].append(_Entry(entry, at[entry], tuple(rows[entry])))
    return list(groups.values())


def _roots(rows: dict[int, list[tuple[int, int, int]]]) -> dict[int, int]:
    """For every chain the one that stands for all chains it is connected with."""
    parent: dict[int, int] = {}

    def root(chain: int) -> int:
        while parent.setdefault(chain, chain) != chain:
            parent[chain] = parent[parent[chain]]
            chain = parent[chain]
        return chain

    for options in rows.values():
        for chain, _, _ in options:
            parent[root(chain)] = root(options[0][0])
    return {chain: root(chain) for chain in list(parent)}


class _Knot:
    """Chains that are walked together, as all combinations of their states."""

    def __init__(self, entries: Sequence[_Entry], today: dict[int, int]) -> None:
        self._entries = entries
        self._chains = sorted({option[0] for entry in entries for option in entry.options})
        self._place = {chain: place for place, chain in enumerate(self._chains)}
        self._combinations = {tuple(today[chain] for chain in self._chains)}
        self._lost: set[int] = set()
        self.until: dict[int, int] = {}
        self.ambiguous: list[int] = []
        self.contradicted: list[int] = []

    def walk(self) -> None:
        """Undo the entries, the newest first."""
        open_entries: list[tuple[int, set[int]]] = []
        for entry in self._entries:
            if any(chain in self._lost for chain, _, _ in entry.options):
                self._lose(entry, open_entries)
                continue
            undone, chains = self._undo(entry)
            if not undone:
                self.contradicted.append(entry.number)
                continue
            for chain in chains:
                self.until[chain] = entry.at
            if len(chains) > 1:
                open_entries.append((entry.number, chains))
            self._combinations = undone
            if len(undone) > MOST_COMBINATIONS:
                self._lost.update(self._chains)
        states = self.states()
        self.ambiguous += [
            number
            for number, chains in open_entries
            if any(len(states[chain]) > 1 or UNKNOWN in states[chain] for chain in chains)
        ]

    def _lose(self, entry: _Entry, open_entries: list[tuple[int, set[int]]]) -> None:
        chains = {chain for chain, _, _ in entry.options}
        self._lost |= chains
        open_entries.append((entry.number, chains))

    def _undo(self, entry: _Entry) -> tuple[set[tuple[int, ...]], set[int]]:
        undone: set[tuple[int, ...]] = set()
        chains: set[int] = set()
        for states in self._combinations:
            for chain, before, after in entry.options:
                place = self._place[chain]
                if UNKNOWN in (after, states[place]) or after == states[place]:
                    undone.add((*states[:place], before, *states[place + 1 :]))
                    chains.add(chain)
        return undone, chains

    def states(self) -> dict[int, frozenset[int]]:
        """The possible states of every chain."""
        return {
            chain: frozenset({UNKNOWN})
            if chain in self._lost
            else frozenset(states[place] for states in self._combinations)
            for chain, place in self._place.items()
        }
