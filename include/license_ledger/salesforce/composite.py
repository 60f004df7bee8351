"""
Several reads in one call. Asks through a client.

A whole ``/composite`` request counts as one call of the org's allocation, and each part succeeds or fails by
itself. Where the org does not serve it, the parts are asked one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from license_ledger.errors import CorruptAnswer
from license_ledger.salesforce.answers import Refusal, parse_body
from license_ledger.salesforce.retries import Refused

if TYPE_CHECKING:
    from license_ledger.salesforce.rest import RestClient

__all__ = ["Read", "ask_many", "describe_of", "query_of"]

_MOST_PARTS, _MOST_QUERIES = 25, 5

Read = tuple[str, Mapping[str, str]]
"""A path below ``/services/data/vNN.N/`` and the query of its address."""


def query_of(soql: str) -> Read:
    """The read of one query."""
    return "query", {"q": soql}


def describe_of(object_name: str) -> Read:
    """The read of one describe."""
    return f"sobjects/{object_name}/describe", {}


def ask_many(client: RestClient, reads: Mapping[str, Read]) -> dict[str, Any | Refusal]:
    """
    Ask several reads in as few calls as possible.

    Args:
        client: of the org.
        reads: by a name of the caller's.

    Returns:
        By the same names: what the JSON says, or the refusal.

    Raises:
        LedgerError: Salesforce could not be asked.
    """
    answers: dict[str, Any | Refusal] = {}
    for names in _groups(reads):
        answers |= _together(client, {name: reads[name] for name in names})
    return answers


def _groups(reads: Mapping[str, Read]) -> Iterator[list[str]]:
    group: list[str] = []
    queries = 0
    for name, (path, _) in reads.items():
        is_query = path == "query"
        if len(group) == _MOST_PARTS or (is_query and queries == _MOST_QUERIES):
            yield group
            group, queries = [], 0
        group.append(name)
        queries += is_query
    if group:
        yield group


def _together(client: RestClient, reads: Mapping[str, Read]) -> dict[str, Any | Refusal]:
    names = {f"part{number}": name for number, name in enumerate(reads)}
    parts = [
        {"method": "GET", "referenceId": reference, "url": _url(client, *reads[name])}
        for reference, name in names.items()
    ]
    try:
        answer = client.ask("POST", "composite", body={"allOrNone": False, "compositeRequest": parts})
    except Refused as refused:
        if refused.refusal.is_policy or _is_final(refused.refusal):
            raise refused.error from None
        return {name: _alone(client, *read) for name, read in reads.items()}
    found: dict[str, Any | Refusal] = {}
    for part in _parts(answer):
        name = names[part["referenceId"]]
        status = int(part["httpStatusCode"])
        if status < 300:
            found[name] = part["body"]
            continue
        refusal = Refusal(status, *parse_body(part["body"]))
        # What may pass is asked again alone, with pauses.
        found[name] = _alone(client, *reads[name]) if refusal.is_passing else refusal
    if found.keys() != reads.keys():
        raise CorruptAnswer("POST composite", "an answer that lacks parts", "run again")
    return found


def _is_final(refusal: Refusal) -> bool:
    """Whether asking the parts alone would only be refused in the same way."""
    return any(
        code in ("REQUEST_LIMIT_EXCEEDED", "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED")
        for code in refusal.codes
    )


def _alone(client: RestClient, path: str, params: Mapping[str, str]) -> Any | Refusal:
    try:
        return client.ask("GET", path, params=params)
    except Refused as refused:
        return refused.refusal


def _parts(answer: Any) -> list[dict[str, Any]]:
    parts = answer.get("compositeResponse") if isinstance(answer, dict) else None
    wanted = {"referenceId", "httpStatusCode", "body"}
    if not isinstance(parts, list) or not all(isinstance(p, dict) and wanted <= p.keys() for p in parts):
        raise CorruptAnswer("POST composite", "an answer that is none of several parts", "run again")
    return parts


def _url(client: RestClient, path: str, params: Mapping[str, str]) -> str:
    base = f"/services/data/v{client.api_version}/{path}"
    return f"{base}?{urlencode(params)}" if params else base
