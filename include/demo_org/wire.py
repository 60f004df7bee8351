"""Open connections, so that a fault can cut one."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from asyncio import BaseTransport, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Wire:
    """One connection."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._handle = transport.get_extra_info("socket")

    def closing(self) -> bool:
        """Tell whether the other side, or a fault, has closed the connection."""
        return bool(self._transport.is_closing())

    def spill(self, rest: bytes) -> None:
        """Send bytes that belong to no answer."""
        self._transport.write(rest)

    def close(self) -> None:
        """Close the connection in an orderly way, whatever HTTP still expects."""
        self._transport.close()

    def reset(self) -> None:
        """Cut the connection at once: the other side sees a reset."""
        with contextlib.suppress(OSError), self._twin() as twin:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def end(self) -> None:
        """Cut the connection even where TLS is still waiting for the other side to say goodbye."""
        self._transport.abort()
        with contextlib.suppress(OSError), self._twin() as twin:
            twin.shutdown(socket.SHUT_RDWR)

    def _twin(self) -> socket.socket:
        """Give the socket under the transport once more: event loops hide it in wrappers of their own."""
        return socket.socket(fileno=os.dup(self._handle.fileno()))


class Wires:
    """The connections of a server, by the addresses of their two sides."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int, int], Wire] = {}

    def add(self, transport: BaseTransport) -> None:
        """Note a new connection."""
        self._open[_sides(transport)] = Wire(transport)

    def remove(self, wire: tuple[str, int, int]) -> None:
        """Forget a connection that is gone."""
        self._open.pop(wire, None)

    def cut_all(self) -> None:
        """Cut every connection: clients that keep theirs open must not keep the server alive."""
        for wire in list(self._open.values()):
            wire.end()

    def of(self, scope: dict[str, Any]) -> Wire | None:
        """Find the connection of a request; None if it is gone already."""
        peer, here = scope["client"], scope["server"]
        return self._open.get((str(peer[0]), int(peer[1]), int(here[1])))


def _sides(transport: BaseTransport) -> tuple[str, int, int]:
    peer, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    return str(peer[0]), int(peer[1]), int(here[1])


def protocol_for(wires: Wires) -> type[HttpToolsProtocol]:
    """
    Make a protocol that notes its connections.

    Args:
        wires: where to note them.

    Returns:
        A protocol class for the server.
    """

    class NotedProtocol(HttpToolsProtocol):
        """HTTP over a connection that faults can get hold of."""

        def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
            self._noted = _sides(transport)
            wires.add(transport)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            wires.remove(self._noted)
            super().connection_lost(exc)

    return NotedProtocol
