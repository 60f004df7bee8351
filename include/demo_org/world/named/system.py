"""Accounts no person stands behind: Salesforce's own, a site's guest, integrations, an agent."""

from __future__ import annotations

from demo_org.world.named.account import ALWAYS, Named

HIDDEN = "Automated Process Hidden"
NOTHING = dict.fromkeys(
    ("CompanyName", "Department", "Division", "Title", "EmployeeNumber", "Street", "AboutMe")
)

SYSTEM: tuple[Named, ...] = (
    Named(
        "Automated",
        "Process",
        "autoproc@{org}",
        HIDDEN,
        -2550,
        "autoproc@{org}",
        "AutomatedProcess",
        login_every=0,
        features={"InteractionUser": ALWAYS},
        texts=NOTHING,
    ),
    Named(
        "Automated",
        "Clean",
        "automatedclean@{org}",
        HIDDEN,
        -2550,
        "automatedclean@{org}",
        typed=False,
        login_every=0,
        texts=NOTHING,
    ),
    Named(
        "Platform",
        "Integration User",
        "cloud@{org}",
        HIDDEN,
        -2550,
        "cloud@{org}",
        "CloudIntegrationUser",
        login_every=0,
        permission_set_licenses={"EinsteinAnalyticsPlusPsl": ALWAYS},
        texts=NOTHING,
    ),
    Named(
        None,
        "Chatter Expert",
        "noreply@chatter.salesforce.com",
        "Chatter Free User",
        -2550,
        "chatty.{org}@chatter.salesforce.com",
        login_every=0,
        texts=NOTHING,
    ),
    Named(
        "Integration",
        "User",
        "integration@example.com",
        "Analytics Cloud Integration User",
        -2100,
        "integration@{org}.com",
        texts=NOTHING,
    ),
    Named(
        "Security",
        "User",
        "insightssecurity@example.com",
        "Analytics Cloud Security User",
        -2100,
        "insightssecurity@{org}.com",
        login_every=0,
        texts=NOTHING,
    ),
    Named(
        None,
        "Acme Support Site Guest User",
        "paula.adler@acme.com",
        "Acme Support Site Profile",
        -1500,
        "acme_support@{org}.force.com",
        login_every=0,
        texts=NOTHING,
    ),
    Named(
        "License",
        "Ledger",
        "it-integrations@acme.com",
        "Minimum Access - API Only Integrations",
        -300,
        "license.ledger@acme.com",
        permission_set_licenses={"SalesforceAPIIntegrationPsl": (-299.0, None)},
        texts=NOTHING,
    ),
    Named(
        None,
        "Support Agent",
        "agents@acme.com",
        "Einstein Agent User",
        -200,
        "support.agent@acme.com",
        permission_set_licenses={"SalesforceAPIIntegrationPsl": (-199.0, None)},
        texts=NOTHING,
    ),
)
