"""Connections of the event face: their events, and what they may do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fullduplex import connect
from fullduplex.emitter import ServerWebSocket
from fullduplex.exceptions import (
    ConnectionClosedError,
    ConnectionClosedOK,
    LocalProtocolError,
    PayloadTooBig,
    RemoteProtocolError,
)
from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.states import State

from ..native import TRANSPORT
from .ends import REQUEST, Recorder, client_frame, plain_client, plain_websocket, serving, url_of, virtually


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
        opened: list[ServerWebSocket] = []

        @server.on("connection")
        def connected(ws: ServerWebSocket, request: Any) -> None:
            ws.on("message", lambda message, is_binary: ws.send(message))
            opened.append(ws)

        async with plain_client(server) as (reader, writer):
            writer.write(REQUEST)
            await reader.readuntil(b"\r\n\r\n")
            before = data_segments(opened[0])
            writer.write(client_frame(b"1") + client_frame(b"2") + client_frame(b"3"))
            assert await reader.readexactly(9) == b"\x81\x011\x81\x012\x81\x013"
            assert data_segments(opened[0]) == before + 1


def data_segments(connection: ServerWebSocket) -> int:
    """Return how many segments with data TCP has sent for a connection: one for each short write."""
    information = connection.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
    # tcpi_data_segs_out of struct tcp_info.
    return int(struct.unpack_from("=I", information, 156)[0])


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
    """A client that answers no ping is told so, and is an "error", then a "close" with 1006."""

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
            (event, error), last = await recorder.take(2)
            assert (event, type(error), last) == ("error", TimeoutError, ("close", 1006, ""))

    virtually(main)


# What ws has beside that.


async def test_attributes_are_those_of_ws() -> None:
    """``extensions`` names what was agreed; ``binaryType`` and ``url`` are what a server's are."""
    async with serving(perMessageDeflate=True) as server:
        recorder = Recorder(server)
        async with connect(url_of(server)), connect(url_of(server), compression=None):
            await recorder.take(2)
            one, other = recorder.connections
            assert {one.extensions, other.extensions} == {"permessage-deflate", ""}
            assert (one.binaryType, one.url, one.is_secure) == ("nodebuffer", "", False)
            assert one.transport_kind == TRANSPORT


async def test_type_may_be_chosen() -> None:
    """``binary`` sends text as binary, or UTF-8 as text."""
    async with serving() as server:
        recorder = Recorder(server)
        async with connect(url_of(server)) as connection:
            ws = await recorder.taken()
            ws.send("发送数据", binary=True)
            ws.send("发送数据".encode(), binary=False)
            assert [await connection.recv(), await connection.recv()] == ["发送数据".encode(), "发送数据"]


async def test_compression_may_be_chosen() -> None:
    """``compress`` goes before the threshold, for whole messages and for those in parts."""
    async with serving(perMessageDeflate={"threshold": 10}) as server:
        recorder = Recorder(server)
        offer = "Sec-WebSocket-Extensions: permessage-deflate"
        async with plain_websocket(server, offer) as (reader, _):
            ws = await recorder.taken()
            for compress in (None, True, False):
                for word in ("short", "rather long"):
                    ws.send(word, compress=compress)
            ws.send("part", compress=False, fin=False)
            ws.send("part", compress=True)
            flags = []
            for _ in range(8):
                head = await reader.readexactly(2)
                flags.append(bool(head[0] & 0x40))
                await reader.readexactly(head[1])

    assert flags == [False, True, True, True, False, False, False, False]


async def test_messages_go_in_parts() -> None:
    """Without ``fin`` the next part follows, whatever its type; a ping may come between."""
    async with serving() as server:
        recorder = Recorder(server)
        async with plain_websocket(server) as (reader, _):
            ws = await recorder.taken()
            ws.send("one", fin=False)
            ws.ping()
            ws.send(b"two", fin=False)
            ws.send("")
            ws.send("three")

            parts = b"\x01\x03one\x89\x00\x00\x03two\x80\x00\x81\x05three"
            assert await reader.readexactly(len(parts)) == parts


