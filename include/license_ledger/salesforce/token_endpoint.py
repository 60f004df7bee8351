"""
One request to the token service, a refresh or the exchange of a code, and what its answer means. Sends;
decides nothing.

No library does these grants. The request is sent exactly once: what becomes of a refresh token after a
request whose answer did not arrive nobody can know, so that deciding about another try is left to the caller,
who is told how much is known.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from license_ledger.errors import (
    AccessDenied,
    ConfigError,
    CorruptAnswer,
    LedgerError,
    RefreshOutcomeUnknown,
    SalesforceUnavailable,
    TransientError,
    UnsafeHost,
)
from license_ledger.salesforce import hosts
from license_ledger.salesforce.answers import Refusal, classify, clean, parse_body
from license_ledger.salesforce.credentials import Credentials
from license_ledger.salesforce.token_refusals import CODE_RULES, Outcome, rule_for
from license_ledger.salesforce.tokens import Session, case_safe_id
from license_ledger.salesforce.transport import LedgerSession, Timeouts, network_error, was_never_sent

__all__ = ["Outcome", "TokenAnswer", "exchange", "read_answer", "redeem"]

ASKED = "refreshing the access token"
REDEEMING = "exchanging the authorization code"


@dataclass(frozen=True)
class TokenAnswer:
    """
    A refresh request's end.

    Attributes:
        outcome: what is known.
        error: why there is no usable session, or None.
        session: the new session; None unless it is usable.
        refresh_token: the new refresh token, to be stored whatever else is wrong; None when none came.
    """

    outcome: Outcome
    error: LedgerError | None = None
    session: Session | None = None
    refresh_token: str | None = field(default=None, repr=False)


def exchange(credentials: Credentials, refresh_token: str, timeouts: Timeouts) -> TokenAnswer:
    """
    Send one refresh request to the connection's login host.

    Args:
        credentials: client id, secret, login host, proxies, certificates.
        refresh_token: the live token of the grant.
        timeouts: how long to wait.

    Returns:
        What came of it; network failures included, nothing is raised.
    """
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _post(credentials, form, timeouts, ASKED)


def redeem(
    credentials: Credentials, code: str, redirect_uri: str, verifier: str, timeouts: Timeouts
) -> TokenAnswer:
    """
    Exchange an authorization code (RFC 6749 §4.1.3, with PKCE) at the connection's login host.

    Args:
        credentials: client id, secret, login host, proxies, certificates.
        code: decoded; good for one exchange.
        redirect_uri: the callback address that the code was asked for with.
        verifier: of PKCE.
        timeouts: how long to wait.

    Returns:
        What came of it; network failures included, nothing is raised.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    return _post(credentials, form, timeouts, REDEEMING)


def _post(credentials: Credentials, form: dict[str, str], timeouts: Timeouts, asked: str) -> TokenAnswer:
    form = {**form, "format": "json", "client_id": credentials.consumer_key}
    if credentials.consumer_secret:
        form["client_secret"] = credentials.consumer_secret
    # A connection of its own: a kept one that the server has closed would leave the outcome unknown.
    with LedgerSession(
        proxies=credentials.proxies, ca_bundle=credentials.ca_bundle, timeouts=timeouts
    ) as http:
        try:
            response = http.post(
                f"{credentials.login_url}/services/oauth2/token",
                data=form,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                stream=True,
            )
        except (requests.RequestException, OSError) as error:
            return _network_answer(error, asked)
        with response:
            body, whole = _read(response)
    return read_answer(response.status_code, body, whole=whole, credentials=credentials, asked=asked)


def _network_answer(error: Exception, asked: str) -> TokenAnswer:
    failure = network_error(error, asked)
    if not isinstance(failure, TransientError):
        return TokenAnswer(Outcome.REFUSED, failure)
    if was_never_sent(error):
        return TokenAnswer(Outcome.UNTOUCHED, failure)
    return TokenAnswer(Outcome.UNKNOWN, _unknown(failure.got, asked))


def _read(response: requests.Response) -> tuple[str, bool]:
    """What arrived of the body, and whether that is all of it: half an answer may hold the new token."""
    chunks: list[bytes] = []
    try:
        chunks.extend(response.iter_content(4096))
        whole = True
    except (requests.RequestException, OSError):
        whole = False
    return b"".join(chunks).decode("utf-8", "replace"), whole


