"""The REST API: authentication, routing, limits, and what every answer has in common."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass

from demo_org import bulk, describe, limits, query, sobjects
from demo_org.calls import Call, Reply, error_reply, json_reply
from demo_org.errors import ApiError, method_not_allowed, not_found, session_expired, session_unfit
from demo_org.grants import Session
from demo_org.options import FIRST_VERSION, LAST_VERSION
from demo_org.org import Org

_VERSIONED = re.compile(r"^/services/data/v(\d+)\.0(/.*)?$")
_LONGEST = 16_384
_RETIRED = range(1, FIRST_VERSION)


@dataclass(frozen=True)
class Request:
    """
    An authenticated call of the REST API.

    Attributes:
        org: the org.
        call: the call.
        session: whose.
        version: API version such as ``59.0``.
        rest: path behind the version, without slashes at the ends.
    """

    org: Org
    call: Call
    session: Session
    version: str
    rest: str

    @property
    def base(self) -> str:
        """Path of the API version."""
        return f"/services/data/v{self.version}"


Handler = Callable[..., Reply]

_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", r"", lambda request: _resources(request)),
    ("GET", r"limits", limits.limits),
    ("GET", r"limits/recordCount", limits.record_count),
    ("GET", r"sobjects", describe.everything),
    ("GET", r"sobjects/(\w+)", sobjects.basic),
    ("GET", r"sobjects/(\w+)/describe", describe.one),
    ("GET", r"sobjects/(\w+)/(\w{15}|\w{18})", sobjects.record),
    ("GET", r"query", query.query),
    ("GET", r"queryAll", query.query_all),
    ("GET", r"query/(\w+)-(\d+)", query.next_page),
    ("GET", r"queryAll/(\w+)-(\d+)", query.next_page),
    ("GET", r"tooling/query", query.tooling),
    ("GET", r"tooling", lambda request: _resources(request)),
    ("POST", r"jobs/query", bulk.create),
    ("GET", r"jobs/query", bulk.listing),
    ("GET", r"jobs/query/(\w+)", bulk.info),
    ("PATCH", r"jobs/query/(\w+)", bulk.change),
    ("DELETE", r"jobs/query/(\w+)", bulk.delete),
    ("GET", r"jobs/query/(\w+)/results", bulk.results),
    ("GET", r"jobs/query/(\w+)/resultPages", bulk.result_pages),
    ("GET", r"jobs/ingest", bulk.ingest_listing),
    ("GET", r"composite/sobjects/(\w+)", sobjects.collection),
    ("POST", r"composite/sobjects/(\w+)", sobjects.collection),
)
_COMPILED = [(method, re.compile(f"^{pattern}/?$"), handler) for method, pattern, handler in _ROUTES]
_WRITES = re.compile(r"^(sobjects/\w+(/.*)?|jobs/ingest(/.*)?|composite/(sobjects|tree)(/.*)?)$")


def answer(org: Org, call: Call) -> Reply:
    """
    Answer a call below ``/services/data``.

    Args:
        org: the org.
        call: the call.

    Returns:
        The answer, an error of the API included.
    """
    try:
        return _answer(org, call)
    except ApiError as error:
        reply = error_reply(error, call)
        reply.counted = error.status not in {401, 404, 410}
        return reply


def _answer(org: Org, call: Call) -> Reply:
    if call.path.rstrip("/") == "/services/data":
        return json_reply(versions(), call)
    found = _VERSIONED.match(call.path)
    if found is None:
        raise not_found()
    version = int(found[1])
    if version in _RETIRED:
        text = "The requested API version is no longer supported. Update your request to a supported version."
        raise ApiError(410, "UNSUPPORTED_API_VERSION", text)
    if version > LAST_VERSION:
        raise not_found()
    _check_size(org, call)
    session = authenticate(org, call)
    org.usage.calls += 1
    request = Request(org, call, session, f"{version}.0", (found[2] or "").strip("/"))
    reply = route(request)
    reply.counted = reply.status != 204
    return reply


def route(request: Request) -> Reply:
    """
    Find the resource of an authenticated call and let it answer.

    Args:
        request: the call.

    Returns:
        The answer.

    Raises:
        ApiError: what the resource has against the call, 404 and 405 included.
    """
    if request.rest == "composite" or request.rest == "composite/batch":
        from demo_org import composite

        return composite.answer(request)
    allowed = []
    for method, pattern, handler in _COMPILED:
        found = pattern.match(request.rest)
        if found is None:
            continue
        if method == request.call.method or (method == "GET" and request.call.method == "HEAD"):
            return handler(request, *found.groups())
        allowed.append(method)
    if request.call.method in {"POST", "PATCH", "PUT", "DELETE"} and _WRITES.match(request.rest):
        request.org.usage.writes_refused += 1
        raise ApiError(403, "INSUFFICIENT_ACCESS", "insufficient access rights on object id")
    if allowed:
        raise method_not_allowed(request.call.method, ",".join(dict.fromkeys([*allowed, "HEAD"])))
    raise not_found()


def authenticate(org: Org, call: Call) -> Session:
    """
    Find the session of a call.

    Args:
        org: the org.
        call: the call.

    Returns:
        The living session.

    Raises:
        ApiError: 401 without one, 401 of the incurable kind without the scope, 403 without the right to use
            the API.
    """
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in {"bearer", "oauth"}:
        raise session_expired()
    session = org.grants.session(token.strip())
    if session is None:
        raise session_expired()
    if org.faults.hit("session_expires", call.path) or org.faults.hit("session_expires_mid_query", call.path):
        org.grants.end_session(session)
        raise session_expired()
    if not {"api", "full", "web"} & set(session.scope.split()):
        raise session_unfit()
    if "ApiEnabled" not in org.permissions:
        raise ApiError(403, "API_CURRENTLY_DISABLED", "API is disabled for this User")
    return session


def versions() -> list[dict[str, str]]:
    """List the API versions on offer, oldest first."""
    listed = []
    for number in range(FIRST_VERSION, LAST_VERSION + 1):
        year, season = divmod(number - FIRST_VERSION, 3)
        label = ("Summer '{}", "Winter '{}", "Spring '{}")[season].format(14 + year + (season > 0))
        if number == 42:
            # One label of a real org carries a typographic quote.
            label = label.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")
        listed.append({"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"})
    return listed


def limit_header(org: Org, call: Call) -> str | None:
    """
    Give the value of ``Sforce-Limit-Info``.

    Returns:
        The value; None if a fault takes the header away.
    """
    if org.faults.hit("limit_info_missing", call.path):
        return None
    if org.faults.hit("limit_info_garbled", call.path):
        return "api-usage=unknown"
    used = org.usage.shown()
    text = f"api-usage={used}/{org.options.daily_requests}"
    if org.options.app_limit_header or org.faults.hit("limit_info_per_app", call.path):
        text += f"; per-app-api-usage={used}/{org.options.daily_requests}(appName={org.main_app.name})"
    return text


def http_date(moment: dt.datetime) -> str:
    """Spell a moment as HTTP headers do."""
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")


def _check_size(org: Org, call: Call) -> None:
    tighter = org.faults.take("uri_limit", call.path)
    longest = int(tighter["bytes"]) if tighter else _LONGEST
    if call.uri_size > longest:
        raise ApiError(414, "URI_TOO_LONG", f"The length of the URI exceeds the {longest:,} byte limit.")
    if call.size > longest:
        text = f"The combined length of the URI and headers exceeds the {longest:,} byte limit."
        raise ApiError(431, "REQUEST_HEADER_FIELDS_TOO_LARGE", text)


def _resources(request: Request) -> Reply:
    names = "tooling query queryAll limits sobjects composite jobs identity"
    body = {name: f"{request.base}/{name}" for name in names.split()}
    body["identity"] = f"{request.call.origin}/id/{request.org.world.org_id}/{request.session.user}"
    return json_reply(body, request.call)
