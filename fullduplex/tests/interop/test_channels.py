"""Programs of Django's Channels, unchanged, under uvicorn with our protocol, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

import django
import pytest
from channels.exceptions import AcceptConnection, DenyConnection
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from channels.layers import channel_layers
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import CookieMiddleware
from django.conf import settings
from django.urls import path

from fullduplex import ClientConnection, ServerConnection, connect
from fullduplex.asgi import connection as connection_of
from fullduplex.exceptions import ConnectionClosed, InvalidStatus

from ..aio.ends import url_of
from ..asgi.programs import IMPLEMENTATIONS, Running, running

HEARD: list[tuple[str, int]] = []


class Echo(WebsocketConsumer):
    """Sends back what comes; a text that is a number closes with it; "raise" raises."""

    def connect(self) -> None:
        """Take the second subprotocol, and add a header."""
        self.accept(subprotocol=self.scope["subprotocols"][-1], headers=[(b"x-room", b"lobby")])

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Do what is said."""
        if text_data == "raise":
            raise ValueError("oops")
        if text_data is not None and text_data.isdigit():
            self.close(code=int(text_data), reason="as you wish")
        else:
            self.send(text_data=text_data, bytes_data=bytes_data)

    def disconnect(self, code: int) -> None:
        """Note the code."""
        HEARD.append((type(self).__name__, code))


class AsyncEcho(AsyncWebsocketConsumer):
    """The same, in coroutines."""

    async def connect(self) -> None:
        """Take the second subprotocol, and add a header."""
        await self.accept(subprotocol=self.scope["subprotocols"][-1], headers=[(b"x-room", b"lobby")])

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Do what is said."""
        if text_data == "raise":
            raise ValueError("oops")
        if text_data is not None and text_data.isdigit():
            await self.close(code=int(text_data), reason="as you wish")
        else:
            await self.send(text_data=text_data, bytes_data=bytes_data)

    async def disconnect(self, code: int) -> None:
        """Note the code."""
        HEARD.append((type(self).__name__, code))


class Json(JsonWebsocketConsumer):
    """Answers JSON with JSON, and closes after it if asked to."""

    def receive_json(self, content: dict[str, Any], **_: Any) -> None:
        """Say what was said."""
        self.send_json({"said": content}, close=content.get("close", False))


class AsyncJson(AsyncJsonWebsocketConsumer):
    """The same, in coroutines."""

    async def receive_json(self, content: dict[str, Any], **_: Any) -> None:
        """Say what was said."""
        await self.send_json({"said": content}, close=content.get("close", False))


class Room(AsyncWebsocketConsumer):
    """Sends what one says to all who are in the room that the path names."""

    async def connect(self) -> None:
        """Enter."""
        self.room = self.scope["url_route"]["kwargs"]["room"]
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Tell all."""
        await self.channel_layer.group_send(self.room, {"type": "chat.message", "text": text_data})

    async def chat_message(self, event: dict[str, str]) -> None:
        """Hear something."""
        await self.send(text_data=event["text"])

    async def disconnect(self, code: int) -> None:
        """Leave."""
        await self.channel_layer.group_discard(self.room, self.channel_name)


class SyncRoom(WebsocketConsumer):
    """Is in one room for ever."""

    groups: ClassVar = ["everybody"]

    def chat_message(self, event: dict[str, str]) -> None:
        """Hear something."""
        self.send(text_data=event["text"])


class Door(WebsocketConsumer):
    """Lets in who has the right cookie."""

    def connect(self) -> None:
        """Decide by raising."""
        raise AcceptConnection if self.scope["cookies"].get("key") == "right" else DenyConnection


class Native(AsyncWebsocketConsumer):
    """Answers with the connection itself."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Tell how many connections there are."""
        native = connection_of(self.scope)
        assert isinstance(native, ServerConnection)
        await native.send(f"one of {len(native.server.connections)}")


