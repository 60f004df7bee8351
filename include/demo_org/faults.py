"""Faults that are switched on, and what they have done so far."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from demo_org.calls import HTML, Call, Reply, json_reply
from demo_org.errors import ApiError, OAuthError
from demo_org.fault_table import BY_NAME, FaultKind

MAINTENANCE = (
    "<html><head><title>Scheduled maintenance</title></head><body><h1>We are down for maintenance.</h1>"
    "<p>Sorry for the inconvenience. We'll be back shortly.</p></body></html>"
)
SETTING_UP = "<html><body><h1>We are setting things up</h1><p>This may take a few minutes.</p></body></html>"
CDN = (
    "<html><head><title>Service Not Available</title></head><body>Service Not Available "
    "<!-- AkamaiNetStorage --></body></html>"
)
GATEWAY = (
    "<html><head><title>502 Bad Gateway</title></head><body><center>502 Bad Gateway</center></body></html>"
)

TRANSPORT = (
    "reset_before_answer",
    "reset_mid_body",
    "truncate_body",
    "truncate_silently",
    "truncate_gzip",
    "wrong_length",
    "stall",
    "slow_drip",
    "token_answer_truncated",
)
"""Faults that the edge carries out while it sends a body."""


@dataclass
class Fault:
    """
    A fault that is on.

    Attributes:
        kind: what it does.
        path: calls that it concerns.
        nth: number of the concerned call at which it first strikes, from 1.
        count: how often it strikes; None means without end.
        options: its own options.
        seen: concerned calls so far.
        hits: strikes so far.
        struck: addresses of the calls that it has struck.
    """

    kind: FaultKind
    path: str
    nth: int
    count: int | None
    options: dict[str, Any]
    seen: int = 0
    hits: int = 0
    struck: set[str] = field(default_factory=set)

    def strikes(self, path: str) -> bool:
        """Count a call and tell whether the fault strikes it."""
        if self.path and not re.search(self.path, path):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.count is not None and self.hits >= self.count):
            return False
        if self.options.get("each_path") and path in self.struck:
            return False
        self.hits += 1
        self.struck.add(path)
        return True

    def state(self) -> dict[str, Any]:
        """Give what the control API tells of it."""
        own = {"path": self.path, "nth": self.nth, "count": self.count, "seen": self.seen, "hits": self.hits}
        told = {"struck": sorted(self.struck), "options": self.options}
        return {"name": self.kind.name, **own, **told}


class Faults:
    """The switchboard of faults."""

    def __init__(self) -> None:
        self._on: dict[str, Fault] = {}
        self._lock = threading.Lock()

    def on(self, name: str, **options: Any) -> None:
        """
        Switch a fault on, anew if it is on already.

        Args:
            name: of the fault.
            **options: ``path`` (regular expression), ``nth`` (from 1), ``count`` (None: until off), ``parts``
                (parts of composite calls are struck as well), ``each_path`` (of every address only the first
                call is struck), and the fault's own.

        Raises:
            KeyError: no fault or option of that name.
        """
        kind = BY_NAME[name]
        own = dict(kind.options)
        path, count = options.pop("path", kind.path), options.pop("count", kind.count)
        nth = options.pop("nth", own.pop("nth", 1))
        for option in options:
            if option not in own and option not in {"method", "parts", "each_path"}:
                raise KeyError(f"{name}.{option}")
        with self._lock:
            self._on[name] = Fault(kind, path, int(nth), count, {**own, **options})

    def off(self, name: str | None = None) -> None:
        """Switch a fault off, or all of them."""
        with self._lock:
            if name is None:
                self._on.clear()
            else:
                self._on.pop(name, None)

    def states(self) -> list[dict[str, Any]]:
        """List the faults that are on."""
        with self._lock:
            return [fault.state() for fault in self._on.values()]

    def take(self, name: str, path: str = "") -> dict[str, Any] | None:
        """
        Ask whether a fault strikes now.

        Args:
            name: of the fault.
            path: of the call.

        Returns:
            Its options if it strikes, else None.
        """
        if not self._on:
            return None
        with self._lock:
            fault = self._on.get(name)
            return fault.options if fault is not None and fault.strikes(path) else None

    def hit(self, name: str, path: str = "") -> bool:
        """Ask whether a fault strikes now, of one whose options do not matter."""
        return self.take(name, path) is not None

    def options(self, name: str) -> dict[str, Any] | None:
        """Give the options of a fault if it is on, without a strike."""
        fault = self._on.get(name)
        return fault.options if fault is not None else None

    def skew(self) -> float:
        """Give the seconds by which the org's clock is wrong at this moment."""
        options = self.options("clock_skew")
        return float(options["seconds"]) if options else 0.0

    def answer(self, call: Call, *, part: bool = False) -> Reply | None:
        """
        Give the answer of the first fault that takes the place of the org's own answer.

        Args:
            call: the call.
            part: whether it is part of a composite call, which only faults with the option ``parts`` strike.
        """
        if not self._on:
            return None
        for name in list(self._on):
            fault = self._on[name]
            if name not in ANSWERS or (part and not fault.options.get("parts")):
                continue
            if (
                fault.options.get("method", call.method) == call.method
                and self.take(name, call.path) is not None
            ):
                return ANSWERS[name](call, fault.options)
        return None

    def transport(self, call: Call) -> dict[str, dict[str, Any]]:
        """Give the faults that strike the sending of the answer to a call."""
        if not self._on:
            return {}
        struck = {}
        for name in TRANSPORT:
            options = self.take(name, call.path)
            if options is not None:
                struck[name] = options
        return struck


