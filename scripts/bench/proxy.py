"""A CONNECT proxy that knows a few hosts, all of which are ports of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping


async def serve_proxy(hosts: Mapping[str, int]) -> tuple[asyncio.Server, int]:
    """
    Serve in this event loop.

    Args:
        hosts: the port of the loopback interface behind each host name; any other is refused.

    Returns:
        The server and its port.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _tunnel(hosts, reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def _tunnel(
    hosts: Mapping[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    method, _, rest = head.decode("latin-1").partition(" ")
    host = rest.partition(" ")[0].rpartition(":")[0]
    if method != "CONNECT" or host not in hosts:
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        return
    beyond_reader, beyond_writer = await asyncio.open_connection("127.0.0.1", hosts[host])
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await writer.drain()
    await asyncio.gather(_pass_on(reader, beyond_writer), _pass_on(beyond_reader, writer))


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(1 << 16):
            target.write(piece)
            await target.drain()
    except ConnectionError:
        pass
    finally:
        target.close()
