"""Accounts that are not an employee's: partners and customers, contractors, domains nobody declared."""

from __future__ import annotations

import json
from typing import Any

from license_ledger.console import wording
from license_ledger.console.choice import Choice
from license_ledger.console.pages.lists import Shown, shown
from license_ledger.console.parameters import Parameters
from license_ledger.console.viewer import Viewer
from license_ledger.questions import Listing, Session

TABS = {
    "external": "External accounts",
    "contractors": "Contractors",
    "domains": "Unclassified domains",
}
OUTSIDE = ("external", "contractor", "guest")
LISTS = {
    "external": Listing(
        "accounts",
        (
            "account_class",
            "user_type",
            "email_domain",
            "account_count",
            "active_account_count",
            "frozen_account_count",
            "seen_in_30_days_count",
            "not_seen_in_90_days_count",
        ),
        ("account_class", "user_type", "email_domain"),
        "account_count",
        descending=True,
    ),
    "contractors": Listing(
        "contractors",
        (
            "name",
            "username",
            "email",
            "email_domain",
            "company_name",
            "department",
            "title",
            "license_name",
            "profile_name",
            "is_active",
            "is_frozen",
            "activity_band",
            "last_login_at",
            "created_at",
            "user_id",
        ),
        ("user_id",),
        "email_domain",
    ),
    "domains": Listing(
        "domains",
        (
            "email_domain",
            "account_count",
            "active_account_count",
            "contractor_count",
            "employee_count",
            "license_count",
            "first_created_at",
        ),
        ("email_domain",),
        "account_count",
        descending=True,
    ),
}


def people(session: Session, choice: Choice, parameters: Parameters, viewer: Viewer) -> dict[str, Any]:
    """What the page shows. Raises Refused for parameters that mean nothing."""
    listed, tab, asked = _listed(session, choice, parameters, viewer)
    totals = session.rows("account_totals", org_id=choice.org_id, day=choice.day)
    trust = session.rows("trust", org_id=choice.org_id, day=choice.day)[0]
    left_out = json.loads(trust["out_of_scope"] or "{}")
    classes = [
        (name, sum(row["account_count"] for row in totals if row["account_class"] == name))
        for name in wording.ACCOUNT
    ]
    return {
        "tab": tab,
        "tabs": TABS,
        "listed": listed,
        "asked": asked,
        "classes": [(name, count) for name, count in classes if count],
        "totals": [row for row in totals if row["account_class"] in OUTSIDE],
        "left_out": sorted(
            ((name, int(count)) for name, count in left_out.items() if count), key=lambda x: (-x[1], x[0])
        ),
        "company_names": trust["company_names"],
        "outside": OUTSIDE,
    }


def accounts_of(session: Session, choice: Choice, parameters: Parameters, viewer: Viewer) -> Shown:
    """The list that is asked for, for export. Raises Refused."""
    return _listed(session, choice, parameters, viewer, asks=False)[0]


def _listed(
    session: Session, choice: Choice, parameters: Parameters, viewer: Viewer, *, asks: bool = True
) -> tuple[Shown, str, dict[str, str]]:
    tab = parameters.one_of("tab", TABS) or "external"
    asked = {
        "tab": tab,
        "account": parameters.one_of("account", OUTSIDE) or "",
        "domain": (parameters.text("domain") or "").lower(),
    }
    filters = {
        "org_id": choice.org_id,
        "day": choice.day,
        "account_class": asked["account"] or None,
        "domain": asked["domain"] or None,
    }
    return shown(LISTS[tab], session, filters, parameters, viewer, asks=asks), tab, asked
