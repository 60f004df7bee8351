"""A generated org: its clock, and its records as the clock has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from demo_org.schema import OBJECTS
from demo_org.world import ids
from demo_org.world.catalogue.companies import ENTITY_NAMES, LEGAL_ENTITIES
from demo_org.world.counters import Counters
from demo_org.world.draws import Draws
from demo_org.world.named import HEADCOUNT, INTEGRATION_ROW
from demo_org.world.options import WorldOptions
from demo_org.world.population import Population
from demo_org.world.tables import crm, organization, roles
from demo_org.world.tables.access import Access
from demo_org.world.tables.assignments import Seats
from demo_org.world.tables.audit import AuditTrail
from demo_org.world.tables.columns import Source
from demo_org.world.tables.licenses import Licenses
from demo_org.world.tables.logins import LoginHistory
from demo_org.world.tables.metrics import Metrics
from demo_org.world.tables.users import Users
from demo_org.world.timelines import AGE_DAYS, DAY

PLAIN = WorldOptions()
MOST_USERS = 10_000_000
VISIBLE_SHARE = 0.6
"""Share of the users whom somebody without View All Users is shown."""


class World:
    """
    One org at any moment of its life.

    The state at a moment is a function of seed, size, options and anchor alone, so the clock may go forward
    and back and what was true once is true again.

    Args:
        seed: Gives another org, with other people, for every integer.
        users: Accounts there are at the anchor, 40 to 10 million; the first 40 are hand-named.
        today: Where the clock stands at first, at midnight UTC; None means today.
        options: Variations.

    Raises:
        ValueError: For a size or a day out of range.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        users: int = HEADCOUNT,
        today: date | None = None,
        options: WorldOptions = PLAIN,
    ) -> None:
        if not HEADCOUNT <= users <= MOST_USERS:
            raise ValueError(f"an org has {HEADCOUNT} to {MOST_USERS:,} users, not {users:,}")
        self.seed, self.users, self.options = seed, users, options
        start = today or datetime.now(UTC).date()
        draws = Draws(seed)
        self._pod = "".join(ids.DIGITS[36 + draws.one("pod", 26, n)] for n in range(2))
        counter = draws.one("sandbox org" if options.sandbox else "org", 60_000_000)
        self.org_id = ids.encode_one("00D", self._pod, counter)
        self.org_name = ENTITY_NAMES[0]
        self.is_sandbox = options.sandbox
        self.instance_name = organization.SANDBOX if options.sandbox else organization.PRODUCTION
        self.legal_entities: Mapping[str, tuple[str, ...]] = LEGAL_ENTITIES
        self.features = options.features
        self.anchor = options.anchor or start
        self.people = Population(draws, users, _midnight(self.anchor), options, self.org_id, self._pod)
        self.counters = Counters(self.people)
        self._metrics = Metrics(self.people, self.counters)
        self.integration_user_id = self.people.id_of("005", INTEGRATION_ROW + 1)
        self._sources: dict[str, Source] = {}
        self._columns: dict[tuple[str, str], pa.ChunkedArray] = {}
        self._now = self._checked(datetime(start.year, start.month, start.day, tzinfo=UTC))

    @property
    def now(self) -> datetime:
        """The org's clock, UTC."""
        return self._now

    @property
    def today(self) -> date:
        """The org's calendar day, UTC."""
        return self._now.date()

    @property
    def first_day(self) -> date:
        """The earliest day the clock may be set to."""
        return self.anchor - timedelta(days=AGE_DAYS - 180)

    @property
    def last_day(self) -> date:
        """The latest day the clock may be set to."""
        return datetime.fromtimestamp(self.people.end, UTC).date() - timedelta(days=1)

    def set_clock(self, moment: datetime) -> None:
        """
        Move the org to another moment, forward or back.

        Raises:
            ValueError: For a moment without a time zone, or outside `first_day` to `last_day`.
        """
        moment = self._checked(moment)
        if moment != self._now:
            self._now = moment
            self._sources.clear()
            self._columns.clear()

    def _checked(self, moment: datetime) -> datetime:
        if moment.tzinfo is None:
            raise ValueError("the org's clock needs a moment with a time zone")
        moment = moment.astimezone(UTC).replace(microsecond=0)
        if not self.first_day <= moment.date() <= self.last_day:
            raise ValueError(
                f"this org can be seen from {self.first_day} to {self.last_day}, not on {moment.date()}"
            )
        return moment

    def table(self, object_name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """
        Return the records of an object as the clock has them.

        Args:
            object_name: API name.
            columns: Only these of the stored columns, made on demand; None means all of them. Names which are
                not stored are left out: their value is `FieldDef.default` in every row.

        Returns:
            One row per record, by Id. Types: string, bool, int64, float64, timestamp[ms, UTC], date32.
            Cached, column by column, until the clock moves. An object without records has no rows and the
            column `Id`.

        Raises:
            KeyError: For a name which is no object of this org.
        """
        source = self._source(object_name)
        names = [name for name in (source.makers if columns is None else columns) if name in source.makers]
        for name in names:
            if (object_name, name) not in self._columns:
                self._columns[object_name, name] = source.column(name)
        return pa.table({name: self._columns[object_name, name] for name in names})

    def stored_columns(self, object_name: str) -> tuple[str, ...]:
        """Return the names of the columns `table` has. Raises KeyError for a name which is no object."""
        return tuple(self._source(object_name).makers)

    def row_count(self, object_name: str) -> int:
        """Return the number of records of an object. Raises KeyError for a name which is no object."""
        return int(self._source(object_name).keys.size)

    def users_visible_without_view_all(self) -> pa.Array:
        """
        Return the ids of the users somebody without View All Users is shown: himself and a part of the
        rest.
        """
        rows = self.people.lines.rows_at(self._seconds)
        seen = self.people.draws.chance("visible", rows, VISIBLE_SHARE) | (rows == INTEGRATION_ROW)
        return self.people.user_ids(rows[seen])

    @property
    def _seconds(self) -> int:
        return int(self._now.timestamp())

    def _source(self, object_name: str) -> Source:
        if object_name not in OBJECTS:
            raise KeyError(object_name)
        if object_name not in self._sources:
            self._sources[object_name] = self._builders().get(object_name, _empty)()
        return self._sources[object_name]

    def _builders(self) -> dict[str, Callable[[], Source]]:
        people, moment = self.people, self._seconds
        licenses = Licenses(people, self.counters, moment)
        seats = Seats(people, moment)
        access = Access(people)
        return {
            "User": Users(people, moment).source,
            "UserLicense": licenses.user_licenses,
            "PermissionSetLicense": licenses.permission_set_licenses,
            "PackageLicense": licenses.packages,
            "TenantUsageEntitlement": licenses.entitlements,
            "PermissionSetLicenseAssign": seats.permission_set_licenses,
            "UserPackageLicense": seats.packages,
            "UserLogin": seats.user_logins,
            "PermissionSetAssignment": seats.permission_sets,
            "Profile": access.profiles,
            "PermissionSet": access.permission_sets,
            "PermissionSetGroup": access.groups,
            "PermissionSetGroupComponent": access.components,
            "UserRole": lambda: roles.source(people),
            "Organization": lambda: organization.organization(people),
            "Group": lambda: organization.groups(people),
            "ActiveProfileMetric": lambda: self._metrics.profiles(moment),
            "ActivePermSetLicenseMetric": lambda: self._metrics.permission_set_licenses(moment),
            "ActiveFeatureLicenseMetric": lambda: self._metrics.features(moment),
            "LoginHistory": LoginHistory(people, moment).source,
            "SetupAuditTrail": AuditTrail(people, moment).source,
            "Account": lambda: crm.accounts(people),
            "Contact": lambda: crm.contacts(people, moment),
        }


def _empty() -> Source:
    return Source(np.empty(0, dtype=np.int64), {"Id": lambda _: pa.array([], pa.string())})


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) // DAY * DAY
