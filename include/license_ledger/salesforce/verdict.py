"""What "Test connection" says: whether a snapshot could be taken, as whom, and what would be missing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from license_ledger.errors import LedgerError
from license_ledger.salesforce.capabilities import inspect
from license_ledger.salesforce.credentials import Credentials
from license_ledger.salesforce.inspection import Inspection
from license_ledger.salesforce.limits import CALLS
from license_ledger.salesforce.rest import RestClient
from license_ledger.salesforce.tokens import Sessions


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
    client = RestClient(
        sessions,
        api_version=credentials.api_version,
        ca_bundle=credentials.ca_bundle,
        proxies=credentials.proxies,
    )
    found = inspect(client, captured_at=datetime.now(UTC), api_reserve_percent=0)
    sentences = [
        f"Connected to {found['org_name']} ({_kind(found)}, {found['org_id']})"
        f"{_user(client)} with API version {found['api_version']}.",
        _calls(found),
        f"Scope: {', '.join(credentials.company_names)}.",
        *found["warnings"],
        _missing(found),
        getattr(sessions, "alert", None),
    ]
    return True, " ".join(sentence for sentence in sentences if sentence)


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
