"""
The server of a bench: a demo org whose large answers are prepared once and then sent as they are.

The first time something is asked the demo org answers, and every byte is kept; from then on that answer is
sent again, so that the server takes next to no time and every contender reads the same bytes. Sessions are
checked each time. Counted are the calls of the API, what they answered in bytes, and processor seconds.

Some contenders know no other login host than Salesforce's own. For them a CONNECT proxy leads that host, and
no other, to this server, whose certificate has its name as well.

Usage: python -m bench.front ORDER, a JSON object: users, state (a folder), options of the world.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import re
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bench.bulk_one import BulkOne
from bench.certificates import LOGIN_HOST, certificates
from bench.proxy import serve_proxy
from demo_org.edge import Edge
from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.wire import Wires, protocol_for
from demo_org.world import World
from demo_org.world.options import WorldOptions

__all__ = ["Front"]

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SEED = 11
TODAY = date(2026, 11, 24)
_KEPT = re.compile(
    r"^/services/data/v\d+\.0/(query(All)?/?$|query(All)?/\w+-\d+$|jobs/query/\w+/(results|resultPages)$)"
)
_JOBS = re.compile(r"^/services/data/v\d+\.0/jobs/query$")
_JOB = re.compile(r"^/services/data/v\d+\.0/jobs/query/\w+$")
_BULK_ONE = re.compile(r"^/services/async/")
_MOST_KEPT = 10 << 30


def world(users: int) -> World:
    """The org of every bench: thirty described fields of User can be asked, hard texts among them."""
    options = WorldOptions(feature_licenses=(), torture_share=0.05)
    return World(seed=SEED, users=users, today=TODAY, options=options)


@dataclass
class Counters:
    """What the contenders have asked for since the last reset."""

    calls: int = 0
    answered: int = 0
    began: float = field(default_factory=time.process_time)


class Front:
    """
    The ASGI application.

    Args:
        org: answers what has not been asked before.
        wires: the open connections of the server.
    """

    def __init__(self, org: DemoOrg, wires: Wires) -> None:
        self._org = org.org
        self._edge = Edge(org.service, wires)
        self._bulk_one = BulkOne(self._org)
        self._kept: dict[tuple[str, ...], list[Message]] = {}
        self._size = 0
        self._counters = Counters()
        self.compresses = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        if path == "/_bench":
            await self._tell(receive, send)
        elif path.startswith("/services/"):
            await self._counted(scope, receive, send)
        else:
            await self._edge(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/services/data/") or _BULK_ONE.match(scope["path"]):
            self._counters.calls += 1

        async def counting(message: Message) -> None:
            self._counters.answered += len(message.get("body", b""))
            await send(message)

        if not self.compresses:
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]}
        await self._answer(scope, receive, counting)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        if _BULK_ONE.match(path):
            body = await _body(receive)
            answer = await asyncio.to_thread(self._bulk_one.answer, method, path, body)
            compressed = bool(_asked(scope["headers"])[0])
            await _respond(send, 200 if answer else 404, answer or b"{}", compressed=compressed)
        elif not self._has_session(scope):
            await self._edge(scope, receive, send)
        elif method == "POST" and _JOBS.match(path):
            body = await _body(receive)
            await self._remembered((method, path, body.decode()), scope, _given(body), send)
        elif method == "DELETE" and _JOB.match(path):
            # Whoever asks the same again gets the same job.
            await _respond(send, 204, b"")
        elif method == "GET" and _KEPT.match(path):
            key = (method, path, scope["query_string"].decode(), *_asked(scope["headers"]))
            await self._remembered(key, scope, receive, send)
        else:
            await self._edge(scope, receive, send)

    async def _remembered(self, key: tuple[str, ...], scope: Scope, receive: Receive, send: Send) -> None:
        kept = self._kept.get(key)
        if kept is None:
            kept = []

            async def keeping(message: Message) -> None:
                kept.append(message)
                await send(message)

            await self._edge(scope, receive, keeping)
            size = sum(len(message.get("body", b"")) for message in kept)
            if kept[0].get("status") == 200 and self._size + size <= _MOST_KEPT:
                self._kept[key] = _joined(kept)
                self._size += size
            return
        for message in kept:
            await send(message)

    def _has_session(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")[2]
        return self._org.grants.session(token.strip()) is not None

    async def _tell(self, receive: Receive, send: Send) -> None:
        """Tell the counters; a body sets ``compresses`` and begins to count anew."""
        body = await _body(receive)
        now = time.process_time()
        told = {
            "calls": self._counters.calls,
            "bytes": self._counters.answered,
            "cpu_seconds": now - self._counters.began,
        }
        if body:
            self.compresses = bool(json.loads(body)["compresses"])
            self._counters = Counters()
        await _respond(send, 200, json.dumps(told).encode())


def _asked(headers: list[tuple[bytes, bytes]]) -> tuple[str, str]:
    """What of the headers decides how an answer looks."""
    found = dict(headers)
    compressed = "gzip" if b"gzip" in found.get(b"accept-encoding", b"") else ""
    return compressed, found.get(b"sforce-query-options", b"").decode("latin-1")


def _joined(messages: list[Message]) -> list[Message]:
    """The same answer in pieces of a megabyte or so, and with its length known."""
    body = b"".join(message.get("body", b"") for message in messages)
    start = dict(messages[0])
    names = {name for name, _ in start["headers"]}
    if b"content-length" not in names:
        start["headers"] = [*start["headers"], (b"content-length", str(len(body)).encode())]
    size = 1 << 20
    pieces = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    last = len(pieces) - 1
    return [
        start,
        *(
            {"type": "http.response.body", "body": piece, "more_body": number < last}
            for number, piece in enumerate(pieces)
        ),
    ]


def _given(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _respond(send: Send, status: int, body: bytes, *, compressed: bool = False) -> None:
    headers = [(b"content-type", b"application/json;charset=UTF-8")]
    if compressed:
        body = await asyncio.to_thread(gzip.compress, body, 1)
        headers.append((b"content-encoding", b"gzip"))
    if status != 204:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _listening() -> socket.socket:
    # Named as TCP, so that asyncio switches Nagle's delay off.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


async def _serve(users: int, state: Path) -> None:
    bundle, certificate, key = certificates(state)
    https, plain = _listening(), _listening()
    url = f"https://localhost:{https.getsockname()[1]}"
    # A contender that opens a cursor or a job has as many calls as it needs: limits are not the matter here.
    options = OrgOptions(
        bulk_seconds=0.05,
        instance_url=url,
        daily_requests=100_000_000,
        most_cursors=1000,
        grants_per_user=1000,
    )
    org = DemoOrg(world(users), options, state)
    wires = Wires()
    front = Front(org, wires)
    config: dict[str, Any] = {
        "app": front,
        "http": _spelling(protocol_for(wires)),
        "lifespan": "off",
        "log_level": "error",
        "access_log": False,
        "timeout_keep_alive": 60,
    }
    secure = uvicorn.Config(**config, ssl_certfile=str(certificate), ssl_keyfile=str(key))
    servers = [_Quiet(uvicorn.Config(**config)), _Quiet(secure)]
    proxy, proxy_port = await serve_proxy({LOGIN_HOST: https.getsockname()[1]})
    tasks = [
        asyncio.ensure_future(server.serve(sockets=[listener]))
        for server, listener in zip(servers, (plain, https), strict=True)
    ]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: _leave(servers))
    while not all(server.started for server in servers):
        await asyncio.sleep(0.01)
    access = org.access
    told = {
        "url": url,
        "plain_url": f"http://127.0.0.1:{plain.getsockname()[1]}",
        "proxy": f"http://127.0.0.1:{proxy_port}",
        "ca_bundle": str(bundle),
        "client_id": access.client_id,
        "client_secret": access.client_secret,
        "refresh_token": access.refresh_token,
        "username": access.username,
        "password": access.password,
    }
    print(json.dumps(told), flush=True)
    await asyncio.gather(*tasks)
    proxy.close()


class _Quiet(uvicorn.Server):
    """A server that leaves the signals alone: there are two of them in this process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _spelling(protocol: type[HttpToolsProtocol]) -> type[HttpToolsProtocol]:
    """The protocol with the one header spelled as Salesforce does that a contender wants spelled so."""

    class SpellingProtocol(protocol):  # type: ignore[misc, valid-type]
        """Writes through a transport that spells."""

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(_Spelled(transport))

    return SpellingProtocol


class _Spelled:
    """A transport that writes ``Content-Type`` where the server, in all correctness, has lower case."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write."""
        if data.startswith(b"HTTP/1.1 "):
            data = data.replace(b"\r\ncontent-type: ", b"\r\nContent-Type: ", 1)
        self._transport.write(data)


def _leave(servers: list[_Quiet]) -> None:
    for server in servers:
        server.should_exit = server.force_exit = True


def main() -> None:
    """Serve until SIGTERM; prints one line of JSON when ready."""
    order = json.loads(sys.argv[1])
    state = Path(order["state"])
    state.mkdir(parents=True, exist_ok=True)
    asyncio.run(_serve(int(order["users"]), state))


if __name__ == "__main__":
    main()
