"""The connection under every face: what it writes when, how it ends, and what it asks of its transport."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from fullduplex.aio.connection import ServerConnection
from fullduplex.exceptions import ConnectionClosed, ConnectionClosedError, LocalProtocolError
from fullduplex.protocol.frames import Opcode, serialize_frame
from fullduplex.protocol.http11 import Request
from fullduplex.protocol.server import ServerConnection as ServerProtocol
from fullduplex.protocol.server import plain_response
from fullduplex.protocol.states import State
from fullduplex.testing import ConnectionPair, MemoryTransport, connection_pair
from fullduplex.transport.connection import Connection, Settings

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def now() -> float:
    """Return the virtual time."""
    return asyncio.get_running_loop().time()


def frame(opcode: Opcode, payload: bytes) -> bytes:
    """Return a client's frame."""
    return serialize_frame(opcode, payload, fin=True, rsv=0, masked=True)


@contextlib.contextmanager
def writes_to(transport: MemoryTransport) -> Iterator[list[bytes]]:
    """Note each write to a transport."""
    written: list[bytes] = []
    write = transport.write
    transport.write = lambda data: (written.append(bytes(data)), write(data))
    yield written
    del transport.write


class Recorder(Connection):
    """A connection that notes the methods called on it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.calls: list[Any] = []

    def opened(self) -> None:
        """Note it."""
        self.calls.append("opened")

    def message_received(self, data: str | bytes) -> None:
        """Note it."""
        self.calls.append(data)

    def ping_received(self, data: bytes) -> None:
        """Note it."""
        self.calls.append(("ping", data))

    def pong_received(self, data: bytes) -> None:
        """Note it."""
        self.calls.append(("pong", data))

    def closing(self) -> None:
        """Note it."""
        self.calls.append("closing")

    def writing_paused(self) -> None:
        """Note it."""
        self.calls.append("paused")

    def writing_resumed(self) -> None:
        """Note it."""
        self.calls.append("resumed")

    def closed(self, exc: Exception | None) -> None:
        """Note it, with the state."""
        self.calls.append(("closed", self.state, exc))


class Peer(asyncio.Protocol):
    """The other end of a transport: it notes what it gets."""

    def __init__(self, *, keeps_open: bool = False) -> None:
        self.received = b""
        self.has_ended = False
        self.error: Exception | None = None
        self._keeps_open = keeps_open

    def data_received(self, data: bytes) -> None:
        """Note bytes."""
        self.received += data

    def eof_received(self) -> bool:
        """Note the end."""
        self.has_ended = True
        return self._keeps_open


class Accepting:
    """Opens whatever asks, at once."""

    def connected(self, connection: Connection) -> None:
        """Do nothing."""

    def request_received(self, connection: Connection, request: Request) -> None:
        """Accept."""
        assert isinstance(connection.codec, ServerProtocol)
        connection.codec.send_response(connection.codec.accept(request))
        connection.start()

    def handed_over(self, connection: Connection, data: bytes) -> None:
        """Do nothing."""

    def handshake_ended(self, connection: Connection, response: object) -> None:
        """Note it."""
        assert isinstance(connection, Recorder)
        connection.calls.append("handshake ended")


class Bench:
    """One server's connection on a transport whose other end the test holds."""

    def __init__(self, *, keeps_open: bool = False, **settings: Any) -> None:
        loop = asyncio.get_running_loop()
        self.connection = Recorder(
            ServerProtocol(), Accepting(), Settings(**{"ping_interval": None, **settings}), loop
        )
        self.peer = Peer(keeps_open=keeps_open)
        self.from_peer = MemoryTransport(self.peer, loop)
        self.to_peer = MemoryTransport(self.connection, loop)
        self.from_peer.peer, self.to_peer.peer = self.to_peer, self.from_peer
        self.connection.connection_made(self.to_peer)

    async def open(self) -> Recorder:
        """Open the connection, and forget how."""
        self.from_peer.write(REQUEST)
        await asyncio.sleep(0.001)
        assert self.peer.received.startswith(b"HTTP/1.1 101 ")
        assert self.connection.calls == ["opened"]
        self.peer.received = b""
        self.connection.calls.clear()
        return self.connection


