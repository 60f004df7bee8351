"""The `Organization` object: one row, the org itself."""

from __future__ import annotations

from demo_org.schema.notation import (
    address,
    choice,
    created,
    email,
    flag,
    identifier,
    modified,
    moment,
    phone,
    plain_flag,
    stamp,
    text,
    whole,
)
from demo_org.schema.objects import ObjectDef
from demo_org.schema.user import LANGUAGES, LOCALES, TIME_ZONES

EDITIONS = (
    "Team Edition",
    "Professional Edition",
    "Enterprise Edition",
    "Developer Edition",
    "Personal Edition",
    "Unlimited Edition",
    "Performance Edition",
    "Base Edition",
)
PREFERENCES = (
    "RequireOpportunityProducts",
    "TransactionSecurityPolicy",
    "ConsentManagementEnabled",
    "AutoSelectIndividualOnMerge",
    "LightningLoginEnabled",
    "OnlyLLPermUserAllowed",
)
ACCESS_LEVELS = ("None", "Read", "Edit", "ReadEditTransfer", "All", "ControlledByParent")
SHARED = ("Account", "Contact", "Opportunity", "Lead", "Case")

ORGANIZATION = ObjectDef(
    "Organization",
    "Organization",
    "Organizations",
    "00D",
    (
        identifier(),
        text("Name", 80, nillable=False, name_field=True, updateable=True),
        text("Division", 80, updateable=True),
        *address(),
        phone("Phone", updateable=True),
        phone("Fax", updateable=True),
        text("PrimaryContact", 80, updateable=True),
        choice("DefaultLocaleSidKey", LOCALES, nillable=False, restricted=True),
        choice("TimeZoneSidKey", TIME_ZONES, nillable=False, restricted=True),
        choice("LanguageLocaleKey", LANGUAGES, nillable=False, restricted=True),
        flag("ReceivesInfoEmails"),
        flag("ReceivesAdminInfoEmails"),
        *(plain_flag(f"Preferences{name}") for name in PREFERENCES),
        whole("FiscalYearStartMonth"),
        flag("UsesStartDateAsFiscalYearName"),
        *(choice(f"Default{name}Access", ACCESS_LEVELS, default="Edit") for name in SHARED),
        choice(
            "DefaultCalendarAccess",
            ("HideDetails", "HideDetailsInsert", "ShowDetails"),
            default="HideDetails",
        ),
        choice("DefaultPricebookAccess", ("None", "Read", "ReadSelect"), default="ReadSelect"),
        choice("DefaultCampaignAccess", ("None", "Read", "Edit", "All"), default="All"),
        stamp(),
        email("ComplianceBccEmail"),
        choice("UiSkin", ("Theme1", "Theme2", "PortalDefault", "Theme3"), default="Theme3"),
        text("SignupCountryIsoCode", 2),
        moment("TrialExpirationDate"),
        whole("NumKnowledgeService"),
        choice("OrganizationType", EDITIONS),
        text("NamespacePrefix", 15),
        text("InstanceName", 5),
        flag("IsSandbox"),
        text("WebToCaseDefaultOrigin", 40),
        whole("MonthlyPageViewsUsed"),
        whole("MonthlyPageViewsEntitlement"),
        flag("IsReadOnly"),
        *created(),
        *modified(),
    ),
    replicateable=True,
    updateable=True,
)
