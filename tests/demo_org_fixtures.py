"""Demo orgs for tests: one for the whole session, or one of its own for a test that changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World

TODAY = date(2026, 11, 24)
"""The day of every org in the tests, unless a test wants another."""


class RunningOrg:
    """
    A demo org that is being served, and all that a test needs to talk to it.

    Attributes:
        https_url: address over TLS (``https://localhost:…``), the login URL and the instance URL.
        http_url: plain address (``http://127.0.0.1:…``).
        ca_bundle: path of the CA certificate.
        client_id: consumer key.
        client_secret: consumer secret.
        refresh_token: of a grant made at the start.
        username: of the integration user.
        password: of the integration user.
        control: client of the control API.
        server: the server itself; ``server.org`` is the state behind it.
        state_dir: where certificates and grants are.
    """

    def __init__(self, server: DemoOrg) -> None:
        self.server = server
        self.state_dir = server.state_dir
        self.control = server.control
        for name, value in vars(server.access).items():
            setattr(self, name, value)

    https_url: str
    http_url: str
    ca_bundle: str
    client_id: str
    client_secret: str
    refresh_token: str
    username: str
    password: str

    def connection(self, company_names: str = "*") -> dict[str, Any]:
        """Give the Airflow connection that leads here, as a JSON value."""
        return self.server.access.connection(company_names)


StartOrg = Callable[..., RunningOrg]


@pytest.fixture(scope="session")
def shared_demo_org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningOrg]:
    """One small org for tests that only read: never turn a switch of it."""
    server = DemoOrg(World(today=TODAY), OrgOptions(bulk_seconds=0.02), tmp_path_factory.mktemp("demo-org"))
    with server:
        yield RunningOrg(server)


@pytest.fixture
def start_demo_org(tmp_path: Path) -> Iterator[StartOrg]:
    """
    Start orgs that are stopped at the end of the test.

    The function takes ``world`` (a ``World``), ``state_dir``, ``certificate``, and switches of
    ``OrgOptions`` by name.
    """
    running: list[DemoOrg] = []

    def start(
        world: World | None = None, state_dir: Path | None = None, certificate: str = "", **switches: Any
    ) -> RunningOrg:
        folder = state_dir or tmp_path / f"demo-org-{len(running)}"
        options = OrgOptions(**{"bulk_seconds": 0.02, **switches})
        server = DemoOrg(world or World(today=TODAY), options, folder, certificate=certificate)
        server.start()
        running.append(server)
        return RunningOrg(server)

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def demo_org(start_demo_org: StartOrg) -> RunningOrg:
    """One small org for this test alone."""
    return start_demo_org()
