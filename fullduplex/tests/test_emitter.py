"""The event face: listeners, the events of a server and its connections, and what they may do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fullduplex import broadcast, connect
from fullduplex.emitter import EventEmitter, ServerWebSocket, WebSocketServer
from fullduplex.exceptions import (
    ConnectionClosedError,
    InvalidMessage,
    InvalidStatus,
    LocalProtocolError,
)
from fullduplex.protocol.frames import Opcode, serialize_frame
from fullduplex.protocol.states import State
from fullduplex.testing import VirtualTimeLoop

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def virtually(main: Any) -> Any:
    """Run a coroutine function in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())


def client_frame(payload: bytes, opcode: Opcode = Opcode.TEXT) -> bytes:
    """Return a frame as a client sends it."""
    return serialize_frame(opcode, payload, fin=True, rsv=0, masked=True)


def port_of(server: WebSocketServer) -> int:
    """Return the port that a server listens on."""
    port: int = server.address()[1]
    return port


def url_of(server: WebSocketServer, path: str = "/") -> str:
    """Return the address of a server."""
    return f"ws://localhost:{port_of(server)}{path}"


def serving(**options: Any) -> WebSocketServer:
    """Return a server on a free port of this machine."""
    return WebSocketServer(host="localhost", port=0, **options)


@contextlib.asynccontextmanager
async def plain_client(server: WebSocketServer) -> AsyncIterator[tuple[Any, Any]]:
    """Connect with nothing but TCP."""
    reader, writer = await asyncio.open_connection("localhost", port_of(server))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


class Recorder:
    """Notes every event of a server and of its connections, in order."""

    def __init__(self, server: WebSocketServer) -> None:
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        self.connections: list[ServerWebSocket] = []
        server.on("connection", self._connected)

    def _connected(self, ws: ServerWebSocket, request: Any) -> None:
        self.connections.append(ws)
        for event in ("message", "ping", "pong", "close", "error"):
            ws.on(event, lambda *arguments, event=event: self.events.put_nowait((event, *arguments)))
        self.events.put_nowait(("connection", request.path))

    async def take(self, count: int) -> list[Any]:
        """Return the next events."""
        return [await self.events.get() for _ in range(count)]


# Listeners.


def test_listeners_run_in_order() -> None:
    """Listeners get the arguments in the order in which they were added, twice if added twice."""
    emitter, heard = EventEmitter(), []

    def first(*arguments: Any) -> None:
        heard.append(("first", *arguments))

    assert emitter.on("event", first) is first

    @emitter.on("event")
    def second(*arguments: Any) -> None:
        heard.append(("second", *arguments))

    emitter.on("event", first)
    assert emitter.emit("event", 1, "two")
    assert not emitter.emit("other")

    assert heard == [("first", 1, "two"), ("second", 1, "two"), ("first", 1, "two")]


def test_once_listens_once() -> None:
    """A listener of ``once`` hears one event, whatever else the same function listens to."""
    emitter, heard = EventEmitter(), []

    @emitter.once("event")
    def listener() -> None:
        heard.append(True)

    emitter.on("event", listener)
    for expected in (2, 3, 4):
        emitter.emit("event")
        assert len(heard) == expected


def test_once_survives_recursion() -> None:
    """An event that is emitted while it is heard doesn't call a ``once`` listener again."""
    emitter, heard = EventEmitter(), []
    emitter.once("event", lambda: emitter.emit("event"))
    emitter.once("event", lambda: heard.append(True))
    emitter.emit("event")
    emitter.emit("event")

    assert heard == [True]


def test_off_stops_listening() -> None:
    """``off`` takes the listener that was added last; one that isn't there is no error."""
    emitter, heard = EventEmitter(), []

    def listener() -> None:
        heard.append(True)

    emitter.off("event", listener)
    emitter.on("event", listener)
    emitter.on("event", listener)
    emitter.off("event", listener)
    emitter.off("event", print)
    assert emitter.emit("event")
    emitter.off("event", listener)
    assert not emitter.emit("event")

    assert heard == [True]


