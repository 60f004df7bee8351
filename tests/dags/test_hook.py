"""The hook against the demo org: every way in, renewal in mid-run, and what the connection test says."""

from __future__ import annotations

import datetime as dt
import json
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter

from license_ledger.airflow.hook import LedgerSalesforceHook
from license_ledger.errors import AccessDenied, AuthRevoked, ConfigError, UnsafeHost
from license_ledger.salesforce.transport import LedgerSession
from tests.dags.conftest import UseConnection
from tests.demo_org_fixtures import RunningOrg, StartOrg

MY_DOMAIN = "https://acme.my.salesforce.com"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


class Rerouted(HTTPAdapter):
    """Brings what is meant for a My Domain to the demo org, as a name server would."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Send to the demo org instead."""
        request.url = request.url.replace(MY_DOMAIN, self._address)
        return super().send(request, *args, **kwargs)


def rerouted(org: RunningOrg) -> LedgerSession:
    """A session for which the demo org is the My Domain."""
    session = LedgerSession(ca_bundle=org.ca_bundle)
    session.mount(MY_DOMAIN, Rerouted(org.https_url))
    return session


def certificate() -> str:
    """The certificate that goes with the key, as it would be uploaded to the app."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "jwt")])
    now = dt.datetime.now(dt.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    built = built.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    return built.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def org(start_demo_org: StartOrg, variables: Any) -> RunningOrg:
    """A demo org with rotation on, and an Airflow database for its tokens."""
    return start_demo_org(rotation=True)


def test_the_hook_logs_in_by_refresh_token(org: RunningOrg, use_connection: UseConnection) -> None:
    """``get_conn`` gives a ready client, and the methods of the provider's hook work with it."""
    hook = LedgerSalesforceHook(use_connection(org))

    assert hook.get_conn().query("SELECT COUNT() FROM User")["totalSize"] > 0
    assert "LastLoginDate" in hook.get_available_fields("User")
    assert hook.make_query("SELECT Id FROM Profile")["done"] is True


def test_a_second_worker_uses_the_rotated_token(org: RunningOrg, use_connection: UseConnection) -> None:
    """A token that was rotated away is not used again, even when the session is gone."""
    connection = use_connection(org)
    first = LedgerSalesforceHook(connection).sessions.current()
    again = LedgerSalesforceHook(connection).sessions.current()
    org.control.ask("sessions/expire")
    renewed = LedgerSalesforceHook(connection).sessions.renew(again)

    assert again == first
    assert renewed.access_token != first.access_token
    assert LedgerSalesforceHook(connection).get_conn().query("SELECT Id FROM Organization")["totalSize"] == 1


def test_the_client_outlives_its_session(org: RunningOrg, use_connection: UseConnection) -> None:
    """A client that was handed out goes on when its session ends in mid-run."""
    client = LedgerSalesforceHook(use_connection(org)).get_conn()
    before = client.query("SELECT COUNT() FROM User")["totalSize"]
    org.control.ask("sessions/expire")

    assert client.query("SELECT COUNT() FROM User")["totalSize"] == before
    assert client.query("SELECT COUNT() FROM Profile")["totalSize"] > 0


def test_the_token_goes_to_the_org_only(org: RunningOrg, use_connection: UseConnection) -> None:
    """A call of another address over the client's session carries no token of the org."""
    client = LedgerSalesforceHook(use_connection(org)).get_conn()
    org.control.ask("requests/clear")
    client.session.get(f"{org.http_url}/services/data/v59.0/limits")

    assert [call["status"] for call in org.control.ask("requests")] == [401]


def test_a_token_on_its_way_elsewhere_is_stopped(org: RunningOrg, use_connection: UseConnection) -> None:
    """The client's own headers go neither to another host nor to the same one without encryption."""
    client = LedgerSalesforceHook(use_connection(org)).get_conn()
    org.control.ask("requests/clear")
    place = org.https_url.partition("://")[2]

    for base in (org.http_url, f"http://{place}", f"https://{place}@127.0.0.1", "https://[::1"):
        for headers in (client.headers, {"X-SFDC-Session": client.session_id}):
            with pytest.raises(UnsafeHost):
                client.session.get(f"{base}/services/data/v59.0/limits", headers=headers)
    assert org.control.ask("requests") == []


