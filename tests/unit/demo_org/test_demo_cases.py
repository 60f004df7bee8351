"""Every special case a real org has, at forty hand-named users."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from tests.unit.demo_org.conftest import TODAY

from demo_org.world import World, WorldOptions

Org = dict[str, pd.DataFrame]
NAMES = (
    *("User", "Profile", "UserLicense", "PermissionSetLicense", "PermissionSetLicenseAssign"),
    *("PackageLicense", "UserPackageLicense", "UserLogin", "TenantUsageEntitlement"),
    *("ActiveFeatureLicenseMetric", "Contact", "Account"),
)


@pytest.fixture(scope="module")
def org(small_world: World) -> Org:
    tables = {name: small_world.table(name).to_pandas(date_as_object=True) for name in NAMES}
    users = tables["User"].merge(
        tables["Profile"][["Id", "UserLicenseId"]].rename(columns={"Id": "ProfileId"}), "left", on="ProfileId"
    )
    licenses = tables["UserLicense"][["Id", "LicenseDefinitionKey"]]
    tables["User"] = users.merge(
        licenses.rename(columns={"Id": "UserLicenseId", "LicenseDefinitionKey": "Key"}),
        "left",
        on="UserLicenseId",
    )
    return tables


def by_key(org: Org, key: str) -> pd.Series:
    return org["UserLicense"].set_index("LicenseDefinitionKey").loc[key]


def psl(org: Org, key: str) -> pd.Series:
    return org["PermissionSetLicense"].set_index("PermissionSetLicenseKey").loc[key]


def package(org: Org, prefix: str) -> pd.Series:
    return org["PackageLicense"].set_index("NamespacePrefix").loc[prefix]


def psl_holders(org: Org, key: str) -> pd.DataFrame:
    rows = org["PermissionSetLicenseAssign"]
    mine = rows[rows["PermissionSetLicenseId"] == psl(org, key)["Id"]]
    return org["User"][org["User"]["Id"].isin(mine["AssigneeId"])]


def package_holders(org: Org, prefix: str) -> pd.DataFrame:
    rows = org["UserPackageLicense"]
    mine = rows[rows["PackageLicenseId"] == package(org, prefix)["Id"]]
    return org["User"][org["User"]["Id"].isin(mine["UserId"])]


def mails(org: Org) -> pd.Series:
    return org["User"]["Email"].dropna()


def frozen(org: Org) -> pd.DataFrame:
    ids = org["UserLogin"].loc[org["UserLogin"]["IsFrozen"], "UserId"]
    return org["User"][org["User"]["Id"].isin(ids)]


CASES: dict[str, Callable[[Org], bool]] = {
    "forty accounts": lambda o: len(o["User"]) == 40,
    "automated process user whose profile nobody can read, at a domain without a dot": lambda o: bool(
        (o["User"]["Email"].str.match(r"autoproc@00d[a-z0-9]{15}$") & o["User"]["UserLicenseId"].isna()).any()
    ),
    "automated clean user without user type or profile": lambda o: bool(
        (
            o["User"]["Email"].str.startswith("automatedclean@")
            & o["User"]["UserType"].isna()
            & o["User"]["UserLicenseId"].isna()
        ).any()
    ),
    "every user has a profile id, even those whose profile cannot be read": lambda o: bool(
        o["User"]["ProfileId"].notna().all()
    ),
    "guest user on a guest license whose counter says 0": lambda o: (
        by_key(o, "PID_Guest_User")["UsedLicenses"] == 0
        and bool(((o["User"]["UserType"] == "Guest") & o["User"]["IsActive"]).any())
    ),
    "two active users on a disabled license whose counter says 0": lambda o: (
        by_key(o, "INSIGHTS_INTEGRATION_USER")["Status"] == "Disabled"
        and by_key(o, "INSIGHTS_INTEGRATION_USER")["UsedLicenses"] == 0
        and int((o["User"]["IsActive"] & (o["User"]["Key"] == "INSIGHTS_INTEGRATION_USER")).sum()) == 2
    ),
    "the chatter expert is counted in Chatter Free": lambda o: (
        by_key(o, "CSN_User")["UsedLicenses"]
        == int((o["User"]["IsActive"] & (o["User"]["Key"] == "CSN_User")).sum())
        and "noreply@chatter.salesforce.com" in set(o["User"].loc[o["User"]["Key"] == "CSN_User", "Email"])
    ),
    "a license name twice": lambda o: (o["UserLicense"]["Name"] == "High Volume Customer Portal").sum() == 2,
    "a license key with blanks in it": lambda o: bool(
        o["UserLicense"]["LicenseDefinitionKey"].str.contains(" ").any()
    ),
    "licenses with no seats, disabled and active": lambda o: (
        set(o["UserLicense"].loc[o["UserLicense"]["TotalLicenses"] == 0, "Status"]) == {"Active", "Disabled"}
    ),
    "an over-allocated user license": lambda o: (
        by_key(o, "AUL")["UsedLicenses"] > by_key(o, "AUL")["TotalLicenses"]
    ),
    "an over-allocated permission set license": lambda o: (
        psl(o, "OrdersPlatform")["UsedLicenses"] > psl(o, "OrdersPlatform")["TotalLicenses"]
    ),
    "a site-licensed package with a deactivated holder": lambda o: (
        package(o, "ALTF")["AllowedLicenses"] == -1 and not package_holders(o, "ALTF")["IsActive"].all()
    ),
    "a package counts its deactivated holder": lambda o: (
        package(o, "SBQQ")["UsedLicenses"] == len(package_holders(o, "SBQQ"))
        and not package_holders(o, "SBQQ")["IsActive"].all()
    ),
    "package licenses of every status": lambda o: (
        set(o["PackageLicense"]["Status"]) == {"Active", "Trial", "Free", "Expired"}
    ),
    "a permission set license that counts active holders only": lambda o: (
        psl(o, "SalesforceCPQ_CPQStandardPerm")["UsedLicenses"]
        == psl_holders(o, "SalesforceCPQ_CPQStandardPerm")["IsActive"].sum()
        < len(psl_holders(o, "SalesforceCPQ_CPQStandardPerm"))
    ),
    "a permission set license that counts all holders": lambda o: (
        psl(o, "SalesUserPsl")["UsedLicenses"] == len(psl_holders(o, "SalesUserPsl"))
        and not psl_holders(o, "SalesUserPsl")["IsActive"].all()
    ),
    "an expired permission set license which people still hold": lambda o: (
        psl(o, "FinancialServicesCloudBasicPsl")["Status"] == "Disabled"
        and psl(o, "FinancialServicesCloudBasicPsl")["ExpirationDate"] < TODAY
        and psl(o, "FinancialServicesCloudBasicPsl")["UsedLicenses"] > 0
    ),
    "a system user holds a permission set license": lambda o: (
        "CloudIntegrationUser" in set(psl_holders(o, "EinsteinAnalyticsPlusPsl")["UserType"])
    ),
    "a system user holds a feature license": lambda o: bool(
        ((o["User"]["UserType"] == "AutomatedProcess") & o["User"]["UserPermissionsInteractionUser"]).any()
    ),
    "a deactivated user holds a feature license": lambda o: bool(
        (~o["User"]["IsActive"] & o["User"]["UserPermissionsMarketingUser"]).any()
    ),
    "a frozen active user": lambda o: bool(frozen(o)["IsActive"].any()),
    "users who never logged in have no login row": lambda o: bool(
        (~o["User"]["Id"].isin(o["UserLogin"]["UserId"]) & o["User"]["LastLoginDate"].isna()).any()
    ),
    "an active employee who never logged in": lambda o: bool(
        (o["User"]["LastLoginDate"].isna() & o["User"]["IsActive"] & (o["User"]["Key"] == "AUL")).any()
    ),
    "a user without an e-mail address": lambda o: int(o["User"]["Email"].isna().sum()) == 1,
    "scrambled addresses: no @, and no dot": lambda o: (
        bool((~mails(o).str.contains("@")).any()) and "anonymous@scrambled" in set(mails(o))
    ),
    "public mailboxes on internal licenses": lambda o: (
        {"gmail.com", "outlook.com"} <= set(mails(o).str.split("@").str[-1])
    ),
    "third-party contractors on standard licenses": lambda o: (
        int(((o["User"]["UserType"] == "Standard") & o["User"]["Email"].str.endswith(".example")).sum()) >= 2
    ),
    "several legal entities, sub-domains, a look-alike": lambda o: (
        {
            "acme.com",
            "acme.de",
            "eu.acme.com",
            "acme-industries.com",
            "lab.acme-industries.com",
            "notacme.com",
        }
        <= set(mails(o).str.split("@").str[-1])
    ),
    "an upper-case domain": lambda o: "CLARA.JANSEN@ACME.COM" in set(mails(o)),
    "a domain outside ASCII": lambda o: bool(mails(o).str.endswith("b\u00fccher-acme.de").any()),
    "a user type nobody knows": lambda o: "FieldWorker" in set(o["User"]["UserType"]),
    "no user type in spite of a profile": lambda o: bool(
        (o["User"]["UserType"].isna() & o["User"]["UserLicenseId"].notna()).any()
    ),
    "every kind of community user": lambda o: (
        {"PowerPartner", "CspLitePortal", "CustomerSuccess", "PowerCustomerSuccess", "CsnExternal", "CsnOnly"}
        <= set(o["User"]["UserType"])
    ),
    "partners and customers have a contact with an account": lambda o: bool(
        o["User"].loc[o["User"]["ContactId"].notna(), "ContactId"].isin(o["Contact"]["Id"]).all()
        and o["Contact"]["AccountId"].isin(o["Account"]["Id"]).all()
        and (o["User"]["UserType"] == "PowerPartner").sum() <= o["User"]["ContactId"].notna().sum()
    ),
    "integration and agent users": lambda o: (
        {"SALESFORCE_INTEGRATION_USER", "PID_DigitalAgent"} <= set(o["User"]["Key"].dropna())
    ),
    "login-based licenses with an entitlement and its use": lambda o: (
        by_key(o, "PID_Customer_Community_Login")["MonthlyLoginsEntitlement"] > 0
        and by_key(o, "PID_Customer_Community_Login")["MonthlyLoginsUsed"] > 0
        and pd.isna(by_key(o, "SFDC")["MonthlyLoginsEntitlement"])
    ),
    "feature licenses with and without a metric": lambda o: (
        "UserPermissionsWorkDotComUserFeature" in o["User"].columns
        and "WorkDotComUserFeature" not in set(o["ActiveFeatureLicenseMetric"]["FeatureType"])
        and "MarketingUser" in set(o["ActiveFeatureLicenseMetric"]["FeatureType"])
    ),
    "usage entitlements of several frequencies, overdrawn and unmeasured": lambda o: (
        o["TenantUsageEntitlement"]["Frequency"].nunique() >= 6
        and bool(
            (
                o["TenantUsageEntitlement"]["AmountUsed"]
                > o["TenantUsageEntitlement"]["CurrentAmountAllowed"]
            ).any()
        )
        and bool(o["TenantUsageEntitlement"]["AmountUsed"].isna().any())
    ),
    "texts that look like null, numbers or markup": lambda o: (
        {"NA", "NULL"} <= set(o["User"]["Department"])
        and "None" in set(o["User"]["Title"])
        and {"00042", "007", "NA"} <= set(o["User"]["EmployeeNumber"])
    ),
    "line ends, quotes, emoji, right-to-left and combining characters": lambda o: (
        bool(o["User"]["Street"].str.contains("\r\n").any())
        and bool(o["User"]["Title"].str.contains('"').any())
        and bool(o["User"]["AboutMe"].str.contains("\U0001f680").any())
        and bool(o["User"]["AboutMe"].str.contains("\u0645").any())
        and bool(o["User"]["Title"].str.contains("e\u0301").any())
    ),
    "blanks at both ends of a text": lambda o: "  leading and trailing  " in set(o["User"]["AboutMe"]),
}


@pytest.mark.parametrize("case", CASES)
def test_case_exists_among_forty_users(case: str, org: Org) -> None:
    """The special case named by the test occurs in the smallest org."""
    assert CASES[case](org)


def test_the_integration_user_can_be_found(small_world: World) -> None:
    """The user all calls run as is active and on an integration license."""
    users = small_world.table("User").to_pandas().set_index("Id")
    assert users.loc[small_world.integration_user_id, "IsActive"]
    assert users.loc[small_world.integration_user_id, "Username"] == "license.ledger@acme.com"


def test_sandbox_addresses_are_undeliverable_but_the_integration_users(sandbox_world: World) -> None:
    """In a sandbox every address ends in .invalid or has the legacy form, except the integration user's."""
    users = sandbox_world.table("User").to_pandas()
    others = users.loc[users["Id"] != sandbox_world.integration_user_id, "Email"].dropna()
    suffixed = others.str.endswith(".invalid")
    legacy = others.str.contains(r"=[^@]*@example\.com", regex=True)
    assert (suffixed | legacy).all()
    assert (legacy & ~suffixed).sum() > 50
    assert (legacy & suffixed).sum() > 5
    mine = users.loc[users["Id"] == sandbox_world.integration_user_id, "Email"]
    assert mine.to_list() == ["it-integrations@acme.com"]
    assert users["Username"].str.endswith(".uat").all()


