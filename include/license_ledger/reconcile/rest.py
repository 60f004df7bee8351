"""The rest of a license: what counter and counted holders differ by, booked as far as evidence goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from license_ledger.reconcile import causes
from license_ledger.reconcile.evidence import Evidence, Metric
from license_ledger.reconcile.footing import Footing, Holders


class Booked(NamedTuple):
    """
    A signed number of seats and the evidence for it, in words.

    Attributes:
        seats: never beyond what the evidence allows.
        detail: the evidence; empty when nothing was booked.
    """

    seats: int = 0
    detail: str = ""


@dataclass
class License:
    """
    A license with everything known about its holders.

    Attributes:
        layer: license layer.
        license_id: id in its layer.
        used: Salesforce's counter.
        used_as_of: when it was taken.
        is_unlimited: whether its seats are unlimited.
        holders: who was read to hold it.
        metric: its control total, when there is a recent one.
        hidden_people: users known to exist beyond those that were read, from the evidence of other layers.
    """

    layer: str
    license_id: str
    used: int | None
    used_as_of: datetime | None
    is_unlimited: bool
    holders: Holders = field(default_factory=Holders)
    metric: Metric | None = None
    hidden_people: int = 0


@dataclass
class Rest:
    """
    The rest of a license on one footing.

    Attributes:
        footing: whom the counter counts.
        counted: holders it counts.
        timing: seats explained by the age of the counter.
        not_visible: seats of users who could not be read.
        unexplained: what remains.
    """

    footing: Footing
    counted: int
    timing: Booked
    not_visible: Booked
    unexplained: int

    @classmethod
    def of(cls, license_: License, footing: Footing, evidence: Evidence) -> Rest:
        """Book the rest of a license that has a counter."""
        assert license_.used is not None
        counted = license_.holders.total(footing)
        rest = license_.used - counted
        timing = _timing(license_, footing, rest, evidence)
        not_visible = _not_visible(license_, counted, rest - timing.seats)
        return cls(footing, counted, timing, not_visible, rest - timing.seats - not_visible.seats)

    def holds_together(self, license_: License) -> bool:
        """
        Whether everything is explained, and the assignments of unread users fit.

        A counter of all assignees counts every one of these; a counter of active users any part of them.
        """
        is_whole = self.footing.active_only or self.not_visible.seats == license_.holders.unseen
        return not self.unexplained and (is_whole or not license_.holders.unseen)

    def explain_by_moves(self, license_: License, moves: int, evidence: Evidence) -> int:
        """
        Book users who moved to another license of the layer since the counter was taken.

        Args:
            license_: the license this is the rest of, with an old counter.
            moves: users known to have come to other licenses, not yet booked anywhere.
            evidence: when the snapshot was taken.

        Returns:
            How many were booked here.
        """
        booked = max(0, min(self.unexplained, moves))
        if booked and license_.used_as_of is not None:
            old = causes.old_counter(license_.used_as_of, evidence.captured_at)
            before = self.timing.detail or f"{old}; since then"
            words = f"{booked} users moved to other licenses, which gained as many changed holders"
            glue = " and " if self.timing.detail else " "
            self.timing = Booked(self.timing.seats + booked, f"{before}{glue}{words}")
            self.unexplained -= booked
        return booked

    def words(self, license_: License, evidence: Evidence) -> str:
        """Say what the unexplained rest is made of."""
        text = f"the counter is {license_.used}, holders counted are {self.counted}"
        evidenced = self.timing.seats + self.not_visible.seats
        if evidenced:
            text += f", evidence covers {evidenced:+d}"
        text += ", nothing accounts for the rest"
        if license_.used_as_of is not None and evidence.is_old(license_.used_as_of):
            text += f"; {causes.old_counter(license_.used_as_of, evidence.captured_at)}"
        if license_.is_unlimited:
            text += "; the license is unlimited, and Salesforce may not keep its counter"
        return text


def arrivals(license_: License, rest: Rest) -> int:
    """
    Users who may have come from another license of the layer since the counter was taken, at most.

    Holders that were changed since, as far as the license's own balance leaves room for them: what it lost
    (deactivated holders that were changed) less its rest less those who are new to the org.
    """
    assert license_.used is not None
    counted = license_.holders.counted(rest.footing)
    left = _left(license_.holders, rest.footing)
    changed = sum(group.changed_since for group in counted)
    created = sum(group.created_since for group in counted)
    return max(0, min(changed + left, left - (license_.used - rest.counted) - created))


def _timing(license_: License, footing: Footing, rest: int, evidence: Evidence) -> Booked:
    """An old counter counts users who have left since, and misses users who have come."""
    if not rest or license_.used_as_of is None or not evidence.is_old(license_.used_as_of):
        return Booked()
    limit, words = _come(license_, footing) if rest < 0 else _gone(license_, footing)
    seats = max(rest, -limit) if rest < 0 else min(rest, limit)
    old = causes.old_counter(license_.used_as_of, evidence.captured_at)
    return Booked(seats, f"{old}; since then {words}") if seats else Booked()


def _come(license_: License, footing: Footing) -> tuple[int, str]:
    groups = license_.holders.counted(footing)
    created = sum(group.created_since for group in groups)
    changed = sum(group.changed_since for group in groups)
    return created + changed, f"{created} holders were created and {changed} changed"


def _gone(license_: License, footing: Footing) -> tuple[int, str]:
    holders = license_.holders
    left = _left(holders, footing)
    changed_holders = sum(group.changed_since for group in holders.groups)
    others = max(0, holders.changed_people - changed_holders)
    words = [f"{left} deactivated holders were changed"] if left else []
    if others:
        words.append(f"{others} users who do not hold the license were changed")
    return left + others, " and ".join(words)


def _left(holders: Holders, footing: Footing) -> int:
    """Holders who may have been counted until they were deactivated."""
    if not footing.active_only:
        return 0
    groups = holders.counted(footing._replace(active_only=False))
    return sum(group.changed_since for group in groups if not group.is_active)


def _not_visible(license_: License, counted: int, rest: int) -> Booked:
    """Salesforce counts users whom the integration user may not read."""
    limits = [
        (license_.holders.unseen, f"{license_.holders.unseen} assignments name users who could not be read"),
        (license_.hidden_people, f"{license_.hidden_people} users are known to exist who could not be read"),
    ]
    if license_.metric is not None:
        assigned, day = license_.metric
        words = f"Salesforce's own metric of {day} names {assigned} assigned users, {counted} were read"
        limits.append((assigned - counted, words))
    limit, words = max(limits, key=lambda each: each[0])
    seats = max(0, min(rest, limit))
    return Booked(seats, words) if seats else Booked()
