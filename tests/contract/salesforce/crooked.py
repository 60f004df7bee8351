"""Servers that want what is not theirs: a listener, a proxy that notes whereto, an org that points away."""

from __future__ import annotations

import http.server
import json
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from demo_org.tls import certificates

ORG_ID = "00Dx0000000BV7zEAG"
GRANTED = {
    "access_token": "00Dx0000000BV7z!AR8AQAxo9UfVkh8",  # pragma: allowlist secret
    "refresh_token": "5Aep861rotated",
    "id": f"https://login.salesforce.com/id/{ORG_ID}/005x00000012Q9PAAU",
    "issued_at": "1278448832702",
    "scope": "refresh_token api",
}


class Listener(socketserver.ThreadingTCPServer):
    """A port that takes whatever comes, and keeps it."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.port = int(self.server_address[1])
        self.taken: list[bytes] = []


class _Taking(socketserver.BaseRequestHandler):
    server: Listener

    def handle(self) -> None:
        self.server.taken.append(b"")
        self.request.settimeout(2)
        with suppress(OSError):
            self.server.taken.append(self.request.recv(65536))


class Proxy(socketserver.ThreadingTCPServer):
    """A proxy that notes every address it is asked for, and opens tunnels to this machine only."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: set[str] = set()


class _Tunnel(socketserver.StreamRequestHandler):
    server: Proxy

    def handle(self) -> None:
        method, target = self.rfile.readline().decode().split()[:2]
        self.server.asked.add(target)
        while self.rfile.readline().strip():
            pass
        host, _, port = target.rpartition(":")
        if method != "CONNECT" or host != "localhost":
            self.wfile.write(b"HTTP/1.1 502 No such place\r\nContent-Length: 0\r\n\r\n")
            return
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", int(port))) as far:
            ends = {self.connection: far, far: self.connection}
            while True:
                for end in select.select(list(ends), [], [], 30)[0]:
                    if not (piece := end.recv(65536)):
                        return
                    ends[end].sendall(piece)


class Org(http.server.ThreadingHTTPServer):
    """
    A server over TLS that answers as it is told.

    Attributes:
        grant: what a refresh is answered with, over the fields of a good answer.
        answers: by part of the path, what else is answered: status, headers, JSON.
        paths: of the requests that came.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.ca_bundle, certificate, key = certificates(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.place = f"localhost:{self.server_port}"
        self.grant: dict[str, Any] = {}
        self.answers: dict[str, tuple[int, dict[str, str], Any]] = {}
        self.paths: list[str] = []

    def be_straight(self) -> None:
        """Forget what it was told, and what came."""
        self.grant, self.answers, self.paths = {}, {}, []


class _Answering(http.server.BaseHTTPRequestHandler):
    server: Org
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer as told; an empty page of a query otherwise."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.paths.append(self.path)
        told = [answer for part, answer in self.server.answers.items() if part in self.path]
        usual: Any = {"totalSize": 0, "done": True, "records": []}
        if self.path == "/services/oauth2/token":
            usual = {**GRANTED, "instance_url": f"https://{self.server.place}", **self.server.grant}
        status, headers, body = told[0] if told else (200, {}, usual)
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(*servers: socketserver.BaseServer) -> Iterator[None]:
    """Serve on threads until the end."""
    with ExitStack() as stack:
        for server in servers:
            stack.enter_context(server)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            stack.callback(server.shutdown)
        yield
