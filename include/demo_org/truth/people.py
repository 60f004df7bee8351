"""Every user of the org: in scope or not, why, and what kind of account it is."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from demo_org.truth.addresses import domains
from demo_org.truth.filters import CompanyFilter
from demo_org.world import World

EXTERNAL = {"powerpartner", "cspliteportal", "customersuccess", "powercustomersuccess", "csnexternal"}
SYSTEM = {"guest", "automatedprocess", "cloudintegrationuser"}
INTERNAL = {"standard", "csnonly"}
IN_SCOPE = ("everyone", "domain", "subdomain", "legal_entity")
BANDS = ((31, "0-30"), (61, "31-60"), (91, "61-90"), (181, "91-180"))

RENAMED = {
    "Id": "user_id",
    "Username": "username",
    "Email": "email",
    "Name": "name",
    "CompanyName": "company_name",
    "Department": "department",
    "Division": "division",
    "Title": "title",
    "Country": "country",
    "EmployeeNumber": "employee_number",
    "FederationIdentifier": "federation_id",
    "UserType": "user_type",
    "IsActive": "is_active",
    "ProfileId": "profile_id",
    "UserRoleId": "role_id",
    "LastLoginDate": "last_login_at",
    "CreatedDate": "created_at",
    "LastModifiedDate": "last_modified_at",
}
PUBLISHED = (
    *("user_id", "username", "email", "email_domain", "name", "company_name", "department", "division"),
    *("title", "country", "employee_number", "federation_id", "user_type", "account_class", "scope_reason"),
    *("is_active", "is_frozen", "profile_id", "profile_name", "role_name", "license_id", "license_key"),
    *("license_name", "last_login_at", "activity_band", "created_at", "last_modified_at"),
)


def frame(world: World, name: str, columns: list[str]) -> pd.DataFrame:
    """Return some columns of an object; a column which is not stored is null throughout."""
    table = world.table(name, columns)
    rows: pd.DataFrame = table.to_pandas(date_as_object=True)
    return rows.reindex(columns=columns)


def is_service_key(key: object) -> bool:
    """Say whether a user license is one for integrations and agents."""
    text = str(key)
    return (
        text.endswith("_INTEGRATION_USER")
        or text == "PID_XOrg_Proxy_User"
        or text.startswith("PID_DigitalAgent")
    )


def bands(logins: pd.Series, captured_at: datetime) -> pd.Series:
    """Return activity bands: whole days from the last login to the capture."""
    days = (pd.Timestamp(captured_at) - logins).dt.days
    words = pd.Series("181+", index=logins.index, dtype=object)
    for limit, word in reversed(BANDS):
        words[days < limit] = word
    words[logins.isna()] = "never"
    return words


def everybody(world: World, captured_at: datetime) -> pd.DataFrame:
    """Return all users with profile, license, role and frozen state joined in, one row each, by id."""
    users = frame(world, "User", list(RENAMED)).rename(columns=RENAMED)
    profiles = frame(world, "Profile", ["Id", "Name", "UserLicenseId"])
    profiles.columns = pd.Index(["profile_id", "profile_name", "license_id"])
    licenses = frame(world, "UserLicense", ["Id", "LicenseDefinitionKey", "MasterLabel"])
    licenses.columns = pd.Index(["license_id", "license_key", "license_name"])
    roles = frame(world, "UserRole", ["Id", "Name"])
    roles.columns = pd.Index(["role_id", "role_name"])
    frozen = frame(world, "UserLogin", ["UserId", "IsFrozen"])
    people = users.merge(profiles, "left", on="profile_id").merge(licenses, "left", on="license_id")
    people = people.merge(roles, "left", on="role_id")
    people["is_frozen"] = people["user_id"].isin(frozen.loc[frozen["IsFrozen"], "UserId"])
    people["activity_band"] = bands(people["last_login_at"], captured_at)
    return people


def judged(people: pd.DataFrame, rules: CompanyFilter, external: bool, service: bool) -> pd.DataFrame:
    """
    Say of everybody whether and why he is in scope, what kind of account it is, and where his seats are
    booked.

    Args:
        people: From `everybody`.
        rules: The company filter.
        external: Partners and customers are included.
        service: Integration accounts are included.

    Returns:
        The same rows with `email_domain`, `account_class`, `scope_reason`, `in_scope` and `cause`.
    """
    kind = people["user_type"].astype(object).map(lambda word: word.lower(), na_action="ignore")
    has_profile = people["license_id"].notna()
    system = ~has_profile | kind.isin(SYSTEM)
    is_external, is_service = kind.isin(EXTERNAL), people["license_key"].map(is_service_key)
    address = domains(people["email"])
    known = address["domain"].dropna().unique()
    reason = address["domain"].map({name: rules.reason(name) for name in known})
    inside = address["domain"].map({name: rules.is_company(name) for name in known})
    outsider = inside.eq(False) & rules.knows_company
    conditions = [
        system & ~rules.everyone,
        is_external & ~system & ~external,
        is_service & ~system & ~service,
    ]
    reasons = np.select(
        [
            *conditions,
            pd.Series(rules.everyone, index=people.index),
            address["is_blank"],
            address["domain"].isna(),
        ],
        ["system_user", "external_user", "service_account", "everyone", "no_email", "unusable_email"],
        default=reason.astype(object),
    )
    classes = np.select(
        [
            kind == "guest",
            system,
            is_service,
            is_external,
            (kind == "standard") & outsider,
            kind.isin(INTERNAL),
        ],
        ["guest", "system", "integration", "external", "contractor", "employee"],
        default="unknown",
    )
    in_scope = np.isin(reasons.astype(str), IN_SCOPE)
    cause = np.select([system, in_scope], ["system_user", "in_scope"], default=reasons)
    return people.assign(
        email_domain=address["domain"],
        account_class=classes,
        scope_reason=reasons,
        in_scope=in_scope,
        cause=cause,
        is_system=system,
    )
