"""
A proxy on a free local port in front of an S3 API, which spoils requests when it is told to. A program.

It passes everything on, but for what ``POST /_faults`` orders: ``{"kind": "503", "nth": 3, "count": 2}``
strikes the third and the fourth request from then on, ``{}`` nothing. Kinds: ``503`` (SlowDown), ``500``,
``reset`` (carried out, then the connection is cut), ``unsent`` (cut before it is carried out), ``slow`` (half
a second late). ``GET /_faults`` tells how many requests were seen and struck. Prints the port and serves
until its standard input ends::

    python tests/component/faults/s3_proxy.py http://127.0.0.1:5000
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

CONTROL = "/_faults"
ERRORS = {
    "503": (503, "SlowDown", "Please reduce your request rate."),
    "500": (500, "InternalError", "We encountered an internal error. Please try again."),
}
_HOPS = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class Orders:
    """What is to be spoiled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._order: dict[str, Any] = {}
        self.seen = self.struck = 0

    def take_down(self, order: dict[str, Any]) -> None:
        """Replace the order; counting begins anew."""
        with self._lock:
            self._order, self.seen, self.struck = order, 0, 0

    def kind(self) -> str:
        """Count a request, and tell what is to become of it; empty for nothing."""
        with self._lock:
            self.seen += 1
            if not self._order:
                return ""
            first = int(self._order.get("nth", 1))
            if not first <= self.seen < first + int(self._order.get("count", 1)):
                return ""
            self.struck += 1
            return str(self._order["kind"])


class Proxy(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    upstream = ""
    orders = Orders()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == CONTROL:
            self._obey(body)
            return
        kind = self.orders.kind()
        if kind in ERRORS:
            self._refuse(*ERRORS[kind])
            return
        if kind == "unsent":
            self._cut()
            return
        if kind == "slow":
            time.sleep(0.5)
        status, headers, content = self._pass_on(body)
        if kind == "reset":
            self._cut()
            return
        self._reply(status, headers, content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve

    def _pass_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        there = http.client.HTTPConnection(self.upstream, timeout=60)
        try:
            there.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in {"connection", "expect"}:
                    there.putheader(name, value)
            there.endheaders(body or None)
            answer = there.getresponse()
            headers = [(name, value) for name, value in answer.getheaders() if name.lower() != "connection"]
            return answer.status, headers, answer.read()
        finally:
            there.close()

    def _reply(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        for name, value in headers:
            if name.lower() not in _HOPS - {"date"}:
                self.send_header(name, value)
        told = lengths[0] if self.command == "HEAD" and lengths else str(len(content))
        self.send_header("Content-Length", told)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _refuse(self, status: int, code: str, message: str) -> None:
        text = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
        self._reply(status, [("Content-Type", "application/xml")], text.encode())

    def _cut(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _obey(self, body: bytes) -> None:
        if self.command == "POST":
            self.orders.take_down(json.loads(body))
        told = json.dumps({"seen": self.orders.seen, "struck": self.orders.struck}).encode()
        self._reply(200, [("Content-Type", "application/json")], told)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is killed leaves its connection behind; nobody needs to know."""


def main(upstream: str) -> None:
    """Serve until standard input ends."""
    Proxy.upstream = urlsplit(upstream).netloc
    server = _Server(("127.0.0.1", 0), Proxy)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