def _api(status: int, code: str, text: str) -> Callable[[Call, dict[str, Any]], Reply]:
    return lambda call, _: json_reply(ApiError(status, code, text).body(), call, status)


def _oauth(error: str, text: str, status: int = 400) -> Callable[[Call, dict[str, Any]], Reply]:
    return lambda call, _: json_reply(OAuthError(error, text).body(), call, status)


def _html(status: int, page: str) -> Callable[[Call, dict[str, Any]], Reply]:
    return lambda _, options: Reply(int(options.get("status", status)), page.encode(), HTML)


def _empty(status: int) -> Callable[[Call, dict[str, Any]], Reply]:
    return lambda *_: Reply(status, b"", "")


def _several(call: Call, _: dict[str, Any]) -> Reply:
    first = ApiError(400, "INVALID_FIELD", "No such column 'Alpha__c' on entity 'User'.").body()
    second = ApiError(400, "MALFORMED_QUERY", "unexpected token: ','").body()
    return json_reply(first + second, call, 400)


def _xml(*_: Any) -> Reply:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><Errors><Error><errorCode>UNKNOWN_EXCEPTION</errorCode>'
        "<message>An unexpected error occurred.</message></Error></Errors>"
    )
    return Reply(500, body.encode(), "application/xml;charset=UTF-8")


_LIMIT = "REQUEST_LIMIT_EXCEEDED"
ANSWERS: dict[str, Callable[[Call, dict[str, Any]], Reply]] = {
    "token_being_processed": _oauth("invalid_grant", "token request is already being processed"),
    "token_old_race_text": _oauth("invalid_grant", "expired authorization code"),
    "invalid_grant_expired": _oauth("invalid_grant", "expired access/refresh token"),
    "invalid_grant_inactive_user": _oauth("invalid_grant", "inactive user"),
    "invalid_grant_inactive_org": _oauth("invalid_grant", "inactive organization"),
    "invalid_grant_not_approved": _oauth("invalid_grant", "user hasn't approved this consumer"),
    "invalid_grant_ip_restricted": _oauth("invalid_grant", "ip restricted"),
    "invalid_grant_token_validity": _oauth("invalid_grant", "token validity expired"),
    "app_not_found": _oauth("app_not_found", "External client app is not installed in this org"),
    "app_not_approved": _oauth("invalid_app_access", "user is not admin approved to access this app"),
    "token_rate_limit": _oauth("rate_limit_exceeded", "login rate exceeded"),
    "token_request_limit": _api(403, _LIMIT, "TotalRequests Limit exceeded."),
    "token_outage_html": _html(503, MAINTENANCE),
    "token_503": _empty(503),
    "policy_401": lambda call, options: json_reply(
        ApiError(401, "INVALID_SESSION_ID", options["text"]).body(), call, 401
    ),
    "cursor_gone": _api(400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
    "query_timeout": _api(400, "QUERY_TIMEOUT", "Your query request was running for too long."),
    "daily_limit": _api(403, _LIMIT, "TotalRequests Limit exceeded."),
    "concurrent_limit": _api(403, _LIMIT, "ConcurrentPerOrgLongTxn Limit exceeded."),
    "concurrent_requests_limit": _api(403, _LIMIT, "ConcurrentRequests Limit exceeded."),
    "empty_406": _empty(406),
    "describe_406_once": _empty(406),
    "edge_420": _html(420, SETTING_UP),
    "too_many_429": _empty(429),
    "server_500": _api(
        500,
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567890-12345",
    ),
    "server_502": _html(502, GATEWAY),
    "server_503": _api(503, "SERVER_UNAVAILABLE", "Server too busy"),
    "html_maintenance": _html(200, MAINTENANCE),
    "cdn_page": _html(503, CDN),
    "error_object": _oauth("invalid_request", "something is wrong with this request"),
    "error_xml": _xml,
    "error_empty": lambda call, _: json_reply([], call, 400),
    "error_several": _several,
    "insufficient_access": _api(
        403, "INSUFFICIENT_ACCESS", "insufficient access rights on cross-reference id"
    ),
    "api_disabled": _api(403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."),
    "not_found": _api(404, "NOT_FOUND", "The requested resource does not exist"),
    "transaction_security": _api(
        400,
        "TXN_SECURITY_METERING_ERROR",
        "Transaction Security: the policy evaluation took too long",
    ),
    "bulk_restriction": _api(
        400,
        "API_ERROR",
        "Implementation restriction: this query needs the permission View All Data or a filter on ids",
    ),
    "bulk_jobs_limit": _api(
        400, "LIMIT_EXCEEDED", "Max bulk v2 query jobs (10000) per 24 hrs has been reached"
    ),
    "bulk_storage_limit": _api(
        400,
        "LIMIT_EXCEEDED",
        "Max bulk v2 query result size stored (1000000000) kb per 24 hrs has been exceeded",
    ),
    "bulk_forbidden": _api(403, "INSUFFICIENT_ACCESS", "This user has no access to the Bulk API"),
    "bulk_poll_fails": _api(503, "SERVER_UNAVAILABLE", "Server too busy"),
    "page_fails_once": lambda call, options: json_reply(
        ApiError(int(options["status"]), "SERVER_UNAVAILABLE", "Server too busy").body(),
        call,
        int(options["status"]),
    ),
    "delete_fails": _api(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred."),
    "job_gone": _api(404, "NOT_FOUND", "The requested resource does not exist"),
}
"""Faults that take the place of an answer."""
