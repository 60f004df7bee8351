"""
What the token service's refusals mean: one table. May import errors and answers only.

The texts are Salesforce's own. The table says three things of each: whether the refresh token is still worth
trying, which error it is, and what a person can do about it.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple

from license_ledger.errors import (
    AccessDenied,
    AuthRevoked,
    ConfigError,
    LedgerError,
    RateLimited,
    SalesforceUnavailable,
)
from license_ledger.salesforce.answers import Refusal

__all__ = ["CODE_RULES", "RULES", "Outcome", "Rule", "rule_for"]


class Outcome(enum.Enum):
    """What is known about a refresh token after a request."""

    GRANTED = "an access token was issued; a new refresh token, if any, replaces the old one"
    UNTOUCHED = "Salesforce did not act on it: the same token may be tried again"
    UNKNOWN = "Salesforce may have acted on it"
    DEAD = "Salesforce does not accept this grant any more"
    REFUSED = "refused for a reason that has nothing to do with the token"


class Rule(NamedTuple):
    """A refusal, by error code and words in its description; empty words match all."""

    code: str
    words: str
    outcome: Outcome
    error: type[LedgerError]
    remedy: str


def rule_for(refusal: Refusal, before: Sequence[Rule] = ()) -> Rule | None:
    """
    The first rule that applies, or None when the tables know nothing of it.

    Args:
        refusal: what came back.
        before: rules of the request's own, looked at before :data:`RULES`.
    """
    codes = [code.lower() for code in refusal.codes]
    message = refusal.message.lower()
    for rule in (*before, *RULES):
        if rule.code in codes and rule.words in message:
            return rule
    return None


_AGAIN = "authorize the app again and enter the new refresh token in the connection"
_BUSY = "nothing to do: somebody else was refreshing at the same moment"
_RUN_AS = "name a run-as user in the app, or enter a refresh token"
_TRIAL = "the org is suspended or its trial has ended; ask Salesforce"
_FLOW = "allow the refresh-token flow in the app"
_INSTALL = "let an administrator install the app in the org"
_UNBLOCK = "let an administrator unblock the app"
_ADDRESSES = "allow the addresses of this machine in the app's policy or the user's profile"
_APPROVE = "let an administrator approve the integration user for the app, by profile or permission set"
_NEW_APP = "correct consumer_key; a new or changed app takes up to half an hour to be known everywhere"
_LOGIN_URL = "correct login_url in the connection: production and sandbox have different ones"
_FIELDS = "check consumer_key, consumer_secret and login_url in the connection"

_UNTOUCHED, _DEAD, _REFUSED = Outcome.UNTOUCHED, Outcome.DEAD, Outcome.REFUSED

RULES = (
    Rule("invalid_grant", "already being processed", _UNTOUCHED, SalesforceUnavailable, _BUSY),
    # How the same was worded until September 2024.
    Rule("invalid_grant", "expired authorization code", _UNTOUCHED, SalesforceUnavailable, _BUSY),
    Rule("invalid_grant", "inactive user", _REFUSED, AuthRevoked, "activate the integration user"),
    Rule("invalid_grant", "inactive org", _REFUSED, AuthRevoked, _TRIAL),
    Rule("invalid_grant", "ip restricted", _REFUSED, AuthRevoked, _ADDRESSES),
    Rule("invalid_grant", "approved this consumer", _REFUSED, AuthRevoked, _APPROVE),
    Rule("invalid_grant", "no client credentials user", _REFUSED, ConfigError, _RUN_AS),
    Rule("invalid_grant", "audience validation failed", _REFUSED, ConfigError, _LOGIN_URL),
    Rule("invalid_grant", "authentication failure", _REFUSED, AuthRevoked, _FIELDS),
    Rule("invalid_grant", "", _DEAD, AuthRevoked, _AGAIN),
    Rule("invalid_app_access", "", _REFUSED, AccessDenied, _APPROVE),
    Rule("invalid_client", "must be installed", _REFUSED, AccessDenied, _INSTALL),
    Rule("app_not_found", "", _REFUSED, AccessDenied, _INSTALL),
    Rule("oauth_app_blocked", "", _REFUSED, AccessDenied, _UNBLOCK),
    Rule("app_blocked", "", _REFUSED, AccessDenied, _UNBLOCK),
    Rule("access_denied", "", _REFUSED, AccessDenied, _APPROVE),
    Rule("invalid_client_id", "", _REFUSED, ConfigError, _NEW_APP),
    Rule("invalid_client", "", _REFUSED, ConfigError, "correct consumer_secret in the connection"),
    Rule("unauthorized_client", "", _REFUSED, ConfigError, _FLOW),
    Rule("unsupported_grant_type", "", _REFUSED, ConfigError, _FLOW),
    Rule("invalid_scope", "", _REFUSED, AccessDenied, _AGAIN),
    Rule("invalid_request", "no client credentials user", _REFUSED, ConfigError, _RUN_AS),
    Rule("invalid_request", "", _REFUSED, ConfigError, _FIELDS),
    Rule("inactive_org", "", _REFUSED, AuthRevoked, _TRIAL),
    Rule("rate_limit_exceeded", "", _UNTOUCHED, RateLimited, "let fewer programs log in as this user"),
    Rule("temporarily_unavailable", "", _UNTOUCHED, SalesforceUnavailable, "run again"),
)
"""The first rule that applies decides."""

_CODE = "authorize again: a code is good for a few minutes and one exchange"
_CALLBACK = "enter the callback address in the app exactly as it was shown"

CODE_RULES = (
    Rule("invalid_grant", "authorization code", _DEAD, AuthRevoked, _CODE),
    Rule("invalid_grant", "code verifier", _REFUSED, AuthRevoked, "authorize again, in one go"),
    Rule("redirect_uri_mismatch", "", _REFUSED, ConfigError, _CALLBACK),
    Rule("invalid_grant", "redirect_uri", _REFUSED, ConfigError, _CALLBACK),
)
"""What the same codes mean when an authorization code was to be exchanged."""
