"""The browser's way to listen to a connection of the event face."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fullduplex import connect
from fullduplex.emitter import WebSocket
from fullduplex.emitter.targets import CloseEvent, ErrorEvent, Event, MessageEvent
from fullduplex.exceptions import RemoteProtocolError

from .ends import Recorder, plain_websocket, serving, url_of


async def test_event_objects_tell_everything() -> None:
    """A message and the end come as objects, to both ways of listening, and to ``on`` beside them."""
    async with serving() as server:
        recorder, heard = Recorder(server), []
        async with connect(url_of(server)) as connection:
            ws = await recorder.taken()
            ws.onmessage = heard.append
            ws.addEventListener("message", heard.append)
            ws.onclose = heard.append
            await connection.send("发送数据")
            await connection.close(4000, "再见")

        assert await recorder.take(2) == [("message", "发送数据", False), ("close", 4000, "再见")]
        message = MessageEvent("message", ws, "发送数据")
        assert heard == [message, message, CloseEvent("close", ws, 4000, "再见", True)]


async def test_failures_are_error_events() -> None:
    """A broken rule is an error object with its exception, and the end isn't clean."""
    async with serving() as server:
        recorder, heard = Recorder(server), asyncio.Queue[Any]()
        async with plain_websocket(server) as (_, writer):
            ws = await recorder.taken()
            ws.onerror = heard.put_nowait
            ws.onclose = heard.put_nowait
            writer.write(b"\xff\x00")
            error = await heard.get()
        close = await heard.get()

        assert (type(error), type(error.error)) == (ErrorEvent, RemoteProtocolError)
        assert error.message == str(error.error)
        assert close == CloseEvent("close", ws, 1006, "", False)


async def test_opening_is_an_event() -> None:
    """A client's opening comes as an object, to ``onopen`` and to an object with ``handleEvent``."""

    class Listener:
        def __init__(self) -> None:
            self.heard: list[Any] = []

        def handleEvent(self, event: Any) -> None:
            self.heard.append(event)

    async with serving() as server:
        ws, listener, heard = WebSocket(url_of(server)), Listener(), []
        ws.onopen = heard.append
        ws.addEventListener("open", listener, once=True)
        async with ws:
            assert heard == listener.heard == [Event("open", ws)]
            ws.addEventListener("message", listener)
            ws.removeEventListener("message", listener)
            assert ws.listenerCount("message") == ws.listenerCount("open") - 1 == 0


@pytest.fixture
async def ws() -> Any:
    """A connection that is open."""
    async with serving() as server:
        recorder = Recorder(server)
        async with connect(url_of(server)):
            yield await recorder.taken()


async def test_attributes_hold_one_listener(ws: Any) -> None:
    """An attribute's listener is replaced by the next, and taken off by anything that can't be called."""
    heard: list[str] = []
    assert ws.onmessage is None

    def first(event: Any) -> None:
        heard.append("first")

    for listener in (first, lambda event: heard.append("second")):
        ws.onmessage = listener
        assert ws.onmessage is listener
        ws.emit("message", "", False)
    ws.onmessage = None
    assert ws.onmessage is None
    ws.emit("message", "", False)

    assert heard == ["first", "second"]


async def test_attributes_leave_others_alone(ws: Any) -> None:
    """The same function may be the attribute and a listener as well; each is taken off by itself."""
    heard: list[Any] = []
    ws.on("message", lambda data, is_binary: heard.append(data))
    ws.addEventListener("message", heard.append)
    ws.onmessage = heard.append
    ws.onmessage = None
    ws.emit("message", "1", False)
    assert len(heard) == 2
    ws.removeEventListener("message", heard.append)
    ws.emit("message", "2", False)

    assert heard[2:] == ["2"]


async def test_listeners_are_added_once(ws: Any) -> None:
    """One that is there already isn't added again; one of ``once`` is called once."""
    heard: list[str] = []

    def listener(event: Any) -> None:
        heard.append(event.data)

    for once in (True, False):
        ws.addEventListener("message", listener, once=once)
    for word in ("one", "two"):
        ws.emit("message", word, False)
    ws.addEventListener("message", listener)
    ws.emit("message", "three", False)

    assert heard == ["one", "three"]


async def test_unknown_types_are_ignored(ws: Any) -> None:
    """Types that have no event object are ignored, as in ws; taking off what isn't there is no error."""
    before = ws.listenerCount("ping")
    ws.addEventListener("ping", print)
    ws.removeEventListener("message", print)

    assert ws.listenerCount("ping") == before
