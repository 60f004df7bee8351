"""
A callback address on this machine: one request of a browser is waited for (RFC 8252 §7.3).

The server listens on 127.0.0.1 only, knows one path, and forgets what it was sent.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from license_ledger.errors import ConfigError
from license_ledger.salesforce.authorization import LOOPBACK_PATH

__all__ = ["Loopback"]

_HEAD = "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>License Ledger</title></head>"
_STYLE = "<body style='font:18px system-ui,sans-serif;max-width:32rem;margin:12vh auto;padding:0 1rem'>"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Another program on the same port would get the code instead.
    allow_reuse_address = False


class Loopback:
    """
    Waits for a browser on ``http://localhost:<port>/callback``. A context manager.

    Args:
        port: to listen on; 0 takes any that is free.
        answers: gets the address's path and query, once for each request to the callback path.

    Raises:
        ConfigError: the port is taken.
    """

    def __init__(self, port: int, answers: queue.Queue[str]) -> None:
        try:
            self._server = _Server(("127.0.0.1", port), _handler(answers.put))
        except OSError as error:
            raise ConfigError(
                f"listening on port {port}",
                error.strerror or "is not possible",
                "name another one with --port, the same as in the app's callback address, or use --paste",
            ) from None
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def address(self) -> str:
        """The callback address, as it must stand in the app."""
        return f"http://localhost:{self._server.server_address[1]}{LOOPBACK_PATH}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(take: Callable[[str], None]) -> type[BaseHTTPRequestHandler]:
    class Callback(BaseHTTPRequestHandler):
        server_version, sys_version = "license-ledger", ""
        timeout = 10

        def do_GET(self) -> None:
            if urlsplit(self.path).path != LOOPBACK_PATH:
                self._say(404, "There is nothing here.")
                return
            self._say(200, "The answer has arrived. Go back to the terminal; this page can be closed.")
            take(self.path)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the first line of the request holds the code."""

        def _say(self, status: int, text: str) -> None:
            body = f"{_HEAD}{_STYLE}<p>{text}</p></body></html>".encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            # The address holds the code: no cache keeps it, no page it leads to is told.
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(body)

    return Callback