@pytest.mark.parametrize("extras", [{"private_key": PEM}, {"consumer_secret": "x", "password": True}])
def test_a_domain_beside_a_login_address_leads_nowhere_else(
    extras: dict[str, Any], org: RunningOrg, use_connection: UseConnection
) -> None:
    """The provider's flows log in at the login address; a foreign text in domain is refused unsent."""
    login = {"login": org.username, "password": org.password if extras.pop("password", None) else None}
    fields = {"refresh_token": None, "ca_bundle": None, "login_url": MY_DOMAIN, "domain": "evil.example/"}
    org.control.ask("requests/clear")

    with pytest.raises(ConfigError, match="domain"):
        LedgerSalesforceHook(use_connection(org, login=login, **fields, **extras)).get_conn()
    assert org.control.ask("requests") == []


@pytest.mark.parametrize(
    "extras",
    [
        pytest.param({"consumer_secret": "secret"}, id="client credentials"),
        pytest.param({"private_key": PEM}, id="JWT bearer"),
        pytest.param({"consumer_secret": "secret", "password": True}, id="password, by OAuth"),
        pytest.param({"security_token": "5ecu", "password": True}, id="password, by SOAP"),
        pytest.param({"session_id": True}, id="session id"),
    ],
)
@pytest.mark.parametrize("conn_type", ["salesforce", "salesforce_oauth"])
def test_the_providers_own_flows_keep_working(
    conn_type: str,
    extras: dict[str, Any],
    start_demo_org: StartOrg,
    variables: Any,
    use_connection: UseConnection,
) -> None:
    """A connection without refresh token logs in as the provider documents, whatever its type."""
    org = start_demo_org(certificate=certificate(), instance_url=MY_DOMAIN)
    login: dict[str, Any] = {"conn_type": conn_type}
    if "private_key" in extras or "password" in extras:
        login |= {"login": org.username}
    if extras.get("password"):
        login |= {"password": org.password}
    fields = {
        "refresh_token": None,
        "ca_bundle": None,
        "login_url": MY_DOMAIN,
        "consumer_key": org.client_id if "security_token" not in extras else None,
        "consumer_secret": org.client_secret if "consumer_secret" in extras else None,
        "private_key": extras.get("private_key"),
        "security_token": extras.get("security_token"),
    }
    if "session_id" in extras:
        fields |= {"session_id": org.login().access_token, "instance_url": MY_DOMAIN, "consumer_key": None}
    connection = use_connection(org, login=login, **fields)
    hook = LedgerSalesforceHook(connection, session=rerouted(org))

    session = hook.sessions.current()

    assert session.org_id == org.server.org.world.org_id
    assert session.instance_url == MY_DOMAIN
    assert hook.get_conn().query("SELECT COUNT() FROM User")["totalSize"] > 0


@pytest.mark.parametrize(
    ("options", "extras", "kind"),
    [
        ({}, {"consumer_secret": "wrong"}, AuthRevoked),
        ({"instance_url": "https://acme.example.com"}, {}, UnsafeHost),
    ],
)
def test_a_refused_login_is_an_error_of_the_ledger(
    options: dict[str, Any],
    extras: dict[str, Any],
    kind: type[Exception],
    start_demo_org: StartOrg,
    use_connection: UseConnection,
) -> None:
    """Wrong credentials and a foreign instance are told apart, and no secret is repeated."""
    org = start_demo_org(**options)
    connection = use_connection(org, refresh_token=None, ca_bundle=None, login_url=MY_DOMAIN, **extras)

    with pytest.raises(kind) as caught:
        LedgerSalesforceHook(connection, session=rerouted(org)).sessions.current()

    assert "wrong" not in str(caught.value)
    assert org.client_secret not in str(caught.value)


class Tunnel(socketserver.StreamRequestHandler):
    """A proxy that opens tunnels, and notes whereto."""

    def handle(self) -> None:
        """Answer one CONNECT and carry bytes both ways until either side is done."""
        words = self.rfile.readline().split()
        while self.rfile.readline().strip():
            pass
        host, _, port = words[1].decode().rpartition(":")
        self.server.tunnels.append(words[1].decode())  # type: ignore[attr-defined]
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection((host, int(port))) as far:
            ends = {self.connection: far, far: self.connection}
            while True:
                ready, _, _ = select.select(list(ends), [], [], 30)
                for end in ready:
                    if not (piece := end.recv(65536)):
                        return
                    ends[end].sendall(piece)


