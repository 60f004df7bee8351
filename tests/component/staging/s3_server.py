"""
An S3 API on a free local port, in a process of its own: moto, held to what S3 promises.

Three promises the emulator does not keep by itself, and a wrapper makes up for: requests on one key take
effect one after the other, as a whole; an upload that breaks off has no effect; ``If-Match`` and
``If-None-Match`` are honored when a multipart upload is completed. Prints the port and serves until its
standard input ends.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

ACCOUNT = "123456789012"
_REFUSED = (
    b'<?xml version="1.0"?><Error><Code>PreconditionFailed</Code>'
    b"<Message>At least one of the pre-conditions you specified did not hold</Message></Error>"
)


class Promised:
    """The wrapper."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app, self._one_at_a_time = app, threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        if len(body) < length:
            start_response("400 Bad Request", [("Content-Length", "0")])
            return [b""]
        environ["wsgi.input"] = io.BytesIO(body)
        with self._one_at_a_time:
            if self._refused(environ):
                start_response(
                    "412 Precondition Failed",
                    [("Content-Type", "application/xml"), ("Content-Length", str(len(_REFUSED)))],
                )
                return [_REFUSED]
            return [b"".join(self._app(environ, start_response))]

    def _refused(self, environ: dict[str, Any]) -> bool:
        if environ["REQUEST_METHOD"] != "POST" or "uploadId=" not in environ.get("QUERY_STRING", ""):
            return False
        bucket, _, key = unquote(environ["PATH_INFO"]).lstrip("/").partition("/")
        found = s3_backends[ACCOUNT]["aws"].get_object(bucket, key)
        if environ.get("HTTP_IF_NONE_MATCH") == "*":
            return found is not None
        wanted = environ.get("HTTP_IF_MATCH")
        return wanted is not None and (found is None or found.etag.strip('"') != wanted.strip('"'))


class Silent(WSGIRequestHandler):
    """No line per request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def main() -> None:
    """Serve until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    app = Promised(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