def test_listeners_may_change_listeners() -> None:
    """What a listener adds or takes off counts from the next event on."""
    emitter, heard = EventEmitter(), []

    def late() -> None:
        heard.append("late")

    def early() -> None:
        emitter.off("event", early)
        emitter.on("event", late)
        heard.append("early")

    emitter.on("event", early)
    emitter.emit("event")
    emitter.emit("event")

    assert heard == ["early", "late"]


def test_listeners_must_be_callable() -> None:
    """Anything else is refused when it is added, not when the event comes."""
    for add in (EventEmitter().on, EventEmitter().once):
        with pytest.raises(TypeError, match="a listener must be callable, not int"):
            add("event", 1)


def test_failing_listener_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """An exception is logged with the event's name, and the other listeners are called."""
    emitter, heard = EventEmitter(), []
    emitter.on("event", lambda: 1 / 0)
    emitter.on("event", lambda: heard.append(True))
    emitter.emit("event")

    assert heard == [True]
    assert [record.message for record in caplog.records] == ["listener of 'event' failed"]


async def test_coroutines_run_as_tasks(caplog: pytest.LogCaptureFixture) -> None:
    """A coroutine function listens too; it is kept alive while it runs, and its exception logged."""
    emitter, heard = EventEmitter(), asyncio.Event()

    @emitter.on("event")
    async def listener(word: str) -> None:
        await asyncio.sleep(0)
        assert word == "hello"
        heard.set()
        raise ZeroDivisionError

    emitter.emit("event", "hello")
    assert not heard.is_set()
    await heard.wait()
    await asyncio.sleep(0)

    assert [record.message for record in caplog.records] == ["listener of 'event' failed"]


# The server.


async def test_server_starts_by_itself() -> None:
    """Made while a loop runs, it listens, and says so; closed, it says so after everything else."""
    server, told = serving(), []
    for event in ("listening", "close"):
        server.on(event, lambda event=event: told.append((event, server.address() is not None)))
    assert server.address() is None
    await server.wait_listening()
    assert told == [("listening", True)]
    async with connect(url_of(server)) as connection:
        server.close()
        await server.wait_closed()
        assert told == [("listening", True), ("close", False)]
        await connection.wait_closed()
        assert connection.close_code == 1001
    server.close()
    await server.wait_closed()

    assert len(told) == 2


def test_server_waits_for_loop() -> None:
    """Made before any loop runs, it is started by its context."""
    server, told = serving(), []
    server.on("listening", lambda: told.append("listening"))
    server.on("close", lambda: told.append("close"))

    async def main() -> None:
        async with server:
            assert told == ["listening"]
            async with connect(url_of(server)):
                assert len(server.clients) == 1

    asyncio.run(main())
    assert told == ["listening", "close"]


def test_run_ends_by_closing() -> None:
    """``run`` serves until the server is closed, by a listener say."""
    server = serving()
    closed = []
    server.on("close", lambda: closed.append(True))

    @server.on("listening")
    async def visit() -> None:
        async with connect(url_of(server)):
            pass
        server.close()

    server.run()
    assert closed == [True]


async def test_serving_ends_by_cancelling() -> None:
    """``serve_forever`` closes everything when it is cancelled."""
    server = serving()
    listening = asyncio.Event()
    server.on("listening", listening.set)
    serving_task = asyncio.create_task(server.serve_forever())
    await listening.wait()
    async with connect(url_of(server)) as connection:
        serving_task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving_task
        await connection.wait_closed()

        assert connection.close_code == 1001


async def test_close_may_come_early() -> None:
    """A server that is closed before it listens closes as soon as it does."""
    server, told = serving(), []
    server.on("close", lambda: told.append("close"))
    server.close()
    await server.wait_closed()

    assert told == ["close"]
    assert server.address() is None


async def test_close_checks_its_code() -> None:
    """A code that mustn't be sent is refused, and the server can still be closed."""
    async with serving() as server:
        with pytest.raises(LocalProtocolError):
            server.close(1006)
        async with connect(url_of(server)) as connection:
            server.close(4000, "maintenance")
            await connection.wait_closed()

            assert (connection.close_code, connection.close_reason) == (4000, "maintenance")