@pytest.fixture(scope="module")
def application() -> Any:
    """A project with a consumer of each kind."""
    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["localhost"],
            CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
        )
        django.setup()
    routes = [
        path("sync", Echo.as_asgi()),
        path("async", AsyncEcho.as_asgi()),
        path("json", Json.as_asgi()),
        path("async-json", AsyncJson.as_asgi()),
        path("rooms/<str:room>", Room.as_asgi()),
        path("everybody", SyncRoom.as_asgi()),
        path("door", CookieMiddleware(Door.as_asgi())),
        path("native", Native.as_asgi()),
        path("guarded", AllowedHostsOriginValidator(AsyncJson.as_asgi())),
    ]
    return ProtocolTypeRouter({"websocket": URLRouter(routes)})


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Nobody is in a room, and nothing was heard."""
    HEARD.clear()
    yield
    channel_layers.backends.clear()


@pytest.fixture(params=IMPLEMENTATIONS)
async def server(application: Any, request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    """The project, under uvicorn."""
    async with running(application, http=request.param, lifespan="off") as server:
        yield server


@contextlib.asynccontextmanager
async def visiting(server: Running, where: str, **options: Any) -> AsyncIterator[ClientConnection]:
    """Connect to a consumer."""
    async with connect(url_of(server, where), **options) as connection:
        yield connection


async def heard() -> tuple[str, int]:
    """Wait until a consumer has heard of its disconnect."""
    while not HEARD:  # noqa: ASYNC110 - a thread notes it
        await asyncio.sleep(0)
    return HEARD.pop()


@pytest.mark.parametrize("where, name", [("/sync", "Echo"), ("/async", "AsyncEcho")])
async def test_consumers_converse(server: Running, where: str, name: str) -> None:
    """A consumer accepts with subprotocol and headers, gets text and binary, and hears of the end."""
    async with visiting(server, where, subprotocols=["one", "two"]) as connection:
        assert connection.subprotocol == "two"
        assert connection.response is not None
        assert connection.response.headers["X-Room"] == "lobby"
        for message in ("发送数据", b"\x00\xff", b"", "x" * 100_000):
            await connection.send(message)
            assert await connection.recv() == message
        await connection.close(4321)
    assert await heard() == (name, 4321)


@pytest.mark.parametrize("where, name", [("/sync", "Echo"), ("/async", "AsyncEcho")])
async def test_consumers_close(server: Running, where: str, name: str) -> None:
    """A consumer's code and reason reach the client, and its own disconnect."""
    async with visiting(server, where, subprotocols=["one"]) as connection:
        await connection.send("4001")
        with pytest.raises(ConnectionClosed):
            await connection.recv()
        assert (connection.close_code, connection.close_reason) == (4001, "as you wish")
    assert await heard() == (name, 4001)


@pytest.mark.parametrize("where", ["/sync", "/async"])
async def test_consumers_fail(server: Running, where: str, caplog: pytest.LogCaptureFixture) -> None:
    """A consumer that raises has its connection closed with 1011."""
    async with visiting(server, where, subprotocols=["one"]) as connection:
        await connection.send("raise")
        with pytest.raises(ConnectionClosed):
            await connection.recv()
        assert connection.close_code == 1011
    assert "ValueError: oops" in caplog.text


@pytest.mark.parametrize("where, name", [("/sync", "Echo"), ("/async", "AsyncEcho")])
async def test_consumers_are_lost(server: Running, where: str, name: str) -> None:
    """A consumer whose client is gone without a word hears of 1006."""
    async with visiting(server, where, subprotocols=["one"]) as connection:
        connection.abort()
    assert await heard() == (name, 1006)


@pytest.mark.parametrize("where", ["/json", "/async-json"])
async def test_json_goes_both_ways(server: Running, where: str) -> None:
    """The consumers of JSON parse what comes, serialise what they send, and may close with it."""
    async with visiting(server, where) as connection:
        await connection.send('{"number": 1}')
        assert await connection.recv() == '{"said": {"number": 1}}'
        await connection.send('{"close": true}')
        assert await connection.recv() == '{"said": {"close": true}}'
        await connection.wait_closed()
        assert connection.close_code == 1000


async def test_groups_are_told(server: Running) -> None:
    """What is sent to a group reaches all of it and nobody else, across kinds of consumers."""
    async with (
        visiting(server, "/rooms/everybody") as one,
        visiting(server, "/rooms/everybody") as two,
        visiting(server, "/everybody") as three,
        visiting(server, "/rooms/other") as other,
    ):
        await one.send("大家好")
        assert [await member.recv() for member in (one, two, three)] == ["大家好"] * 3
        await two.close()
        await other.send("only here")
        assert await other.recv() == "only here"
        await one.send("to the rest")
        assert [await member.recv() for member in (one, three)] == ["to the rest"] * 2


@pytest.mark.parametrize("cookie, status", [("key=right", 101), ("key=wrong", 403)])
async def test_consumers_decide(server: Running, cookie: str, status: int) -> None:
    """A consumer that raises ``DenyConnection`` refuses, and ``AcceptConnection`` accepts."""
    assert await answer(server, "/door", additional_headers={"Cookie": cookie}) == status


@pytest.mark.parametrize(
    "origin, status", [("http://localhost", 101), ("https://evil.example", 403), (None, 403)]
)
async def test_origins_are_validated(server: Running, origin: str | None, status: int) -> None:
    """``AllowedHostsOriginValidator`` lets in the origins of this host, and no other."""
    assert await answer(server, "/guarded", origin=origin) == status


async def answer(server: Running, where: str, **options: Any) -> int:
    """Connect, and return the status of the response."""
    try:
        async with visiting(server, where, **options):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


async def test_unknown_routes_fail(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    """A path that no consumer has is an error of the program's, as Channels has it."""
    assert await answer(server, "/nowhere") == 500
    assert "No route found for path 'nowhere'" in caplog.text


async def test_connection_is_in_scope(server: Running) -> None:
    """A consumer gets at the connection itself."""
    async with visiting(server, "/native") as connection, visiting(server, "/native"):
        await connection.send("?")
        assert await connection.recv() == "one of 2"
