"""
Nothing secret goes to an address that is not the org's: not a token, not a client secret, not a connection.

A listener on this machine stands for whoever waits behind a trick address, so that a client that falls for
it really arrives there. Names that nobody can resolve go through a proxy, which notes what it is asked for.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any

import pytest
import requests
from tests.contract.salesforce.crooked import ORG_ID, Listener, Org, Proxy, served
from tests.contract.salesforce.desk import NOW, QUICK, Tokens

from license_ledger.errors import ConfigError, LedgerError, UnsafeHost
from license_ledger.salesforce.credentials import Credentials, parse
from license_ledger.salesforce.oauth import RefreshTokenSessions
from license_ledger.salesforce.rest import RestClient
from license_ledger.salesforce.tokens import Session

TRICKS = [
    pytest.param("http://localhost:{port}", id="plain http"),
    pytest.param("http://login.salesforce.com@localhost:{port}", id="user name that looks like a host"),
    pytest.param("https://login.salesforce.com@localhost:{port}", id="the same over TLS"),
    pytest.param("https://login.salesforce.com:443@127.0.0.1:{port}", id="host"),  # pragma: allowlist secret
    pytest.param("https://login.salesforce.com%40localhost:{port}", id="escaped at-sign"),
    pytest.param("https://localhost:{port}\\@login.salesforce.com", id="slash"),  # pragma: allowlist secret
    pytest.param("https://localhost:{port}/@login.salesforce.com", id="at-sign in the path"),
    pytest.param("https://localhost:{port}?.salesforce.com", id="host in the query"),
    pytest.param("https://localhost:{port}#.salesforce.com", id="host in the fragment"),
    pytest.param("https://localhost:{port}/.my.salesforce.com", id="host in the path"),
    pytest.param("https://localhost.:{port}", id="trailing dot"),
    pytest.param("https://LOCALHOST.:{port}", id="trailing dot in capitals"),
    pytest.param("https://127.1:{port}", id="short address"),
    pytest.param("https://2130706433:{port}", id="address as a number"),
    pytest.param("https://0x7f000001:{port}", id="hexadecimal address"),
    pytest.param("https://0177.0.0.1:{port}", id="octal address"),
    pytest.param("https://0.0.0.0:{port}", id="unspecified address"),
    pytest.param("https://[::]:{port}", id="unspecified address, version 6"),
    pytest.param("https://[::ffff:127.0.0.1]:{port}", id="mapped address"),
    pytest.param("https://[::ffff:7f00:1]:{port}", id="mapped address in hexadecimal"),
    pytest.param("https://localhost%00.salesforce.com:{port}", id="null byte"),
    pytest.param("https://localhost:{port}\r\nHost: login.salesforce.com", id="line break"),
    pytest.param("https://localhost\t:{port}", id="tab"),
    pytest.param("\u200bhttps://localhost:{port}", id="invisible character"),
    pytest.param("https://\u24dbocalhost:{port}", id="circled letter"),
    pytest.param("https://127\u30020\u30020\u30021:{port}", id="ideographic dots"),
    pytest.param("file:///etc/passwd", id="a file"),
]
"""Addresses behind which a forgiving client finds the listener, or something that is no org."""

LOOK_ALIKES = [
    "https://salesforce.com.evil.example",
    "https://login.salesforce.com.evil.example",
    "https://login-salesforce.com",
    "https://evilsalesforce.com",
    "https://mysalesforce.com",
    "https://acme.my.salesforce.com.",
    "https://acme.my.salesforce.co",
    "https://acme.my.salesforce.com:8443",
    "https://acme.my.salesf\u043erce.com",  # a Cyrillic letter
    "https://acme.my.xn--salesfrce-l6g.com",  # the same as it would be resolved
    "https://acme.my.\uff53alesforce.com",  # a full-width letter
    "https://acme.my.sale\u017fforce.com",  # a long s
    "https://acme.my.salesforce.com/.evil.example",
    "https://evil.example/acme.my.salesforce.com",
    "https://acme.lightning.force.com",
    "https://169.254.169.254",
    "https://[fd00::1]",
    "http://acme.my.salesforce.com",
    "ftp://acme.my.salesforce.com",
    "//acme.my.salesforce.com",
    "acme.my.salesforce.com",
    "javascript://acme.my.salesforce.com/%0aalert(1)",
    "",
]
REDIRECTS = (301, 302, 303, 307, 308)


class Trap:
    """
    An org that points away, and who waits there.

    Attributes:
        org: the server that is asked.
        listener: who must get nothing.
        proxy: the way to every address.
    """

    def __init__(self, org: Org, listener: Listener, proxy: Proxy) -> None:
        self.org, self.listener, self.proxy = org, listener, proxy
        self.tokens = Tokens()

    def connection(self, **fields: Any) -> dict[str, Any]:
        """The extras of a connection to the org."""
        return {
            "consumer_key": "3MVG9key",
            "consumer_secret": "hunter2",  # pragma: allowlist secret
            "refresh_token": "5Aep861typed",
            "login_url": f"https://{self.org.place}",
            "ca_bundle": str(self.org.ca_bundle),
            "proxies": self.proxy.url,
            **fields,
        }

    def sessions(self, credentials: Credentials | None = None) -> RefreshTokenSessions:
        """Sessions of a worker that forgets."""
        self.tokens = Tokens()
        return RefreshTokenSessions(
            credentials or parse(self.connection()),
            self.tokens,
            nullcontext,
            lambda: NOW,
            sleep=lambda _: None,
            timeouts=QUICK,
        )

    def client(self) -> RestClient:
        """A client of the org."""
        return RestClient(
            self.sessions(),
            ca_bundle=str(self.org.ca_bundle),
            proxies={"http": self.proxy.url, "https": self.proxy.url},
            timeouts=QUICK,
            sleep=lambda _: None,
        )

    def got_nothing(self) -> bool:
        """Whether nobody but the org was asked, or even spoken to."""
        return self.listener.taken == [] and self.proxy.asked <= {self.org.place}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trap]:
    """One trap for all tests."""
    trap = Trap(Org(tmp_path_factory.mktemp("org")), Listener(), Proxy())
    with served(trap.org, trap.listener, trap.proxy):
        yield trap


@pytest.fixture
def trap(running: Trap) -> Trap:
    """The trap, set anew."""
    running.org.be_straight()
    running.listener.taken.clear()
    running.proxy.asked.clear()
    return running


def refused(credentials: Credentials, trap: Trap) -> LedgerError:
    """The error that obtaining a session ends with."""
    with pytest.raises(LedgerError) as caught:
        trap.sessions(credentials).current()
    return caught.value


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:{port}",
        "https://login.salesforce.com@localhost:{port}",
        "https://0.0.0.0:{port}",
        "https://127.1:{port}",
    ],
)
def test_a_forgiving_client_does_arrive_there(trap: Trap, address: str) -> None:
    """The counter-proof: ``requests`` by itself follows these addresses to the listener."""
    with pytest.raises((requests.RequestException, http.client.HTTPException)):
        requests.get(address.format(port=trap.listener.port), timeout=5)

    assert trap.listener.taken


@pytest.mark.parametrize("field", ["login_url", "host"])
@pytest.mark.parametrize("address", [*TRICKS, *LOOK_ALIKES])
def test_no_login_goes_to_a_trick_address(trap: Trap, address: str, field: str) -> None:
    """A connection with such a login address is refused before anything is sent, and not repeated in full."""
    address = address.format(port=trap.listener.port)
    if field == "host" and address in ("", "acme.my.salesforce.com"):
        return  # no host, and a host that is Salesforce's
    fields = trap.connection(login_url=address) if field == "login_url" else trap.connection()
    if field == "host":
        del fields["login_url"]

    with pytest.raises(ConfigError):
        parse(fields, host=address if field == "host" else None)
    assert trap.got_nothing()


@pytest.mark.parametrize("field", ["domain", "instance", "instance_url"])
@pytest.mark.parametrize(
    "value",
    [
        "evil.example/",
        "evil.example#",
        "evil.example?",
        "evil.example/x",
        "evil.example\\",
        "user@evil.example:443/",
        "http://acme.my.salesforce.com",
        "https://evil.example",
        "https://acme.my.salesforce.com.evil.example",
        "l\u043egin",
    ],
)
def test_the_providers_fields_follow_the_same_rule(trap: Trap, field: str, value: str) -> None:
    """What the provider's own flows make an address of is checked too, also beside a good login address."""
    fields = trap.connection(refresh_token=None, **{field: value})

    with pytest.raises(ConfigError, match=field):
        parse(fields, login="ann@acme.com", password="hunter2")  # pragma: allowlist secret


