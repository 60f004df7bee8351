"""A generated org, at any moment of its life."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa

from demo_org.schema import OBJECTS
from demo_org.world import ids
from demo_org.world.draws import Draws
from demo_org.world.options import WorldOptions

__all__ = ["World", "WorldOptions"]


class World:
    """First cut, to be replaced: forty plain users on one profile."""

    def __init__(
        self,
        *,
        seed: int = 1,
        users: int = 40,
        today: date | None = None,
        options: WorldOptions = WorldOptions(),
    ) -> None:
        self.seed, self.users, self.options = seed, users, options
        self.today = today or datetime.now(UTC).date()
        self._now = datetime(self.today.year, self.today.month, self.today.day, tzinfo=UTC)
        self._pod = "Hq"
        self.org_id = ids.encode_one("00D", self._pod, Draws(seed).one("org", 60_000_000))
        self.org_name, self.instance_name, self.is_sandbox = "Acme Corporation", "EU47", options.sandbox
        self.features = options.features
        self.integration_user_id = ids.encode_one("005", self._pod, 8)
        self._cache: dict[str, pa.Table] = {}

    @property
    def now(self) -> datetime:
        """The org's clock, UTC."""
        return self._now

    def set_clock(self, moment: datetime) -> None:
        """Move the org to another moment."""
        self._now, self.today = moment, moment.date()
        self._cache.clear()

    def table(self, object_name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the stored columns of an object, by Id."""
        if object_name not in OBJECTS:
            raise KeyError(object_name)
        if object_name not in self._cache:
            self._cache[object_name] = self._build(object_name)
        table = self._cache[object_name]
        return table if columns is None else table.select([c for c in columns if c in table.column_names])

    def _build(self, name: str) -> pa.Table:
        one = np.array([1], dtype=np.int64)
        when = pa.scalar(self._now, pa.timestamp("ms", "UTC"))
        if name == "UserLicense":
            return pa.table(
                {
                    "Id": ids.encode("100", self._pod, one),
                    "Name": ["Salesforce"],
                    "MasterLabel": ["Salesforce"],
                    "LicenseDefinitionKey": ["SFDC"],
                    "Status": ["Active"],
                    "TotalLicenses": [100],
                    "UsedLicenses": [self.users],
                    "UsedLicensesLastUpdated": pa.repeat(when, 1),
                }
            )
        if name == "Profile":
            return pa.table(
                {
                    "Id": ids.encode("00e", self._pod, one),
                    "Name": ["System Administrator"],
                    "UserLicenseId": ids.encode("100", self._pod, one),
                    "UserType": ["Standard"],
                }
            )
        if name == "Organization":
            return pa.table({"Id": [self.org_id], "Name": [self.org_name], "IsSandbox": [self.is_sandbox]})
        if name == "User":
            rows = np.arange(1, self.users + 1)
            return pa.table(
                {
                    "Id": ids.encode("005", self._pod, rows),
                    "Username": [f"user{n}@acme.com" for n in rows],
                    "Email": [f"user{n}@acme.com" for n in rows],
                    "Name": [f"User {n}" for n in rows],
                    "LastName": [str(n) for n in rows],
                    "FirstName": ["User"] * self.users,
                    "IsActive": [True] * self.users,
                    "UserType": ["Standard"] * self.users,
                    "ProfileId": pa.array([ids.encode_one("00e", self._pod, 1)] * self.users),
                    "CreatedDate": pa.repeat(when, self.users),
                }
            )
        return pa.table({"Id": pa.array([], pa.string())})

    def users_visible_without_view_all(self) -> pa.Array:
        """Return the ids of the users somebody without View All Users is shown."""
        return self.table("User")["Id"].combine_chunks().slice(0, self.users // 2)
