"""Profiles and permission sets."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from demo_org.schema.permissions import ON_PROFILES
from demo_org.world.catalogue.user_licenses import LICENSES, PROFILES
from demo_org.world.population import Population
from demo_org.world.tables.assignments import CUSTOM_SETS, GROUP_SETS, LICENSE_SETS
from demo_org.world.tables.columns import MOMENT, Source, small
from demo_org.world.tables.licenses import FOUNDED_DAYS, at
from demo_org.world.timelines import DAY

TEXT, FLAG = pa.string(), pa.bool_()
ADMIN_PERMISSIONS = (
    "ApiEnabled",
    "AssignPermissionSets",
    "CustomizeApplication",
    "InstallPackaging",
    "ManageUsers",
    "ModifyAllData",
    "ViewAllData",
    "ViewAllUsers",
    "ViewRoles",
    "ViewSetup",
)
API_ONLY = ("ApiEnabled", "ApiUserOnly")
CUSTOM = ("Acme_Quote_Approver", "Acme_Report_Builder")
GROUPS = ("Acme_Sales_Bundle",)


class Access:
    """The tables which say what profiles and permission sets there are; they do not change with time."""

    def __init__(self, people: Population) -> None:
        self._people = people
        self._founded = at(people.anchor - FOUNDED_DAYS * DAY)

    def profiles(self) -> Source:
        """Return `Profile`: all but the hidden one of Salesforce's automated users."""
        visible = list(enumerate(PROFILES))[1:]
        size = len(visible)
        flags = {}
        for name in (*ADMIN_PERMISSIONS, "ApiUserOnly"):
            column = [name in self._granted(profile.name) for _, profile in visible]
            flags[f"Permissions{ON_PROFILES.get(name, name)}"] = (column, FLAG)
        return small(
            {
                "Id": ([self._people.id_of("00e", index + 1) for index, _ in visible], TEXT),
                "Name": ([profile.name for _, profile in visible], TEXT),
                "UserLicenseId": (
                    [self._people.id_of("100", profile.license_index + 1) for _, profile in visible],
                    TEXT,
                ),
                "UserType": ([LICENSES[profile.license_index].user_type for _, profile in visible], TEXT),
                "Description": ([None] * size, TEXT),
                **flags,
                **self._audit(size),
            }
        )

    def permission_sets(self) -> Source:
        """Return `PermissionSet`: one hidden per profile, one per permission set license, the admins' own."""
        people = self._people
        owned = list(range(1, len(PROFILES)))
        grants = people.psls.grants
        counters = (
            owned
            + [LICENSE_SETS + n for n in range(len(grants))]
            + [CUSTOM_SETS + n for n in range(len(CUSTOM))]
            + [GROUP_SETS + n for n in range(len(GROUPS))]
        )
        rest = len(counters) - len(owned)
        names = [f"X00e{index:012d}" for index in owned]
        names += [f"{grant.key}_Set" for grant in grants] + list(CUSTOM) + list(GROUPS)
        kinds = ["Profile"] * len(owned) + ["Standard"] * len(grants)
        kinds += ["Regular"] * len(CUSTOM) + ["Group"] * len(GROUPS)
        licenses = [people.id_of("100", PROFILES[index].license_index + 1) for index in owned]
        return small(
            {
                "Id": ([people.id_of("0PS", counter) for counter in counters], TEXT),
                "Name": (names, TEXT),
                "Label": ([name.replace("_", " ") for name in names], TEXT),
                "LicenseId": (
                    licenses
                    + [people.id_of("0PL", n + 1) for n in range(len(grants))]
                    + [None] * (len(CUSTOM) + len(GROUPS)),
                    TEXT,
                ),
                "ProfileId": ([people.id_of("00e", index + 1) for index in owned] + [None] * rest, TEXT),
                "IsOwnedByProfile": ([True] * len(owned) + [False] * rest, FLAG),
                "IsCustom": ([kind in ("Regular", "Group") for kind in kinds], FLAG),
                "PermissionSetGroupId": (
                    [None] * (len(counters) - len(GROUPS))
                    + [people.id_of("0PG", n + 1) for n in range(len(GROUPS))],
                    TEXT,
                ),
                "Type": (kinds, TEXT),
                **self._audit(len(counters)),
            }
        )

    def groups(self) -> Source:
        """Return `PermissionSetGroup`."""
        size = len(GROUPS)
        return small(
            {
                "Id": ([self._people.id_of("0PG", n + 1) for n in range(size)], TEXT),
                "DeveloperName": (list(GROUPS), TEXT),
                "MasterLabel": ([name.replace("_", " ") for name in GROUPS], TEXT),
                "Language": (["en_US"] * size, TEXT),
                "Status": (["Updated"] * size, TEXT),
                **self._audit(size),
            }
        )

    def components(self) -> Source:
        """Return `PermissionSetGroupComponent`: the group bundles the admins' own permission sets."""
        size = len(CUSTOM)
        return small(
            {
                "Id": ([self._people.id_of("0PM", n + 1) for n in range(size)], TEXT),
                "PermissionSetGroupId": ([self._people.id_of("0PG", 1)] * size, TEXT),
                "PermissionSetId": ([self._people.id_of("0PS", CUSTOM_SETS + n) for n in range(size)], TEXT),
                **self._audit(size),
            }
        )

    def _granted(self, profile: str) -> tuple[str, ...]:
        if profile == "System Administrator":
            return ADMIN_PERMISSIONS
        return API_ONLY if "API Only" in profile else ("ApiEnabled",)

    def _audit(self, size: int) -> dict[str, tuple[list[datetime] | list[str], pa.DataType]]:
        return {
            "CreatedDate": ([self._founded] * size, MOMENT),
            "CreatedById": ([self._people.admin_id] * size, TEXT),
            "LastModifiedDate": ([self._founded] * size, MOMENT),
            "LastModifiedById": ([self._people.admin_id] * size, TEXT),
            "SystemModstamp": ([self._founded] * size, MOMENT),
        }
