"""The connection of an ASGI scope, or what stands in for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from fullduplex import ConnectionClosedError, ConnectionClosedOK, ServerConnection, State, connect
from fullduplex.asgi import PlainConnection, UvicornProtocol, connection

from ..aio.ends import url_of
from .programs import running, virtual


class Peer:
    """The server's side of an application: gives the messages that it was made with, and keeps others."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)
        self.sent: list[Any] = []
        self.is_gone = False

    async def receive(self) -> Any:
        """Give the next message."""
        return self.messages.pop(0)

    async def send(self, message: Any) -> None:
        """Keep a message."""
        if self.is_gone:
            raise BrokenPipeError
        self.sent.append(message)

    @property
    def connection(self) -> PlainConnection:
        """What an application makes of it."""
        found = connection({"type": "websocket"}, self.receive, self.send)
        assert isinstance(found, PlainConnection)
        return found


def disconnect(code: int, reason: str | None = None) -> dict[str, Any]:
    """Return the message that tells of the end."""
    return {"type": "websocket.disconnect", "code": code, "reason": reason}


def text(said: str) -> dict[str, Any]:
    """Return a message as many servers give it, with both keys."""
    return {"type": "websocket.receive", "text": said, "bytes": None}


@virtual
@pytest.mark.parametrize("protocol", [UvicornProtocol, "websockets-sansio"])
async def test_same_program_everywhere(protocol: Any) -> None:
    """A program that uses the connection runs under our protocol and under others."""
    found: list[Any] = []

    async def serve(websocket: WebSocket[Any]) -> None:
        await websocket.accept()
        one = connection(websocket.scope, websocket.receive, websocket.send)
        found.append(one)
        async for message in one:
            await one.send(message)
            if message == "enough":
                await one.close(4000, "as you wish")

    app = Starlette(routes=[WebSocketRoute("/", serve)])
    async with running(app, ws=protocol) as server, connect(url_of(server)) as client:
        for message in ("发送数据", b"\x00\xff", "enough"):
            await client.send(message)
            assert await client.recv() == message
        await client.wait_closed()

    assert (client.close_code, client.close_reason) == (4000, "as you wish")
    assert isinstance(found[0], ServerConnection) == (protocol is UvicornProtocol)


@pytest.mark.parametrize("scope", [{}, {"extensions": None}, {"extensions": {"websocket.http.response": {}}}])
async def test_absence_is_told(scope: dict[str, Any]) -> None:
    """Under another server, and without its functions, there is no connection."""
    with pytest.raises(LookupError, match="UvicornProtocol"):
        connection(scope)


@virtual
@pytest.mark.parametrize("is_its_own", [True, False])
async def test_end_is_no_error(is_its_own: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A program that ends because its client is gone has made no mistake; by another's end it has."""

    async def listen(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        try:
            await connection(scope).recv()
        finally:
            if not is_its_own:
                raise ConnectionClosedError(None, None)

    async with running(listen, lifespan="off") as server, connect(url_of(server)) as client:
        if is_its_own:
            client.abort()
        else:
            await client.send("go")
        await client.wait_closed()
        await asyncio.sleep(1)

    assert ("Exception in ASGI application" in caplog.text) is not is_its_own


async def test_plain_messages_are_passed_on() -> None:
    """Text and binary go both ways, either as the other too; the clean end ends the iteration."""
    peer = Peer(text(""), {"type": "websocket.receive", "bytes": b"\xff"}, disconnect(1001))
    one = peer.connection
    assert [message async for message in one] == ["", b"\xff"]

    one = peer.connection
    await one.send("text")
    await one.send(memoryview(b"binary"))
    await one.send(b"text", True)
    await one.send("binary", False)
    assert peer.sent == [
        {"type": "websocket.send", "text": "text"},
        {"type": "websocket.send", "bytes": b"binary"},
        {"type": "websocket.send", "text": "text"},
        {"type": "websocket.send", "bytes": b"binary"},
    ]
    with pytest.raises(TypeError):
        await one.send(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "message, kind, code, reason",
    [
        (disconnect(1000, "done"), ConnectionClosedOK, 1000, "done"),
        ({"type": "websocket.disconnect"}, ConnectionClosedOK, 1005, ""),
        (disconnect(4000, "no"), ConnectionClosedError, 4000, "no"),
        (disconnect(1006), ConnectionClosedError, 1006, ""),
    ],
)
async def test_plain_end_is_told(
    message: dict[str, Any], kind: type[Exception], code: int, reason: str
) -> None:
    """The end raises as in the asyncio face, each time, and its code and reason can be had."""
    one = Peer(message).connection
    assert (one.state, one.close_code, one.close_reason) == (State.OPEN, None, None)
    for _ in range(2):
        with pytest.raises(kind):
            await one.recv()
    with pytest.raises(kind):
        await one.send("too late")
    await one.close()

    assert (one.state, one.close_code, one.close_reason) == (State.CLOSED, code, reason)


async def test_plain_close_is_sent_once() -> None:
    """Closing sends the code and reason, once; what arrives until the end can be received."""
    peer = Peer(text("last words"), disconnect(4000, "bye"))
    one = peer.connection
    await one.close(4000, "bye")
    await one.close()
    assert peer.sent == [{"type": "websocket.close", "code": 4000, "reason": "bye"}]
    assert one.state is State.CLOSING
    assert await one.recv() == "last words"
    with pytest.raises(ConnectionClosedError):
        await one.recv()

    assert (one.close_code, one.close_reason) == (4000, "bye")


async def test_plain_loss_is_told() -> None:
    """Where a server raises because the client is gone, the connection is closed with 1006."""
    peer = Peer(disconnect(1005))
    one = peer.connection
    peer.is_gone = True
    with pytest.raises(ConnectionClosedError) as caught:
        await one.send("?")
    assert isinstance(caught.value.__cause__, BrokenPipeError)
    with pytest.raises(ConnectionClosedError):
        await one.recv()

    assert one.close_code == 1006


def test_names_need_no_uvicorn() -> None:
    """``connection`` can be had where uvicorn isn't installed; a name that isn't there is told as ever."""
    program = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "import fullduplex.asgi\n"
        "from fullduplex.asgi import connection, PlainConnection\n"
        "print(*dir(fullduplex.asgi), hasattr(fullduplex.asgi, 'nothing'))\n"
        "fullduplex.asgi.UvicornProtocol"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.stdout.split() == ["PlainConnection", "UvicornProtocol", "connection", "http", "False"]
    assert "ModuleNotFoundError" in done.stderr