@pytest.mark.parametrize("address", [*TRICKS, *LOOK_ALIKES])
def test_an_answer_that_points_elsewhere_gets_no_session(trap: Trap, address: str) -> None:
    """Whatever instance_url a token answer names, the new token goes nowhere but into the store."""
    trap.org.grant = {"instance_url": address.format(port=trap.listener.port)}

    error = refused(parse(trap.connection()), trap)

    assert type(error) is UnsafeHost
    assert "hunter2" not in str(error)
    assert trap.got_nothing()
    assert trap.tokens.content is not None
    assert trap.tokens.content["session"] is None
    assert "5Aep861rotated" in str(trap.tokens.content["grants"])


@pytest.mark.parametrize(
    "identity", ["http://localhost:{port}/id/{org}/005x00000012Q9PAAU", "https://evil.example/id/{org}/x"]
)
def test_the_identity_address_is_read_and_never_called(trap: Trap, identity: str) -> None:
    """The id of an answer names the org; nobody is asked at that address, whoever it belongs to."""
    trap.org.grant = {"id": identity.format(port=trap.listener.port, org=ORG_ID)}

    with trap.client() as client:
        assert client.get("query", q="SELECT Id FROM User")["done"] is True
        assert client.org_id == ORG_ID

    assert trap.got_nothing()


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("place", ["http://localhost:{port}/", "https://evil.example/", "//evil.example/x"])
def test_the_token_endpoint_does_not_send_us_away(trap: Trap, status: int, place: str) -> None:
    """A redirect of a refresh is an error: refresh token and client secret are not posted again."""
    location = place.format(port=trap.listener.port)
    trap.org.answers = {"oauth2": (status, {"Location": location}, {})}

    refused(parse(trap.connection()), trap)

    assert set(trap.org.paths) == {"/services/oauth2/token"}
    assert trap.got_nothing()


