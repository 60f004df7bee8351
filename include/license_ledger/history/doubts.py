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
        licenses: attributes that are licenses somebody may have held of whom nothing tells.
    """

    times: dict[int, dict[int, Ints]] = field(default_factory=dict)
    licenses: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls,
        vocabulary: Vocabulary,
        kinds: Sequence[str],
        attributes: Sequence[Sequence[int]],
        after: Sequence[int],
        at: Sequence[int],
    ) -> Doubts:
        """
        Collect them.

        Args:
            vocabulary: of the org.
            kinds: per entry what it changes.
            attributes: per entry the attributes it may be about; empty for any of its kind.
            after: per entry the state it led to.
            at: per entry when.
        """
        found: dict[int, dict[int, list[int]]] = {}
        licenses: set[int] = set()
        for kind, known, state, time in zip(kinds, attributes, after, at, strict=True):
            places = list(known) or _all_of(vocabulary, kind)
            if kind in LAYERS and state != 1:
                licenses.update(places)
            for place in places:
                found.setdefault(place, {}).setdefault(state, []).append(time)
        times = {
            place: {state: np.array(sorted(each), np.int64) for state, each in states.items()}
            for place, states in found.items()
        }
        return cls(times, frozenset(licenses))

    def concern(self, attribute: int, state: Ints, created: Ints, until: Ints) -> Mask:
        """
        Say whose chain of an attribute an entry may be about that could not be placed.

        Args:
            attribute: number of the attribute.
            state: per user the state that the walk back arrived at.
            created: when each was created.
            until: until when the chain may have changed: the earliest entry that was walked, or the last
                change of the record.

        Returns:
            True where an entry lies between and led to that state.
        """
        found: Mask = np.zeros(len(state), np.bool_)
        for after, times in self.times.get(attribute, {}).items():
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