async def test_taken_port_is_event() -> None:
    """A port that is taken is an "error" event, and raised to whoever waits."""
    with socket.create_server(("localhost", 0)) as taken:
        server = WebSocketServer(host="localhost", port=taken.getsockname()[1])
        errors: list[Any] = []
        server.on("error", errors.append)
        with pytest.raises(OSError, match="address already in use"):
            await server.wait_listening()
        server.close()
        await server.wait_closed()

        assert isinstance(errors[0], OSError)


async def test_unheard_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Without a listener it is logged, so that it isn't lost; nobody needs to wait."""
    with socket.create_server(("localhost", 0)) as taken:
        server = WebSocketServer(host="localhost", port=taken.getsockname()[1])
        await asyncio.wait([server._starting])

    assert "address already in use" in caplog.text


async def test_wrong_option_is_event() -> None:
    """Whatever else goes wrong at the start is told in the same way."""
    server = serving(nonsense=True)
    errors: list[Any] = []
    server.on("error", errors.append)
    with pytest.raises(TypeError):
        await server.wait_listening()

    assert isinstance(errors[0], TypeError)


async def test_clients_are_known() -> None:
    """``clients`` has those that are open; what it has can be broadcast to."""
    async with serving() as server:
        recorder = Recorder(server)
        async with connect(url_of(server)) as one, connect(url_of(server)) as other:
            await recorder.take(2)
            assert server.clients == set(recorder.connections)
            broadcast(server.clients, "发送数据")
            assert [await one.recv(), await other.recv()] == ["发送数据"] * 2
        await recorder.take(2)

        assert server.clients == set()


@pytest.mark.parametrize(
    "path, status", [("/chat", None), ("/chat?room=1", None), ("/", 400), ("/chat/", 400), ("/chatter", 400)]
)
async def test_path_may_be_required(path: str, status: int | None) -> None:
    """With ``path``, any other is answered with 400, and no listener hears of it."""
    async with serving(path="/chat") as server:
        recorder = Recorder(server)
        if status is None:
            async with connect(url_of(server, path)):
                assert await recorder.take(1) == [("connection", path)]
        else:
            with pytest.raises(InvalidStatus) as caught:
                await connect(url_of(server, path))
            assert caught.value.response.status_code == status
            assert recorder.events.empty()


async def test_options_are_kept() -> None:
    """maxPayload, perMessageDeflate, subprotocols and origins do what they say."""
    options: Any = {"maxPayload": 10, "perMessageDeflate": True, "subprotocols": ["a"], "origins": [None]}
    async with serving(**options) as server:
        with pytest.raises(InvalidStatus):
            await connect(url_of(server), origin="https://a.b", subprotocols=["a"])
        async with connect(url_of(server), subprotocols=["a"]) as connection:
            assert connection.subprotocol == "a"
            assert [ws.protocol for ws in server.clients] == ["a"]
            assert "Sec-WebSocket-Extensions" in connection.response.headers
            await connection.send("x" * 11)
            await connection.wait_closed()
            assert connection.close_code == 1009
    async with serving() as server, connect(url_of(server)) as connection:
        assert "Sec-WebSocket-Extensions" not in connection.response.headers


# Its connections.


async def test_events_tell_everything() -> None:
    """What the peer does comes as events with their arguments, in its order."""
    async with serving() as server:
        recorder = Recorder(server)
        async with connect(url_of(server, "/x?y")) as connection:
            await connection.send("发送数据")
            await connection.send(b"\x00\xff")
            await connection.ping(b"?")
            await connection.pong(b"!")
            await connection.close(4001, "再见")

        assert await recorder.take(6) == [
            ("connection", "/x?y"),
            ("message", "发送数据", False),
            ("message", b"\x00\xff", True),
            ("ping", b"?"),
            ("pong", b"!"),
            ("close", 4001, "再见"),
        ]


async def test_connections_send_everything() -> None:
    """Text, binary, pings and pongs are sent, and pings answered."""
    async with serving() as server:
        recorder = Recorder(server)
        async with connect(url_of(server)) as connection:
            await recorder.take(1)
            [ws] = recorder.connections
            assert (ws.readyState, ws.protocol, ws.isPaused) == (ServerWebSocket.OPEN, "", False)
            ws.send("发送数据")
            ws.send(bytearray(b"\x00\xff"))
            ws.ping("?")
            ws.pong()
            assert ws.bufferedAmount > 0
            with pytest.raises(TypeError):
                ws.send(None)
            assert [await connection.recv(), await connection.recv()] == ["发送数据", b"\x00\xff"]
            assert await recorder.take(1) == [("pong", b"?")]


