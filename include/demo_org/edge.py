"""
The web edge: turns requests of the server into calls, and answers into bytes on the wire.

Here live the headers that every answer has, compression, and the faults that spoil the sending of a body.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import secrets
import time
import traceback
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

from demo_org.calls import Call, Reply, json_reply
from demo_org.errors import ApiError
from demo_org.faults import Faults
from demo_org.org import LoggedCall
from demo_org.service import Service
from demo_org.wire import Wire, Wires

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_LARGEST_BODY = 8 * 1024 * 1024
_PIECE = 1 << 18
_STANDING = {
    "Cache-Control": "no-cache,must-revalidate,max-age=0,no-store,private",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
    "Server": "sfdcedge",
}

_COOKIES = (
    b"BrowserId=demo-org; path=/; secure; SameSite=None",
    b"CookieConsentPolicy=0:1; path=/; secure; SameSite=None",
)


class Edge:
    """
    The ASGI application.

    Args:
        service: answers calls.
        wires: the open connections, for faults that break them.
    """

    def __init__(self, service: Service, wires: Wires) -> None:
        self._service = service
        self._wires = wires

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        body = await _body(receive)
        call = _call(scope, body)
        wire = self._wires.of(scope)
        if wire is None:
            return
        reply = await run_in_threadpool(self._answer, call)
        status = 0 if reply.drop else reply.status
        entry = LoggedCall(time.time(), call.method, call.path, status, time.perf_counter() - began)
        if not call.path.startswith("/_demo"):
            self._service.org.note(entry)
        await _Delivery(reply, call, wire, send, self._service.org.faults).run()
        entry.seconds = time.perf_counter() - began

    def _answer(self, call: Call) -> Reply:
        try:
            return self._service.answer(call)
        except Exception as error:  # whatever breaks in here, the caller gets an answer
            traceback.print_exception(error)
            text = f"An unexpected error occurred. Please include this ErrorId: {secrets.randbelow(10**9)}"
            return json_reply(ApiError(500, "UNKNOWN_EXCEPTION", text).body(), call, 500)


class _Delivery:
    """The sending of one answer, faults included."""

    def __init__(self, reply: Reply, call: Call, wire: Wire, send: Send, switchboard: Faults) -> None:
        self._reply = reply
        self._switchboard = switchboard
        self._call = call
        self._wire = wire
        self._send = send

    async def run(self) -> None:
        """Send the answer; whoever wants to know whether it got out is told before its last byte does."""
        try:
            if self._reply.drop or "reset_before_answer" in self._reply.faults:
                await self._note(False)
                self._wire.reset()
            else:
                await self._sent()
        finally:
            await self._note(False)

    async def _sent(self) -> None:
        reply = self._reply
        compressed = self._compresses()
        if reply.faults and reply.status not in {204, 304}:
            await self._spoiled(compressed)
            return
        await self._start(compressed)
        if isinstance(reply.body, bytes) and reply.delivered is None:
            body = gzip.compress(reply.body, 1) if compressed else reply.body
            await self._piece(b"" if self._call.method == "HEAD" else body, last=True)
            return
        async for piece in self._pieces(compressed):
            await self._piece(piece)
        await self._finish()

    async def _finish(self) -> None:
        await self._note(not self._wire.closing())
        await self._piece(b"", last=True)

    async def _note(self, whole: bool) -> None:
        told, self._reply.delivered = self._reply.delivered, None
        if told is not None:
            await run_in_threadpool(told, whole)

    def _compresses(self) -> bool:
        wanted = "gzip" in self._call.headers.get("accept-encoding", "")
        return wanted and self._reply.body != b"" and self._reply.status not in {204, 304}

    def _pieces(self, compressed: bool) -> AsyncIterator[bytes]:
        body = self._reply.body
        source: Iterator[bytes] = iter([body]) if isinstance(body, bytes) else body
        return iterate_in_threadpool(_compressed(source) if compressed else source)

    async def _piece(self, body: bytes, *, last: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": not last})

    async def _start(self, compressed: bool, length: int | None = None) -> None:
        reply = self._reply
        request_id = secrets.token_hex(16)
        date = formatdate(time.time() + self._switchboard.skew(), usegmt=True)
        headers = {"Date": date, **_STANDING, "X-SFDC-Request-Id": request_id, "X-Request-Id": request_id}
        headers |= reply.headers
        if reply.content_type:
            headers["Content-Type"] = reply.content_type
        if compressed:
            headers["Content-Encoding"] = "gzip"
        if length is None and reply.body == b"" and reply.status not in {204, 304}:
            length = 0
        if length is not None:
            headers["Content-Length"] = str(length)
        listed = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        listed += [(b"set-cookie", cookie) for cookie in _COOKIES]
        await self._send({"type": "http.response.start", "status": reply.status, "headers": listed})

    async def _spoiled(self, compressed: bool) -> None:
        body = b"".join([piece async for piece in self._pieces(compressed)])
        faults = self._reply.faults
        if "truncate_gzip" in faults and not compressed:
            body, compressed = gzip.compress(body), True
        for name in ("truncate_silently", "truncate_gzip"):
            if name in faults:
                body = body[: int(len(body) * float(faults[name]["after"]))]
        breaking = next((name for name in _BREAKING if name in faults), None)
        length = len(body) if faults.get("truncate_body", {}).get("framing") == "length" else None
        if "wrong_length" in faults:
            await self._miscounted(compressed, body, int(faults["wrong_length"]["by"]))
            return
        await self._start(compressed, length)
        if breaking is not None:
            await self._break(body, breaking, faults[breaking])
            return
        await self._paced(body, faults)
        await self._finish()

    async def _break(self, body: bytes, name: str, options: dict[str, Any]) -> None:
        part = body[: max(1, int(len(body) * float(options.get("after", 0.5))))]
        await self._piece(part)
        await self._note(False)
        # What was written must be on its way before the connection goes: else the client would see nothing.
        await asyncio.sleep(0.05)
        if name == "reset_mid_body":
            self._wire.reset()
        else:
            self._wire.close()

    async def _miscounted(self, compressed: bool, body: bytes, by: int) -> None:
        length = max(1, len(body) + by)
        await self._start(compressed, length)
        await self._piece(body[:length], last=by <= 0)
        await asyncio.sleep(0.05)
        if by > 0:
            await self._note(False)
            self._wire.close()
        else:
            self._wire.spill(body[length:])

    async def _paced(self, body: bytes, faults: dict[str, dict[str, Any]]) -> None:
        if "slow_drip" in faults:
            size, pause = int(faults["slow_drip"]["bytes"]), float(faults["slow_drip"]["pause"])
            for start in range(0, len(body), size):
                await self._piece(body[start : start + size])
                await asyncio.sleep(pause)
            return
        if "stall" in faults:
            place = int(len(body) * float(faults["stall"]["after"]))
            await self._piece(body[:place])
            await self._stalled(float(faults["stall"]["seconds"]))
            body = body[place:]
        await self._piece(body)

    async def _stalled(self, seconds: float) -> None:
        """Wait; no longer than the fault is switched on."""
        over = time.monotonic() + seconds
        while self._switchboard.options("stall") and (left := over - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.1))


_BREAKING = ("reset_mid_body", "truncate_body", "token_answer_truncated")


def _compressed(source: Iterator[bytes]) -> Iterator[bytes]:
    squeeze = zlib.compressobj(1, zlib.DEFLATED, 31)
    for piece in source:
        for start in range(0, len(piece), _PIECE):
            packed = squeeze.compress(piece[start : start + _PIECE])
            if packed:
                yield packed
    yield squeeze.flush()


async def _body(receive: Receive) -> bytes:
    parts = []
    for _ in itertools.count():
        message = await receive()
        parts.append(message.get("body", b""))
        if sum(map(len, parts)) > _LARGEST_BODY or not message.get("more_body"):
            return b"".join(parts)
    return b""


def _call(scope: Scope, body: bytes) -> Call:
    headers: dict[str, str] = {}
    size = 0
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
        size += len(name) + len(value) + 4
    raw_query = scope["query_string"].decode("latin-1")
    raw_path = scope.get("raw_path") or scope["path"].encode()
    uri_size = len(raw_path) + (len(raw_query) + 1 if raw_query else 0)
    query: dict[str, str] = {}
    for name, value in parse_qsl(raw_query, keep_blank_values=True):
        query.setdefault(name, value)
    host = headers.get("host", "localhost")
    client = scope.get("client") or ("127.0.0.1", 0)
    return Call(
        scope["method"],
        unquote(raw_path.decode("latin-1")),
        query,
        headers,
        body,
        f"{scope['scheme']}://{host}",
        str(client[0]),
        size + uri_size,
        uri_size,
    )
