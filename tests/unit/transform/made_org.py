"""Landing tables of small made-up orgs: one default person, and tests say only what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from license_ledger.settings import LegalEntity
from license_ledger.transform.conform import people
from license_ledger.transform.lookups import Lookups
from license_ledger.transform.scope import ScopeRules

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIMESTAMP = pa.timestamp("us", "UTC")


def record_id(prefix: str, number: int) -> str:
    """An 18-character id of an object's key prefix."""
    return f"{prefix}5g0{number:09d}AAA"


def user_id(number: int) -> str:
    """Id of a user."""
    return record_id("005", number)


USER_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("Id", "Username", "Email", "Name", "CompanyName", "Department")),
        *((name, pa.string()) for name in ("Division", "Title", "Country", "EmployeeNumber")),
        *((name, pa.string()) for name in ("FederationIdentifier", "UserType", "ProfileId", "UserRoleId")),
        ("IsActive", pa.bool_()),
        *((name, TIMESTAMP) for name in ("LastLoginDate", "CreatedDate", "LastModifiedDate")),
        *((f"UserPermissions{name}", pa.bool_()) for name in ("MarketingUser", "SupportUser")),
    ]
)
FLAGS = ("UserPermissionsMarketingUser", "UserPermissionsSupportUser")

PROFILES = {
    "sales": ("SFDC", "Salesforce"),
    "platform": ("AUL", "Salesforce Platform"),
    "light": ("AUL_LIGHT", "Salesforce Platform Light"),
    "chatter": ("CSN_User", "Chatter Free"),
    "partner": ("PID_Partner_Community", "Partner Community"),
    "guest": ("PID_Guest_User", "Guest"),
    "integration": ("SALESFORCE_INTEGRATION_USER", "Salesforce Integration"),
    "analytics": ("INSIGHTS_INTEGRATION_USER", "Analytics Cloud Integration User"),
    "proxy": ("PID_XOrg_Proxy_User", "XOrg Proxy User"),
    "agent": ("PID_DigitalAgentExternal", "External Einstein Agent"),
}
"""Name of a profile: key and name of its user license."""

PROFILE_IDS = {name: record_id("00e", number) for number, name in enumerate(PROFILES)}
LICENSE_IDS = {key: record_id("100", number) for number, (key, _) in enumerate(PROFILES.values())}


def users(*rows: Mapping[str, Any]) -> pa.Table:
    """Landed users, numbered from 0; each an active Standard user on ``sales`` unless said otherwise."""
    defaults = {"IsActive": True, "ProfileId": PROFILE_IDS["sales"], "UserType": "Standard"}
    return pa.Table.from_pylist(
        [
            {"Id": user_id(number), "Email": "ann@acme.com", **defaults, **row}
            for number, row in enumerate(rows)
        ],
        schema=USER_SCHEMA,
    )


def profile_table() -> pa.Table:
    """Landed profiles."""
    return pa.table(
        {
            "Id": list(PROFILE_IDS.values()),
            "Name": [f"Profile {name}" for name in PROFILES],
            "UserLicenseId": [LICENSE_IDS[key] for key, _ in PROFILES.values()],
        }
    )


def user_license_table(**changes: Sequence[Any]) -> pa.Table:
    """Landed user licenses, all without seats; ``changes`` replace columns."""
    size = len(PROFILES)
    columns: dict[str, Sequence[Any]] = {
        "Id": list(LICENSE_IDS.values()),
        "LicenseDefinitionKey": list(LICENSE_IDS),
        "MasterLabel": [name for _, name in PROFILES.values()],
        "Name": [name for _, name in PROFILES.values()],
        "Status": ["Active"] * size,
        "TotalLicenses": [0] * size,
        "UsedLicenses": [0] * size,
    }
    return pa.table({**columns, **changes})


def lookups(**changes: Any) -> Lookups:
    """Lookups over the profiles and user licenses above."""
    tables: dict[str, Any] = {"profiles": profile_table(), "user_licenses": user_license_table()}
    return Lookups.build(**{**tables, **changes})


def entity(name: str, *domains: str) -> LegalEntity:
    """A declared legal entity."""
    return LegalEntity(name=name, domains=domains)


def conformed(
    rows: Sequence[Mapping[str, Any]],
    names: Sequence[str] = ("acme.com",),
    entities: Sequence[LegalEntity] = (),
    *,
    found: Lookups | None = None,
    **policies: str,
) -> list[dict[str, Any]]:
    """Users put through ``people`` under a filter, as dictionaries."""
    rules = ScopeRules.parse(names, entities, **policies)
    return people(users(*rows), found or lookups(), rules, AT).to_pylist()
