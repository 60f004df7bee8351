"""
What entries that could not be placed leave open. Pure NumPy; may import its neighbors.

Such an entry is about somebody whom nobody can be told to be: a user who has been renamed since, for one. It
may concern everybody who existed then, whose record was changed at that time or later, and who was afterwards
in the state that it led to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from license_ledger.history.chains import UNKNOWN
from license_ledger.history.suspects import SLACK
from license_ledger.history.vocabulary import Vocabulary
from license_ledger.history.wording import LAYERS

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Doubts:
    """
    Entries that could not be placed.

    Attributes:
        times: per attribute and state after, the times of such entries, ascending.
        nameless: the same for entries whose wording never names anybody who is known, so that they may
            concern a user who was not renamed as well.
        licenses: attributes that are licenses somebody may have held of whom nothing tells.
    """

    times: dict[int, dict[int, Ints]] = field(default_factory=dict)
    nameless: dict[int, dict[int, Ints]] = field(default_factory=dict)
    licenses: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls,
        vocabulary: Vocabulary,
        kinds: Sequence[str],
        attributes: Sequence[Sequence[int]],
        after: Sequence[int],
        at: Sequence[int],
        is_nameless: Sequence[bool],
    ) -> Doubts:
        """
        Collect them.

        Args:
            vocabulary: of the org.
            kinds: per entry what it changes.
            attributes: per entry the attributes it may be about; empty for any of its kind.
            after: per entry the state it led to.
            at: per entry when.
            is_nameless: per entry whether its wording never names anybody who is known.
        """
        found: tuple[_Times, _Times] = ({}, {})
        licenses: set[int] = set()
        entries = zip(kinds, attributes, after, at, is_nameless, strict=True)
        for kind, known, state, time, nameless in entries:
            places = list(known) or _all_of(vocabulary, kind)
            if kind in LAYERS and state != 1:
                licenses.update(places)
            for place in places:
                found[nameless].setdefault(place, {}).setdefault(state, []).append(time)
        named, unnamed = (_sorted(each) for each in found)
        return cls(named, unnamed, frozenset(licenses))

    def concern(
        self, attribute: int, state: Ints, created: Ints, until: Ints, nameless_until: Ints | None = None
    ) -> Mask:
        """
        Say whose chain of an attribute an entry may be about that could not be placed.

        Args:
            attribute: number of the attribute.
            state: per user the state that the walk back arrived at.
            created: when each was created.
            until: until when the chain may have changed: the earliest entry that was walked, or the last
                change of the record, since whoever an entry does not name any more has been renamed.
            nameless_until: until when an entry without a name may have changed it; as ``until`` when None.

        Returns:
            True where an entry lies between and led to that state.
        """
        found = _hit(self.times.get(attribute, {}), state, created, until)
        unnamed = until if nameless_until is None else nameless_until
        return found | _hit(self.nameless.get(attribute, {}), state, created, unnamed)


_Times = dict[int, dict[int, list[int]]]


def _sorted(found: _Times) -> dict[int, dict[int, Ints]]:
    return {
        place: {state: np.array(sorted(each), np.int64) for state, each in states.items()}
        for place, states in found.items()
    }


def _hit(times_after: dict[int, Ints], state: Ints, created: Ints, until: Ints) -> Mask:
    found: Mask = np.zeros(len(state), np.bool_)
    for after, times in times_after.items():
        places = np.searchsorted(times, created - SLACK)
        nearest = np.append(times, np.iinfo(np.int64).max)[places]
        is_near = (places < len(times)) & (nearest - SLACK <= until)
        found |= is_near & ((state == after) | (after == UNKNOWN) | (state == UNKNOWN))
    return found


def _all_of(vocabulary: Vocabulary, kind: str) -> list[int]:
    if kind == "feature":
        return [vocabulary.feature(flag) for flag in vocabulary.flags]
    if kind in LAYERS:
        first = vocabulary.first(kind)
        return list(range(first, first + len(vocabulary.licenses[kind])))
    return []
