"""What the org is asked does not depend on the company filter, whatever is written into it."""

from __future__ import annotations

import re
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.tls import certificates
from demo_org.world import World
from license_ledger.settings import LegalEntity
from tests.demo_org_fixtures import TODAY, RunningOrg
from tests.walk import MemoryTokens, Walk, noon

HOSTILE = (
    "' OR Name != '",
    "Acme' LIMIT 1 -- ",
    "%') OR (Id LIKE '%",
    "\\' FROM Account",
    "Acme\nFROM User WHERE",
    '"}, {"query": "SELECT Id FROM Account"',
    "{name} %s ${x} {{y}}",
    "?q=SELECT+Id&x=",
)


class Relay(ThreadingHTTPServer):
    """Stands before an org with the same certificate, and keeps what is asked on the way there."""

    daemon_threads = True

    def __init__(self, state_dir: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        _, certificate, key = certificates(state_dir)
        inward = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        inward.load_cert_chain(certificate, key)
        # The handshake belongs to the thread of the connection, which reads first.
        self.socket = inward.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.ca_bundle = str(state_dir / "ca.pem")
        self.url = f"https://localhost:{self.server_address[1]}"
        self.org_url = ""
        self.passed: list[bytes] = []

    def asked(self) -> Counter[str]:
        """The queries so far, without what is particular to a run; the record begins anew."""
        text = unquote_plus(b"".join(self.passed).decode("utf-8", "replace"))
        self.passed.clear()
        found = re.findall(r"SELECT .*?(?= HTTP/1|\"\s*[,}])", text, flags=re.DOTALL)
        return Counter(re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "…", query) for query in found)

    def text(self) -> str:
        """All that passed, decoded."""
        return unquote_plus(b"".join(self.passed).decode("utf-8", "replace"))


class _Passing(BaseHTTPRequestHandler):
    server: Relay
    protocol_version = "HTTP/1.1"

    def pass_on(self) -> None:
        """Keep the request, send it on, and give the answer back as it came."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.passed.append(self.requestline.encode() + b"\n" + body + b"\n")
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                self.command,
                self.server.org_url + self.path,
                data=body or None,
                headers=headers,
                verify=self.server.ca_bundle,
                stream=True,
                timeout=60,
            )
            content = answer.raw.read(decode_content=False)
        self.send_response_only(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = do_PATCH = pass_on

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Walk, Relay]]:
    """A walk whose org stands behind the relay."""
    root = tmp_path_factory.mktemp("watched")
    certificates(_made(root / "org"))
    relay = Relay(root / "org")
    threading.Thread(target=relay.serve_forever, args=(0.05,), daemon=True).start()
    options = OrgOptions(bulk_seconds=0.02, instance_url=relay.url)
    with DemoOrg(World(today=TODAY, seed=5), options, root / "org") as server:
        org = RunningOrg(server)
        relay.org_url = org.https_url
        connection = org.connection()
        connection["extra"]["login_url"] = relay.url
        yield Walk(connection, root, noon(TODAY), values={"bulk_threshold": 0}), relay
    relay.shutdown()
    relay.server_close()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _queries(walk: Walk, relay: Relay, names: list[str]) -> tuple[Counter[str], str]:
    walk.tokens = MemoryTokens()
    relay.passed.clear()
    walk.extract(walk.chosen(walk.context(names)))
    text = relay.text()
    return relay.asked(), text


@pytest.fixture(scope="module")
def usual(watched: tuple[Walk, Relay]) -> Counter[str]:
    """What is asked when everybody is in scope."""
    queries, _ = _queries(*watched, ["*"])
    assert sum(queries.values()) > 15
    return queries


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=9), min_size=1, max_size=3
    )
)
@example(list(HOSTILE))
@settings(max_examples=1, suppress_health_check=list(HealthCheck), deadline=None)
def test_a_filter_never_gets_into_a_query(
    watched: tuple[Walk, Relay], usual: Counter[str], texts: list[str]
) -> None:
    """Names of any text leave the queries as they are, and are in nothing that the org received."""
    walk, relay = watched
    names = list(dict.fromkeys(f"{text.strip()}·{at}" for at, text in enumerate(texts)))
    entities = tuple(LegalEntity(name=name, domains=("acme.com",)) for name in names)
    walk.values = {"bulk_threshold": 0, "legal_entities": entities}

    queries, received = _queries(walk, relay, names)

    # How often one is asked again depends on what the network and a moving counter do meanwhile.
    assert queries.keys() == usual.keys()
    assert not [name for name in names if name in received]