async def test_sending_late_is_harmless() -> None:
    """After the closing began, nothing is sent and nothing raised."""
    async with serving() as server:
        recorder = Recorder(server)
        async with connect(url_of(server)) as connection:
            await recorder.take(1)
            [ws] = recorder.connections
            ws.close(4000, "enough")
            ws.close(4001)
            for send in (ws.send, ws.ping, ws.pong):
                send("late")
            assert ws.readyState is State.CLOSING
            assert [message async for message in connection_until_closed(connection)] == []
            assert (connection.close_code, connection.close_reason) == (4000, "enough")
        assert await recorder.take(1) == [("close", 4000, "enough")]
        ws.close()
        ws.terminate()

        assert ws.readyState is State.CLOSED


async def connection_until_closed(connection: Any) -> AsyncIterator[Any]:
    """Yield messages until the connection is closed, however."""
    with contextlib.suppress(ConnectionClosedError):
        async for message in connection:
            yield message


async def test_close_has_no_code() -> None:
    """Without arguments the Close frame is empty, as in ws; a wrong code is refused."""
    async with serving() as server:
        recorder = Recorder(server)
        async with connect(url_of(server)) as connection:
            await recorder.take(1)
            with pytest.raises(LocalProtocolError):
                recorder.connections[0].close(1006)
            recorder.connections[0].close()
            await connection.wait_closed()
            assert connection.close_code == 1005

        assert await recorder.take(1) == [("close", 1005, "")]


async def test_terminate_cuts() -> None:
    """``terminate`` sends nothing: it is 1006 at both ends."""
    async with serving() as server:
        recorder = Recorder(server)
        async with connect(url_of(server)) as connection:
            await recorder.take(1)
            recorder.connections[0].terminate()
            await connection.wait_closed()

            assert connection.close_code == 1006
            assert await recorder.take(1) == [("close", 1006, "")]


async def test_reset_is_error() -> None:
    """A connection that breaks is an "error", then a "close"."""
    async with serving() as server:
        recorder = Recorder(server)
        async with plain_client(server) as (reader, writer):
            writer.write(REQUEST)
            await reader.readuntil(b"\r\n\r\n")
            # Closed so, the system sends a reset and no end.
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
            _, (event, error), last = await recorder.take(3)

        assert (event, type(error)) == ("error", ConnectionResetError)
        assert last == ("close", 1006, "")


async def test_refused_clients_are_unheard() -> None:
    """Who never opened is no connection: no listener hears of it."""
    async with serving() as server:
        recorder = Recorder(server)
        async with plain_client(server) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 426 ")
        async with connect(url_of(server)):
            assert await recorder.take(1) == [("connection", "/")]
        assert await recorder.take(1) == [("close", 1000, "")]


async def test_failing_listener_keeps_connection(caplog: pytest.LogCaptureFixture) -> None:
    """An exception in a listener ends neither its connection nor the server."""
    async with serving() as server:

        @server.on("connection")
        def connected(ws: ServerWebSocket, request: Any) -> None:
            ws.on("message", lambda message, is_binary: 1 / 0)
            ws.on("message", lambda message, is_binary: ws.send(message))
            raise RuntimeError

        async with connect(url_of(server)) as connection:
            for word in ("one", "two"):
                await connection.send(word)
                assert await connection.recv() == word

    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 3


async def test_early_messages_are_heard() -> None:
    """A message in one piece with the request comes after "connection", whose listener hears it."""
    async with serving() as server:
        recorder = Recorder(server)
        async with plain_client(server) as (_, writer):
            writer.write(REQUEST + client_frame(b"early"))
            assert await recorder.take(2) == [("connection", "/"), ("message", "early", False)]