async def turn() -> None:
    """Let everything happen that needs no time."""
    await asyncio.sleep(0.001)


# Sending.


async def test_turn_is_one_write() -> None:
    """What is sent in one turn of the loop goes out in one piece, in its order."""
    async with connection_pair() as pair:
        with writes_to(pair.to_server) as written:
            for word in ("one", "two", "three"):
                pair.client.send_nowait(word)
            await pair.client.ping(b"?")
            assert written == []
            assert [await pair.server.recv() for _ in range(3)] == ["one", "two", "three"]

        assert len(written) == 1


async def test_next_turn_is_another() -> None:
    """What is sent in the next turn doesn't wait for a third."""
    async with connection_pair() as pair:
        with writes_to(pair.to_server) as written:
            for word in ("one", "two"):
                pair.client.send_nowait(word)
                await asyncio.sleep(0)
                await asyncio.sleep(0)

        assert len(written) == 2


async def test_large_turn_is_written_early() -> None:
    """What exceeds the write limit is written without waiting for the turn's end."""
    async with connection_pair(write_limit=1000, compression=None) as pair:
        with writes_to(pair.to_server) as written:
            for _ in range(5):
                pair.client.send_nowait(b"x" * 300)

            assert [len(data) // 300 for data in written] == [4]
        assert [await pair.server.recv() for _ in range(5)] == [b"x" * 300] * 5


async def test_answers_are_one_write() -> None:
    """The answers to what came in one piece go out in one."""
    bench = Bench()
    await bench.open()
    with writes_to(bench.to_peer) as written:
        bench.from_peer.write(frame(Opcode.PING, b"1") + frame(Opcode.PING, b"2") + frame(Opcode.CLOSE, b""))
        await turn()

    assert written == [b"\x8a\x011\x8a\x012\x88\x00"]


async def test_answers_keep_their_order() -> None:
    """A message sent because of a ping goes out after its pong and before the next pong."""
    bench = Bench()
    connection = await bench.open()
    connection.ping_received = lambda data: connection.send_message(Opcode.BINARY, data)
    bench.from_peer.write(frame(Opcode.PING, b"1") + frame(Opcode.PING, b"2"))
    await turn()

    assert bench.peer.received == b"\x8a\x011\x82\x011\x8a\x012\x82\x012"


async def test_amounts_add_up() -> None:
    """What was sent is either buffered or taken, with its framing."""
    bench = Bench(write_limit=1000)
    connection = await bench.open()
    taken = connection.bytes_taken
    bench.to_peer.stall()
    connection.send_message(Opcode.BINARY, b"x" * 100)
    assert connection.buffered_amount >= 102
    await turn()
    assert connection.buffered_amount == 102
    assert connection.bytes_taken == taken
    bench.to_peer.resume()
    await turn()
    assert connection.buffered_amount == 0
    assert connection.bytes_taken == taken + 102


async def test_drain_returns_at_once() -> None:
    """Under the high-water mark nobody waits."""
    async with connection_pair(compression=None) as pair:
        pair.to_server.stall()
        await pair.client.send(b"x" * 30_000)
        await asyncio.sleep(1)
        begun = now()
        await pair.client.drain()

        assert now() == begun
        assert pair.client.buffered_amount > 30_000


async def test_drain_waits_for_peer() -> None:
    """Above it, one waits until the peer has taken three quarters."""
    async with connection_pair(compression=None) as pair:

        async def left_after_drain() -> int:
            await pair.client.drain()
            return pair.client.buffered_amount

        pair.to_server.stall()
        pair.client.send_nowait(b"x" * 100_000)
        waiting = [asyncio.create_task(left_after_drain()) for _ in range(3)]
        await asyncio.sleep(1)
        assert not any(task.done() for task in waiting)
        pair.to_server.chunk = 5000
        pair.to_server.resume()

        assert all(0 < left <= 32_768 // 4 for left in await asyncio.gather(*waiting))


async def test_cancelled_drain_harms_nobody() -> None:
    """Who stops waiting takes nothing back, and others go on waiting."""
    async with connection_pair(compression=None) as pair:
        pair.to_server.stall()
        pair.client.send_nowait(b"x" * 100_000)
        impatient, patient = (asyncio.create_task(pair.client.drain()) for _ in range(2))
        await asyncio.sleep(1)
        impatient.cancel()
        await asyncio.sleep(1)
        assert impatient.cancelled()
        assert not patient.done()
        pair.to_server.resume()
        await patient

        assert await pair.server.recv() == b"x" * 100_000
        assert len(pair.client._drain_waiters) == 0


async def test_drain_ends_with_connection() -> None:
    """Who waits when the connection is lost is told so."""
    async with connection_pair(compression=None) as pair:
        pair.to_server.stall()
        pair.client.send_nowait(b"x" * 100_000)
        waiting = asyncio.create_task(pair.client.drain())
        await asyncio.sleep(1)
        pair.cut()
        with pytest.raises(ConnectionClosedError):
            await waiting
        with pytest.raises(ConnectionClosedError):
            await pair.client.drain()


async def test_blocked_pongs_are_few() -> None:
    """While the peer takes nothing, its pings leave one pong, the last, to be sent (5.5.3)."""
    bench = Bench(write_limit=1000)
    connection = await bench.open()
    bench.to_peer.stall()
    connection.send_message(Opcode.BINARY, b"x" * 2000)
    waiting = connection.buffered_amount
    for number in range(1000):
        bench.from_peer.write(frame(Opcode.PING, str(number).encode()))
        await asyncio.sleep(0)
    await turn()
    assert connection.buffered_amount == waiting
    bench.to_peer.resume()
    await turn()

    assert bench.peer.received.count(b"\x8a") == 1
    assert bench.peer.received.endswith(b"\x8a\x03999")


async def test_resuming_may_pause_again() -> None:
    """If what waited fills the buffer again, the face is told that last."""
    bench = Bench(write_limit=1000)
    connection = await bench.open()
    bench.to_peer.stall()
    connection.send_message(Opcode.BINARY, b"x" * 2000)
    bench.to_peer.chunk = 1800
    # The rest is under the low-water mark, but not together with what is sent in the same turn.
    bench.to_peer.resume()
    connection.send_message(Opcode.BINARY, b"y" * 900)
    await turn()

    assert connection.calls == ["paused", "resumed", "paused", "resumed"]


# Reading.


async def test_events_follow_their_order() -> None:
    """Messages, pings and pongs come as the peer sent them; the end comes last, once."""
    bench = Bench()
    connection = await bench.open()
    bench.from_peer.write(
        frame(Opcode.TEXT, b"a")
        + frame(Opcode.PING, b"b")
        + frame(Opcode.BINARY, b"c")
        + frame(Opcode.PONG, b"d")
        + frame(Opcode.CLOSE, b"\x03\xe8")
        + frame(Opcode.TEXT, b"too late")
    )
    await asyncio.sleep(100)

    assert connection.calls == [
        "a",
        ("ping", b"b"),
        b"c",
        ("pong", b"d"),
        "closing",
        ("closed", State.CLOSED, None),
    ]


async def test_nothing_comes_before_opening() -> None:
    """What arrives in one piece with the request is given out after ``opened``."""
    bench = Bench()
    bench.from_peer.write(REQUEST + frame(Opcode.TEXT, b"early") + frame(Opcode.PING, b"?"))
    await turn()

    assert bench.connection.calls == ["opened", "early", ("ping", b"?")]
    assert bench.peer.received.endswith(b"\r\n\r\n\x8a\x01?")


async def test_pause_stops_reading() -> None:
    """While paused, nothing is taken; a second pause or resumption changes nothing."""
    bench = Bench()
    connection = await bench.open()
    connection.pause_reading()
    connection.pause_reading()
    bench.from_peer.write(frame(Opcode.TEXT, b"late"))
    await asyncio.sleep(60)
    assert connection.calls == []
    assert connection.is_reading_paused
    connection.resume_reading()
    connection.resume_reading()
    await turn()

    assert connection.calls == ["late"]
    assert not connection.is_reading_paused


async def test_pause_outlasts_opening() -> None:
    """A face that pauses in ``opened`` reads nothing from then on."""
    bench = Bench()
    bench.connection.opened = bench.connection.pause_reading
    bench.from_peer.write(REQUEST)
    await turn()
    bench.from_peer.write(frame(Opcode.TEXT, b"late"))
    await asyncio.sleep(60)

    assert bench.connection.calls == []


# The end.


async def test_server_closes_first() -> None:
    """After the closing handshake the server closes the transport, at once (7.1.1)."""
    bench = Bench(keeps_open=True)
    connection = await bench.open()
    begun = now()
    connection.start_close(4000, "bye")
    bench.from_peer.write(frame(Opcode.CLOSE, b"\x0f\xa0"))
    await turn()

    assert bench.peer.received == b"\x88\x05\x0f\xa0bye"
    assert connection.calls == ["closing", ("closed", State.CLOSED, None)]
    assert now() - begun < 1
    assert (connection.close_code, connection.close_reason) == (4000, "")


async def test_close_waits_for_answer() -> None:
    """A peer that doesn't answer our Close frame is cut at the time-out."""
    bench = Bench(close_timeout=7)
    connection = await bench.open()
    begun = now()
    connection.start_close()
    connection.start_close(1001, "ignored")
    bench.from_peer.write(frame(Opcode.TEXT, b"not an answer"))
    await asyncio.sleep(6.9)
    assert connection.calls == ["not an answer"]
    await asyncio.sleep(0.2)

    assert connection.calls == ["not an answer", ("closed", State.CLOSED, None)]
    assert bench.peer.received == b"\x88\x02\x03\xe8"
    assert connection.close_code == 1006
    assert now() - begun < 8


async def test_close_goes_behind_data() -> None:
    """What was sent before closing goes out before the Close frame."""
    bench = Bench()
    connection = await bench.open()
    connection.send_message(Opcode.TEXT, b"last")
    connection.start_close(1005)
    await turn()

    assert bench.peer.received == b"\x81\x04last\x88\x00"


async def test_close_reads_on() -> None:
    """Closing ends a pause of reading, or the peer's answer would never be found."""
    bench = Bench()
    connection = await bench.open()
    connection.pause_reading()
    bench.from_peer.write(frame(Opcode.TEXT, b"unread") * 3)
    connection.start_close()
    bench.from_peer.write(frame(Opcode.CLOSE, b"\x03\xe8"))
    begun = now()
    await turn()

    assert connection.calls[-1] == ("closed", State.CLOSED, None)
    assert connection.close_code == 1000
    assert now() - begun < 1


async def test_failure_closes_half() -> None:
    """A broken rule gets a Close frame and our end of the stream, which the peer can still read (7.1.7)."""
    bench = Bench(keeps_open=True)
    connection = await bench.open()
    begun = now()
    bench.from_peer.write(b"\x83\x80")
    await turn()
    assert (bench.peer.received[:1], bench.peer.received[2:4]) == (b"\x88", b"\x03\xea")
    assert bench.peer.has_ended
    assert connection.state is State.CLOSING
    bench.from_peer.write(frame(Opcode.TEXT, b"dropped") * 1000)
    await turn()
    assert connection.calls == []
    bench.from_peer.write_eof()
    await turn()

    assert connection.calls == [("closed", State.CLOSED, None)]
    assert now() - begun < 1


async def test_failure_is_cut_in_time() -> None:
    """A peer that doesn't end its side after our failure is cut at the time-out."""
    bench = Bench(keeps_open=True, close_timeout=7)
    connection = await bench.open()
    bench.from_peer.write(b"\x83\x80")
    await asyncio.sleep(6.9)
    assert connection.calls == []
    await asyncio.sleep(0.2)

    assert connection.calls == [("closed", State.CLOSED, None)]


async def test_failure_reads_on() -> None:
    """A failure ends a pause of reading: the peer's end must be found."""
    bench = Bench()
    connection = await bench.open()
    connection.pause_reading()
    connection.fail(1011, "why")
    begun = now()
    await turn()

    assert bench.peer.received == b"\x88\x05\x03\xf3why"
    assert connection.calls == [("closed", State.CLOSED, None)]
    assert now() - begun < 1


async def test_end_of_stream_closes() -> None:
    """A peer that ends its stream without a Close frame: 1006, and our side is closed."""
    bench = Bench()
    connection = await bench.open()
    bench.from_peer.write(frame(Opcode.TEXT, b"whole") + frame(Opcode.TEXT, b"half")[:-1])
    bench.from_peer.write_eof()
    await turn()

    assert connection.calls == ["whole", ("closed", State.CLOSED, None)]
    assert connection.close_code == 1006
    assert bench.peer.has_ended


async def test_end_leaves_what_waits() -> None:
    """What waits to be written when the peer ends its stream is still written."""
    bench = Bench(keeps_open=True)
    connection = await bench.open()
    bench.to_peer.stall()
    connection.send_message(Opcode.TEXT, b"for you")
    await turn()
    bench.from_peer.write_eof()
    await turn()
    bench.to_peer.resume()
    await turn()

    assert bench.peer.received == b"\x81\x07for you"


async def test_end_is_cut_in_time() -> None:
    """But not for longer than the close time-out."""
    bench = Bench(keeps_open=True, close_timeout=7)
    connection = await bench.open()
    bench.to_peer.stall()
    connection.send_message(Opcode.TEXT, b"for you")
    bench.from_peer.write_eof()
    await asyncio.sleep(8)

    assert connection.calls == [("closed", State.CLOSED, None)]


async def test_loss_tells_its_error() -> None:
    """A broken transport's error comes with the end."""
    bench = Bench()
    connection = await bench.open()
    error = ConnectionResetError()
    bench.to_peer.cut(error)
    await turn()

    assert connection.calls == [("closed", State.CLOSED, error)]


async def test_loss_before_opening() -> None:
    """A connection that is lost before it is open tells its handshaker, then ends."""
    bench = Bench()
    bench.from_peer.write(REQUEST[:20])
    bench.from_peer.write_eof()
    await turn()

    assert bench.connection.calls == ["handshake ended", ("closed", State.CLOSED, None)]


async def test_opening_is_limited() -> None:
    """A connection that isn't open in time is cut, however it dribbles."""
    bench = Bench()
    bench.connection.limit_opening(10)
    for byte in REQUEST[:99]:
        bench.from_peer.write(bytes([byte]))
        await asyncio.sleep(0.1)
    assert bench.connection.calls == []
    await asyncio.sleep(0.2)

    assert bench.connection.calls == ["handshake ended", ("closed", State.CLOSED, None)]


async def test_open_connection_has_time() -> None:
    """Once open, it isn't limited any more."""
    bench = Bench()
    bench.connection.limit_opening(10)
    await bench.open()
    await asyncio.sleep(100)

    assert bench.connection.state is State.OPEN


async def test_abort_may_come_early() -> None:
    """A connection that was aborted before it had its transport cuts it when it gets it."""
    loop = asyncio.get_running_loop()
    connection = Recorder(ServerProtocol(), Accepting(), Settings(), loop)
    connection.abort()
    transport = MemoryTransport(connection, loop)
    connection.connection_made(transport)
    await turn()

    assert transport.is_closing()
    assert connection.calls == ["handshake ended", ("closed", State.CLOSED, None)]


async def test_refusal_reaches_client() -> None:
    """A refused client gets the whole answer, and the end after it."""
    bench = Bench(keeps_open=True)
    bench.from_peer.write(b"nonsense\r\n\r\n")
    await turn()
    assert bench.peer.received.startswith(b"HTTP/1.1 400 ")
    assert bench.peer.received.endswith(b".\n")
    assert bench.peer.has_ended
    bench.from_peer.write(b"more nonsense\r\n\r\n")
    bench.from_peer.write_eof()
    await turn()

    assert bench.connection.calls == ["handshake ended", ("closed", State.CLOSED, None)]


async def test_detached_transport_is_free() -> None:
    """A connection that gave its transport away does nothing to it any more."""
    bench = Bench()
    bench.connection.limit_opening(10)
    transport = bench.connection.detach()
    assert transport is bench.to_peer
    bench.connection.abort()
    await asyncio.sleep(60)

    assert not transport.is_closing()
    assert bench.connection.local_address is None


async def test_late_close_does_nothing() -> None:
    """Closing what is lost already sets no timer, which would keep the connection in memory."""
    async with connection_pair() as pair:
        pair.cut()
        await pair.client.wait_closed()
        pair.client.start_close()
        await pair.client.close()

        assert pair.client._close_timer is None


async def test_sending_early_is_refused() -> None:
    """Before the connection is open, sending and closing are mistakes of the caller."""
    bench = Bench()
    for attempt in (
        lambda: bench.connection.send_message(Opcode.TEXT, b""),
        lambda: bench.connection.send_ping(b""),
        lambda: bench.connection.send_pong(b""),
        bench.connection.start_close,
    ):
        with pytest.raises(LocalProtocolError):
            attempt()


async def test_sending_late_is_refused() -> None:
    """After our Close frame nothing else is sent (5.5.1)."""
    bench = Bench()
    connection = await bench.open()
    connection.start_close()
    for attempt in (
        lambda: connection.send_message(Opcode.TEXT, b""),
        lambda: connection.send_ping(b""),
        lambda: connection.send_pong(b""),
    ):
        with pytest.raises(ConnectionClosed):
            attempt()
    await turn()

    assert bench.peer.received == b"\x88\x02\x03\xe8"


# What it tells of itself.


async def test_attributes_tell_handshake() -> None:
    """Request, response, subprotocol and addresses are there on both sides, and the close code at the end."""
    options = {"subprotocols": ["chat"]}
    async with connection_pair(uri="ws://example.com/room?x=1", **options) as pair:
        for end in (pair.client, pair.server):
            assert end.request is not None
            assert end.request.path == "/room?x=1"
            assert end.request.headers["Host"] == "example.com"
            assert end.response is not None
            assert end.response.status_code == 101
            assert end.subprotocol == "chat"
            assert (end.close_code, end.close_reason) == (None, None)
        assert pair.client.remote_address == pair.server.local_address == ("server", 1)
        assert pair.server.remote_address == pair.client.local_address == ("client", 1)
        await pair.client.close(4001, "enough")

        assert (pair.server.close_code, pair.server.close_reason) == (4001, "enough")
        assert pair.server.remote_address == ("client", 1)


@pytest.mark.parametrize("name", ["ping_interval", "ping_timeout", "close_timeout"])
async def test_time_outs_must_be_positive(name: str) -> None:
    """Zero would mean "never" to some and "at once" to others."""
    assert getattr(Settings(**{name: None}), name) is None
    for seconds in (0, -1):
        with pytest.raises(ValueError, match=name):
            Settings(**{name: seconds})


async def test_write_limit_must_be_positive() -> None:
    """A buffer of nothing would never drain."""
    with pytest.raises(ValueError, match="write_limit"):
        Settings(write_limit=0)


@pytest.mark.parametrize("how", ["closed", "cut", "failed"])
async def test_ended_connection_is_freed(how: str) -> None:
    """Nothing keeps a connection in memory once it is over: no cycle, no timer."""
    gc.collect()
    gc.disable()
    try:
        ends = await leave_behind(how)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert [end() for end in ends] == [None, None]
    finally:
        gc.enable()


async def leave_behind(how: str) -> list[weakref.ref[Any]]:
    """Open and end a connection; return its two ends as far as they are still there."""

    def end(pair: ConnectionPair) -> None:
        if how == "closed":
            pair.client.start_close()
        elif how == "cut":
            pair.cut()
        else:
            pair.to_server.write(b"\x83\x80")

    async with connection_pair() as pair:
        await pair.client.send("hello")
        await pair.server.recv()
        end(pair)
        await pair.client.wait_closed()
        await pair.server.wait_closed()
        assert isinstance(pair.server, ServerConnection)
        return [weakref.ref(pair.client), weakref.ref(pair.server)]


async def test_refusal_without_events() -> None:
    """A response other than 101 opens nothing."""
    bench = Bench()
    bench.connection._handshaker.request_received = lambda connection, request: (
        connection.codec.send_response(plain_response(418, "no"))
    )
    bench.from_peer.write(REQUEST)
    await turn()

    assert bench.peer.received.startswith(b"HTTP/1.1 418 ")
    assert bench.connection.calls == ["handshake ended", ("closed", State.CLOSED, None)]