def test_sandbox_shows_the_same_people(large_world: World, sandbox_world: World) -> None:
    """A sandbox copy has the production org's record ids and an org id of its own."""
    assert sandbox_world.table("User")["Id"].equals(large_world.table("User")["Id"])
    assert sandbox_world.org_id != large_world.org_id
    assert sandbox_world.table("Organization")["IsSandbox"].to_pylist() == [True]


@pytest.mark.parametrize("users", [40, 2_000])
def test_nul_bytes_and_long_cells_are_there_when_asked_for(users: int) -> None:
    """The two options put a NUL character and a text over 128 KiB into the org, and only they do."""
    options = WorldOptions(nul_bytes=True, long_cells=True)
    hard = World(users=users, today=TODAY, options=options).table("User").to_pandas()
    mild = World(users=users, today=TODAY).table("User").to_pandas()
    texts = ["Street", "Title", "Department", "AboutMe", "CompanyName"]
    assert any(hard[name].str.contains("\0", regex=False).any() for name in texts)
    assert hard["AboutMe"].str.len().max() > 128 * 1024
    assert not any(mild[name].str.contains("\0", regex=False).any() for name in texts)
    assert mild["AboutMe"].str.len().max() <= 1000


def test_large_orgs_have_all_kinds_of_hard_text(large_world: World) -> None:
    """Among generated users every nasty text of the list occurs in some optional field."""
    from demo_org.world.catalogue.words import NASTY

    users = large_world.table("User").to_pandas()
    seen = set().union(
        *(set(users[name].dropna()) for name in ("Title", "Department", "Division", "AboutMe"))
    )
    assert set(NASTY) <= seen


def test_usernames_and_nicknames_are_unique(large_world: World) -> None:
    """What Salesforce keeps unique is unique."""
    users = large_world.table("User").to_pandas()
    assert users["Username"].is_unique
    assert users["CommunityNickname"].is_unique
    assert users["FederationIdentifier"].dropna().is_unique


@pytest.mark.parametrize("users", [39, 10_000_001])
def test_sizes_out_of_range_are_refused(users: int) -> None:
    """An org too small for its hand-named accounts, or too large, is refused with the range."""
    with pytest.raises(ValueError, match="40 to 10,000,000"):
        World(users=users, today=TODAY)
