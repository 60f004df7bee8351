"""
Salesforce's own counters, as it keeps them: what is used, what was bought, how many were seen lately.

Every counter is exact for the moment asked for. What a counter leaves out (guests, the users the analytics
platform runs as, deactivated holders of some permission set licenses) it leaves out by rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from demo_org.world.catalogue.grants import Total
from demo_org.world.catalogue.user_licenses import LICENSES, PROFILES
from demo_org.world.draws import Ints
from demo_org.world.holdings import Holdings
from demo_org.world.population import Population
from demo_org.world.timelines import BLOCK, DAY, Mask

RECENT_DAYS = 30
"""A user counts as active in the metrics if he logged in within so many days."""
_LICENSE_OF = np.array([profile.license_index for profile in PROFILES])


def month_start(moment: int) -> int:
    """Return midnight UTC of the first day of the month a moment lies in."""
    day = datetime.fromtimestamp(moment, UTC)
    return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp())


def bought(rule: Total, used: int) -> int:
    """
    Return how many seats a rule buys when so many are used.

    `headroom` is a seventh more and ten, in fives; `short` is too few, as after a reduction nobody told the
    admins of; `unlimited` is Salesforce's -1.
    """
    if rule == "unlimited":
        return -1
    if rule == "short":
        return int(used * 0.7)
    if rule == "headroom":
        return math.ceil((used * 1.15 + 10) / 5) * 5
    return rule


@dataclass(frozen=True)
class DayCounts:
    """
    The head counts of one moment.

    Attributes:
        assigned: Active users per profile.
        recent: Those of them who logged in within the last 30 days.
        seen: Per row, whether an active user logged in within the last 30 days.
    """

    assigned: Ints
    recent: Ints
    seen: Mask


class Counters:
    """Counters of one population at any moment; what was counted once is remembered."""

    def __init__(self, people: Population) -> None:
        self._people = people
        self._profiles: dict[int, Ints] = {}
        self._grants: dict[tuple[str, int], tuple[int, ...]] = {}

    def profiles(self, moment: int) -> Ints:
        """Return the active users per profile at a moment, in the order of `PROFILES`."""
        if moment not in self._profiles:
            lines = self._people.lines
            counts = np.zeros(len(PROFILES), dtype=np.int64)
            for start in range(0, lines.size, BLOCK):
                part = slice(start, start + BLOCK)
                codes = lines.profile_at(moment, part)[lines.is_active(moment, part)]
                counts += np.bincount(codes, minlength=len(PROFILES))
            self._profiles[moment] = counts
        return self._profiles[moment]

    def user_licenses(self, moment: int) -> list[int]:
        """Return `UsedLicenses` of each user license at a moment, in the order of `LICENSES`."""
        counts = self.profiles(moment)
        used = [int(counts[index == _LICENSE_OF].sum()) for index in range(len(LICENSES))]
        return [0 if kind.counting == "none" else n for kind, n in zip(LICENSES, used, strict=True)]

    def user_license_totals(self, moment: int) -> list[int]:
        """Return `TotalLicenses` of each user license; the contract is adjusted on the first of the month."""
        used = self.user_licenses(month_start(moment))
        return [bought(kind.total, n) for kind, n in zip(LICENSES, used, strict=True)]

    def grants(self, holdings: Holdings, moment: int) -> tuple[int, ...]:
        """Return what is used of each grant of a layer at a moment, each by its own basis."""
        key = (holdings.layer, moment)
        if key not in self._grants:
            self._grants[key] = tuple(holdings.used(n, moment) for n in range(len(holdings.grants)))
        return self._grants[key]

    def grant_totals(self, holdings: Holdings, moment: int) -> list[int]:
        """Return the seats bought of each grant of a layer; adjusted on the first of the month."""
        used = self.grants(holdings, month_start(moment))
        return [bought(grant.total, n) for grant, n in zip(holdings.grants, used, strict=True)]

    def day(self, moment: int) -> DayCounts:
        """Return the head counts of a moment, activity included. Costs a pass over everybody."""
        lines = self._people.lines
        rows = lines.rows_at(moment)
        logins = self._people.logins.latest(moment, rows)
        seen = np.zeros(lines.size, dtype=np.bool_)
        seen[rows] = (logins >= moment - RECENT_DAYS * DAY) & lines.is_active(moment, rows)
        recent = np.bincount(lines.profile_at(moment, rows)[seen[rows]], minlength=len(PROFILES))
        return DayCounts(self.profiles(moment), recent, seen)

    def logins_this_month(self, license_index: int, moment: int) -> int:
        """Return the user-days with a login since the first of the month, of users now on a license."""
        lines = self._people.lines
        rows = lines.rows_at(moment)
        on_license = _LICENSE_OF[lines.profile_at(moment, rows)] == license_index
        walk = self._people.logins.recent(moment, month_start(moment), rows[on_license], 31)
        return sum(int(times.size) for _, _, times in walk)
