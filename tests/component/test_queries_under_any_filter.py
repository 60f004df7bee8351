"""What the org is asked does not depend on the company filter, whatever is written into it."""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
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


class Relay(socketserver.ThreadingTCPServer):
    """Stands before an org with the same certificate, and keeps what passes on the way there."""

    daemon_threads = True

    def __init__(self, state_dir: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        _, certificate, key = certificates(state_dir)
        self.inward = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.inward.load_cert_chain(certificate, key)
        self.outward = ssl.create_default_context(cafile=str(state_dir / "ca.pem"))
        self.url = f"https://localhost:{self.server_address[1]}"
        self.port = 0
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


class _Passing(socketserver.BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        with suppress(OSError):
            near = self.server.inward.wrap_socket(self.request, server_side=True)
            with socket.create_connection(("127.0.0.1", self.server.port)) as raw:
                far = self.server.outward.wrap_socket(raw, server_hostname="localhost")
                threading.Thread(target=_pump, args=(far, near, None), daemon=True).start()
                _pump(near, far, self.server.passed)


def _pump(source: ssl.SSLSocket, sink: ssl.SSLSocket, kept: list[bytes] | None) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            if kept is not None:
                kept.append(piece)
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


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
        relay.port = int(org.https_url.rpartition(":")[2])
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

    assert queries == usual
    assert not [name for name in names if name in received]
