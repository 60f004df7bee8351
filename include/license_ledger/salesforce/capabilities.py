"""
What this org shows to the integration user, and what is extracted from it therefore. Asks through a client.

Salesforce does not say "you may not": objects and fields that are hidden answer like misspelled ones, and
some answer with no rows. So an object without rows is never taken for one that is not visible, nor the
other way
round: what is missing is found by describe, and objects that no org is without must have rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from license_ledger.errors import (
    AccessDenied,
    CorruptAnswer,
    ImplausibleSnapshot,
    LedgerError,
    SchemaDrift,
)
from license_ledger.salesforce.answers import Refusal, classify
from license_ledger.salesforce.composite import Read, ask_many, describe_of, query_of
from license_ledger.salesforce.declarations import SalesforceObject
from license_ledger.salesforce.inspection import (
    Capability,
    Inspection,
    ObjectPlan,
    arrow_schema,
    extracted_schema,
    soql,
    units_of,
)
from license_ledger.salesforce.limits import read_limits, require_calls, require_jobs
from license_ledger.salesforce.objects import (
    HISTORY_OBJECTS,
    OBJECTS,
    ORGANIZATION,
    USER,
    USER_LICENSE,
    VIEW_SETUP,
)
from license_ledger.salesforce.plans import absent, plan_of, without_object

if TYPE_CHECKING:
    from license_ledger.salesforce.rest import RestClient

__all__ = ["Inspection", "arrow_schema", "extracted_schema", "inspect", "soql"]

Answers = Mapping[str, Any]

REMEMBERED_DAYS = 180
"""How far back Salesforce remembers set-up changes; logins for a little longer (Object Reference)."""


def inspect(
    client: RestClient,
    *,
    captured_at: datetime,
    bulk_threshold: int = 2000,
    api_reserve_percent: float = 10.0,
    history: bool = False,
    metrics_since: date | None = None,
) -> Inspection:
    """
    Find out what can be extracted and how. Costs four calls where the org serves composite requests.

    Args:
        client: of the org; its API version is lowered to what the org offers.
        captured_at: when the snapshot begins (UTC).
        bulk_threshold: objects that grow with the number of people go through Bulk API 2.0 above this.
        api_reserve_percent: share of the daily allocations that is left to others.
        history: also plan what Salesforce remembers of the past: logins and set-up changes of half a year,
            and the metrics of all days. What is not visible of it is a capability, no error.
        metrics_since: first day of Salesforce's own metrics that is wanted, every day that there is when
            None; the newest day is always among them.

    Returns:
        The inspection.

    Raises:
        AccessDenied: the integration user may not use the API, or does not see what no org is without.
        ImplausibleSnapshot: there are no users.
        SchemaDrift: an object or a field that the ledger cannot do without is not there; names the
            permission.
        QuotaExhausted: too little is left of a daily allocation.
        LedgerError: Salesforce could not be asked.
    """
    warning = client.negotiate()
    wanted = _wanted(captured_at, history=history)
    answers = ask_many(client, _reads(wanted))
    org_name, is_sandbox = _organization(answers)
    limits, limits_visible = read_limits(client)
    require_calls(limits, api_reserve_percent)
    plans: dict[str, ObjectPlan] = {}
    capabilities: list[Capability] = []
    for declared in wanted:
        plans[declared.name], missing = _plan(declared, answers, bulk_threshold, metrics_since)
        capabilities += missing
    require_jobs(limits, api_reserve_percent, sum(plan["api"] == "bulk" for plan in plans.values()))
    if not limits_visible:
        capabilities.append(_WITHOUT_LIMITS)
    capabilities += _hidden_users(answers, plans)
    return {
        "org_id": client.org_id,
        "org_name": org_name,
        "is_sandbox": is_sandbox,
        "api_version": client.api_version,
        "captured_at": captured_at.astimezone(UTC).isoformat(),
        "limits": limits,
        "objects": plans,
        "capabilities": capabilities,
        "units": units_of(plans),
        "warnings": [warning] if warning else [],
    }


_WITHOUT_LIMITS: Capability = {
    "object": "limits",
    "field": None,
    "missing_permission": VIEW_SETUP,
    "costs": "what is left of the daily allocations, but for what answers tell by the way",
    "unlocks": "stopping before bulk jobs when the allocation runs low",
}


def _wanted(captured_at: datetime, *, history: bool) -> tuple[SalesforceObject, ...]:
    """The objects to plan, with the conditions that the moment of the snapshot decides."""
    if not history:
        return OBJECTS
    # Six months are a few days more than what is promised of the audit trail; what is there helps.
    first = captured_at.astimezone(UTC) - timedelta(days=REMEMBERED_DAYS + 20)
    dated = (
        replace(each, where=f"{each.since} >= {first:%Y-%m-%dT%H:%M:%SZ}" if each.since else "")
        for each in HISTORY_OBJECTS
    )
    return (*(replace(each, newest_by="") if each.newest_by else each for each in OBJECTS), *dated)


def _reads(wanted: Sequence[SalesforceObject]) -> dict[str, Read]:
    """Everything to ask, by ``describe:`` or ``rows:`` and the object."""
    reads: dict[str, Read] = {"organization": query_of("SELECT Id, Name, IsSandbox FROM Organization")}
    for declared in wanted:
        reads[f"describe:{declared.name}"] = describe_of(declared.name)
        if declared is USER_LICENSE:
            reads["rows:UserLicense"] = query_of("SELECT UsedLicenses FROM UserLicense")
        elif declared.newest_by:
            reads[f"rows:{declared.name}"] = query_of(
                f"SELECT MAX({declared.newest_by}) FROM {declared.name}"  # noqa: S608 - declared names
            )
        elif declared is not ORGANIZATION:
            condition = f" WHERE {declared.where}" if declared.where else ""
            reads[f"rows:{declared.name}"] = query_of(
                f"SELECT COUNT() FROM {declared.name}{condition}"  # noqa: S608 - declared names
            )
    return reads


def _organization(answers: Answers) -> tuple[str, bool]:
    answer = answers["organization"]
    if isinstance(answer, Refusal):
        raise classify(answer, "query of Organization")
    try:
        record = answer["records"][0]
        return str(record["Name"]), bool(record["IsSandbox"])
    except (KeyError, IndexError, TypeError):
        raise CorruptAnswer(
            "query of Organization", "an answer without the organization", "run again"
        ) from None


def _plan(
    declared: SalesforceObject, answers: Answers, bulk_threshold: int, metrics_since: date | None
) -> tuple[ObjectPlan, list[Capability]]:
    describe, rows = answers[f"describe:{declared.name}"], answers.get(f"rows:{declared.name}")
    refusal = next((a for a in (describe, rows) if isinstance(a, Refusal) and _hides(a)), None)
    if refusal is not None:
        return _not_visible(declared, refusal)
    if isinstance(describe, Refusal):
        raise classify(describe, f"describe of {declared.name}")
    plan, missing = plan_of(declared, describe)
    if not plan["available"]:
        return plan, missing
    if isinstance(rows, Refusal):
        # Counting timed out, or the like: the rows themselves may still be had.
        plan["rows"] = None
    elif declared.newest_by:
        plan["where"] = _since(declared, rows, metrics_since)
    elif declared is not ORGANIZATION:
        plan["rows"] = _total(declared, rows)
    if declared.never_empty and plan["rows"] == 0:
        raise _empty(declared)
    if declared.large and (plan["rows"] is None or plan["rows"] > bulk_threshold):
        plan["api"] = "bulk"
    return plan, missing


def _empty(declared: SalesforceObject) -> LedgerError:
    """Everybody sees at least one user: themselves. Other objects are empty to those who may not see them."""
    if declared is USER:
        return ImplausibleSnapshot("query of User", "no users at all, which no org has", "run again")
    return AccessDenied(
        f"query of {declared.name}",
        "no rows, which no org has",
        f"give the integration user the permission '{declared.permission}'",
    )


def _hides(refusal: Refusal) -> bool:
    return refusal.is_absence or (refusal.status == 403 and "INSUFFICIENT" in refusal.code)


def _not_visible(declared: SalesforceObject, refusal: Refusal) -> tuple[ObjectPlan, list[Capability]]:
    if declared.required:
        raise SchemaDrift(
            f"object {declared.name}",
            f"is not visible to the integration user ({refusal.words})",
            f"give it the permission '{declared.permission}'",
        )
    return absent(declared, "it is not visible to the integration user"), [without_object(declared)]


def _total(declared: SalesforceObject, answer: Any) -> int:
    total = answer.get("totalSize") if isinstance(answer, dict) else None
    if not isinstance(total, int):
        raise CorruptAnswer(f"count of {declared.name}", "an answer without a number", "run again")
    return total


def _since(declared: SalesforceObject, answer: Any, wanted: date | None) -> str:
    """The condition for the days that are wanted; empty when that is all, or there are no rows at all."""
    try:
        newest = answer["records"][0]["expr0"]
        if not newest or wanted is None:
            return ""
        return f"{declared.newest_by} >= {min(wanted, date.fromisoformat(newest)).isoformat()}"
    except (KeyError, IndexError, TypeError, ValueError):
        raise CorruptAnswer(
            f"newest day of {declared.name}", "an answer that names no day", "run again"
        ) from None


def _hidden_users(answers: Answers, plans: Mapping[str, ObjectPlan]) -> list[Capability]:
    """Whether more seats are used than there are users to be seen: then some users are hidden by sharing."""
    licenses, seen = answers["rows:UserLicense"], plans["User"]["rows"]
    if isinstance(licenses, Refusal) or seen is None:
        return []
    records = licenses.get("records") if isinstance(licenses, dict) else None
    used = sum(int(record.get("UsedLicenses") or 0) for record in records or () if isinstance(record, dict))
    if used <= seen:
        return []
    return [
        {
            "object": "User",
            "field": None,
            "missing_permission": USER.permission,
            "costs": f"users hidden by sharing: {used} seats of user licenses used, {seen} users seen",
            "unlocks": USER.unlocks,
        }
    ]
