"""See that an installed fullduplex works, with nothing but Python around it.

    smoke.py native|pure

It fails if that isn't the build in use, or if what is imported isn't what was installed.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import os
import platform
import sys
from typing import Any

import fullduplex
from fullduplex import WebSocket, WebSocketServer, connect, kernels, serve
from fullduplex.sync import connect as blocking_connect

# Where a head changes its form, beyond one read, and beyond what a socket takes at once.
SIZES = (0, 1, 125, 126, 65_535, 65_536, 1_000_003)


async def echo(connection: fullduplex.ServerConnection) -> None:
    """Send everything back."""
    async for message in connection:
        await connection.send(message)


async def converse(uri: str, *, compression: bool) -> None:
    """See that messages of both kinds and of many sizes come back as they went."""
    async with connect(uri, compression="deflate" if compression else None, max_size=None) as connection:
        for size in SIZES:
            for message in (os.urandom(size), ("发送 data 😀" * (size // 10 + 1))[:size]):
                await connection.send(message)
                assert await connection.recv() == message
        await connection.send(part for part in ("in ", "pieces ", "发送"))
        assert await connection.recv() == "in pieces 发送"
        assert await (await connection.ping()) >= 0


async def browse(uri: str) -> None:
    """See that the browser's object gets what it sends, and is told of the end."""
    closed = asyncio.Event()
    received: list[object] = []
    socket = WebSocket(uri)
    socket.onopen = lambda _: socket.send("hello")

    def on_message(event: object) -> None:
        received.append(event.data)  # type: ignore[attr-defined]
        socket.close(1000, "enough")

    socket.onmessage = on_message
    socket.onclose = lambda _: closed.set()
    await asyncio.wait_for(closed.wait(), 10)
    assert received == ["hello"]


def block(uri: str) -> None:
    """See that a thread can do without a loop of its own."""
    with blocking_connect(uri) as connection:
        connection.send("blocking")
        assert connection.recv(timeout=10) == "blocking"


def answer(ws: Any, _request: object) -> None:
    """Send everything back, by events."""
    ws.on("message", lambda message, _is_binary: ws.send(message))


async def main() -> None:
    """Try the faces against each other."""
    async with serve(echo, "127.0.0.1", 0, max_size=None) as server:
        uri = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await converse(uri, compression=False)
        await converse(uri, compression=True)
        await browse(uri)
        await asyncio.to_thread(block, uri)
    events = WebSocketServer(host="127.0.0.1", port=0, maxPayload=None)
    events.on("connection", answer)
    listening = asyncio.Event()
    events.on("listening", listening.set)
    await listening.wait()
    await converse(f"ws://127.0.0.1:{events.address()[1]}/", compression=False)
    events.close()


def see_what_it_is(build: str) -> None:
    """See that this is what was installed, and the build that it has to be."""
    engine = importlib.util.find_spec("fullduplex.transport.engine")
    assert fullduplex.__file__.startswith(sys.prefix), f"{fullduplex.__file__} isn't what was installed"
    assert fullduplex.__version__ == importlib.metadata.version("fullduplex")
    assert build == ("native" if kernels.NATIVE else "pure"), f"kernels.NATIVE is {kernels.NATIVE}"
    assert bool(engine) == (build == "native" and sys.platform == "linux"), f"the engine is {engine}"


if __name__ == "__main__":
    see_what_it_is(sys.argv[1])
    asyncio.run(asyncio.wait_for(main(), 60))
    print(f"{sys.argv[1]} on CPython {platform.python_version()}: all faces work.")
