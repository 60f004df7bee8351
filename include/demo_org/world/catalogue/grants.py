"""What is assigned to a user besides the user license: permission sets, packages, features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from demo_org.schema.user import FEATURES

Basis = Literal["active", "all"]
Total = int | Literal["headroom", "short", "unlimited"]

INTERNAL = ("SFDC", "AUL", "AUL_LIGHT", "FDC_SUB", "ACME_FIELD_WORKFORCE")
SALES = ("SFDC",)
INTEGRATION = ("SALESFORCE_INTEGRATION_USER", "PID_XOrg_Proxy_User", "PID_DigitalAgent")
PARTNERS = ("PID_Partner_Community", "PID_Partner_Community_Login", "PID_STRATEGIC_PRM")


@dataclass(frozen=True)
class Grant:
    """
    Something a user can hold a seat of.

    Attributes:
        key: `PermissionSetLicenseKey`, `NamespacePrefix` or feature type.
        label: Name for people.
        licenses: Keys of the user licenses whose holders may get it.
        share: Probability that one of them ever does.
        basis: Whether Salesforce's counter counts the active holders only, or all of them.
        total: Seats: a number, `headroom`, `short`, or `unlimited`.
        status: Salesforce's status.
        expires_after: Days from the anchor to the expiry; None means never.
        renews: The expiry moves on by a year whenever it is reached.
    """

    key: str
    label: str
    licenses: tuple[str, ...] = INTERNAL
    share: float = 0.1
    basis: Basis = "all"
    total: Total = "headroom"
    status: str = "Active"
    expires_after: int | None = None
    renews: bool = False


PERMISSION_SET_LICENSES: tuple[Grant, ...] = (
    Grant("SalesforceAPIIntegrationPsl", "Salesforce API Integration", INTEGRATION, 0.95),
    Grant("SalesUserPsl", "Sales User", SALES, 0.55, expires_after=200, renews=True),
    Grant("SalesConsoleUser", "Sales Console User", SALES, 0.2),
    Grant("OrdersPlatform", "Orders Platform", ("AUL", "AUL_LIGHT"), 0.3, total="short"),
    Grant("FieldServiceStandardPsl", "Field Service Standard", share=0.12, basis="active"),
    Grant("FieldServiceDispatcherPsl", "Field Service Dispatcher", share=0.03, basis="active"),
    Grant("FieldServiceMobilePsl", "Field Service Mobile", share=0.1, basis="active", expires_after=25),
    Grant("EinsteinAnalyticsPlusPsl", "Einstein Analytics Plus", SALES, 0.18, expires_after=90, renews=True),
    Grant("LightningSchedulerPsl", "Lightning Scheduler", SALES, 0.08),
    Grant("IdentityConnect", "Identity Connect", share=0.35),
    Grant("SalesforceCPQ_CPQStandardPerm", "Salesforce CPQ License", SALES, 0.25, "active"),
    Grant("SalesforceCPQ_BillingPerm", "Salesforce Billing License", SALES, 0.08, "active"),
    Grant("SalesforceCPQ_AAPerm", "Advanced Approvals License", SALES, 0.1, "active"),
    Grant(
        "FinancialServicesCloudBasicPsl",
        "Financial Services Cloud Basic",
        SALES,
        0.06,
        status="Disabled",
        expires_after=-20,
    ),
    Grant("EmbeddedServiceMessagingUserPsl", "Messaging User", (*SALES, *PARTNERS), 0.15),
    Grant("CustomerExperienceAnalyticsPsl", "Customer Experience Analytics Apps", PARTNERS, 0.4),
    Grant(
        "MobileChatExperiencePsl",
        "(Retired) Salesforce Mobile Chat Experience",
        share=0.0,
        total=0,
        status="Disabled",
        expires_after=-400,
    ),
)
"""Row order is id order."""

PACKAGES: tuple[Grant, ...] = (
    Grant("SBQQ", "Salesforce CPQ", SALES, 0.25, expires_after=150, renews=True),
    Grant("sbaa", "Advanced Approvals", SALES, 0.1),
    Grant("blng", "Salesforce Billing", SALES, 0.05, status="Trial", expires_after=12),
    Grant("ALTF", "Altify", SALES, 0.4, total="unlimited"),
    Grant("HealthCloudGA", "Health Cloud", SALES, 0.03, status="Expired", expires_after=-45),
    Grant("vlocity_cmt", "Vlocity", INTERNAL, 0.02, status="Free"),
)
"""Row order is id order."""

_FEATURE_SHARES: dict[str, tuple[float, tuple[str, ...]]] = {
    "MarketingUser": (0.2, SALES),
    "OfflineUser": (0.03, SALES),
    "SFContentUser": (0.7, INTERNAL),
    "KnowledgeUser": (0.25, SALES),
    "InteractionUser": (0.5, (*INTERNAL, *INTEGRATION)),
    "SupportUser": (0.3, SALES),
    "LiveAgentUser": (0.1, SALES),
    "JigsawProspectingUser": (0.02, SALES),
    "SiteforceContributorUser": (0.01, SALES),
    "SiteforcePublisherUser": (0.01, SALES),
    "WorkDotComUserFeature": (0.15, (*INTERNAL, "PID_WORKDOTCOM")),
}

UNMEASURED_FEATURES = frozenset({"JigsawProspectingUser", "WorkDotComUserFeature"})
"""Features without a row in ActiveFeatureLicenseMetric: their check box exists, their totals are not told."""


def feature_grants(names: tuple[str, ...]) -> tuple[Grant, ...]:
    """Return the feature licenses of an org which has these features, in the given order."""
    grants = []
    for name in names:
        share, licenses = _FEATURE_SHARES.get(name, (0.05, INTERNAL))
        grants.append(Grant(name, FEATURES[name], licenses, share))
    return tuple(grants)
