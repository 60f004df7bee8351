"""
Who holds seats of what, and from when until when.

For each grant of a layer there are three columns, sorted by row: the holder's row, when the seat was
assigned and when it was removed. Everything about a moment is a comparison with these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from demo_org.world.catalogue.grants import Grant
from demo_org.world.catalogue.user_licenses import LICENSES, PROFILES
from demo_org.world.draws import Draws, Ints
from demo_org.world.named import HEADCOUNT, NAMED, Named
from demo_org.world.named.account import Spans
from demo_org.world.timelines import BLOCK, DAY, NEVER, Timelines, Times

Layer = Literal["permission_set_licenses", "packages", "features"]
LATE_YEARS, HELD_YEARS = 4.0, 25.0
"""Average time until somebody gets what he was not given at once, and until it is taken away."""
SLOTS = 64
"""Ids leave room for so many grants per user in a layer."""


@dataclass(frozen=True)
class Holding:
    """
    Everybody who ever holds a seat of one grant.

    Attributes:
        rows: Holders, ascending.
        assigned: When each got it.
        removed: When each lost it; `NEVER` when not.
    """

    rows: Ints
    assigned: Times
    removed: Times

    def at(self, moment: int) -> Ints:
        """Return positions of the seats which are assigned at a moment."""
        return np.flatnonzero((self.assigned <= moment) & (moment < self.removed))

    def holders(self, moment: int) -> Ints:
        """Return the rows which hold a seat at a moment, ascending, active or not."""
        return self.rows[self.at(moment)]


class Holdings:
    """All grants of one layer."""

    def __init__(
        self,
        layer: Layer,
        grants: tuple[Grant, ...],
        timelines: Timelines,
        draws: Draws,
        anchor: int,
        end: int,
    ) -> None:
        self.layer, self.grants = layer, grants
        self._lines, self._draws, self._anchor, self._end = timelines, draws, anchor, end
        self.of: tuple[Holding, ...] = self._draw()

    def used(self, index: int, moment: int) -> int:
        """Return what Salesforce's counter says of a grant at a moment, by that grant's own basis."""
        holders = self.of[index].holders(moment)
        if self.grants[index].basis == "all":
            return int(holders.size)
        return int(np.count_nonzero(self._lines.is_active(moment, holders)))

    def _draw(self) -> tuple[Holding, ...]:
        licenses = np.array([profile.license_index for profile in PROFILES])
        parts: list[list[Holding]] = [[self._named(grant.key)] for grant in self.grants]
        for start in range(HEADCOUNT, self._lines.size, BLOCK):
            rows = np.arange(start, min(start + BLOCK, self._lines.size), dtype=np.int64)
            license_of = licenses[self._lines.profile[rows]]
            for index, grant in enumerate(self.grants):
                parts[index].append(self._generated(grant, rows, license_of))
        return tuple(
            Holding(
                np.concatenate([part.rows for part in mine]),
                np.concatenate([part.assigned for part in mine]),
                np.concatenate([part.removed for part in mine]),
            )
            for mine in parts
        )

    def _generated(self, grant: Grant, rows: Ints, license_of: Ints) -> Holding:
        eligible = np.array([license_.key in grant.licenses for license_ in LICENSES] + [False])
        rows = rows[eligible[license_of]]
        rows = rows[self._draws.chance(f"{grant.key} holds", rows, grant.share)]
        created = self._lines.created[rows].astype(np.float64)
        late = self._draws.unit(f"{grant.key} late", rows)
        years = -np.log1p(-self._draws.unit(f"{grant.key} day", rows)) * LATE_YEARS
        assigned = np.floor(created + 60 + np.where(late < 0.8, late * 6000, years * 365 * DAY))
        years = -np.log1p(-self._draws.unit(f"{grant.key} until", rows)) * HELD_YEARS
        removed = np.floor(assigned + DAY * (1 + years * 365))
        seen = assigned < self._end
        rows, assigned, removed = rows[seen], assigned[seen], removed[seen]
        removed = np.where(removed < self._end, removed, float(NEVER))
        return Holding(rows, assigned.astype(np.uint32), removed.astype(np.uint32))

    def _named(self, key: str) -> Holding:
        found = [(row, spans[key]) for row, who in enumerate(NAMED) if key in (spans := self._spans(who))]
        days = [(row, first, last) for row, (first, last) in found]
        return Holding(
            np.array([row for row, _, _ in days], dtype=np.int64),
            np.array([self._anchor + int(first * DAY) + 36000 for _, first, _ in days], dtype=np.uint32),
            np.array(
                [NEVER if last is None else self._anchor + int(last * DAY) for _, _, last in days],
                dtype=np.uint32,
            ),
        )

    def _spans(self, who: Named) -> Spans:
        spans: Mapping[Layer, Spans] = {
            "permission_set_licenses": who.permission_set_licenses,
            "packages": who.packages,
            "features": who.features,
        }
        return spans[self.layer]