async def test_callbacks_hear_of_writing() -> None:
    """A callback of ``send``, ``ping`` or ``pong`` is called later, and in order, with None."""
    async with serving() as server:
        recorder = Recorder(server)
        told: asyncio.Queue[Any] = asyncio.Queue()

        async def slowly(error: Any) -> None:
            await asyncio.sleep(0)
            told.put_nowait(("message", error, ws.bytes_written > before))

        async with connect(url_of(server)):
            ws = await recorder.taken()
            before = ws.bytes_written
            ws.send("发送数据", slowly)
            assert told.empty()
            assert await told.get() == ("message", None, True)
            ws.ping(b"", lambda error: told.put_nowait(("ping", error)))
            ws.pong(b"", lambda error: told.put_nowait(("pong", error)))
            ws.send("", lambda error: told.put_nowait(("part", error)), fin=False)
            assert [await told.get() for _ in range(3)] == [("ping", None), ("pong", None), ("part", None)]


async def test_callbacks_hear_of_closing() -> None:
    """Once the connection closes, a callback is given the exception, and still not called at once."""
    async with serving() as server:
        recorder = Recorder(server)
        told: asyncio.Queue[Any] = asyncio.Queue()
        async with connect(url_of(server)) as connection:
            ws = await recorder.taken()
            ws.close(1000)
            for send in (ws.send, ws.ping, ws.pong):
                send("late", told.put_nowait)
            assert told.empty()
            await connection.wait_closed()
            assert {type(await told.get()) for _ in range(3)} <= {ConnectionClosedOK, ConnectionClosedError}


def test_callbacks_wait_for_slow_peers() -> None:
    """While a peer takes nothing, a callback isn't called; if it never does, it is given an exception."""

    async def main() -> None:
        async with serving(write_limit=10_000, ping_interval=None) as server:
            recorder, told = Recorder(server), []
            async with plain_websocket(server) as (reader, writer):
                writer.transport.pause_reading()
                ws = await recorder.taken()
                ws.send(bytes(10_000_000), told.append)
                await asyncio.sleep(1)
                assert told == []
                writer.transport.resume_reading()
                await reader.readexactly(10_000_010)
                await asyncio.sleep(1)
                assert told.pop() is None
                writer.transport.pause_reading()
                ws.send(bytes(10_000_000), told.append)
                await asyncio.sleep(1)
                ws.terminate()
                await asyncio.sleep(1)
                assert [type(error) for error in told] == [ConnectionClosedError]

    virtually(main)


