"""
The REST client: one call, answered or explained. May import the modules of this package that it lists.

What is asked here needs an address and a token. What `simple_salesforce` leaves open is settled: time-outs,
redirects, sessions that end in the middle, answers that are no JSON, refusals of every shape, and pauses
between tries. For everything else there is a ready :class:`simple_salesforce.Salesforce` on the same session.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlencode, urlsplit

import pyarrow as pa
import requests

from license_ledger.errors import BadQuery, ConfigError, UnsafeHost
from license_ledger.salesforce import queries
from license_ledger.salesforce.credentials import DEFAULT_API_VERSION
from license_ledger.salesforce.reading import accepted, json_of, name_of, translated
from license_ledger.salesforce.requests_allowed import LONGEST_ADDRESS, require_read_only
from license_ledger.salesforce.retries import RENEWALS, CursorLost, Passing, Refused, patiently
from license_ledger.salesforce.tokens import Session, Sessions
from license_ledger.salesforce.transport import LedgerSession, Timeouts

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce

__all__ = ["LimitInfo", "RestClient"]

log = logging.getLogger(__name__)


class LimitInfo(NamedTuple):
    """The org's daily API allocation as the last answer told it: calls used and allowed, rolling 24 hours."""

    used: int
    allowed: int


class RestClient:
    """
    A client of one org.

    Not to be shared between threads, but for :meth:`open`.

    Args:
        sessions: where the access token comes from.
        api_version: version to use; :meth:`negotiate` lowers it.
        ca_bundle: certificates to trust instead of the system's.
        proxies: scheme to address.
        timeouts: how long to wait.
        sleep: how to pause between tries.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        api_version: str = DEFAULT_API_VERSION,
        ca_bundle: str | None = None,
        proxies: Mapping[str, str] | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - immutable
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.api_version = api_version
        self.limit_info: LimitInfo | None = None
        self.sleep = sleep
        self._sessions = sessions
        self._http = LedgerSession(proxies=proxies, ca_bundle=ca_bundle, timeouts=timeouts)
        self._session: Session | None = None
        self._ready: Salesforce | None = None
        self._calls = 0
        self._counting = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the client can be used again."""
        self._http.close()

    @property
    def session(self) -> Session:
        """The session in use; obtained at first use."""
        if self._session is None:
            self._session = self._sessions.current()
        return self._session

    @property
    def org_id(self) -> str:
        """18-character id of the org."""
        return self.session.org_id

    @property
    def api_calls(self) -> int:
        """Calls sent so far that count against the org's allocation."""
        return self._calls

    @property
    def salesforce(self) -> Salesforce:
        """A ready client of the library, for what is not asked here; it shares session and time-outs."""
        # It brings SOAP and JWT along, which would be a tenth of a second of every task.
        from simple_salesforce.api import Salesforce

        wanted = (self.session.access_token, self.api_version)
        if self._ready is None or (self._ready.session_id, self._ready.sf_version) != wanted:
            self._ready = Salesforce(
                session_id=self.session.access_token,
                instance=urlsplit(self.session.instance_url).netloc,
                session=self._http,
                version=self.api_version,
            )
        return self._ready

    def get(self, path: str, **params: str) -> Any:
        """
        GET below ``/services/data/vNN.N/``, or an absolute path of the org.

        Returns:
            What the JSON says.

        Raises:
            LedgerError: naming the path, see :func:`~license_ledger.salesforce.answers.classify`.
        """
        return self._explained("GET", path, params=params)

    def post(self, path: str, body: Any) -> Any:
        """POST JSON: ``composite`` with reads only, or ``jobs/query``. Raises as :meth:`get`."""
        return self._explained("POST", path, body=body)

    def stream(
        self, path: str, headers: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None
    ) -> requests.Response:
        """GET whose body the caller reads and closes. Raises as :meth:`get`."""

        def opened() -> requests.Response:
            return self.open(path, headers=headers, params=params)

        try:
            response: requests.Response = patiently(self.sleep)(self._renewing, opened)
        except Refused as refused:
            raise refused.error from None
        except Passing as failure:
            raise failure.error from None
        return response

    def query_pages(self, soql: str) -> Iterator[dict[str, Any]]:
        """The pages of a query as Salesforce sends them, see :func:`queries.pages`."""
        return queries.pages(self, soql)

    def query_batches(self, soql: str, schema: pa.Schema) -> Iterator[pa.Table]:
        """The rows of a query, typed, see :func:`queries.batches`."""
        return queries.batches(self, soql, schema)

    def negotiate(self) -> str | None:
        """
        Lower the API version to what the org offers. The list costs no call of the allocation.

        Returns:
            A warning in words when the version had to be lowered, else None.

        Raises:
            ConfigError: the org offers newer versions only.
        """
        offered = sorted(float(entry["version"]) for entry in self.ask("GET", "/services/data/"))
        wanted = float(self.api_version)
        if wanted in offered:
            return None
        lower = [version for version in offered if version < wanted]
        if not lower:
            raise ConfigError(
                f"API version {self.api_version}",
                f"the org offers {offered[0]} to {offered[-1]} only" if offered else "the org offers none",
                "enter a newer version in the connection",
            )
        warning = (
            f"API version lowered from {self.api_version} to {lower[-1]}, the newest that the org offers"
        )
        self.api_version = f"{lower[-1]:.1f}"
        log.warning("Salesforce: %s", warning)
        return warning

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        cursor: bool = False,
    ) -> Any:
        """
        One call of this package, tried again while it may pass, replayed once a new session is there.

        Args:
            method: HTTP method; only what changes no data.
            path: below ``/services/data/vNN.N/``, or absolute on the org.
            params: query of the address.
            body: sent as JSON.
            cursor: the call continues a query, which a new session cannot.

        Returns:
            What the JSON says; None when there is no body.

        Raises:
            Refused: with what Salesforce said.
            CursorLost: see ``cursor``.
            LedgerError: it did not pass.
        """

        def answered() -> Any:
            with self._send(method, path, params, body) as response:
                return json_of(response, name_of(method, path, params))

        try:
            return patiently(self.sleep)(self._renewing, answered, cursor)
        except Passing as failure:
            raise failure.error from None

    def open(
        self, path: str, headers: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None
    ) -> requests.Response:
        """
        One GET, once, body unread. May be called from several threads.

        Raises:
            Refused: with what Salesforce said, an ended session included.
            Passing: it may pass.
        """
        return self._send("GET", path, params, None, headers)

    def renew(self) -> None:
        """Obtain another session than the one in use. Raises what :meth:`Sessions.renew` raises."""
        self._session = self._sessions.renew(self.session)

    def _explained(self, method: str, path: str, **kwargs: Any) -> Any:
        try:
            return self.ask(method, path, **kwargs)
        except Refused as refused:
            raise refused.error from None

    def _renewing(self, call: Callable[[], Any], cursor: bool = False) -> Any:
        for _ in range(RENEWALS):
            try:
                return call()
            except Refused as refused:
                if not refused.refusal.is_expired_session:
                    raise
                self.renew()
                if cursor:
                    raise CursorLost from None
        return call()

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Any,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        asked = name_of(method, path, params)
        address = self._address(method, path, params, body, asked)
        send = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self.session.access_token}",
        } | dict(headers or {})
        self._count(path)
        try:
            response = self._http.request(
                method, address, data=None if body is None else json.dumps(body), headers=send, stream=True
            )
        except (requests.RequestException, OSError) as error:
            raise translated(error, asked) from None
        self._note_limits(response.headers.get("Sforce-Limit-Info", ""))
        return accepted(response, asked)

    def _address(
        self, method: str, path: str, params: Mapping[str, str] | None, body: Any, asked: str
    ) -> str:
        absolute = path.startswith("/services/data")
        require_read_only(method, path, body)
        if not absolute and (path.startswith("/") or "://" in path):
            raise UnsafeHost(asked, "the answer points to another place than the org", "run again")
        below = "" if absolute else f"/services/data/v{self.api_version}/"
        base = f"{self.session.instance_url}{below}{path}"
        address = f"{base}?{urlencode(params)}" if params else base
        if len(address) > LONGEST_ADDRESS:
            raise BadQuery(asked, f"the address has {len(address)} bytes", "ask for fewer fields")
        return address

    def _count(self, path: str) -> None:
        if path.rstrip("/") != "/services/data":
            with self._counting:
                self._calls += 1

    def _note_limits(self, header: str) -> None:
        match = re.search(r"(?<![\w-])api-usage=(\d+)/(\d+)", header)
        if match:
            self.limit_info = LimitInfo(int(match[1]), int(match[2]))