@pytest.fixture
def proxy() -> Iterator[socketserver.ThreadingTCPServer]:
    """A running proxy; its ``tunnels`` are the hosts that were asked for."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnel) as server:
        server.daemon_threads = True
        server.tunnels = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("written", ["text", "JSON", "mapping"])
def test_a_proxy_typed_into_the_form_is_used(
    written: str, org: RunningOrg, use_connection: UseConnection, proxy: Any
) -> None:
    """A text from the form, JSON or a mapping: token and queries both go through the proxy."""
    address = f"http://127.0.0.1:{proxy.server_address[1]}"
    forms: dict[str, object] = {
        "text": address,
        "JSON": json.dumps({"https": address}),
        "mapping": {"https": address},
    }
    client = LedgerSalesforceHook(use_connection(org, proxies=forms[written])).get_conn()

    assert client.query("SELECT COUNT() FROM User")["totalSize"] > 0
    assert len(proxy.tunnels) >= 2
    assert set(proxy.tunnels) == {org.https_url.removeprefix("https://")}


def test_the_verdict_names_org_user_and_calls(org: RunningOrg, use_connection: UseConnection) -> None:
    """A good connection is told as whom it logs in where, what is left today, and that nothing is missing."""
    good, verdict = LedgerSalesforceHook(use_connection(org, company_names="acme.com")).test_connection()

    assert good is True
    assert f"Acme Corporation (production, {org.server.org.world.org_id})" in verdict
    assert "API calls are left today" in verdict
    assert "Scope: acme.com." in verdict
    assert "as " in verdict
    assert org.refresh_token not in verdict
    assert "@" not in verdict


def test_the_verdict_names_missing_permissions(org: RunningOrg, use_connection: UseConnection) -> None:
    """What the integration user may not see is named with the permission that shows it, and with its cost."""
    org.control.permissions(withdraw=["ManageUsers"])

    good, verdict = LedgerSalesforceHook(use_connection(org)).test_connection()

    assert good is True
    assert "Missing: " in verdict
    assert "UserLogin needs 'Manage Users'" in verdict


@pytest.mark.parametrize(
    ("extras", "expected"),
    [
        ({"consumer_key": None}, "ConfigError: connection field consumer_key"),
        ({"login_url": "http://login.salesforce.com"}, "ConfigError: connection field login_url"),
        ({"login_url": "https://login.evil.example"}, "ConfigError: connection field login_url"),
        ({"company_names": ""}, "ConfigError: connection field company_names"),
        ({"refresh_token": "5Aep861never.issued"}, "AuthRevoked: "),
        ({"ca_bundle": None}, "UnsafeHost: "),
    ],
)
def test_the_verdict_on_a_bad_connection_names_the_field(
    extras: dict[str, Any], expected: str, org: RunningOrg, use_connection: UseConnection
) -> None:
    """A connection that cannot work is refused with the field or the reason, never with its value."""
    good, verdict = LedgerSalesforceHook(use_connection(org, **extras)).test_connection()

    assert good is False
    assert verdict.startswith(expected)
    assert "5Aep861" not in verdict


def test_the_test_does_not_kill_the_grant(org: RunningOrg, use_connection: UseConnection) -> None:
    """Testing a connection whose token was rotated uses the rotated one, under Airflow's made-up id too."""
    LedgerSalesforceHook(use_connection(org)).sessions.current()
    org.control.ask("sessions/expire")

    tested, _ = LedgerSalesforceHook(use_connection(org, "xkcd1234")).test_connection()
    again, _ = LedgerSalesforceHook(use_connection(org)).test_connection()

    assert tested is True
    assert again is True
    assert all(grant["alive"] for grant in org.control.ask("grants"))


def test_a_user_without_api_access_is_told_so(org: RunningOrg, use_connection: UseConnection) -> None:
    """An integration user that may not use the API is an AccessDenied with the remedy."""
    hook = LedgerSalesforceHook(use_connection(org))
    hook.sessions.current()
    org.control.permissions(withdraw=["ApiEnabled"])

    good, verdict = hook.test_connection()

    assert good is False
    assert verdict.startswith(AccessDenied.__name__)


def test_a_connection_without_any_flow_is_refused(org: RunningOrg, use_connection: UseConnection) -> None:
    """Neither refresh token nor another flow: the error names the refresh token."""
    connection = use_connection(org, refresh_token=None, consumer_secret=None)

    with pytest.raises(ConfigError, match="refresh_token"):
        LedgerSalesforceHook(connection).credentials  # noqa: B018
