"""
The authorization-code grant with PKCE (RFC 6749 §4.1, RFC 7636): what a person allows once in a browser.

No library does this for a person without a web server of their own. Three things happen: an address is made
that the person opens, the code comes back in an address or is pasted, and the code is exchanged for the
grant's first refresh token. May import the token endpoint and below.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote, urlencode

from license_ledger.errors import AccessDenied, ConfigError, LedgerError
from license_ledger.salesforce.answers import clean
from license_ledger.salesforce.credentials import Credentials
from license_ledger.salesforce.token_endpoint import redeem
from license_ledger.salesforce.tokens import Session
from license_ledger.salesforce.transport import Timeouts

__all__ = ["LOOPBACK_PATH", "SCOPES", "Authorization", "Granted", "copy_page"]

ASKED = "authorizing the app"
SCOPES = "api refresh_token"
LOOPBACK_PATH = "/callback"

_TIMEOUTS = Timeouts(connect=10, read=60)
_FIELD = r"(?:^|[?&#]){name}=([^&#\s]*)"
_CODE = re.compile(r"[A-Za-z0-9._~+/=!-]{16,2048}")

_IS_ADDRESS = re.compile(r"[?&#]|://|(?:code|error)=.")

_REMEDIES = {
    "access_denied": "allow the access, or let an administrator approve the user for the app",
    "redirect_uri_mismatch": "enter the callback address shown above in the app, exactly as it is",
    "invalid_client_id": "correct the client id; a new app takes up to half an hour to be known everywhere",
    "invalid_request": "check the app's OAuth settings: PKCE, callback address and scopes",
    "invalid_scope": "allow the scopes api and refresh_token in the app",
    "unsupported_response_type": "allow the web server flow (authorization code) in the app",
    "oauth_approval_error_generic": "let an administrator install the app in the org and approve the user",
    "oauth_app_blocked": "let an administrator unblock the app",
}


class Granted(NamedTuple):
    """
    What an authorization has given.

    Attributes:
        refresh_token: the first of the grant; never shown.
        session: opened by the same answer.
    """

    refresh_token: str
    session: Session


@dataclass(frozen=True)
class Authorization:
    """
    One attempt to be authorized; its secrets die with it.

    Attributes:
        credentials: login address, client id and secret, proxies, certificates. Tokens are not looked at.
        redirect_uri: the callback address, as the app knows it.
        state: ties the answer to this attempt.
        verifier: ties the exchange to this attempt.
    """

    credentials: Credentials
    redirect_uri: str
    state: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(24))
    verifier: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(64))

    @property
    def url(self) -> str:
        """The address that the person opens; it holds the state and no secret."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.credentials.consumer_key,
            "redirect_uri": self.redirect_uri,
            "scope": SCOPES,
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            # Whoever is logged in at Salesforce already is rarely the integration user.
            "prompt": "login",
        }
        return f"{self.credentials.login_url}/services/oauth2/authorize?{urlencode(query)}"

    def is_answered_by(self, answer: str) -> bool:
        """
        Whether a text is an answer to this attempt: it has this attempt's state, or is a code by itself.

        Anything on the machine, any page in the browser can send something to a callback address.
        """
        text = _unwrapped(answer)
        state = _field(text, "state")
        if state is not None:
            return hmac.compare_digest(state.encode(), self.state.encode())
        return not _IS_ADDRESS.search(text) and _CODE.fullmatch(unquote(text)) is not None

    def code_of(self, answer: str) -> str:
        """
        Find the code in what came back.

        Args:
            answer: the whole address that the browser was sent to, or only its query, or the code alone;
                encoded as in an address bar (``%3D``) or decoded (``=``), with white space around or wrapped
                over lines.

        Returns:
            The code, decoded.

        Raises:
            AccessDenied: Salesforce, or the person, said no.
            ConfigError: there is no code in it, or it belongs to another attempt.
        """
        text = _unwrapped(answer)
        refusal = _field(text, "error")
        if refusal is not None:
            raise _refused(refusal, _field(text, "error_description") or "")
        code = _field(text, "code")
        if code is None and not _IS_ADDRESS.search(text):
            code = unquote(text)
        if code is None or not _CODE.fullmatch(code):
            raise _no_code(text)
        if _field(text, "code") is not None and not self.is_answered_by(text):
            raise ConfigError(
                ASKED,
                "the address belongs to another attempt: its state is not this one's",
                "open the address shown last, and paste the one that it leads to",
            )
        return code

    def redeem(self, code: str, timeouts: Timeouts = _TIMEOUTS) -> Granted:
        """
        Exchange a code, once.

        Args:
            code: from :meth:`code_of`; good for a few minutes and for one exchange.
            timeouts: of the request.

        Raises:
            AuthRevoked: the code is used up or too old; authorize again.
            AccessDenied: a scope is missing, or the user is not approved.
            ConfigError: client id, secret or callback address are not those of the app.
            SalesforceUnavailable, RefreshOutcomeUnknown, UnsafeHost, CorruptAnswer: no usable answer came.
        """
        answer = redeem(self.credentials, code, self.redirect_uri, self.verifier, timeouts)
        if answer.error is not None:
            raise answer.error
        if answer.session is None or answer.refresh_token is None:
            raise AccessDenied(
                ASKED,
                "Salesforce answered without a refresh token",
                "give the app the scope refresh_token (perform requests at any time), and let its refresh "
                "token policy not be 'immediately expire'",
            )
        return Granted(answer.refresh_token, answer.session)


def copy_page(login_url: str) -> str:
    """The callback address of Salesforce's own page, from whose address bar the code is copied."""
    return f"{login_url}/services/oauth2/success"


def _unwrapped(answer: str) -> str:
    """Terminals wrap what is copied out of them, people quote it."""
    return re.sub(r"\s+", "", answer).strip("\"'<>")


def _field(text: str, name: str) -> str | None:
    """A field of an address's query or fragment, decoded; a plus is a plus, as codes have them."""
    found = re.search(_FIELD.format(name=name), text)
    return unquote(found[1]) if found else None


def _refused(error: str, description: str) -> LedgerError:
    code = error.lower().replace("-", "_")
    words = clean(f"{error}: {description.replace('+', ' ')}" if description else error)
    kind = AccessDenied if code in ("access_denied", "oauth_app_blocked") else ConfigError
    return kind(ASKED, words, _REMEDIES.get(code, "see the runbook, and try again"))


def _no_code(text: str) -> ConfigError:
    if "access_token=" in text:
        return ConfigError(
            ASKED,
            "the address holds tokens, not a code: it comes from another flow",
            "open the address shown above; and let an administrator revoke what that flow has issued",
        )
    return ConfigError(
        ASKED,
        "there is no authorization code in what was entered",
        "paste the whole address of the page that the browser ended on, or the part after code=",
    )
