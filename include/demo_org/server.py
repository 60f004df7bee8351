"""Starts an org: in this process on a thread, or for good."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from demo_org.control import Control
from demo_org.edge import Edge
from demo_org.grants import write_private
from demo_org.oauth import DEFAULT_SCOPE
from demo_org.options import OrgOptions
from demo_org.org import App, Org, new_app
from demo_org.service import Service
from demo_org.tls import certificates
from demo_org.wire import Wires, protocol_for
from demo_org.world import World

HOST = "127.0.0.1"
NAME = "localhost"
HTTPS = 443
_GRACE = 0.5
"""Seconds in which answers that are under way may be finished when the org is told to stop."""


@dataclass(frozen=True)
class Access:
    """
    What a client needs to get in.

    Attributes:
        https_url: address over TLS, by name.
        http_url: plain address, by number.
        ca_bundle: path of the CA certificate.
        client_id: consumer key of the app.
        client_secret: its secret.
        refresh_token: of a grant of the integration user.
        username: of the integration user.
        password: of the integration user.
    """

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
        extra = {
            "consumer_key": self.client_id,
            "consumer_secret": self.client_secret,
            "refresh_token": self.refresh_token,
            "login_url": self.https_url,
            "ca_bundle": self.ca_bundle,
            "company_names": company_names,
        }
        return {"conn_type": "salesforce_oauth", "extra": extra}


class DemoOrg:
    """
    A demo org on two ports of the loopback interface.

    Use it as a context manager, or call ``start`` and ``stop``. The server runs on a thread of its own.

    Args:
        world: the records; by default forty people.
        options: switches.
        state_dir: where certificates, the app and grants are kept; by default a folder that goes away.
        certificate: PEM of the certificate for the JWT flow.
        password: of the integration user.
        https_port: port for TLS; 0 for any.
        http_port: plain port; 0 for any.
        listen: address to listen on.
        name: host name or address that clients call over TLS.
    """

    def __init__(
        self,
        world: World | None = None,
        options: OrgOptions | None = None,
        state_dir: Path | None = None,
        *,
        certificate: str = "",
        password: str = "open-sesame",  # noqa: S107 - nobody real logs in here
        https_port: int = 0,
        http_port: int = 0,
        listen: str = HOST,
        name: str = NAME,
    ) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="demo-org-") if state_dir is None else None
        self.state_dir = state_dir or Path(str(self._temporary.name if self._temporary else ""))
        self.state_dir.mkdir(parents=True, exist_ok=True)
        app = _kept_app(self.state_dir / "app.json", certificate)
        self.org = Org(
            world or World(), app, options or OrgOptions(), password, self.state_dir / "grants.json"
        )
        self.service = Service(self.org)
        self._name, self._plain = name, HOST if listen == HOST else name
        self._sockets = {"https": _listening(listen, https_port), "http": _listening(listen, http_port)}
        self._thread: threading.Thread | None = None
        self._servers: list[uvicorn.Server] = []
        self._wires = Wires()
        self.access = self._access()
        self.control = Control(self.access.http_url)

    def __enter__(self) -> DemoOrg:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def https_url(self) -> str:
        """Address over TLS."""
        return self.access.https_url

    @property
    def http_url(self) -> str:
        """Plain address."""
        return self.access.http_url

    def start(self) -> None:
        """Serve on a thread; returns when both ports answer."""
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self.serve(ready)), name="demo-org", daemon=True
        )
        self._thread.start()
        if not ready.wait(30):
            raise TimeoutError("the demo org did not start within 30 seconds")

    def stop(self) -> None:
        """Stop serving and clean up."""
        for server in self._servers:
            server.should_exit = True
            server.force_exit = True
        if self._thread is not None:
            self._thread.join(30)
        for listener in self._sockets.values():
            listener.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    async def serve(self, ready: threading.Event | None = None) -> None:
        """Serve in this event loop until told to stop."""
        edge = Edge(self.service, self._wires)
        _, certificate, key = certificates(self.state_dir, self._name)
        protocol = protocol_for(self._wires)
        settings: dict[str, Any] = {
            "app": edge,
            "http": protocol,
            "lifespan": "off",
            "log_level": "error",
            "access_log": False,
            "server_header": False,
            "date_header": False,
            "proxy_headers": False,
            "timeout_keep_alive": 60,
        }
        plain = uvicorn.Config(**settings)
        secure = uvicorn.Config(**settings, ssl_certfile=str(certificate), ssl_keyfile=str(key))
        secure.load()
        if secure.ssl is not None:
            secure.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
        self._servers = [_QuietServer(plain), _QuietServer(secure)]
        runs = [
            server.serve(sockets=[self._sockets[name]])
            for server, name in zip(self._servers, ("http", "https"), strict=True)
        ]
        tasks = [asyncio.ensure_future(run) for run in runs]
        while not all(server.started for server in self._servers) and not any(task.done() for task in tasks):
            await asyncio.sleep(0.005)
        if ready is not None:
            ready.set()
        await asyncio.gather(*tasks)
        self._wires.cut_all()

    def run(self) -> None:
        """Serve in the main thread until SIGTERM or SIGINT; prints one line of JSON when ready."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._leave)
        ready = threading.Event()
        serving = asyncio.ensure_future(self.serve(ready))
        while not ready.is_set() and not serving.done():
            await asyncio.sleep(0.005)
        if not serving.done():
            print(json.dumps(self.announcement()), flush=True)
        await serving

    def announcement(self) -> dict[str, Any]:
        """Give what may be told to everybody about how to reach this org: no secrets."""
        access = self.access
        return {
            "https_url": access.https_url,
            "http_url": access.http_url,
            "ca_bundle": access.ca_bundle,
            "client_id": access.client_id,
            "username": access.username,
            "connection": str(self.state_dir / "connection.json"),
            "login": str(self.state_dir / "login.json"),
            "org_id": self.org.world.org_id,
            "today": self.org.world.now.date().isoformat(),
        }

    def _leave(self) -> None:
        for server in self._servers:
            server.should_exit = True
        asyncio.get_running_loop().call_later(_GRACE, self._wires.cut_all)

    def _access(self) -> Access:
        bundle, _, _ = certificates(self.state_dir, self._name)
        org = self.org
        ports = {name: listener.getsockname()[1] for name, listener in self._sockets.items()}
        return Access(
            f"https://{self._name}" + ("" if ports["https"] == HTTPS else f":{ports['https']}"),
            f"http://{self._plain}:{ports['http']}",
            str(bundle),
            org.main_app.key,
            org.main_app.secret,
            self._refresh_token(),
            org.username,
            org.password,
        )

    def _refresh_token(self) -> str:
        """Keep the refresh token of the last start while its grant lives, even if rotation has used it up."""
        path = self.state_dir / "connection.json"
        if path.exists():
            token = str(json.loads(path.read_text("utf-8"))["extra"]["refresh_token"])
            grant, _ = self.org.grants.find(token)
            if grant is not None and not grant.revoked:
                return token
        most = self.org.options.grants_per_user
        _, token = self.org.grants.authorize(self.org.main_app.key, self.org.user_id, DEFAULT_SCOPE, most)
        return token

    def write_connection(self, company_names: str = "*") -> Path:
        """Write ``connection.json`` and ``login.json``, readable by their owner only; gives the first."""
        path = self.state_dir / "connection.json"
        write_private(path, json.dumps(self.access.connection(company_names), indent=2))
        login = {"username": self.access.username, "password": self.access.password}
        write_private(self.state_dir / "login.json", json.dumps(login, indent=2))
        return path


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to whoever started it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listening(host: str, port: int) -> socket.socket:
    # The protocol is named because asyncio switches Nagle's delay off only where it knows that this is TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(512)
    return listener


def _kept_app(path: Path, certificate: str) -> App:
    """Give the app of a state folder; the first time it is made."""
    if path.exists():
        kept = json.loads(path.read_text("utf-8"))
        kept["callbacks"] = tuple(kept["callbacks"])
        return App(**{**kept, "certificate": certificate or kept["certificate"]})
    app = new_app(certificate)
    write_private(path, json.dumps(app.__dict__))
    return app
