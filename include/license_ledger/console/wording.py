"""The words of the console: what layers, causes and waste classes are called, and what to do about them."""

from __future__ import annotations

from license_ledger.schemas import CAUSES

LAYERS = {
    "user": "User licenses",
    "permission_set": "Permission set licenses",
    "package": "Package licenses",
    "feature": "Feature licenses",
    "usage": "Usage entitlements",
}
LAYER = {
    "user": "user",
    "permission_set": "permission set",
    "package": "package",
    "feature": "feature",
    "usage": "usage",
}

PRIVACY = {
    "named": "by name",
    "pseudonymous": "as pseudonyms",
    "aggregate": "numbers only, no row about a person",
}

CAUSE = {
    "in_scope": "In scope",
    "counter_timing": "Counter is older",
    "not_visible": "Not visible",
    "deactivated_holder": "Deactivated holders",
    "system_user": "System users",
    "external_user": "External users",
    "service_account": "Service accounts",
    "no_email": "No e-mail address",
    "unusable_email": "Unusable e-mail address",
    "other_company": "Other company of the group",
    "third_party_domain": "Third-party domain",
    "public_mailbox": "Public mailbox",
    "unexplained": "Not explained",
}
assert tuple(CAUSE) == CAUSES

MEANING = {
    "in_scope": "Seats held by people whom the company filter lets in.",
    "counter_timing": "Salesforce took its counter before the snapshot; these seats changed in between.",
    "not_visible": "Salesforce counts holders that the integration user may not see.",
    "deactivated_holder": "Users who were deactivated and still hold a seat that Salesforce counts.",
    "system_user": "Accounts of the platform itself: guests, automated processes, users without a profile.",
    "external_user": "Partner and customer users, left out by the policy for external users.",
    "service_account": "Integration accounts, left out by the policy for service accounts.",
    "no_email": "Accounts without an e-mail address: no company can be told.",
    "unusable_email": "Accounts whose e-mail address is scrambled or is no address.",
    "other_company": "People of a declared legal entity that the filter does not name.",
    "third_party_domain": "People whose address is at a domain that nobody declared.",
    "public_mailbox": "People whose address is at a public mail provider.",
    "unexplained": "What is left when every cause is counted. Nobody hides it.",
}
REMEDY = {
    "in_scope": "Nothing. Reclaim shows which of these seats nobody uses.",
    "counter_timing": "Nothing. It is gone with the next count.",
    "not_visible": "Give the integration user View All Users; the page Trust names what is missing.",
    "deactivated_holder": "Take the license from these users: it is paid for and nobody can use it.",
    "system_user": "Nothing, unless a guest or process holds a license that is paid for.",
    "external_user": "Set external_users=include to have them in scope.",
    "service_account": "Move them to integration licenses, or set service_accounts=include.",
    "no_email": "Give these accounts an address in Salesforce, or use * as company name.",
    "unusable_email": "Correct the addresses, or deactivate accounts of people who were anonymized.",
    "other_company": "Add the legal entity to the company names, or have its owner pay.",
    "third_party_domain": "Declare the domain if it is yours; else find out who let them in.",
    "public_mailbox": "Ask for a company address; if the person is unknown, deactivate the account.",
    "unexplained": "See the runbook, Unexplained; start with the permissions on the page Trust.",
}

WASTE = {
    "deactivated": "Deactivated",
    "frozen": "Frozen",
    "never_logged_in": "Never logged in",
    "idle_181_plus": "Idle 181 days or more",
    "idle_91_180": "Idle 91 to 180 days",
}
WASTE_HINT = {
    "deactivated": "cannot log in, and still counted",
    "frozen": "cannot log in for now, keeps every seat",
    "never_logged_in": "created 30 days ago or more",
    "idle_181_plus": "no login for half a year",
    "idle_91_180": "no login for a quarter",
}
STATES = ("Ready", "Attention required")

ACCOUNT = {
    "employee": "Employees",
    "contractor": "Contractors",
    "external": "External users",
    "integration": "Integration accounts",
    "system": "System users",
    "guest": "Guests",
    "unknown": "Unknown",
}
BAND = {
    "0-30": "0 to 30 days",
    "31-60": "31 to 60 days",
    "61-90": "61 to 90 days",
    "91-180": "91 to 180 days",
    "181+": "181 days or more",
    "never": "never",
    "not_monitored": "not monitored",
}
SCOPE_REASON = {name: text for name, text in CAUSE.items() if name != "in_scope"}

PROVENANCE = {
    "observed": "Observed on its own day",
    "replayed": "Replayed from that day's extract",
    "reconstructed": "Reconstructed from what Salesforce remembers",
}
BASIS = {
    "active_only": "active holders",
    "all_assignees": "all assignees, deactivated ones too",
    "both": "active holders, which are all",
    "neither": "neither active nor all holders that were seen",
    "not_counted": "no seats",
}

KIND = {
    "joiner": "Joiners",
    "leaver": "Leavers",
    "reactivated": "Reactivated",
    "mover": "Movers",
    "entered_scope": "Entered scope",
    "left_scope": "Left scope",
    "rescoped_in": "Rescoped in",
    "rescoped_out": "Rescoped out",
}
CHANGE = {
    "new": "new",
    "gone": "gone",
    "bought": "bought",
    "dropped": "dropped",
    "became_unlimited": "became unlimited",
    "became_limited": "became limited",
    "expired": "expired",
    "renewed": "renewed",
}
NO_FORECAST = {
    "no_counter": "Salesforce does not count the seats of this license.",
    "unlimited": "The license is unlimited.",
    "no_total": "Salesforce does not tell how many seats there are.",
    "exhausted": "No seat is left.",
    "too_few_points": "A forecast needs 8 days with a counter, over 14 days at least.",
    "not_growing": "Use is not growing.",
    "beyond_ten_years": "At this pace it lasts more than ten years.",
}
