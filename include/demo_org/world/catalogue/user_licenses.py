"""User licenses and the profiles on them: which license a user is on follows from the profile alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Counting = Literal["active", "none"]


@dataclass(frozen=True)
class License:
    """
    A kind of user license.

    Attributes:
        name: `Name` and `MasterLabel`; not unique.
        key: `LicenseDefinitionKey`.
        user_type: `UserType` of users on it; None where Salesforce leaves it empty.
        total: Seats: a fixed number, `headroom` (a little more than used, adjusted monthly) or `short`
            (fewer than used: over-allocated).
        status: `Active` or `Disabled`.
        counting: Whether Salesforce's counter counts the active holders, or no holder at all (guests, and the
            users the analytics platform runs as).
        logins_per_month: `MonthlyLoginsEntitlement` of a login-based license, else None.
    """

    name: str
    key: str
    user_type: str | None = "Standard"
    total: int | Literal["headroom", "short"] = "headroom"
    status: str = "Active"
    counting: Counting = "active"
    logins_per_month: int | None = None


LICENSES: tuple[License, ...] = (
    License("Salesforce", "SFDC"),
    License("Salesforce Platform", "AUL", total="short"),
    License("Salesforce Platform One", "AUL1", total=0, status="Disabled"),
    License("Salesforce Platform Light", "AUL_LIGHT"),
    License("Force.com - One App", "FDC_ONE", total=0, status="Disabled"),
    License("Force.com - App Subscription", "FDC_SUB"),
    License("Force.com - Free", "PID_FDC_FREE", total=0, status="Disabled"),
    License("Chatter Free", "CSN_User", "CsnOnly", 5000),
    License("Chatter External", "CSN_External", "CsnExternal", 500),
    License("Content Only", "PID_CONTENT", total=0, status="Disabled"),
    License("Knowledge Only", "PID_KNOWLEDGE", total=0),
    License("Ideas Only", "PID_IDEAS", total=0, status="Disabled"),
    License("Customer Community", "PID_Customer_Community", "CspLitePortal"),
    License(
        "Customer Community Login", "PID_Customer_Community_Login", "CspLitePortal", logins_per_month=2000
    ),
    License("Customer Community Plus", "PID_Customer_Community_Plus", "PowerCustomerSuccess"),
    License(
        "Customer Community Plus Login",
        "PID_Customer_Community_Plus_Login",
        "PowerCustomerSuccess",
        logins_per_month=500,
    ),
    License("Partner Community", "PID_Partner_Community", "PowerPartner"),
    License("Partner Community Login", "PID_Partner_Community_Login", "PowerPartner", logins_per_month=300),
    License(
        "High Volume Customer Portal",
        "PID_Overage_High Volume Customer Portal",
        "CspLitePortal",
        0,
        "Disabled",
    ),
    License("High Volume Customer Portal", "PID_High Volume Customer Portal", "CspLitePortal"),
    License("Customer Portal Manager Standard", "PID_Customer_Portal_Basic", "CustomerSuccess"),
    License("Gold Partner", "PID_STRATEGIC_PRM", "PowerPartner"),
    License("Silver Partner", "PID_SILVER_PRM", "PowerPartner", 0, "Disabled"),
    License("Authenticated Website", "Platform_Portal_User", "CspLitePortal"),
    License("Identity", "PID_Identity_User"),
    License("External Identity", "PID_External_Identity_User", "CspLitePortal"),
    License(
        "Analytics Cloud Integration User",
        "INSIGHTS_INTEGRATION_USER",
        "CloudIntegrationUser",
        total=0,
        status="Disabled",
        counting="none",
    ),
    License("Salesforce Integration", "SALESFORCE_INTEGRATION_USER"),
    License("Cloud Integration User", "CLOUD_INTEGRATION_USER", "CloudIntegrationUser", 1),
    License("XOrg Proxy User", "PID_XOrg_Proxy_User"),
    License("Einstein Agent", "PID_DigitalAgent"),
    License("Work.com Only", "PID_WORKDOTCOM"),
    License("Partner App Subscription", "PID_Partner_App_Subscription", total=0, status="Disabled"),
    License("Acme Field Workforce", "ACME_FIELD_WORKFORCE", "FieldWorker"),
    License("Guest", "PID_Guest_User", "Guest", 1, counting="none"),
)
"""Row order is id order."""

_KEYS = {license_.key: index for index, license_ in enumerate(LICENSES)}


@dataclass(frozen=True)
class Profile:
    """
    A profile.

    Attributes:
        name: `Name`.
        license_key: Key of its user license; None for the profile of Salesforce's own automated users, which
            their `ProfileId` names but no query ever returns.
    """

    name: str
    license_key: str | None

    @property
    def license_index(self) -> int:
        """Position of its license in `LICENSES`, -1 when it has none."""
        return -1 if self.license_key is None else _KEYS[self.license_key]


PROFILES: tuple[Profile, ...] = (
    Profile("Automated Process Hidden", None),
    Profile("System Administrator", "SFDC"),
    Profile("Standard User", "SFDC"),
    Profile("Sales User", "SFDC"),
    Profile("Service User", "SFDC"),
    Profile("Marketing User", "SFDC"),
    Profile("Read Only", "SFDC"),
    Profile("Minimum Access - Salesforce", "SFDC"),
    Profile("Standard Platform User", "AUL"),
    Profile("Acme Back Office", "AUL"),
    Profile("Platform Light User", "AUL_LIGHT"),
    Profile("App Subscription User", "FDC_SUB"),
    Profile("Chatter Free User", "CSN_User"),
    Profile("Chatter Moderator User", "CSN_User"),
    Profile("Chatter External User", "CSN_External"),
    Profile("Customer Community User", "PID_Customer_Community"),
    Profile("Customer Community Login User", "PID_Customer_Community_Login"),
    Profile("Customer Community Plus User", "PID_Customer_Community_Plus"),
    Profile("Customer Community Plus Login User", "PID_Customer_Community_Plus_Login"),
    Profile("Partner Community User", "PID_Partner_Community"),
    Profile("Partner Community Login User", "PID_Partner_Community_Login"),
    Profile("High Volume Customer Portal User", "PID_High Volume Customer Portal"),
    Profile("Customer Portal Manager Standard", "PID_Customer_Portal_Basic"),
    Profile("Gold Partner User", "PID_STRATEGIC_PRM"),
    Profile("Authenticated Website", "Platform_Portal_User"),
    Profile("Identity User", "PID_Identity_User"),
    Profile("External Identity User", "PID_External_Identity_User"),
    Profile("Analytics Cloud Integration User", "INSIGHTS_INTEGRATION_USER"),
    Profile("Analytics Cloud Security User", "INSIGHTS_INTEGRATION_USER"),
    Profile("Minimum Access - API Only Integrations", "SALESFORCE_INTEGRATION_USER"),
    Profile("Salesforce API Only System Integrations", "SALESFORCE_INTEGRATION_USER"),
    Profile("XOrg Proxy User", "PID_XOrg_Proxy_User"),
    Profile("Einstein Agent User", "PID_DigitalAgent"),
    Profile("Work.com Only User", "PID_WORKDOTCOM"),
    Profile("Field Technician", "ACME_FIELD_WORKFORCE"),
    Profile("Acme Support Site Profile", "PID_Guest_User"),
)
"""Row order is id order. The first one is the hidden one."""

PROFILE_INDEX: dict[str, int] = {profile.name: index for index, profile in enumerate(PROFILES)}
"""Profile name to its position in `PROFILES`."""
