"""
What a look at an org says, without extracting anything: whether a snapshot could be taken, as whom, what
would be missing, what it would cost.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from license_ledger.errors import LedgerError
from license_ledger.salesforce.bulk import PAGE_RECORDS
from license_ledger.salesforce.capabilities import inspect
from license_ledger.salesforce.credentials import Credentials
from license_ledger.salesforce.inspection import Inspection, soql
from license_ledger.salesforce.limits import CALLS
from license_ledger.salesforce.objects import USER
from license_ledger.salesforce.rest import RestClient
from license_ledger.salesforce.tokens import Sessions

REST_PAGE = 2000
"""Records of a REST page, at most (REST API Developer Guide, Query Options Header)."""
BULK_CALLS = 5
"""Calls of a bulk job beside its result pages: create, two or three looks at its state, delete."""


class Cost(NamedTuple):
    """
    What extracting an object would cost.

    Attributes:
        object: its API name.
        api: ``bulk`` or ``rest``.
        rows: at inspection; None when Salesforce did not say.
        calls: about so many; REST pages are often smaller than they may be.
    """

    object: str
    api: str
    rows: int | None
    calls: int


class Look(NamedTuple):
    """
    What was found.

    Attributes:
        verdict: the org, the user, the calls left, what is missing; for people.
        costs: an object each, in the order they are extracted.
        users_per_second: measured now on one page of users; None when there was none.
    """

    verdict: str
    costs: list[Cost]
    users_per_second: float | None


def look(
    credentials: Credentials, sessions: Sessions, *, bulk_threshold: int, api_reserve_percent: float
) -> Look:
    """
    Log in, inspect the org, and time one page of users. Nothing is written, here or there.

    Args:
        credentials: of the connection.
        sessions: where its sessions come from.
        bulk_threshold: see the setting.
        api_reserve_percent: see the setting.

    Returns:
        What a snapshot would find, and cost.

    Raises:
        LedgerError: a snapshot could not be taken; says why and what to do.
    """
    with client_of(credentials, sessions) as client:
        found = inspect(
            client,
            captured_at=datetime.now(UTC),
            bulk_threshold=bulk_threshold,
            api_reserve_percent=api_reserve_percent,
        )
        words = _words(credentials, sessions, client, found)
        return Look(words, list(_costs(found)), _users_per_second(client, found))


def _costs(found: Inspection) -> Iterator[Cost]:
    for unit in found["units"]:
        for name in unit["objects"]:
            plan = found["objects"][name]
            rows = plan["rows"] or 0
            calls = (
                BULK_CALLS - -rows // PAGE_RECORDS if plan["api"] == "bulk" else max(1, -(-rows // REST_PAGE))
            )
            yield Cost(name, plan["api"], plan["rows"], calls)


def _users_per_second(client: RestClient, found: Inspection) -> float | None:
    began = time.monotonic()
    page = next(client.query_pages(soql(found, USER.name)), None)
    rows = len(page["records"]) if page else 0
    return rows / max(time.monotonic() - began, 1e-6) if rows else None


def verdict(credentials: Credentials, sessions: Sessions) -> tuple[bool, str]:
    """
    Log in and inspect the org, with a handful of calls and without extracting anything.

    Args:
        credentials: of the connection.
        sessions: where its sessions come from.

    Returns:
        True, and the org, the integration user, the calls left today and every missing permission with what
        it costs. No token, secret or e-mail address is in it.

    Raises:
        LedgerError: a snapshot could not be taken; says why and what to do.
    """
    with client_of(credentials, sessions) as client:
        found = inspect(client, captured_at=datetime.now(UTC), api_reserve_percent=0)
        return True, _words(credentials, sessions, client, found)


def client_of(credentials: Credentials, sessions: Sessions) -> RestClient:
    """A client for whoever looks at an org without taking a snapshot; close it afterwards."""
    return RestClient(
        sessions,
        api_version=credentials.api_version,
        ca_bundle=credentials.ca_bundle,
        proxies=credentials.proxies,
    )


def _words(credentials: Credentials, sessions: Sessions, client: RestClient, found: Inspection) -> str:
    sentences = [
        f"Connected to {found['org_name']} ({_kind(found)}, {found['org_id']})"
        f"{_user(client)} with API version {found['api_version']}.",
        _calls(found),
        f"Scope: {', '.join(credentials.company_names)}.",
        *found["warnings"],
        _missing(found),
        getattr(sessions, "alert", None),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _kind(found: Inspection) -> str:
    return "sandbox" if found["is_sandbox"] else "production"


def _user(client: RestClient) -> str:
    """The integration user's name and profile; nothing when it may not even see itself."""
    user_id = client.session.user_id
    if not user_id:
        return ""
    try:
        pages = client.query_pages(f"SELECT Name, Profile.Name FROM User WHERE Id = '{user_id}'")  # noqa: S608
        record: dict[str, Any] = next(iter(pages))["records"][0]
        return f" as {record['Name']} (profile {record['Profile']['Name']})"
    except (LedgerError, StopIteration, LookupError, TypeError):
        return f" as user {user_id}"


def _calls(found: Inspection) -> str:
    limit = found["limits"].get(CALLS)
    return f"{limit['remaining']:,} of {limit['max']:,} API calls are left today." if limit else ""


def _missing(found: Inspection) -> str:
    gaps = [
        f"{gap['object']}{'.' + gap['field'] if gap['field'] else ''} needs '{gap['missing_permission']}' "
        f"(without it: {gap['costs']})"
        for gap in found["capabilities"]
    ]
    return f"Missing: {'; '.join(gaps)}." if gaps else "No permission is missing."
