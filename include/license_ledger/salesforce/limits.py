"""What the org may still do today. Asks through a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from license_ledger.errors import QuotaExhausted
from license_ledger.salesforce.retries import Refused

if TYPE_CHECKING:
    from license_ledger.salesforce.rest import RestClient

__all__ = ["CALLS", "JOBS", "Limits", "read_limits", "require_calls", "require_jobs"]

CALLS, JOBS, STORAGE = "DailyApiRequests", "DailyBulkV2QueryJobs", "DailyBulkV2QueryFileStorageMB"

Limits = dict[str, dict[str, int]]
"""By Salesforce's name: ``max`` and ``remaining`` within the rolling 24 hours."""


def read_limits(client: RestClient) -> tuple[Limits, bool]:
    """
    Read the limits that concern an extract.

    Args:
        client: of the org.

    Returns:
        The limits, and whether the integration user may read them. Without that right only the calls are
        known, from the headers of other answers, and only when the org sends those.

    Raises:
        LedgerError: Salesforce could not be asked.
    """
    try:
        answer = client.ask("GET", "limits")
    except Refused as refused:
        if refused.refusal.status not in (403, 404) or "LIMIT" in refused.refusal.code:
            raise refused.error from None
        return _from_header(client), False
    limits: Limits = {}
    for name in (CALLS, JOBS, STORAGE):
        entry = answer.get(name) if isinstance(answer, dict) else None
        if (
            isinstance(entry, dict)
            and isinstance(entry.get("Max"), int)
            and isinstance(entry.get("Remaining"), int)
        ):
            limits[name] = {"max": entry["Max"], "remaining": entry["Remaining"]}
    return limits, True


def _from_header(client: RestClient) -> Limits:
    told = client.limit_info
    return {} if told is None else {CALLS: {"max": told.allowed, "remaining": told.allowed - told.used}}


def require_calls(limits: Limits, reserve_percent: float) -> None:
    """
    See that the share of calls that is kept for others is still there.

    Raises:
        QuotaExhausted: naming what is left and what is kept.
    """
    _require(limits, CALLS, "API calls", reserve_percent)


def require_jobs(limits: Limits, reserve_percent: float, jobs: int) -> None:
    """
    See that so many bulk query jobs can be started without touching the share of others.

    Raises:
        QuotaExhausted: naming what is left and what is kept.
    """
    if jobs:
        _require(limits, JOBS, "bulk query jobs", reserve_percent)
        _require(limits, STORAGE, "MB of bulk results", 0)


def _require(limits: Limits, name: str, what: str, reserve_percent: float) -> None:
    limit = limits.get(name)
    if limit is None:
        return
    kept = limit["max"] * reserve_percent / 100
    if limit["remaining"] <= 0 or limit["remaining"] < kept:
        raise QuotaExhausted(
            f"daily allocation of {what}",
            f"{limit['remaining']} of {limit['max']} are left, {kept:.0f} are kept for others",
            "run later: the allocation is counted over 24 hours; or lower api_reserve_percent",
        )
