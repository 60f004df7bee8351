"""The tables of who holds what, and of frozen logins."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo_org.world.draws import Ints
from demo_org.world.holdings import SLOTS, Holdings
from demo_org.world.population import Population, moments
from demo_org.world.tables.columns import Maker, Source, constant
from demo_org.world.timelines import BLOCK, Times

TEXT = pa.string()
PROFILE_SLOT, LICENSE_SLOT, CUSTOM_SLOT, GROUP_SLOT = 0, 8, 40, 56
LICENSE_SETS, CUSTOM_SETS, GROUP_SETS = 100, 200, 300
"""First id counters of the permission sets of licenses, of the admins and of groups."""


class Seats:
    """Assignment tables at a moment."""

    def __init__(self, people: Population, moment: int) -> None:
        self._people, self._moment = people, moment

    def permission_set_licenses(self) -> Source:
        """Return `PermissionSetLicenseAssign`; removed assignments are gone."""
        return self._assignments(self._people.psls, "2LA", "0PL", "PermissionSetLicenseId", "AssigneeId")

    def packages(self) -> Source:
        """Return `UserPackageLicense`; removed assignments are gone."""
        return self._assignments(self._people.packages, "051", "050", "PackageLicenseId", "UserId")

    def _assignments(self, holdings: Holdings, prefix: str, target: str, grant: str, user: str) -> Source:
        slots, times = [], []
        for index, holding in enumerate(holdings.of):
            here = holding.at(self._moment)
            slots.append(holding.rows[here] * SLOTS + index)
            times.append(holding.assigned[here])
        slot, when = _sorted(slots, times)
        people = self._people

        def stamp(keys: Ints) -> pa.Array:
            return moments(when[keys])

        makers: dict[str, Maker] = {
            "Id": lambda keys: people.ids(prefix, slot[keys] + 1),
            grant: lambda keys: people.ids(target, slot[keys] % SLOTS + 1),
            user: lambda keys: people.user_ids(slot[keys] // SLOTS),
            "CreatedDate": stamp,
            "CreatedById": constant(people.admin_id, TEXT),
            "LastModifiedDate": stamp,
            "LastModifiedById": constant(people.admin_id, TEXT),
            "SystemModstamp": stamp,
        }
        return Source(np.arange(slot.size), makers)

    def user_logins(self) -> Source:
        """Return `UserLogin`: everybody who ever logged in or was ever frozen, and nobody else."""
        people, lines = self._people, self._people.lines
        rows = lines.rows_at(self._moment)
        known = lines.frozen[rows] <= self._moment
        for start in range(0, rows.size, BLOCK):
            part = rows[start : start + BLOCK]
            known[start : start + BLOCK] |= people.logins.latest(self._moment, part) > 0
        rows = rows[known]

        def modified(keys: Ints) -> pa.Array:
            latest = lines.created[keys].astype(np.int64)
            for events in (lines.frozen[keys].astype(np.int64), lines.thawed[keys].astype(np.int64)):
                latest = np.where(events <= self._moment, np.maximum(latest, events), latest)
            return moments(latest)

        makers: dict[str, Maker] = {
            "Id": lambda keys: people.ids("0Yw", keys + 1),
            "UserId": people.user_ids,
            "IsFrozen": lambda keys: pa.array(lines.is_frozen(self._moment, keys)),
            "IsPasswordLocked": lambda keys: pa.array(people.draws.chance("locked", keys, 0.003)),
            "LastModifiedDate": modified,
            "LastModifiedById": constant(people.admin_id, TEXT),
        }
        return Source(rows, makers)

    def permission_sets(self) -> Source:
        """
        Return `PermissionSetAssignment`.

        One row per user for the permission set his profile owns, one for most permission set licenses held
        (some licenses are left over from a removed permission set), one for some of the admins' own sets
        and groups.
        """
        people, lines = self._people, self._people.lines
        rows = lines.rows_at(self._moment)
        profile = lines.profile_at(self._moment, rows).astype(np.int64)
        since = np.where(lines.moved[rows] <= self._moment, lines.moved[rows], lines.created[rows])
        seen = profile > 0
        slots = [rows[seen] * SLOTS + PROFILE_SLOT]
        times: list[Times] = [since[seen]]
        for index, holding in enumerate(people.psls.of):
            here = holding.at(self._moment)
            mine = people.draws.chance(f"set for {index}", holding.rows[here], 0.85)
            slots.append(holding.rows[here][mine] * SLOTS + LICENSE_SLOT + index)
            times.append(holding.assigned[here][mine])
        staff = rows[people.is_employee(rows)]
        for slot, share in ((CUSTOM_SLOT, 0.5), (CUSTOM_SLOT + 1, 0.2), (GROUP_SLOT, 0.1)):
            given = staff[people.draws.chance(f"set {slot}", staff, share)]
            slots.append(given * SLOTS + slot)
            times.append(lines.created[given])
        return self._set_assignments(*_sorted(slots, times))

    def _set_assignments(self, slot: Ints, when: Times) -> Source:
        people, lines = self._people, self._people.lines

        def permission_set(keys: Ints) -> pa.Array:
            rows, place = np.divmod(slot[keys], SLOTS)
            counter = np.where(
                place >= GROUP_SLOT, GROUP_SETS + place - GROUP_SLOT, CUSTOM_SETS + place - CUSTOM_SLOT
            )
            counter = np.where(place < CUSTOM_SLOT, LICENSE_SETS + place - LICENSE_SLOT, counter)
            profile = lines.profile_at(self._moment, rows).astype(np.int64)
            return people.ids("0PS", np.where(place == PROFILE_SLOT, profile, counter))

        def group(keys: Ints) -> pa.Array:
            place = slot[keys] % SLOTS
            ids = people.ids("0PG", np.maximum(place - GROUP_SLOT, 0) + 1)
            return pc.if_else(pa.array(place >= GROUP_SLOT), ids, pa.scalar(None, TEXT))

        makers: dict[str, Maker] = {
            "Id": lambda keys: people.ids("0Pa", slot[keys] + 1),
            "PermissionSetId": permission_set,
            "PermissionSetGroupId": group,
            "AssigneeId": lambda keys: people.user_ids(slot[keys] // SLOTS),
            "SystemModstamp": lambda keys: moments(when[keys]),
            "IsActive": constant(True, pa.bool_()),
        }
        return Source(np.arange(slot.size), makers)


def _sorted(slots: list[Ints], times: list[Times]) -> tuple[Ints, Times]:
    slot, when = np.concatenate(slots), np.concatenate(times)
    order = np.argsort(slot, kind="stable")
    return slot[order], when[order]
