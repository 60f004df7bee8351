"""The HTTP session: what requests leaves open."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests import exceptions

from license_ledger import errors
from license_ledger.salesforce.transport import LedgerSession, Timeouts, network_error, was_never_sent


class Server(http.server.ThreadingHTTPServer):
    """A plain server that redirects everything and remembers the headers it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[dict[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every GET with a redirect to itself."""

    server: Server

    def do_GET(self) -> None:
        """Redirect."""
        self.server.seen.append(dict(self.headers))
        self.send_response(302)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """One server for the test."""
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_a_redirect_is_not_followed(server: Server) -> None:
    """Whoever asks for it, the token goes to the host it was meant for and no further."""
    response = LedgerSession().get(server.url, headers={"Authorization": "Bearer x"}, allow_redirects=True)

    assert response.status_code == 302
    assert len(server.seen) == 1


def test_a_netrc_does_not_replace_the_token(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password in ~/.netrc for the same host leaves the bearer token alone."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login joe password pw\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    LedgerSession().get(server.url, headers={"Authorization": "Bearer x"})
    requests.get(server.url, headers={"Authorization": "Bearer x"}, allow_redirects=False, timeout=5)

    assert [seen["Authorization"].split()[0] for seen in server.seen] == ["Bearer", "Basic"]


def test_this_machine_is_not_reached_through_the_environments_proxy(
    server: Server, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    """A proxy in the environment does not get what is meant for loopback."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    monkeypatch.delenv("no_proxy", raising=False)

    assert LedgerSession().get(server.url).status_code == 302


def test_a_configured_proxy_wins_over_the_environments(
    server: Server, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    """The connection's proxy is used even where the environment names another."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")

    response = LedgerSession(proxies={"http": server.url}).get("http://login.example/")

    assert response.status_code == 302
    assert server.seen[0]["Host"] == "login.example"


def test_configured_certificates_win_over_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQUESTS_CA_BUNDLE does not replace the connection's own authority."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/environment.pem")

    own = LedgerSession(ca_bundle="/own.pem").merge_environment_settings(
        "https://login.salesforce.com", {}, None, None, None
    )
    none = LedgerSession().merge_environment_settings("https://login.salesforce.com", {}, None, None, None)

    assert own["verify"] == "/own.pem"
    assert none["verify"] == "/environment.pem"


def test_nobody_waits_for_ever() -> None:
    """A server that accepts and says nothing is given up after the time-out."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(exceptions.ReadTimeout) as caught:
            LedgerSession(timeouts=Timeouts(connect=1, read=0.05)).get(url)

    error = network_error(caught.value, "asked")
    assert type(error) is errors.SalesforceUnavailable
    assert "time-out" in error.got
    assert not was_never_sent(caught.value)


def test_a_refused_connection_was_never_sent(closed_port: int) -> None:
    """Where nobody listens nothing can have happened."""
    with pytest.raises(exceptions.ConnectionError) as caught:
        LedgerSession().post(f"http://127.0.0.1:{closed_port}", data={"refresh_token": "x"})

    assert was_never_sent(caught.value)
    assert type(network_error(caught.value, "asked")) is errors.SalesforceUnavailable


def test_an_unknown_name_was_never_sent() -> None:
    """Without an address nothing can have happened."""
    with pytest.raises(exceptions.ConnectionError) as caught:
        LedgerSession().post("http://nowhere.invalid", data={"refresh_token": "x"})

    assert was_never_sent(caught.value)
    assert "resolved" in network_error(caught.value, "asked").got


def test_a_proxy_that_is_down_was_never_sent(closed_port: int) -> None:
    """What did not pass the proxy did not reach Salesforce."""
    with pytest.raises(exceptions.ProxyError) as caught:
        LedgerSession(proxies={"http": f"http://127.0.0.1:{closed_port}"}).post("http://login.example/")

    assert was_never_sent(caught.value)
    assert "proxy" in network_error(caught.value, "asked").got


def test_a_connection_that_drops_after_the_request_is_of_unknown_outcome() -> None:
    """The request may have been read before the connection was closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drop() -> None:
            connection, _ = server.accept()
            connection.recv(65536)
            connection.close()

        threading.Thread(target=drop, daemon=True).start()
        with pytest.raises(exceptions.ConnectionError) as caught:
            LedgerSession().post(f"http://127.0.0.1:{server.getsockname()[1]}", data={"refresh_token": "x"})

    assert not was_never_sent(caught.value)


@pytest.mark.parametrize(
    ("error", "kind", "unsent"),
    [
        (exceptions.SSLError(ssl.SSLCertVerificationError("x")), errors.UnsafeHost, True),
        (exceptions.SSLError(ssl.SSLError("x")), errors.SalesforceUnavailable, False),
        (exceptions.InvalidProxyURL("x"), errors.ConfigError, True),
        (
            OSError("Could not find a suitable TLS CA certificate bundle, invalid path"),
            errors.ConfigError,
            False,
        ),
        (exceptions.ConnectTimeout(), errors.SalesforceUnavailable, True),
        (exceptions.ReadTimeout(), errors.SalesforceUnavailable, False),
        (exceptions.ChunkedEncodingError(), errors.SalesforceUnavailable, False),
        (ConnectionResetError(), errors.SalesforceUnavailable, False),
    ],
)
def test_each_failure_has_its_error(error: Exception, kind: type[errors.LedgerError], unsent: bool) -> None:
    """Certificates and proxies need a person; the rest may pass; and what surely was not sent is known."""
    assert type(network_error(error, "asked")) is kind
    assert was_never_sent(error) is unsent