@pytest.mark.parametrize("status", REDIRECTS)
def test_the_api_does_not_send_us_away(trap: Trap, status: int) -> None:
    """A redirect of a query, a job, or a page is an error that names the other host; no token goes there."""
    location = f"http://localhost:{trap.listener.port}/services/data/v66.0/query"
    trap.org.answers = {"/services/data": (status, {"Location": location}, {})}
    job = {"operation": "query", "query": "SELECT Id FROM User"}

    with trap.client() as client:
        for call in (
            lambda: client.get("query", q="SELECT Id FROM User"),
            lambda: client.post("jobs/query", job),
            lambda: client.stream("jobs/query/750000000000001AAA/results"),
        ):
            with pytest.raises(LedgerError, match="redirects to localhost"):
                call()

    assert len(trap.org.paths) > 3
    assert trap.got_nothing()


@pytest.mark.parametrize(
    "following",
    [
        "http://localhost:{port}/services/data/v66.0/query/01g-2000",
        "https://evil.example/services/data/v66.0/query/01g-2000",
        "//evil.example/services/data/v66.0/query/01g-2000",
        "@evil.example/services/data",
        ".evil.example/services/data",
        ":80@evil.example/",
        "/services/data@evil.example/",
        "/services/data/../../../@evil.example",
        "/services/data\\@evil.example",
        "\\\\evil.example",
    ],
)
def test_the_next_page_is_the_orgs(trap: Trap, following: str) -> None:
    """Wherever a page says that the next one is, only the org is asked."""
    page = {
        "totalSize": 2,
        "done": False,
        "records": [],
        "nextRecordsUrl": following.format(port=trap.listener.port),
    }
    trap.org.answers = {"/query": (200, {}, page)}

    with trap.client() as client:
        pages = client.query_pages("SELECT Id FROM User")
        next(pages)
        trap.org.answers = {}
        with suppress(LedgerError):  # refused here, or by the org
            next(pages)

    assert trap.got_nothing()


def test_a_stored_session_that_leads_elsewhere_is_not_used(trap: Trap) -> None:
    """A session in the store whose address is no org's, however it came there, is obtained anew."""
    sessions = trap.sessions()
    sessions.current()
    assert trap.tokens.content is not None
    trap.tokens.content["session"]["instance_url"] = f"http://localhost:{trap.listener.port}"

    session = sessions.current()

    assert isinstance(session, Session)
    assert session.instance_url == f"https://{trap.org.place}"
    assert trap.got_nothing()
