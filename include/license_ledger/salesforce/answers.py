"""
What an answer that is no success means. May import errors only; sends nothing.

Salesforce refuses in many shapes: a list of errors, one object, OAuth's object, XML, an outage page, nothing
at all. :func:`read_refusal` reads them all; :func:`classify` turns the result into the error tree by a table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import requests

from license_ledger.errors import (
    AccessDenied,
    BadQuery,
    ConfigError,
    LedgerError,
    QuotaExhausted,
    RateLimited,
    SalesforceUnavailable,
    SchemaDrift,
    UnsafeHost,
)

__all__ = ["Refusal", "classify", "clean", "is_html", "read_refusal"]

_POLICY_TEXTS = (
    "this session is not valid for use with the rest api",
    "connected app is not attached to agent",
)
"""401 texts that a new token does not cure; refreshing would go on for ever."""
_BODY_LIMIT = 65_536


@dataclass(frozen=True)
class Refusal:
    """
    An answer that is no success.

    Attributes:
        status: HTTP status.
        codes: Salesforce's error codes, in order; empty when the body names none.
        message: its words on one line, without tokens and addresses of people.
        retry_after: seconds the server asks to wait, when it says so.
        location: where a redirect points, host only.
    """

    status: int
    codes: tuple[str, ...] = ()
    message: str = ""
    retry_after: float | None = None
    location: str = ""

    @property
    def code(self) -> str:
        """The first code, or the empty text."""
        return self.codes[0] if self.codes else ""

    @property
    def words(self) -> str:
        """For people: code and message, or the status when there is nothing else."""
        said = ": ".join(part for part in (self.code, self.message) if part)
        return f"HTTP {self.status} {said}".strip()

    @property
    def is_expired_session(self) -> bool:
        """Whether a new access token may cure this."""
        return self.status == 401 and not self.is_policy

    @property
    def is_policy(self) -> bool:
        """Whether the session is refused by a policy of the org, for good."""
        return self.status == 401 and any(text in self.message.lower() for text in _POLICY_TEXTS)

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed within seconds."""
        if self.code == "QUERY_TIMEOUT":
            return False
        if "concurrent" in self.message.lower() and self.code in ("REQUEST_LIMIT_EXCEEDED", "LIMIT_EXCEEDED"):
            return True
        return self.status in (406, 408, 420, 425, 429) or self.status >= 500

    @property
    def is_lost_cursor(self) -> bool:
        """Whether a query has to be asked again from its beginning."""
        return "INVALID_QUERY_LOCATOR" in self.codes

    @property
    def is_absence(self) -> bool:
        """Whether the object is not there, or not for this user: Salesforce does not tell these apart."""
        return self.status == 404 or bool({"NOT_FOUND", "INVALID_TYPE"} & set(self.codes))


def read_refusal(response: requests.Response) -> Refusal:
    """
    Read a refusal of any shape.

    Args:
        response: with a status of 300 or more; its body is read here, at most 64 KiB of it.

    Returns:
        The refusal; never raises on what the body says.
    """
    text = _body(response)
    return Refusal(
        response.status_code,
        *parse_body(text),
        retry_after=_seconds(response.headers.get("Retry-After")),
        location=_host(response.headers.get("Location", "")),
    )


def parse_body(body: str | Any) -> tuple[tuple[str, ...], str]:
    """
    Codes and message out of a refusal's body.

    Args:
        body: the text of the body, or what was JSON inside a composite answer.

    Returns:
        The codes in order, and the messages on one line.
    """
    if isinstance(body, str):
        stripped = body.lstrip("\ufeff \r\n\t")
        if stripped.startswith(("[", "{")):
            try:
                return parse_body(json.loads(stripped))
            except ValueError:
                return (), "an answer that is no valid JSON"
        return _markup(stripped)
    entries = body if isinstance(body, list) else [body]
    found = [_entry(entry) for entry in entries if isinstance(entry, dict)]
    codes = tuple(code for code, _ in found if code)
    return codes, clean(" / ".join(message for _, message in found if message))


def classify(refusal: Refusal, asked: str) -> LedgerError:
    """
    The error of the tree that a refusal is.

    Args:
        refusal: what was read.
        asked: what was asked, naming the object; never a token.

    Returns:
        An error to raise; a 401 that a new token did not cure is an :class:`AccessDenied`.
    """
    if 300 <= refusal.status < 400:
        return UnsafeHost(
            asked,
            f"HTTP {refusal.status} redirects to {refusal.location or 'nowhere'}, which is not followed",
            "enter the address that answers itself: the My Domain of the org",
        )
    for code in refusal.codes:
        if code in ("REQUEST_LIMIT_EXCEEDED", "LIMIT_EXCEEDED", "ExceededQuota", "EXCEEDEDQUOTA"):
            return _limit(refusal, asked)
        if code in _BY_CODE:
            kind, remedy = _BY_CODE[code]
            return kind(asked, refusal.words, remedy)
    return _by_status(refusal, asked)


def _limit(refusal: Refusal, asked: str) -> LedgerError:
    if refusal.is_passing:
        return RateLimited(asked, refusal.words, "wait for other integrations of the org to finish")
    return QuotaExhausted(
        asked,
        refusal.words,
        "wait until the rolling 24 hours have freed calls, or raise the org's allocation",
    )