async def test_answers_go_out_together() -> None:
    """What listeners send because of one piece of input is written at once."""
    async with serving() as server:
        written: list[bytes] = []

        @server.on("connection")
        def connected(ws: ServerWebSocket, request: Any) -> None:
            ws.on("message", lambda message, is_binary: ws.send(message))
            write = ws._transport.write
            ws._transport.write = lambda data: (written.append(bytes(data)), write(data))

        async with plain_client(server) as (reader, writer):
            writer.write(REQUEST)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(client_frame(b"1") + client_frame(b"2") + client_frame(b"3"))
            await reader.readexactly(9)

    assert written == [b"\x81\x011\x81\x012\x81\x013"]


def test_paused_connection_is_silent() -> None:
    """While paused nothing is read, also from "connection" on; ``resume`` goes on."""

    async def main() -> None:
        async with serving() as server:
            recorder = Recorder(server)
            server.on("connection", lambda ws, request: ws.pause())
            async with connect(url_of(server)) as connection:
                await recorder.take(1)
                [ws] = recorder.connections
                assert ws.isPaused
                await connection.send("late")
                await asyncio.sleep(60)
                assert recorder.events.empty()
                ws.resume()
                assert not ws.isPaused
                assert await recorder.take(1) == [("message", "late", False)]

    virtually(main)


def test_close_ends_pause() -> None:
    """A connection that is paused closes all the same, without waiting for the time-out."""

    async def main() -> None:
        async with serving() as server:
            recorder = Recorder(server)
            async with connect(url_of(server)) as connection:
                await recorder.take(1)
                [ws] = recorder.connections
                ws.pause()
                begun = asyncio.get_running_loop().time()
                ws.close(4000)
                await connection.wait_closed()

                assert asyncio.get_running_loop().time() - begun < 1
                assert await recorder.take(1) == [("close", 4000, "")]

    virtually(main)


def test_slow_reader_is_read_no_more() -> None:
    """While much waits to be written to a peer, nothing more is read from it, and what waits is bounded."""

    async def main() -> None:
        async with serving(maxPayload=None, write_limit=10_000, ping_interval=None) as server:

            @server.on("connection")
            def connected(ws: ServerWebSocket, request: Any) -> None:
                ws.on("message", lambda message, is_binary: ws.send(message))

            async with plain_client(server) as (reader, writer):
                writer.write(REQUEST)
                await reader.readuntil(b"\r\n\r\n")
                writer.transport.pause_reading()
                count = 2000
                writer.write(client_frame(b"x" * 10_000) * count)
                await asyncio.sleep(1)
                [ws] = server.clients
                assert ws.is_reading_paused
                assert not ws.isPaused
                assert writer.transport.get_write_buffer_size() > 0
                assert ws.bufferedAmount < 1_000_000
                ws.pause()
                ws.resume()
                assert ws.is_reading_paused
                writer.transport.resume_reading()
                answer = await reader.readexactly(count * 10_004)
                assert answer.count(b"x") == count * 10_000
                assert not ws.is_reading_paused

    virtually(main)


def test_silent_clients_are_cut() -> None:
    """A client that doesn't ask for anything in time is cut."""

    async def main() -> None:
        async with serving(open_timeout=7) as server, plain_client(server) as (reader, _):
            begun = asyncio.get_running_loop().time()
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            assert asyncio.get_running_loop().time() - begun == pytest.approx(7, abs=0.1)

    virtually(main)


def test_dead_clients_are_noticed() -> None:
    """A client that answers no ping is told so, and is a "close" with 1006."""

    async def main() -> None:
        async with serving(ping_interval=20, ping_timeout=20) as server:
            recorder = Recorder(server)
            async with plain_client(server) as (reader, writer):
                writer.write(REQUEST)
                await reader.readuntil(b"\r\n\r\n")
                await recorder.take(1)
                said = await reader.read()
                assert said[:1] == b"\x89"
                assert said.endswith(b"\x88\x18\x03\xf3keepalive ping timeout")
            assert await recorder.take(1) == [("close", 1006, "")]

    virtually(main)


async def test_closing_server_refuses() -> None:
    """A client that asks while the server closes isn't let in."""
    server = serving()
    await server.wait_listening()
    url = url_of(server)
    server.close()
    with pytest.raises((OSError, InvalidMessage, InvalidStatus)):
        await connect(url)
    await server.wait_closed()
