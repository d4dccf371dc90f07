"""A real uvicorn server, and programs for it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn

from fullduplex.asgi import UvicornProtocol

from ..loops import LOOPS

virtual = pytest.mark.asyncio(loop_factories=["virtual"])
#: Where what the loop does to a transport is the subject.
real = pytest.mark.asyncio(loop_factories=list(LOOPS))

#: uvicorn has two HTTP implementations, and each hands over in its own way.
IMPLEMENTATIONS = ["h11", "httptools"]


@dataclass
class Running:
    """A uvicorn server that listens."""

    uvicorn: uvicorn.Server

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The listening sockets."""
        return self.uvicorn.servers[0].sockets

    @property
    def connections(self) -> set[Any]:
        """The protocols of the connections that it knows."""
        return self.uvicorn.server_state.connections


@contextlib.asynccontextmanager
async def running(program: Any, **options: Any) -> AsyncIterator[Running]:
    """Run a program under uvicorn, with our protocol unless another is given."""
    options = {"ws": UvicornProtocol, "host": "127.0.0.1", "port": 0, "log_config": None, **options}
    config = uvicorn.Config(program, **options)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    await server.on_tick(0)
    try:
        yield Running(server)
    finally:
        await server.shutdown()


class Program:
    """An ASGI program that accepts, sends every message back, and notes scopes and messages."""

    def __init__(self) -> None:
        self.scopes: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        self._ended = asyncio.Event()

    @property
    def connection(self) -> Any:
        """The last connection."""
        return self.scopes[-1]["extensions"]["fullduplex"]["connection"]

    async def told(self) -> dict[str, Any]:
        """Wait until the program is told of the end, and return that message."""
        async with asyncio.timeout(3600):
            await self._ended.wait()
        return self.received[-1]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection, or refuse to have a lifespan."""
        if scope["type"] == "lifespan":
            raise RuntimeError("no lifespan here")
        self.scopes.append(scope)
        await self.serve(self._noting(receive), send)

    def _noting(self, receive: Any) -> Any:
        async def noted() -> Any:
            message = await receive()
            self.received.append(message)
            if message["type"] == "websocket.disconnect":
                self._ended.set()
            return message

        return noted

    async def serve(self, receive: Any, send: Any) -> None:
        """Serve one connection."""
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})


class Saying(Program):
    """Sends the messages that it was made with, and then receives until the connection is closed."""

    def __init__(self, *messages: dict[str, Any], accepts: bool = False) -> None:
        super().__init__()
        self.messages = [*([{"type": "websocket.accept"}] if accepts else []), *messages]
        #: What the sending of each message raised.
        self.raised: list[Exception] = []

    async def serve(self, receive: Any, send: Any) -> None:
        """Serve one connection."""
        await receive()
        for message in self.messages:
            try:
                await send(message)
            except Exception as error:
                self.raised.append(error)
        while (await receive())["type"] == "websocket.receive":
            pass
