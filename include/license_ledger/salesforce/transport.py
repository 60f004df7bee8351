"""
The HTTP session every call goes through, and what its failures mean. May import errors and hosts only.

``requests`` leaves five things open that a client with tokens cannot: it follows redirects, waits for ever,
lets ``~/.netrc`` replace the bearer token, lets ``REQUESTS_CA_BUNDLE`` replace the certificates that were
configured, and raises a dozen exceptions. All five are settled here, also for callers that use the session
through :mod:`simple_salesforce`.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests import exceptions
from requests.auth import AuthBase
from urllib3 import exceptions as urllib3_exceptions

from license_ledger.errors import ConfigError, LedgerError, SalesforceUnavailable, UnsafeHost
from license_ledger.salesforce.hosts import is_loopback

__all__ = ["LedgerSession", "Timeouts", "network_error", "was_never_sent"]

USER_AGENT = "license-ledger"


class Timeouts(NamedTuple):
    """
    How long to wait, in seconds.

    Attributes:
        connect: for a connection.
        read: for the next byte of an answer; Salesforce itself gives up on a query after 120 s.
    """

    connect: float = 10.0
    read: float = 150.0


class _KeepHeaders(AuthBase):
    """An authentication that changes nothing: its presence keeps ``~/.netrc`` out."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class LedgerSession(requests.Session):
    """
    A ``requests`` session that never follows a redirect and never waits for ever.

    Args:
        proxies: scheme to address; empty: the proxies of the environment apply.
        ca_bundle: certificates to trust instead of the system's.
        timeouts: for every call that names none.
    """

    def __init__(
        self,
        *,
        proxies: Mapping[str, str] | None = None,
        ca_bundle: str | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - immutable
    ) -> None:
        super().__init__()
        self.proxies = dict(proxies or {})
        self.verify = ca_bundle or True
        self.auth = _KeepHeaders()
        self.headers["User-Agent"] = USER_AGENT
        self._timeouts = timeouts

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Send, with redirects off and a time-out set. Raises what ``requests`` raises."""
        kwargs["allow_redirects"] = False
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = tuple(self._timeouts)
        return super().request(method, url, *args, **kwargs)

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: bool | None, verify: Any, cert: Any
    ) -> Any:
        """What was configured wins over the environment; loopback is never reached through a proxy."""
        if verify is None and self.verify is not True:
            verify = self.verify
        if not proxies:
            host = urlsplit(url).hostname or ""
            proxies = dict(self.proxies) or ({"no_proxy": host} if is_loopback(host) else {})
        return super().merge_environment_settings(url, proxies, stream, verify, cert)


def network_error(error: BaseException, asked: str) -> LedgerError:
    """
    Say in our words why no answer, or only half of one, arrived.

    Args:
        error: from ``requests``, ``urllib3`` or the socket.
        asked: what was asked, for the message.

    Returns:
        Transient, but for certificates and proxies that will not get better by waiting.
    """
    if _has(error, ssl.SSLCertVerificationError):
        return UnsafeHost(
            asked,
            "the certificate of the server cannot be verified",
            "set ca_bundle in the connection if the server has a certificate of your own authority",
        )
    if isinstance(error, exceptions.InvalidProxyURL | exceptions.InvalidSchema):
        return ConfigError(asked, "the proxy address is not usable", "correct proxies in the connection")
    if isinstance(error, OSError) and "TLS CA certificate bundle" in str(error):
        return ConfigError(asked, "the certificates cannot be read", "correct ca_bundle in the connection")
    return SalesforceUnavailable(asked, _reason(error), "nothing to do if it passes by itself")


def was_never_sent(error: BaseException) -> bool:
    """
    Whether the request surely did not reach the server: no address, no connection, no trust.

    Everything else may have been acted upon, though its answer did not arrive.
    """
    if isinstance(error, exceptions.ConnectTimeout | exceptions.ProxyError | exceptions.InvalidURL):
        return True
    return _has(
        error,
        urllib3_exceptions.NewConnectionError,
        urllib3_exceptions.NameResolutionError,
        urllib3_exceptions.ConnectTimeoutError,
        ssl.SSLCertVerificationError,
        ConnectionRefusedError,
    )


def _reason(error: BaseException) -> str:
    for kind, words in (
        (exceptions.ProxyError, "the proxy did not let it through"),
        (exceptions.ConnectTimeout, "no connection within the time-out"),
        (exceptions.Timeout, "no answer within the time-out"),
        (exceptions.SSLError, "the encrypted connection broke"),
    ):
        if isinstance(error, kind):
            return words
    if _has(error, urllib3_exceptions.NameResolutionError):
        return "the name of the server cannot be resolved"
    if was_never_sent(error):
        return "the server accepts no connection"
    return "the connection broke before the whole answer arrived"


def _has(error: BaseException | None, *kinds: type[BaseException]) -> bool:
    """Look for an exception in the chain, also where ``requests`` hides it: in the arguments."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop()
        if not isinstance(current, BaseException) or any(current is old for old in seen):
            continue
        if isinstance(current, kinds):
            return True
        seen.append(current)
        waiting += [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
    return False
