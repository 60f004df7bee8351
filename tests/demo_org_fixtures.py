"""Demo orgs for tests: one for the whole session, or one of its own for a test that changes it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from demo_org.control import Control
from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World, WorldOptions

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

    def token(self, refresh_token: str | None = None, **form: str) -> requests.Response:
        """Post a refresh to the token endpoint: of the first grant unless told otherwise."""
        body = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": refresh_token or self.refresh_token,
            **form,
        }
        return self.browser().post(f"{self.https_url}/services/oauth2/token", data=body, timeout=30)

    def browser(self) -> requests.Session:
        """Give a session that trusts the org's CA and is not logged in."""
        session = requests.Session()
        # A CA bundle in the environment would win over the session's own.
        session.trust_env = False
        session.verify = self.ca_bundle
        return session

    def login(self, version: str = "59.0") -> ApiSession:
        """Refresh, and give a session for the REST API of a version."""
        answer = self.token()
        answer.raise_for_status()
        return self.login_with(answer.json()["access_token"], version)

    def login_with(self, access_token: str, version: str = "59.0") -> ApiSession:
        """Give a session with an access token that is at hand."""
        return ApiSession(self, access_token, version)

    def connection(self, company_names: str = "*") -> dict[str, Any]:
        """Give the Airflow connection that leads here, as a JSON value."""
        return self.server.access.connection(company_names)


class ApiSession:
    """A logged-in session: calls are relative to the API version, unless they start with a slash."""

    def __init__(self, org: RunningOrg, access_token: str, version: str) -> None:
        self.org = org
        self.access_token = access_token
        self.base = f"/services/data/v{version}"
        self._http = org.browser()
        self._http.headers["Authorization"] = f"Bearer {access_token}"

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """Make a call, whatever its answer."""
        url = path if path.startswith("/") else f"{self.base}/{path}"
        return self._http.request(method, self.org.https_url + url, timeout=60, **arguments)

    def get(self, path: str, **parameters: Any) -> requests.Response:
        """Get a resource, whatever its answer."""
        return self.call("GET", path, params=parameters)

    def query(self, soql: str, **headers: str) -> dict[str, Any]:
        """Give the first page of a query that must succeed."""
        answer = self.call("GET", "query", params={"q": soql}, headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def rows(self, soql: str) -> list[dict[str, Any]]:
        """Give all records of a query that must succeed, without their attributes."""
        page = self.query(soql)
        found = list(page["records"])
        while not page["done"]:
            page = self.get(page["nextRecordsUrl"]).json()
            found += page["records"]
        return [{key: value for key, value in row.items() if key != "attributes"} for row in found]

    def error(self, soql: str) -> dict[str, Any]:
        """Give the first error of a query that must fail."""
        answer = self.get("query", q=soql)
        assert answer.status_code == 400, answer.text
        return dict(answer.json()[0])

    def bulk(self, soql: str, **body: Any) -> dict[str, Any]:
        """Create a Bulk query job, wait until it is over, and give its last state."""
        answer = self.call("POST", "jobs/query", json={"operation": "query", "query": soql, **body})
        assert answer.status_code == 200, answer.text
        job = dict(answer.json())
        deadline = time.monotonic() + 30
        while job["state"] not in {"JobComplete", "Failed", "Aborted"} and time.monotonic() < deadline:
            time.sleep(0.01)
            job = self.get(f"jobs/query/{job['id']}").json()
        return job


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


def world_of(folder: Path, org: Control) -> World:
    """
    A world like that of a running demo org, whose clock stands still.

    Args:
        folder: where the org keeps its state.
        org: which one.
    """
    kept = json.loads((folder / "world.json").read_text("utf-8"))
    now = datetime.fromisoformat(org.world()["now"])
    options = WorldOptions(anchor=date.fromisoformat(kept["anchor"]))
    world = World(seed=kept["seed"], users=kept["users"], today=now.date(), options=options)
    world.set_clock(now)
    return world
