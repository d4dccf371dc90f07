"""Proxies that listen: HTTP's CONNECT, with TLS or without, and SOCKS in all its versions."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from .ends import port_of

#: Names that only a proxy knows, and addresses, of which a test's server may listen on either.
HERE = dict.fromkeys(("only.there", "127.0.0.1", "::1"), "localhost")

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Proxy:
    """A proxy: where it listens, who may use it, and what it was asked for."""

    scheme: str
    credentials: tuple[str, str] | None = None
    port: int = 0
    asked: list[tuple[str, int]] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)

    def url(self, userinfo: str = "") -> str:
        """Return the proxy's address."""
        return f"{self.scheme}://{userinfo}localhost:{self.port}"

    async def connect(self, host: str, port: int) -> Streams:
        """Connect to where the client asked to."""
        self.asked.append((host, port))
        return await asyncio.open_connection(HERE.get(host, host), port)


async def talk_http(
    proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Streams | None:
    """Answer a CONNECT request; return the way to the server."""
    head = await reader.readuntil(b"\r\n\r\n")
    proxy.heads.append(head)
    method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
    assert method == "CONNECT"
    if proxy.credentials is not None:
        expected = base64.b64encode(":".join(proxy.credentials).encode())
        if b"\r\nProxy-Authorization: Basic " + expected + b"\r\n" not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return None
    host, _, port = target.rpartition(":")
    try:
        server = await proxy.connect(host.strip("[]"), int(port))
    except OSError:
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        return None
    writer.write(b"HTTP/1.0 200 Connection established\r\nProxy-Agent: test\r\n\r\n")
    return server


async def talk_socks5(
    proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Streams | None:
    """Answer a client of SOCKS5; return the way to the server."""
    version, count = await reader.readexactly(2)
    methods = await reader.readexactly(count)
    assert version == 5
    if proxy.credentials is None:
        writer.write(b"\x05\x00")
    elif 2 not in methods:
        writer.write(b"\x05\xff")
        return None
    else:
        writer.write(b"\x05\x02")
        assert await reader.readexactly(1) == b"\x01"
        given = [(await reader.readexactly((await reader.readexactly(1))[0])).decode() for _ in range(2)]
        is_right = tuple(given) == proxy.credentials
        writer.write(b"\x01\x00" if is_right else b"\x01\x01")
        if not is_right:
            return None
    assert await reader.readexactly(3) == b"\x05\x01\x00"
    match (await reader.readexactly(1))[0]:
        case 1:
            host = socket.inet_ntop(socket.AF_INET, await reader.readexactly(4))
        case 4:
            host = socket.inet_ntop(socket.AF_INET6, await reader.readexactly(16))
        case _:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    port = int.from_bytes(await reader.readexactly(2), "big")
    try:
        server = await proxy.connect(host, port)
    except OSError:
        writer.write(b"\x05\x05\x00\x01" + bytes(6))
        return None
    writer.write(b"\x05\x00\x00\x01" + bytes(6))
    return server


async def talk_socks4(
    proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Streams | None:
    """Answer a client of SOCKS4 or 4a; return the way to the server."""
    assert await reader.readexactly(2) == b"\x04\x01"
    port = int.from_bytes(await reader.readexactly(2), "big")
    address = await reader.readexactly(4)
    username = (await reader.readuntil(b"\x00"))[:-1].decode()
    host = socket.inet_ntop(socket.AF_INET, address)
    if address[:3] == bytes(3):
        host = (await reader.readuntil(b"\x00"))[:-1].decode()
    if proxy.credentials is not None and username != proxy.credentials[0]:
        writer.write(b"\x00\x5d" + bytes(6))
        return None
    server = await proxy.connect(host, port)
    writer.write(b"\x00\x5a" + bytes(6))
    return server


TALKS: dict[str, Callable[[Proxy, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Streams | None]]] = {
    "http": talk_http,
    "https": talk_http,
    "socks4": talk_socks4,
    "socks4a": talk_socks4,
    "socks5": talk_socks5,
    "socks5h": talk_socks5,
}


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on whatever comes, and its end."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
            return
    writer.close()


@contextlib.asynccontextmanager
async def listening(proxy: Proxy, tls: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """Have a proxy listen on a port of its own; end whatever goes through it with the block."""
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        writers = [writer]
        with contextlib.suppress(ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            server = await TALKS[proxy.scheme](proxy, reader, writer)
            if server is not None:
                writers.append(server[1])
                await asyncio.gather(pump(reader, server[1]), pump(server[0], writer))
        for one in writers:
            one.close()

    server = await asyncio.start_server(converse, "localhost", 0, ssl=tls)
    proxy.port = port_of(server)
    try:
        yield proxy
    finally:
        server.close()
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations)