def read_answer(
    status: int, body: str, *, whole: bool, credentials: Credentials, asked: str = ASKED
) -> TokenAnswer:
    """
    Judge an answer of the token service.

    Args:
        status: HTTP status.
        body: as much of it as arrived.
        whole: whether that is all.
        credentials: whose login host decides which instance may be answered.
        asked: what was asked, for messages; which request it was decides what a refusal means.

    Returns:
        The judgment.
    """
    fields = _fields(body) if status == 200 else {}
    if status == 200 and "error" not in fields:
        return _judge_grant(fields, whole, credentials, asked)
    codes, message = parse_body(body)
    refusal = Refusal(status, codes, message)
    rule = rule_for(refusal, CODE_RULES if asked == REDEEMING else ())
    if rule is not None:
        return TokenAnswer(rule.outcome, rule.error(asked, refusal.words, rule.remedy))
    if status == 200 or (status >= 500 and status != 503):
        return TokenAnswer(Outcome.UNKNOWN, _unknown(refusal.words, asked))
    if status == 404:
        return TokenAnswer(
            Outcome.REFUSED, ConfigError(asked, refusal.words, "correct login_url in the connection")
        )
    error = classify(refusal, asked)
    if isinstance(error, TransientError):
        return TokenAnswer(Outcome.UNTOUCHED, error)
    if not codes and status >= 400:
        # Not the token service but something before it: a filter, an outage page.
        return TokenAnswer(
            Outcome.UNTOUCHED, SalesforceUnavailable(asked, refusal.words, "see status.salesforce.com")
        )
    return TokenAnswer(Outcome.REFUSED, error)


def _judge_grant(fields: dict[str, Any], whole: bool, credentials: Credentials, asked: str) -> TokenAnswer:
    token = fields.get("refresh_token")
    token = token if isinstance(token, str) and token else None
    if not fields.get("access_token") or not whole:
        if token is None:
            return TokenAnswer(Outcome.UNKNOWN, _unknown("HTTP 200 with an answer that is no token", asked))
        half = SalesforceUnavailable(asked, "only half of the answer arrived", "run again")
        return TokenAnswer(Outcome.GRANTED, half, refresh_token=token)
    try:
        return TokenAnswer(Outcome.GRANTED, None, _session(fields, credentials, asked), token)
    except LedgerError as error:
        return TokenAnswer(Outcome.GRANTED, error, refresh_token=token)


def _session(fields: dict[str, Any], credentials: Credentials, asked: str) -> Session:
    scope = fields.get("scope")
    if isinstance(scope, str) and scope and not {"api", "full"} & set(scope.split()):
        raise AccessDenied(
            asked,
            "the grant lacks the scope api",
            "authorize the app again with the scopes api refresh_token",
        )
    named = str(fields.get("instance_url", "")).strip()
    try:
        instance = hosts.base_url(named, allow_loopback=credentials.on_loopback)
    except ValueError as error:
        raise UnsafeHost(
            asked,
            f"the instance_url of the answer{_shown_host(named)} {error}",
            "check login_url and the network between",
        ) from None
    org_id, user_id = _identity(fields, asked)
    issued = re.fullmatch(r"\d{10,16}", str(fields.get("issued_at", "")))
    if issued is None:
        raise CorruptAnswer(asked, "the answer lacks issued_at", "run again")
    return Session(
        str(fields["access_token"]),
        instance,
        org_id,
        user_id,
        datetime.fromtimestamp(int(issued[0]) / 1000, UTC),
    )


def _shown_host(address: str) -> str:
    """The host of an address that Salesforce's answer named, where it is one that can be shown."""
    found = re.match(r"https?://([A-Za-z0-9.-]{1,253})(?:[:/]|$)", address)
    return f" ({found[1]})" if found else ""


def _identity(fields: dict[str, Any], asked: str) -> tuple[str, str]:
    """Org and user out of the identity address, else the org out of the token, which begins with it."""
    path = urlsplit(str(fields.get("id", ""))).path
    match = re.fullmatch(r"/id/(00D\w{12}(?:\w{3})?)/(005\w{12}(?:\w{3})?)", path)
    if match:
        return case_safe_id(match[1]), case_safe_id(match[2])
    prefix = re.match(r"(00D\w{12})!", str(fields["access_token"]))
    if prefix is None:
        raise CorruptAnswer(asked, "the answer does not say which org it is for", "run again")
    return case_safe_id(prefix[1]), ""


def _fields(body: str) -> dict[str, Any]:
    """The fields of a success in JSON, XML or as a form; of half a JSON those that are whole."""
    text = body.lstrip("\ufeff \r\n\t")
    try:
        value = json.loads(text)
        return value if isinstance(value, dict) else {}
    except ValueError:
        pass
    if text.startswith("<"):
        return {name: value for name, value in re.findall(r"<(\w+)>([^<]+)</\1>", text)}
    if text.startswith("{"):
        return dict(re.findall(r'"(\w+)"\s*:\s*"([^"\\]*)"', text))
    return dict(parse_qsl(text)) if "access_token=" in text else {}


def _unknown(got: str, asked: str) -> RefreshOutcomeUnknown:
    if asked == REDEEMING:
        return RefreshOutcomeUnknown(asked, clean(got), "authorize again: a code is good for one exchange")
    return RefreshOutcomeUnknown(
        asked, clean(got), "nothing to do yet: the next try finds out whether the refresh token is still good"
    )
