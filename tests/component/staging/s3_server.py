"""
An S3 API on a free local port, in a process of its own: moto, held to what S3 promises.

Three promises the emulator does not keep by itself, and a wrapper makes up for: requests on one key take
effect one after the other, as a whole; an upload that breaks off has no effect; ``If-Match`` and
``If-None-Match`` are honored when a multipart upload is completed. Prints the port and serves until its
standard input ends.

With ``--keep`` it remembers its objects in a folder, as a store with a disk does, and serves until it is
ended.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

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

    def __init__(self, app: Callable[..., Iterable[bytes]], disk: Disk | None = None) -> None:
        self._app, self._one_at_a_time, self._disk = app, threading.Lock(), disk

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
            answer = [b"".join(self._app(environ, start_response))]
            if self._disk is not None and environ["REQUEST_METHOD"] in ("PUT", "POST", "DELETE"):
                self._disk.keep()
            return answer

    def _refused(self, environ: dict[str, Any]) -> bool:
        if environ["REQUEST_METHOD"] != "POST" or "uploadId=" not in environ.get("QUERY_STRING", ""):
            return False
        bucket, _, key = unquote(environ["PATH_INFO"]).lstrip("/").partition("/")
        found = s3_backends[ACCOUNT]["aws"].get_object(bucket, key)
        if environ.get("HTTP_IF_NONE_MATCH") == "*":
            return found is not None
        wanted = environ.get("HTTP_IF_MATCH")
        return wanted is not None and (found is None or found.etag.strip('"') != wanted.strip('"'))


class Disk:
    """
    What is left of the emulator's objects when it is killed: all whose request was answered.

    Multipart uploads that were not completed are lost, as they may be in a store.

    Args:
        folder: of the files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[tuple[str, str], str] = {}

    def load(self) -> None:
        """Have the emulator hold what was kept."""
        store = s3_backends[ACCOUNT]["aws"]
        for bucket in sorted(path for path in self._folder.iterdir() if path.is_dir()):
            store.create_bucket(unquote(bucket.name), "us-east-1")
            for path in bucket.iterdir():
                head, _, content = path.read_bytes().partition(b"\n")
                told = json.loads(head)
                key = store.put_object(unquote(bucket.name), told["key"], content, etag=told["etag"])
                key.last_modified = datetime.fromisoformat(told["at"])
                self._kept[unquote(bucket.name), told["key"]] = f"{told['etag']} {told['at']}"

    def keep(self) -> None:
        """Write what has changed since the last time."""
        found: dict[tuple[str, str], str] = {}
        for name, bucket in s3_backends[ACCOUNT]["aws"].buckets.items():
            (self._folder / quote(name, safe="")).mkdir(exist_ok=True)
            for key in bucket.keys.values():
                etag, at = key.etag.strip('"'), key.last_modified.isoformat()
                found[name, key.name] = mark = f"{etag} {at}"
                if self._kept.get((name, key.name)) != mark:
                    head = json.dumps({"key": key.name, "etag": etag, "at": at}).encode()
                    draft = self._path(name, key.name).with_suffix(".draft")
                    draft.write_bytes(head + b"\n" + key.value)
                    draft.replace(self._path(name, key.name))
        for bucket, name in self._kept.keys() - found.keys():
            self._path(bucket, name).unlink()
        self._kept = found

    def _path(self, bucket: str, key: str) -> Path:
        digest = hashlib.sha256(key.encode()).hexdigest()
        return self._folder / quote(bucket, safe="") / f"{digest}.object"


class Known:
    """
    Lets in who signs with a known access key, and answers the question for health; checks no signature.

    Args:
        app: what is behind it.
        keys: access keys.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], keys: set[str]) -> None:
        self._app, self._keys = app, keys

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if environ["PATH_INFO"] == "/healthz":
            start_response("200 OK", [("Content-Length", "0")])
            return [b""]
        signed = environ.get("HTTP_AUTHORIZATION", "")
        if not any(f"Credential={key}/" in signed for key in self._keys):
            start_response("403 Forbidden", [("Content-Length", "0")])
            return [b""]
        return self._app(environ, start_response)


class Silent(WSGIRequestHandler):
    """No line per request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def main() -> None:
    """Serve until standard input ends, or until the process does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder of what is remembered")
    parser.add_argument(
        "--identities", type=Path, help="who is let in, as SeaweedFS reads it; default: anybody"
    )
    options = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    disk = Disk(options.keep) if options.keep else None
    if disk is not None:
        disk.load()
    app: Any = Promised(DomainDispatcherApplication(create_backend_app), disk)
    if options.identities:
        told = json.loads(options.identities.read_text("utf-8"))["identities"]
        app = Known(app, {each["accessKey"] for one in told for each in one["credentials"]})
    server = make_server(options.host, options.port, app, threaded=True, request_handler=Silent)
    print(server.server_port, flush=True)
    if options.keep:
        server.serve_forever()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
