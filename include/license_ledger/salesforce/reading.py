"""From an answer, or the lack of one, to what a call of this package gives or raises. Sends nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from license_ledger.errors import CorruptAnswer, SalesforceUnavailable
from license_ledger.salesforce.answers import Refusal, classify, is_html, read_refusal
from license_ledger.salesforce.retries import Passing, Refused
from license_ledger.salesforce.transport import network_error

__all__ = ["accepted", "json_of", "name_of", "translated"]


def accepted(response: requests.Response, asked: str) -> requests.Response:
    """
    The answer itself, if it is data.

    Raises:
        Refused: Salesforce refused, and will again.
        Passing: it may pass.
    """
    if response.status_code >= 300:
        refusal = read_refusal(response)
        if refusal.is_passing:
            raise Passing(classify(refusal, asked), refusal.retry_after)
        raise Refused(refusal, asked)
    if is_html(response):
        response.close()
        words = Refusal(response.status_code, (), "a web page instead of data").words
        raise Passing(SalesforceUnavailable(asked, words, "see status.salesforce.com if it does not pass"))
    return response


def json_of(response: requests.Response, asked: str) -> Any:
    """What the body says; None when there is none on purpose. Raises Passing when it is not whole."""
    try:
        content = response.content
    except (requests.RequestException, OSError) as error:
        raise translated(error, asked) from None
    if not content:
        if response.status_code == 204:
            return None
        raise Passing(CorruptAnswer(asked, "an empty answer", "run again"))
    try:
        return json.loads(content)
    except ValueError:
        raise Passing(
            CorruptAnswer(asked, "an answer that is no valid JSON, or half of one", "run again")
        ) from None


def translated(error: Exception, asked: str) -> Exception:
    """What to raise for a failure of the network."""
    failure = network_error(error, asked)
    return Passing(failure) if isinstance(failure, SalesforceUnavailable) else failure


def name_of(method: str, path: str, params: Mapping[str, str] | None) -> str:
    """What was asked, for people: the query's object, else method and path."""
    found = re.search(r"\bFROM\s+(\w+)", (params or {}).get("q", ""), re.IGNORECASE)
    if found:
        return f"query of {found[1]}"
    return f"{method} {urlsplit(path).path}"
