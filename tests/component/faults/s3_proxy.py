"""
A proxy on a free local port in front of an S3 API, which spoils requests when it is told to. A program.

It passes everything on, but for what ``POST /_faults`` orders: ``{"kind": "503", "nth": 3, "count": 2}``
strikes the third and the fourth request from then on, ``{}`` nothing; with ``"method": "GET"`` only requests
of that kind count. Kinds:

======================  ======================================================================
``503``, ``500``        SlowDown, InternalError
``403``                 AccessDenied
``unsent``, ``reset``   the connection is cut before, after the request is carried out
``truncated``           carried out; half of the body arrives, then the connection is cut
``stall``               carried out; no answer within ``seconds``, then the connection is cut
``slow``, ``drip``      the answer is half a second late, comes in pieces with pauses
======================  ======================================================================

``GET /_faults`` tells how many requests were ``seen``, how many ``gets`` there were, and how many were
``struck``. Prints the port and serves until its standard
input ends::

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
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

CONTROL = "/_faults"
ERRORS = {
    "503": (503, "SlowDown", "Please reduce your request rate."),
    "500": (500, "InternalError", "We encountered an internal error. Please try again."),
    "403": (403, "AccessDenied", "Access Denied"),
}
_HOPS = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class Orders:
    """What is to be spoiled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._order: dict[str, Any] = {}
        self.seen = self.struck = self.gets = 0

    def take_down(self, order: dict[str, Any]) -> None:
        """Replace the order; counting begins anew."""
        with self._lock:
            self._order, self.seen, self.struck, self.gets = order, 0, 0, 0

    @property
    def seconds(self) -> float:
        """How long an answer that stalls is held."""
        return float(self._order.get("seconds", 60))

    def kind(self, method: str) -> str:
        """Count a request, and tell what is to become of it; empty for nothing."""
        with self._lock:
            self.gets += method == "GET"
            if self._order.get("method", method) != method:
                return ""
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
    disable_nagle_algorithm = True
    upstream = ""
    orders = Orders()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == CONTROL:
            self._obey(body)
            return
        kind = self.orders.kind(self.command)
        if kind in ERRORS:
            self._refuse(*ERRORS[kind])
        elif kind == "unsent":
            self._cut()
        else:
            self._spoil(kind, *self._pass_on(body))

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

    def _spoil(self, kind: str, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        """Give an answer as the order wants it."""
        if kind in ("reset", "stall"):
            time.sleep(self.orders.seconds if kind == "stall" else 0)
            self._cut()
            return
        if kind == "slow":
            time.sleep(0.5)
        size = max(1, len(content) // {"truncated": 2, "drip": 4}.get(kind, 1))
        self._reply(
            status, headers, content, [content[:size]] if kind == "truncated" else _cut_up(content, size)
        )
        self.close_connection = self.close_connection or kind == "truncated"

    def _reply(
        self, status: int, headers: list[tuple[str, str]], content: bytes, pieces: Sequence[bytes] = ()
    ) -> None:
        """Answer; the body is sent in pieces with pauses, if they are given."""
        self.send_response_only(status)
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        for name, value in headers:
            if name.lower() not in _HOPS - {"date"}:
                self.send_header(name, value)
        told = lengths[0] if self.command == "HEAD" and lengths else str(len(content))
        self.send_header("Content-Length", told)
        self.end_headers()
        for number, piece in enumerate(pieces or [content] if self.command != "HEAD" else ()):
            time.sleep(0.01 if number else 0)
            self.wfile.write(piece)

    def _refuse(self, status: int, code: str, message: str) -> None:
        text = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
        self._reply(status, [("Content-Type", "application/xml")], text.encode())

    def _cut(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _obey(self, body: bytes) -> None:
        if self.command == "POST":
            self.orders.take_down(json.loads(body))
        told = {name: getattr(self.orders, name) for name in ("seen", "gets", "struck")}
        self._reply(200, [("Content-Type", "application/json")], json.dumps(told).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _cut_up(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


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
