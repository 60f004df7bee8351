"""Sessions for the parts of Airflow: by the provider's own flows, and inside a ``requests`` session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from airflow.sdk.log import mask_secret
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from license_ledger.errors import (
    AccessDenied,
    AuthRevoked,
    ConfigError,
    CorruptAnswer,
    LedgerError,
    SalesforceUnavailable,
    UnsafeHost,
)
from license_ledger.salesforce.answers import clean
from license_ledger.salesforce.credentials import Credentials
from license_ledger.salesforce.hosts import base_url
from license_ledger.salesforce.tokens import Session, Sessions, case_safe_id
from license_ledger.salesforce.transport import LedgerSession, network_error

ASKED = "log in to Salesforce"

# Where simple-salesforce puts the token: the second is for Bulk API 1.0.
_CREDENTIALS = {"authorization", "x-sfdc-session"}
_OUTAGES = {"SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG", "EXCEEDED_MAX_CONCURRENT_REQUESTS"}
_DENIALS = {"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED", "INVALID_OPERATION_WITH_EXPIRED_PASSWORD"}


class ProviderSessions:
    """
    Sessions by whichever flow of the Airflow provider the connection has the fields for.

    Args:
        log_in: logs in anew and returns a ready client.
        credentials: of the connection.
        clock: the present, with a time zone; for what is recorded only.
    """

    def __init__(
        self, log_in: Callable[[], Salesforce], credentials: Credentials, clock: Callable[[], datetime]
    ) -> None:
        self._log_in, self._credentials, self._clock = log_in, credentials, clock
        self._session: Session | None = None

    def current(self) -> Session:
        """
        The session of this process; logs in when there is none.

        Raises:
            AuthRevoked, AccessDenied, ConfigError, UnsafeHost: with what to correct.
            SalesforceUnavailable: Salesforce did not answer properly.
        """
        if self._session is None:
            self._session = self._new()
        return self._session

    def renew(self, stale: Session) -> Session:
        """Log in again, unless that has been done since. Raises what :meth:`current` raises."""
        if self._session is None or self._session.access_token == stale.access_token:
            self._session = self._new()
            if self._session.access_token == stale.access_token:
                self._session = None
                raise AuthRevoked(
                    ASKED,
                    "the connection's session id has expired",
                    "enter a new one, or better a refresh token, which the ledger renews by itself",
                )
        return self._session

    def _new(self) -> Session:
        try:
            client = self._log_in()
        except (SalesforceError, requests.RequestException, TypeError, ValueError, OSError) as error:
            raise login_error(error) from None
        mask_secret(client.session_id)
        try:
            instance = base_url(f"https://{client.sf_instance}", allow_loopback=self._credentials.on_loopback)
        except ValueError as error:
            raise UnsafeHost(
                ASKED, f"the instance address {error}", "check the login URL of the connection"
            ) from None
        org_id, user_id = _identity(client, instance)
        return Session(client.session_id, instance, org_id, user_id, self._clock())


class RenewingSession(LedgerSession):
    """
    A ``requests`` session that carries the token in use and renews it when Salesforce refuses it.

    It makes a :class:`simple_salesforce.Salesforce` outlive its session: that client sends the header it was
    made with, which is replaced here. Another address than the org's, plain http included, gets no token.

    Args:
        sessions: where tokens come from.
        options: of :class:`license_ledger.salesforce.transport.LedgerSession`.
    """

    def __init__(self, sessions: Sessions, **options: Any) -> None:
        super().__init__(**options)
        self._sessions = sessions
        self._current = sessions.current()

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """
        Send; when the session has expired, renew it and send once more.

        Raises:
            UnsafeHost: the call would carry credentials to another address than the org's.
        """
        address = url.decode() if isinstance(url, bytes) else url
        if not _is_at(address, self._current.instance_url):
            if {name.lower() for name in kwargs.get("headers") or {}} & _CREDENTIALS:
                raise UnsafeHost(
                    "a call with the org's token",
                    "its address is not the org's own",
                    "call that address over a session of its own",
                )
            return super().request(method, url, *args, **kwargs)
        answer = super().request(method, url, *args, **self._authorized(kwargs))
        if answer.status_code == requests.codes.unauthorized and "INVALID_SESSION_ID" in answer.text:
            self._current = self._sessions.renew(self._current)
            answer = super().request(method, url, *args, **self._authorized(kwargs))
        return answer

    def _authorized(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        headers = dict(kwargs.get("headers") or {})
        headers["Authorization"] = f"Bearer {self._current.access_token}"
        return {**kwargs, "headers": headers}


def _is_at(address: str, instance_url: str) -> bool:
    """Whether an address is below the org's: scheme, host and port agree, without user name."""
    try:
        parts, own = urlsplit(address), urlsplit(instance_url)
    except ValueError:
        return False
    return (parts.scheme, parts.netloc) == (own.scheme, own.netloc)


def login_error(error: Exception) -> LedgerError:
    """Say in terms of the error tree why a login of the provider failed; repeats no secret."""
    if isinstance(error, SalesforceError):
        code = str(getattr(error, "code", "") or getattr(error, "status", ""))
        words = clean(f"{code}: {getattr(error, 'auth_message', '') or getattr(error, 'content', '')}")
        if code in _OUTAGES or code.startswith("5"):
            return SalesforceUnavailable(ASKED, words, "nothing to do if it passes by itself")
        if code in _DENIALS:
            return AccessDenied(ASKED, words, "give the integration user API access")
        return AuthRevoked(ASKED, words, "correct the credentials in the connection")
    if isinstance(error, requests.RequestException):
        return network_error(error, ASKED)
    return ConfigError(
        ASKED,
        f"the connection's fields do not make up a login ({type(error).__name__})",
        "enter a refresh token, or the fields of one of the provider's other flows",
    )


def _identity(client: Salesforce, instance: str) -> tuple[str, str]:
    """Ids of the org and, when Salesforce says so, of the user. A session id begins with the org's."""
    try:
        return case_safe_id(client.session_id.partition("!")[0]), ""
    except ValueError:
        pass
    try:
        answer = client.session.get(f"{instance}/services/oauth2/userinfo", headers=client.headers)
        fields = answer.json()
        return case_safe_id(fields["organization_id"]), case_safe_id(fields["user_id"])
    except requests.RequestException as error:
        raise network_error(error, "ask Salesforce who is logged in") from None
    except (ValueError, KeyError, TypeError):
        raise CorruptAnswer("ask Salesforce who is logged in", "the answer names no org") from None
