"""
The evidence in words: what the ``detail`` column says of each cause. May import its neighbors only.

Numbers, dates and rules, no person: these texts are published, logged and shown.
"""

from __future__ import annotations

from datetime import datetime

from license_ledger.reconcile.footing import Footing, Holders, documented

FIXED = {
    "deactivated_holder": "deactivated users who still hold the license, and whom Salesforce counts",
    "system_user": "guests, automated users and users without a profile; the company filter does not apply",
    "external_user": "partner and customer users, left out by the setting external_users",
    "service_account": "integration accounts, left out by the setting service_accounts",
    "no_email": "users without an e-mail address, which the company filter needs",
    "unusable_email": "users whose e-mail address names no domain, as after anonymization",
    "other_company": "users of a declared legal entity that is not among the company names",
    "third_party_domain": "users with an e-mail domain of no declared company",
    "public_mailbox": "users with an e-mail address at a public mailbox provider",
}
"""Causes that are read off each holder; the rule is the evidence."""

_COUNTED = {
    (True, True): "active holders are counted",
    (False, True): "all holders are counted, deactivated ones included",
    (True, False): "active holders are counted, users of the platform itself are not",
    (False, False): "all holders are counted, users of the platform itself are not",
}


def in_scope(layer: str, used: int | None, basis: str, footing: Footing, holders: Holders) -> str:
    """Say on which footing the holders in scope are counted, and how that is known."""
    rule = _COUNTED[footing]
    if used is None:
        return f"Salesforce tells no counter: {rule}"
    if basis == "neither":
        ground = "as documented" if footing == documented(layer) else "the only rule the evidence fits"
        read = f"the {holders.active} active nor all {holders.all} holders that were read"
        return f"the counter {used} equals neither {read}: {rule}, {ground}"
    deactivated = holders.total(footing._replace(active_only=False)) - holders.total(
        footing._replace(active_only=True)
    )
    equal = {
        "both": "all holders that were read, every one active",
        "active_only": "the active holders that were read",
        "all_assignees": f"all holders that were read, {deactivated} of them deactivated",
    }[basis]
    text = f"the counter {used} equals {equal}"
    if not footing.counts_system:
        text += f", leaving out {uncounted_system(holders)}"
    if basis == "all_assignees" and footing.active_only:
        text += f", but by chance: {rule}, and evidence explains the rest"
    return text


def uncounted_system(holders: Holders) -> str:
    """Say that users of the platform itself hold the license without taking a seat."""
    return (
        f"{holders.system} guests, automated users and users without a profile whom Salesforce does not count"
    )


def old_counter(used_as_of: datetime, captured_at: datetime) -> str:
    """Say how old a counter is."""
    hours = (captured_at - used_as_of).total_seconds() / 3600
    age = f"{hours:.0f} h" if hours >= 1 else f"{hours * 60:.0f} min"
    return f"the counter was taken {used_as_of:%Y-%m-%d %H:%M} UTC, {age} before the snapshot"
