"""
The hook: the provider's ``SalesforceHook``, and what it lacks.

Everything the provider can do keeps working. Added are the refresh-token flow, the login URL, time-outs, a
proxy typed into the form, certificates of one's own, renewal in mid-run, and a connection test that says
something.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import requests
from airflow.providers.salesforce.hooks.salesforce import SalesforceHook
from simple_salesforce.api import Salesforce

from license_ledger.airflow.provider import CONNECTION_TYPE
from license_ledger.airflow.sessions import ProviderSessions, RenewingSession
from license_ledger.airflow.token_store import VariableTokenStore
from license_ledger.errors import LedgerError
from license_ledger.salesforce import credentials as connection_fields
from license_ledger.salesforce.credentials import Credentials
from license_ledger.salesforce.oauth import RefreshTokenSessions
from license_ledger.salesforce.tokens import Holding, Session, Sessions
from license_ledger.salesforce.transport import LedgerSession

LOCK_SECONDS = 180
"""How long to wait for another worker's refresh before giving the task back to Airflow."""


class LedgerSalesforceHook(SalesforceHook):
    """
    Connects to Salesforce with a connection of type ``salesforce_oauth`` or ``salesforce``.

    Args:
        salesforce_conn_id: the connection id.
        session_id: an access token to use instead of logging in, as in the provider's hook.
        session: a ``requests`` session to use instead of the hook's own, as in the provider's hook; it is
            not renewed in mid-run.
    """

    conn_type = CONNECTION_TYPE
    hook_name = "Salesforce (OAuth refresh token)"

    def __init__(
        self,
        salesforce_conn_id: str = SalesforceHook.default_conn_name,
        session_id: str | None = None,
        session: requests.Session | None = None,
    ) -> None:
        super().__init__(salesforce_conn_id, session_id=session_id, session=session)

    @cached_property
    def credentials(self) -> Credentials:
        """The connection's settings, checked. Raises ConfigError naming the field that is wrong."""
        connection = self.get_connection(self.conn_id)
        return connection_fields.parse(
            connection.extra_dejson,
            login=connection.login,
            password=connection.password,
            host=connection.host,
        )

    @cached_property
    def sessions(self) -> Sessions:
        """Where sessions of this org come from; nothing is asked of Salesforce yet."""
        return self._sessions_stored_as(self.conn_id)

    @cached_property
    def conn(self) -> Salesforce:
        """
        A client that is logged in and stays so; cached.

        Raises:
            LedgerError: what logging in raises.
        """
        session = self.session or RenewingSession(self.sessions, **self._session_options())
        current = self.sessions.current()
        return Salesforce(
            session_id=current.access_token,
            instance_url=current.instance_url,
            version=self.credentials.api_version,
            session=session,
        )

    def test_connection(self) -> tuple[bool, str]:
        """
        Log in and say what was found: the org, the user, missing permissions, calls left.

        Returns:
            Whether a snapshot could be taken, and the verdict for people. Never a token or a secret.
        """
        from license_ledger.salesforce.verdict import verdict

        try:
            # Airflow tests a connection under a made-up id, so the store is found by the grant alone.
            return verdict(self.credentials, self._sessions_stored_as(None))
        except LedgerError as error:
            return False, f"{type(error).__name__}: {error}"

    def bulk_job_state(self, job_id: str) -> str:
        """
        Ask for the state of a bulk query job with the session there is, without ever renewing it.

        Raises:
            LookupError: there is no session, or Salesforce does not answer with a state.
        """
        session = self._session_in_use()
        if session is None:
            raise LookupError("no session")
        address = f"{session.instance_url}/services/data/v{self.credentials.api_version}/jobs/query/{job_id}"
        answer = LedgerSession(**self._session_options()).get(
            address, headers={"Authorization": f"Bearer {session.access_token}"}
        )
        if answer.status_code != requests.codes.ok:
            raise LookupError(f"HTTP {answer.status_code}")
        return str(answer.json()["state"])

    def _session_in_use(self) -> Session | None:
        if not self.credentials.uses_refresh_token:
            return self.sessions.current()
        stored = VariableTokenStore(self.conn_id, self.credentials).read()
        return Holding.of(self.credentials, stored).stored.session

    def _sessions_stored_as(self, connection_id: str | None) -> Sessions:
        if not self.credentials.uses_refresh_token or self.session_id:
            return ProviderSessions(self._provider_login, self.credentials, _now)
        store = VariableTokenStore(connection_id, self.credentials)
        return RefreshTokenSessions(self.credentials, store, lambda: _lock(store.key), _now)

    def _provider_login(self) -> Salesforce:
        """Log in with the provider's own code, over a session with time-outs, proxy and certificates."""
        own = self.session
        self.session = own or LedgerSession(**self._session_options())
        self.session_id = self.session_id or self._field("session_id")
        try:
            login: Any = vars(SalesforceHook)["conn"]
            client: Salesforce = login.func(self)
            return client
        finally:
            self.session = own

    def _get_field(self, extras: dict[str, Any], field_name: str) -> Any:
        """As the provider reads extras, but for the fields that it would trip over."""
        if field_name == "proxies":
            return None  # they are on the session; a text from the form breaks simple-salesforce
        if field_name == "version":
            return self.credentials.api_version
        derived = self._derived(extras)
        if field_name == "domain":
            return derived["domain"]  # of the login address that was checked, not a text beside it
        return super()._get_field(extras, field_name) or derived.get(field_name)

    def _derived(self, extras: dict[str, Any]) -> dict[str, str]:
        """What the provider wants to know of the login host, which it knows no field for."""
        host = urlsplit(self.credentials.login_url).hostname or ""
        domain = host.removesuffix(".salesforce.com")
        keys = ("private_key", "private_key_file_path")
        if any(SalesforceHook._get_field(self, extras, name) for name in keys):
            # An assertion is addressed to Salesforce's own login host, whichever host it is sent to.
            return {"domain": _login_host(host), "instance_url": domain}
        return {"domain": domain}

    def _field(self, name: str) -> str | None:
        extras = self.get_connection(self.conn_id).extra_dejson
        value = super()._get_field(extras, name)
        return str(value) if value else None

    def _session_options(self) -> dict[str, Any]:
        return {"proxies": self.credentials.proxies, "ca_bundle": self.credentials.ca_bundle}


def _login_host(host: str) -> str:
    is_sandbox = host.startswith("test.") or ".sandbox." in host or "--" in host.partition(".")[0]
    return "test" if is_sandbox else "login"


def _lock(name: str) -> AbstractContextManager[Any]:
    """One refresh of a grant at a time, over all workers that share the staging area."""
    from license_ledger.airflow.storage import open_storage
    from license_ledger.settings import load_settings
    from license_ledger.staging.lease import lease

    return lease(open_storage(load_settings().staging), f"token/{name}", wait_seconds=LOCK_SECONDS)


def _now() -> datetime:
    return datetime.now(UTC)
