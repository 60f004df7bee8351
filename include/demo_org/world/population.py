"""The people of a world and everything their tables are made from."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from demo_org.world import ids
from demo_org.world.catalogue.grants import PACKAGES, PERMISSION_SET_LICENSES, Grant, feature_grants
from demo_org.world.catalogue.personas import PERSONAS
from demo_org.world.draws import Draws, Ints
from demo_org.world.holdings import Holdings, Layer
from demo_org.world.logins import Logins
from demo_org.world.named import ADMIN_ROW, HEADCOUNT, NAMED, Named
from demo_org.world.named.system import SYSTEM
from demo_org.world.options import WorldOptions
from demo_org.world.timelines import DAY, Generator, Mask, Times

FAR_DAYS = ((10_000, 3_650), (200_000, 730), (10**9, 180))
"""How far ahead the clock may go, by number of users."""


def moments(seconds: Times | Ints, mask: Mask | None = None) -> pa.Array:
    """Turn UTC seconds into Salesforce date-times (milliseconds); null where the mask is true."""
    return pa.array(seconds.astype(np.int64) * 1000, mask=mask).cast(pa.timestamp("ms", "UTC"))


class Population:
    """
    Everybody there ever is in one world.

    Args:
        draws: The world's random numbers.
        users: Accounts present at the anchor.
        anchor: Midnight of the anchor day, UTC seconds.
        options: The world's variations.
        org_id: For the addresses of system accounts.
        pod: Two characters all ids share.
    """

    def __init__(
        self, draws: Draws, users: int, anchor: int, options: WorldOptions, org_id: str, pod: str
    ) -> None:
        self.draws, self.users, self.anchor, self.options = draws, users, anchor, options
        self.org_id, self.pod = org_id, pod
        ahead = options.horizon_days or next(days for limit, days in FAR_DAYS if users <= limit)
        self.end = anchor + ahead * DAY
        self.lines = Generator(draws, users, anchor, ahead, options.renames_per_year).run()
        self.logins = Logins(self.lines, draws)
        grants: dict[Layer, tuple[Grant, ...]] = {
            "permission_set_licenses": PERMISSION_SET_LICENSES,
            "packages": PACKAGES,
            "features": feature_grants(options.feature_licenses),
        }
        made = [Holdings(name, grants[name], self.lines, draws, anchor, self.end) for name in grants]
        self.psls, self.packages, self.features = made
        self.account_count = max(3, users // 80)

    def ids(self, prefix: str, counters: Ints) -> pa.StringArray:
        """Return the ids of records with these counters."""
        return ids.encode(prefix, self.pod, counters)

    def id_of(self, prefix: str, counter: int) -> str:
        """Return the id of one record."""
        return ids.encode_one(prefix, self.pod, counter)

    def user_ids(self, rows: Ints) -> pa.StringArray:
        """Return `User.Id` of the rows."""
        return self.ids("005", rows + 1)

    @property
    def admin_id(self) -> str:
        """Return `User.Id` of the administrator, who creates and changes everybody."""
        return self.id_of("005", ADMIN_ROW + 1)

    def is_external(self, rows: Ints) -> Mask:
        """Say which rows are partners or customers, with a contact and an account."""
        outside = np.array([kind.is_external for kind in PERSONAS])[self.lines.persona[rows]]
        named = np.array([who.account is not None for who in NAMED])
        return np.where(rows < HEADCOUNT, named[np.minimum(rows, HEADCOUNT - 1)], outside)

    def is_employee(self, rows: Ints) -> Mask:
        """Say which rows are people who work for the company, contractors included."""
        kinds = np.array(
            [not kind.is_external and kind.name not in ("integration", "chatter guest") for kind in PERSONAS]
        )
        return kinds[self.lines.persona[rows]] & ~self.is_external(rows) & (rows >= len(SYSTEM))

    def account_of(self, rows: Ints) -> Ints:
        """Return positions of the accounts of external rows, and of the employers of contractors."""
        named = np.array([who.account or 0 for who in NAMED])
        drawn = self.draws.below("account", rows, self.account_count)
        return np.where(rows < HEADCOUNT, named[np.minimum(rows, HEADCOUNT - 1)], drawn)

    def with_named(
        self, rows: Ints, written: Callable[[int, Named], object], drawn: Callable[[Ints], pa.Array]
    ) -> pa.Array:
        """
        Make a column from what is written about the hand-named rows and drawn for all others.

        Args:
            rows: Ascending rows.
            written: Gives the value of one hand-named row.
            drawn: Gives the column of generated rows; its type is the type of the column.
        """
        split = int(np.searchsorted(rows, HEADCOUNT))
        rest = drawn(rows[split:])
        if not split:
            return rest
        head = pa.array([written(int(row), NAMED[row]) for row in rows[:split]], type=rest.type)
        return pa.concat_arrays([head, rest])

    def limit_logins(self) -> int:
        """Return how many of a user's latest logins the org remembers."""
        return self.options.logins_per_user or max(2, min(200, math.ceil(6_000_000 / self.lines.size)))
