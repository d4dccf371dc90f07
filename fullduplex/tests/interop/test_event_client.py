"""What only the event face's client has, as the servers of ws and Bun make it tell."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fullduplex import InvalidStatus
from fullduplex.emitter import WebSocket

from .theirs import SERVERS

EVENTS = ["upgrade", "open", "message", "ping", "pong", "unexpected-response", "error", "close"]


@pytest.fixture(params=["ws", "Bun"])
def server(request: pytest.FixtureRequest) -> Any:
    """What starts a server that can ping."""
    return SERVERS[request.param].start


def listen(ws: WebSocket, *events: str) -> asyncio.Queue[Any]:
    """Note every one of these events, with what it brings."""
    told: asyncio.Queue[Any] = asyncio.Queue()
    for event in events:
        ws.on(event, lambda *details, event=event: told.put_nowait((event, *details)))
    return told


async def test_event_client_tells_all(server: Any) -> None:
    """Opening, messages of either kind, pings, pongs and the end are events, in their order."""
    async with server("chat.v1") as (peer, address):
        ws = WebSocket(address, ["chat.v1"])
        told = listen(ws, *EVENTS)
        event, response = await told.get()
        assert (event, response.status_code) == ("upgrade", 101)
        assert await told.get() == ("open",)
        await peer.told("connection")
        await peer.say("发送数据")
        await peer.say(b"\x00\xff")
        await peer.command("ping", "hello")
        assert [await told.get() for _ in range(3)] == [
            ("message", "发送数据", False),
            ("message", b"\x00\xff", True),
            ("ping", b"hello"),
        ]
        assert await peer.told("pong") == {"text": "hello"}
        ws.ping("there?")
        assert await told.get() == ("pong", b"there?")
        await peer.command("close", 4000, "再见")
        assert await told.get() == ("close", 4000, "再见")


async def test_event_client_tells_refusal(server: Any) -> None:
    """Who listens to "unexpected-response" gets it, and the others an "error"."""
    async with server() as (_, address):
        listening = listen(WebSocket(f"{address}forbidden"), *EVENTS)
        event, _, response = await listening.get()
        assert (event, response.status_code) == ("unexpected-response", 401)

        told = listen(WebSocket(f"{address}forbidden"), "error", "close")
        event, error = await told.get()
        assert (event, type(error), error.response.status_code) == ("error", InvalidStatus, 401)
        assert await told.get() == ("close", 1006, "")


async def test_event_client_leaves_pongs(server: Any) -> None:
    """Without `autoPong` the only pong that a server gets is the program's."""
    async with server() as (peer, address), WebSocket(address, autoPong=False) as ws:
        told = listen(ws, "ping")
        await peer.told("connection")
        await peer.command("ping", "hello")
        assert await told.get() == ("ping", b"hello")
        ws.pong("from the program")
        assert await peer.told("pong") == {"text": "from the program"}


async def test_event_client_pauses(server: Any) -> None:
    """While it is paused nothing is heard, and all of it afterwards."""
    async with server() as (peer, address), WebSocket(address) as ws:
        told = listen(ws, "message")
        await peer.told("connection")
        ws.pause()
        await peer.say("one")
        await peer.command("ping", "round trip")
        ws.ping("there?")
        assert await peer.told("ping") == {"text": "there?"}
        assert told.empty()
        ws.resume()
        assert await told.get() == ("message", "one", False)
        assert await peer.told("pong") == {"text": "round trip"}
