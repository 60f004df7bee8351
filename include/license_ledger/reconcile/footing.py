"""On which footing Salesforce's counter of a license stands: measured, never assumed. Imports nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

ACTIVE_ONLY_LAYERS = frozenset({"user"})
"""
Layers whose counter is documented to count active users; others count every assignee (Object Reference,
UserLicense.UsedLicenses; Salesforce Help 000386472).
"""


class Footing(NamedTuple):
    """
    Whom a counter counts.

    Attributes:
        active_only: only users who may log in; else all who hold the license.
        counts_system: users of the platform itself as well.
    """

    active_only: bool
    counts_system: bool


class Group(NamedTuple):
    """
    Holders of a license who are alike.

    Attributes:
        cause: where the bridge books them.
        is_active: whether they may log in.
        is_system: whether they are users of the platform itself.
        n: how many they are.
        created_since: how many of them were created after the counter was taken.
        changed_since: how many others were changed after it.
    """

    cause: str
    is_active: bool
    is_system: bool
    n: int
    created_since: int
    changed_since: int


@dataclass(frozen=True)
class Holders:
    """
    Everybody known to hold a license.

    Attributes:
        groups: the holders who were read.
        unseen: assignments whose users were not read.
        changed_people: users changed since the counter was taken, holders or not; 0 where that was not
            counted.
    """

    groups: tuple[Group, ...] = ()
    unseen: int = 0
    changed_people: int = 0

    @classmethod
    def of(cls, rows: Iterable[dict[str, Any]]) -> Holders:
        """Read the rows of one license out of merged counts."""
        groups, sums = [], {"not_visible": 0, "counter_timing": 0}
        for row in rows:
            if row["cause"] in sums:
                sums[row["cause"]] += row["n"]
            else:
                groups.append(Group(**{name: row[name] for name in Group._fields}))
        return cls(tuple(groups), sums["not_visible"], sums["counter_timing"])

    def counted(self, footing: Footing) -> list[Group]:
        """The groups that a counter on this footing counts."""
        return [
            group
            for group in self.groups
            if (group.is_active or not footing.active_only) and (footing.counts_system or not group.is_system)
        ]

    def total(self, footing: Footing) -> int:
        """Holders that a counter on this footing counts."""
        return sum(group.n for group in self.counted(footing))

    @property
    def active(self) -> int:
        """Active holders who were read."""
        return self.total(Footing(active_only=True, counts_system=True))

    @property
    def all(self) -> int:
        """Holders who were read, active or not."""
        return self.total(Footing(active_only=False, counts_system=True))

    @property
    def system(self) -> int:
        """Holders who are users of the platform itself, active or not."""
        return sum(group.n for group in self.groups if group.is_system)


def documented(layer: str) -> Footing:
    """The footing that Salesforce documents for a layer."""
    return Footing(layer in ACTIVE_ONLY_LAYERS, counts_system=True)


def measure(layer: str, used: int | None, holders: Holders) -> tuple[str, Footing | None]:
    """
    Compare the counter with the holders.

    Args:
        layer: license layer.
        used: Salesforce's counter; None when it does not tell one.
        holders: the holders who were read.

    Returns:
        The count basis, one of ``COUNT_BASES``, and the footing it stands for. Some counters leave out users
        of the platform itself (guests, for one); that footing is tried when the plain one does not fit. None
        when the counter equals no number of holders.
    """
    if used is None:
        return "not_counted", documented(layer)
    for counts_system in (True, False):
        active = Footing(active_only=True, counts_system=counts_system)
        every = Footing(active_only=False, counts_system=counts_system)
        fits_active, fits_every = used == holders.total(active), used == holders.total(every)
        if fits_active:
            return "both" if fits_every else "active_only", active
        if fits_every:
            return "all_assignees", every
    return "neither", None


def candidates(layer: str, measured: Footing | None, *, is_old: bool) -> list[Footing]:
    """
    Footings to consider, the most credible first.

    Args:
        layer: license layer.
        measured: the footing on which the counter equals the holders, if there is one.
        is_old: whether the counter was taken well before the holders were read.

    Returns:
        The measured one, else the documented one. Where active users are documented to be counted and the
        counter equals all holders, that may be chance, and the documented footing comes first, to be taken if
        evidence explains its rest. Others follow for a fresh counter; an old one differs for so many reasons
        that any footing would fit it too easily.
    """
    first = documented(layer)
    order = [first] if measured is None else [measured]
    if measured is not None and first.active_only and not measured.active_only:
        order.insert(0, measured._replace(active_only=True))
    if not is_old:
        order += [
            Footing(active_only, counts_system)
            for active_only in (first.active_only, not first.active_only)
            for counts_system in (True, False)
        ]
    return list(dict.fromkeys(order))