async def test_failing_callback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An exception in a callback ends nothing."""
    async with serving() as server:
        recorder = Recorder(server)
        async with connect(url_of(server)) as connection:
            ws = await recorder.taken()
            ws.send("one", lambda error: 1 / 0)
            assert await connection.recv() == "one"
            ws.send("two")
            assert await connection.recv() == "two"

    assert [record.message for record in caplog.records] == ["listener of 'send' failed"]


# Errors.


@pytest.mark.parametrize(
    "said, kind, code",
    [
        (b"\x81\x00", RemoteProtocolError, 1002),
        (client_frame(b"\xff"), RemoteProtocolError, 1007),
        (client_frame(b"x" * 11), PayloadTooBig, 1009),
    ],
)
async def test_broken_rule_is_error(said: bytes, kind: type[Exception], code: int) -> None:
    """A broken rule is an "error" with its exception, after what came before it, and then a "close"."""
    async with serving(maxPayload=10) as server:
        recorder = Recorder(server)
        async with plain_websocket(server) as (reader, writer):
            writer.write(client_frame(b"before") + said + client_frame(b"after"))
            _, before, (event, error) = await recorder.take(3)
            assert before == ("message", "before", False)
            assert (event, type(error)) == ("error", kind)
            answer = await reader.read()
            assert (answer[:1], answer[2:4]) == (b"\x88", code.to_bytes(2, "big"))
        assert await recorder.take(1) == [("close", 1006, "")]
        async with connect(url_of(server)):
            await recorder.taken()


@pytest.mark.parametrize("fin", [True, False])
def test_buffer_limit_is_error(fin: bool) -> None:
    """Who is cut because too much waits for it is an "error" that says so, whole messages or parts."""

    async def main() -> None:
        async with serving(buffer_limit=100_000, ping_interval=None) as server:
            recorder = Recorder(server)
            async with plain_websocket(server) as (_, writer):
                writer.transport.pause_reading()
                ws = await recorder.taken()
                while ws.readyState is State.OPEN:
                    ws.send(bytes(1_000_000), fin=fin)
                assert ws.bufferedAmount < 100_000_000
                (event, error), last = await recorder.take(2)
                assert (event, type(error)) == ("error", BufferError)
                assert last == ("close", 1006, "")

    virtually(main)


def test_rate_is_error() -> None:
    """Who sends more than a rate allows is an "error" that says so."""

    async def main() -> None:
        async with serving(limits=Limits(message_rate=2)) as server:
            recorder = Recorder(server)
            async with plain_websocket(server) as (reader, writer):
                await recorder.taken()
                writer.write(client_frame(b"x") * 3)
                assert (await reader.read())[2:4] == b"\x03\xf0"
            *messages, (event, error), last = await recorder.take(4)
            assert messages == [("message", "x", False)] * 2
            assert (event, type(error), last) == ("error", RemoteProtocolError, ("close", 1006, ""))

    virtually(main)


async def test_unheard_errors_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An error that nobody listens to is told to who debugs, and ends nothing else."""
    caplog.set_level(logging.DEBUG, "fullduplex")
    async with serving() as server, plain_websocket(server) as (reader, writer):
        writer.write(b"\xff\x00")
        await reader.read()

    assert [record.levelname for record in caplog.records if "connection failed: " in record.message] == [
        "DEBUG"
    ]


async def test_clean_close_is_no_error() -> None:
    """A closing handshake that both sides finish is no "error", though the peer resets afterwards."""
    async with serving() as server:
        recorder = Recorder(server)
        async with plain_websocket(server) as (reader, writer):
            writer.write(client_frame(b"\x03\xe8", Opcode.CLOSE))
            await reader.read()
            writer.transport.abort()

        assert (await recorder.take(2))[1] == ("close", 1000, "")


# All of it.

#: Every name in ws's documentation, in the order of its sections.
DOCUMENTED = """
allowSynchronousEvents autoPong backlog clientTracking closeTimeout handleProtocols host maxBufferedChunks
maxFragments maxPayload noServer path perMessageDeflate port server skipUTF8Validation verifyClient WebSocket
close connection error headers listening wsClientError
address clients close handleUpgrade shouldHandle
address ws+unix: protocols allowSynchronousEvents autoPong closeTimeout finishRequest followRedirects
generateMask handshakeTimeout maxBufferedChunks maxFragments maxPayload maxRedirects origin perMessageDeflate
protocolVersion skipUTF8Validation headers auth agent ca
close error message ping pong open redirect unexpected-response upgrade
CONNECTING addEventListener binaryType bufferedAmount close extensions isPaused onclose onerror onmessage
onopen pause ping pong protocol readyState removeEventListener resume send terminate url
createWebSocketStream WS_NO_BUFFER_UTIL WS_ERR_…
"""


def test_names_have_their_tests() -> None:
    """Each name of ws is in docs/events.md, once and in order, with tests that there are."""
    here = Path(__file__).parent
    tests = {
        name
        for place in here.glob("test_*.py")
        for name in re.findall(r"def (test_\w+)", place.read_text("utf-8"))
    }
    text = (here.parents[2] / "docs" / "events.md").read_text("utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if re.match(r"\| \d", line)]
    names = DOCUMENTED.split()

    assert [row[0] for row in rows] == [f"| {number + 1}" for number in range(len(names))]
    for (number, name, here_is, named), documented in zip(rows, names, strict=True):
        assert re.match(rf"`{re.escape(documented)}\b|`{re.escape(documented)}`", name), number
        # What isn't here needs no test.
        assert ("`test_" in named) != here_is.startswith("not here"), number
    assert set(re.findall(r"`(test_\w+)`", text)) <= tests