def _by_status(refusal: Refusal, asked: str) -> LedgerError:
    status = refusal.status
    if status == 401:
        remedy = (
            "a policy of the org refuses this app; ask its administrator"
            if refusal.is_policy
            else "check the session policies and IP ranges of the integration user"
        )
        return AccessDenied(asked, refusal.words, remedy)
    if status == 403:
        return AccessDenied(
            asked, refusal.words, "give the integration user the permission, see docs/security.md"
        )
    if status == 404:
        return SchemaDrift(
            asked, refusal.words, "the object is not there, or not visible to the integration user"
        )
    if status in (414, 431):
        return BadQuery(asked, f"{refusal.words}, the address is too long", "ask for fewer fields")
    if status == 429:
        return RateLimited(asked, refusal.words, "nothing to do if it passes by itself")
    if status >= 500 or status in (406, 408, 420, 425):
        return SalesforceUnavailable(asked, refusal.words, "see status.salesforce.com if it does not pass")
    return BadQuery(
        asked, refusal.words, "this is a bug of the ledger, or Salesforce has changed its interface"
    )


_API_DISABLED = "give the integration user the permission 'API Enabled', in an edition that has the API"
_NOT_VISIBLE = "compare the permissions of the integration user with docs/security.md"
_OWN_BUG = "this is a bug of the ledger, or Salesforce has changed its interface"
_BY_CODE: dict[str, tuple[type[LedgerError], str]] = {
    "API_DISABLED_FOR_ORG": (AccessDenied, _API_DISABLED),
    "API_CURRENTLY_DISABLED": (AccessDenied, _API_DISABLED),
    "INSUFFICIENT_ACCESS": (AccessDenied, _NOT_VISIBLE),
    "INSUFFICIENT_ACCESS_OR_READONLY": (AccessDenied, _NOT_VISIBLE),
    "FUNCTIONALITY_NOT_ENABLED": (AccessDenied, "the feature is off in this org"),
    "FeatureNotEnabled": (AccessDenied, "the feature is off in this org"),
    "PACKAGE_LICENSE_REQUIRED": (AccessDenied, "give the integration user a license of the package"),
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD": (AccessDenied, "renew the integration user's password"),
    "PASSWORD_LOCKOUT": (AccessDenied, "unlock the integration user"),
    "TXN_SECURITY_METERING_ERROR": (
        AccessDenied,
        "exempt the integration user from the transaction security policy",
    ),
    "TXN_SECURITY_NO_ACCESS": (
        AccessDenied,
        "exempt the integration user from the transaction security policy",
    ),
    "INVALID_FIELD": (SchemaDrift, "the field was removed or hidden from the integration user; run again"),
    "INVALID_TYPE": (SchemaDrift, _NOT_VISIBLE),
    "UNSUPPORTED_API_VERSION": (ConfigError, "enter a newer version in the connection"),
    "QUERY_TIMEOUT": (SalesforceUnavailable, "run again when the org is less busy"),
    "REQUEST_RUNNING_TOO_LONG": (SalesforceUnavailable, "run again when the org is less busy"),
    "SERVER_UNAVAILABLE": (SalesforceUnavailable, "see status.salesforce.com if it does not pass"),
    "MALFORMED_QUERY": (BadQuery, _OWN_BUG),
    "MALFORMED_ID": (BadQuery, _OWN_BUG),
    "INVALID_QUERY_FILTER_OPERATOR": (BadQuery, _OWN_BUG),
    "EXCEEDED_ID_LIMIT": (BadQuery, _OWN_BUG),
    "OPERATION_TOO_LARGE": (
        BadQuery,
        "give the integration user 'View All Data', or extract with Bulk API 2.0",
    ),
}


def clean(text: str) -> str:
    """One line of at most 300 characters, without tokens and e-mail addresses."""
    flat = " ".join(text.split())
    flat = re.sub(r"\b00D\w{9,15}![\w.]+", "[token]", flat)
    flat = re.sub(r"\b5Aep\S+", "[token]", flat)
    flat = re.sub(r"[^\s<>@\"']+@[^\s<>@\"']+", "[address]", flat)
    return flat if len(flat) <= 300 else flat[:299] + "…"


def is_html(response: requests.Response) -> bool:
    """Whether the answer is a page for people: maintenance, outage, a proxy's log-in."""
    return "html" in response.headers.get("Content-Type", "").lower()


def _body(response: requests.Response) -> str:
    try:
        chunk = next(response.iter_content(_BODY_LIMIT), b"")
    except (requests.RequestException, OSError):
        return ""
    finally:
        response.close()
    return bytes(chunk).decode("utf-8", "replace")


def _entry(entry: dict[str, Any]) -> tuple[str, str]:
    code = (
        entry.get("errorCode") or entry.get("statusCode") or entry.get("error") or entry.get("exceptionCode")
    )
    message = entry.get("message") or entry.get("error_description") or entry.get("exceptionMessage")
    return str(code or ""), str(message or "")


def _markup(text: str) -> tuple[tuple[str, ...], str]:
    """XML with codes in it, a page with a title, or plain text."""
    codes = tuple(_elements(text, "errorCode", "exceptionCode", "error"))
    words = list(_elements(text, "message", "exceptionMessage", "error_description"))
    if codes or words:
        return codes, clean(" / ".join(words))
    if re.match(r"<(?:!doctype\s+html|html)\b", text, re.IGNORECASE):
        titles = list(_elements(text, "title"))
        return (), clean(f"a web page, {titles[0]!r}" if titles else "a web page")
    return (), clean(re.sub(r"<[^>]*>", " ", text))


def _elements(text: str, *names: str) -> Iterable[str]:
    pattern = rf"<({'|'.join(names)})\b[^>]*>([^<]{{1,500}})</\1>"
    return (match[2].strip() for match in re.finditer(pattern, text, re.IGNORECASE))


def _seconds(header: str | None) -> float | None:
    return float(header) if header and re.fullmatch(r"\d{1,6}", header.strip()) else None


def _host(location: str) -> str:
    match = re.match(r"https?://([A-Za-z0-9.-]+)", location)
    return match[1] if match else ""
