"""The connection under every face: what it writes when, how it ends, and what it asks of its transport."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import pytest

from fullduplex.aio.connection import ServerConnection
from fullduplex.exceptions import ConnectionClosed, ConnectionClosedError, LocalProtocolError
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from fullduplex.protocol.frames import Opcode, serialize_frame
from fullduplex.protocol.http11 import Request
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.prepared import Prepared
from fullduplex.protocol.server import ServerConnection as ServerProtocol
from fullduplex.protocol.server import plain_response
from fullduplex.protocol.states import Side, State
from fullduplex.testing import ConnectionPair, MemoryTransport, connection_pair
from fullduplex.transport.connection import BATCH, Connection, Settings

from ..protocol.wire import Frame, deflated, frames

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
OFFERING_REQUEST = REQUEST[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"


def now() -> float:
    """Return the virtual time."""
    return asyncio.get_running_loop().time()


def frame(opcode: Opcode, payload: bytes, *, fin: bool = True, rsv: int = 0) -> bytes:
    """Return a client's frame."""
    return serialize_frame(opcode, payload, fin=fin, rsv=rsv, masked=True)


def texts(*words: object) -> bytes:
    """Return a client's text messages."""
    return b"".join(frame(Opcode.TEXT, str(word).encode()) for word in words)


def prepared(data: bytes, compress: bool | None = None) -> Prepared:
    """Return a binary message that may go to many."""
    return Prepared(Opcode.BINARY, data, compress)


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

    def chunk_received(self, data: str | bytes, ends_message: bool) -> None:
        """Note it."""
        self.calls.append((data, ends_message))

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
        """Note it, and let go."""
        assert isinstance(connection, Recorder)
        connection.calls.append(("handed over", data))
        connection.detach()

    def handshake_ended(self, connection: Connection, response: object) -> None:
        """Note it."""
        assert isinstance(connection, Recorder)
        connection.calls.append("handshake ended")


class Bench:
    """One server's connection on a transport whose other end the test holds."""

    def __init__(
        self,
        *,
        keeps_open: bool = False,
        limits: Limits | None = None,
        compresses: bool = False,
        hands_over: bool = False,
        **settings: Any,
    ) -> None:
        loop = asyncio.get_running_loop()
        extensions = [PerMessageDeflateFactory()] if compresses else []
        protocol = ServerProtocol(limits=limits, extensions=extensions, hands_over=hands_over)
        self.connection = Recorder(
            protocol, Accepting(), Settings(**{"ping_interval": None, **settings}), loop
        )
        self.peer = Peer(keeps_open=keeps_open)
        self.from_peer = MemoryTransport(self.peer, loop)
        self.to_peer = MemoryTransport(self.connection, loop)
        self.from_peer.peer, self.to_peer.peer = self.to_peer, self.from_peer
        self.connection.connection_made(self.to_peer)

    def sent(self) -> list[Frame]:
        """Return the frames that the peer got since the last call."""
        received, self.peer.received = self.peer.received, b""
        return frames(received, masked=False)

    async def open(self) -> Recorder:
        """Open the connection, and forget how."""
        self.from_peer.write(OFFERING_REQUEST if self.connection.codec._head.factories else REQUEST)
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


async def test_control_frames_are_written() -> None:
    """Pings, and pongs that nobody asked for, go out like messages, between them."""
    bench = Bench()
    connection = await bench.open()
    connection.send_ping(b"1")
    connection.send_message(Opcode.TEXT, b"2")
    connection.send_pong(b"3")
    await turn()

    assert bench.peer.received == b"\x89\x011\x81\x012\x8a\x013"


async def test_keepalive_is_measured() -> None:
    """A pong to our keepalive ping tells the latency, and is told to the face like any."""
    bench = Bench(ping_interval=20)
    connection = await bench.open()
    await asyncio.sleep(21)
    [ping] = bench.sent()
    assert ping.opcode == Opcode.PING
    bench.from_peer.write(frame(Opcode.PONG, ping.payload))
    await turn()

    assert connection.calls == [("pong", ping.payload)]
    assert 1 <= connection.latency < 1.1


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
        assert len(pair.client._drain_waiters or ()) == 0


async def test_late_waking_harms_nobody() -> None:
    """Who stopped waiting in the very turn in which the peer takes something isn't woken any more."""
    bench = Bench(write_limit=1000)
    connection = await bench.open()
    bench.to_peer.stall()
    connection.send_message(Opcode.BINARY, b"x" * 2000)
    waiting = asyncio.create_task(connection.drain())
    await asyncio.sleep(1)
    waiting.cancel()
    connection.resume_writing()
    await turn()

    assert waiting.cancelled()
    assert connection.calls == ["paused", "resumed"]


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


# Messages that wait.


async def test_messages_wait_for_last_fragment() -> None:
    """What is sent while a message goes out in fragments goes out after it, in its order, but for pings."""
    bench = Bench()
    connection = await bench.open()
    connection.send_fragment(Opcode.TEXT, b"one ", fin=False)
    connection.send_message(Opcode.TEXT, b"two")
    connection.send_ping(b"?")
    connection.send_prepared(prepared(b"three"))
    assert connection.buffered_amount >= len(b"one two?three")
    connection.send_fragment(Opcode.TEXT, b"message", fin=False)
    connection.send_droppable(prepared(b"four"), most=1)
    connection.send_message(Opcode.BINARY, b"five")
    await turn()
    assert [(one.payload, one.fin) for one in bench.sent()] == [
        (b"one ", False),
        (b"?", True),
        (b"message", False),
    ]
    connection.send_fragment(Opcode.TEXT, b"!", fin=True)
    connection.send_message(Opcode.TEXT, b"six")
    await turn()

    assert [one.payload for one in bench.sent()] == [b"!", b"two", b"three", b"four", b"five", b"six"]
    assert connection.buffered_amount == 0


async def test_only_fragment_holds_nothing_up() -> None:
    """A message whose first fragment is its last is like any."""
    bench = Bench()
    connection = await bench.open()
    connection.send_fragment(Opcode.TEXT, b"one", fin=True)
    connection.send_message(Opcode.TEXT, b"two")
    await turn()

    assert [(one.opcode, one.payload, one.fin) for one in bench.sent()] == [
        (Opcode.TEXT, b"one", True),
        (Opcode.TEXT, b"two", True),
    ]


async def test_waiting_message_keeps_its_wish() -> None:
    """A message that waits is compressed or not as it was asked for, and copied at once."""
    bench = Bench(compresses=True)
    connection = await bench.open()
    connection.send_fragment(Opcode.BINARY, b"x" * 100, fin=False, compress=False)
    data = bytearray(b"y" * 100)
    for compress in (None, False, True):
        connection.send_message(Opcode.BINARY, data, compress=compress)
    data[:] = b"z" * 100
    connection.send_fragment(Opcode.BINARY, b"", fin=True)
    await turn()

    *fragments, first, second, third = bench.sent()
    assert [one.rsv for one in (*fragments, first, second, third)] == [0, 0, 0x40, 0, 0x40]
    assert second.payload == b"y" * 100


async def test_droppable_is_sent_to_quick_peer() -> None:
    """Nothing is dropped while the peer keeps up."""
    bench = Bench()
    connection = await bench.open()
    for number in range(5):
        connection.send_droppable(prepared(b"%d" % number), most=1)
        connection.send_droppable(prepared(b"key"), most=1, key="key")
    await turn()

    assert [one.payload for one in bench.sent()][::2] == [b"%d" % number for number in range(5)]


async def test_slow_peer_gets_the_newest() -> None:
    """To a peer that doesn't keep up, of droppable messages the newest are sent, and one for each key."""
    bench = Bench(write_limit=1000)
    connection = await bench.open()
    bench.to_peer.stall()
    connection.send_message(Opcode.BINARY, b"x" * 2000)
    for number in range(5):
        connection.send_droppable(prepared(b"%d" % number), most=2)
        connection.send_droppable(prepared(b"a%d" % number), most=2, key="a")
        connection.send_droppable(prepared(b"b%d" % number), most=2, key=("b", 1))
        if number == 2:
            connection.send_message(Opcode.BINARY, b"own")
    assert connection.buffered_amount == 2004 + len(b"34a4b4own")
    bench.to_peer.resume()
    await turn()

    assert [one.payload for one in bench.sent()][1:] == [b"a4", b"b4", b"own", b"3", b"4"]
    assert connection.buffered_amount == 0


async def test_waiting_goes_out_bit_by_bit() -> None:
    """What waits is sent as far as the peer takes it, and the face hears of each stop, in its order."""
    bench = Bench(write_limit=1000)
    connection = await bench.open()
    bench.to_peer.stall()
    connection.send_message(Opcode.BINARY, b"x" * 2000)
    for number in range(4):
        connection.send_droppable(prepared(b"%d" % number * 600), most=4)
    with writes_to(bench.to_peer) as written:
        bench.to_peer.resume()
        await turn()

    assert [len(data) for data in written] == [1208, 1208]
    assert connection.calls == ["paused", "resumed", "paused", "resumed", "paused", "resumed"]
    assert [one.payload[:1] for one in bench.sent()] == [b"x", b"0", b"1", b"2", b"3"]


async def test_fragments_do_not_overtake() -> None:
    """A message in fragments goes out behind what waits already for a slow peer."""
    bench = Bench(write_limit=1000)
    connection = await bench.open()
    bench.to_peer.stall()
    connection.send_message(Opcode.BINARY, b"x" * 2000)
    connection.send_droppable(prepared(b"first"), most=1)
    connection.send_fragment(Opcode.BINARY, b"sec", fin=False)
    connection.send_droppable(prepared(b"third"), most=1)
    bench.to_peer.resume()
    await turn()
    connection.send_fragment(Opcode.BINARY, b"ond", fin=True)
    await turn()

    assert [one.payload for one in bench.sent()][1:] == [b"first", b"sec", b"ond", b"third"]


async def test_close_goes_behind_what_waits() -> None:
    """What waits is sent before our Close frame, however slow the peer is."""
    bench = Bench(write_limit=1000)
    connection = await bench.open()
    bench.to_peer.stall()
    connection.send_message(Opcode.BINARY, b"x" * 2000)
    for number in range(3):
        connection.send_droppable(prepared(b"%d" % number * 900), most=3)
    connection.start_close()
    bench.to_peer.resume()
    await turn()

    assert [one.payload[:1] for one in bench.sent()] == [b"x", b"0", b"1", b"2", b"\x03"]


async def test_close_ends_unfinished_message() -> None:
    """A message that is still being sent in fragments isn't finished, and what waits for it is lost."""
    bench = Bench()
    connection = await bench.open()
    connection.send_fragment(Opcode.BINARY, b"a", fin=False)
    connection.send_message(Opcode.BINARY, b"b")
    connection.start_close()
    for attempt in (
        lambda: connection.send_fragment(Opcode.BINARY, b"c", fin=True),
        lambda: connection.send_message(Opcode.BINARY, b"c"),
        lambda: connection.send_prepared(prepared(b"c")),
        lambda: connection.send_droppable(prepared(b"c"), most=1),
    ):
        with pytest.raises(ConnectionClosed):
            attempt()
    bench.from_peer.write(frame(Opcode.CLOSE, b"\x03\xe8"))
    await turn()

    assert [one.payload for one in bench.sent()] == [b"a", b"\x03\xe8"]
    assert connection.calls == ["closing", ("closed", State.CLOSED, None)]


async def test_peers_close_drops_what_waits() -> None:
    """After the peer's Close frame nothing that waits is sent any more (5.5.1)."""
    bench = Bench(write_limit=1000)
    connection = await bench.open()
    bench.to_peer.stall()
    connection.send_message(Opcode.BINARY, b"x" * 2000)
    connection.send_droppable(prepared(b"waits"), most=1)
    bench.from_peer.write(frame(Opcode.CLOSE, b"\x03\xe8"))
    await turn()
    assert connection.buffered_amount == 2004 + len(b"waits") + 4
    bench.to_peer.chunk = 1900
    bench.to_peer.resume()
    await asyncio.sleep(0)
    assert connection.buffered_amount == 2004 + 4 - 1900
    await turn()

    assert [one.opcode for one in bench.sent()] == [Opcode.BINARY, Opcode.CLOSE]
    assert connection.close_code == 1000


async def test_loss_drops_what_waits() -> None:
    """With the transport, what waits is gone, and isn't counted any more."""
    bench = Bench(write_limit=1000)
    connection = await bench.open()
    bench.to_peer.stall()
    connection.send_message(Opcode.BINARY, b"x" * 2000)
    connection.send_droppable(prepared(b"waits"), most=1)
    bench.to_peer.cut(ConnectionResetError())
    await turn()

    assert connection.buffered_amount == 0
    with pytest.raises(ConnectionClosedError) as caught:
        connection.send_droppable(prepared(b"late"), most=1)
    assert isinstance(caught.value.__cause__, ConnectionResetError)


def send_nowait(connection: Connection) -> None:
    """Send a message."""
    connection.send_message(Opcode.BINARY, b"x" * 500)


def send_to_many(connection: Connection) -> None:
    """Send a message that goes to many."""
    connection.send_prepared(prepared(b"x" * 500))


def send_droppable(connection: Connection) -> None:
    """Send a message that may be dropped, of which many may wait."""
    connection.send_droppable(prepared(b"x" * 500), most=1000)


@pytest.mark.parametrize("send", [send_nowait, send_to_many, send_droppable])
async def test_who_takes_nothing_is_cut(send: Callable[[Connection], None]) -> None:
    """Who sends on though more than the buffer limit waits has the connection cut, and learns why."""
    bench = Bench(write_limit=1000, buffer_limit=5000)
    connection = await bench.open()
    bench.to_peer.stall()
    while connection.buffered_amount <= 5000:
        send(connection)
    waiting = connection.buffered_amount
    with pytest.raises(ConnectionClosedError) as caught:
        send(connection)
    assert isinstance(caught.value.__cause__, BufferError)
    assert str(caught.value.__cause__) == f"{waiting} bytes wait for a peer that doesn't take them"
    assert waiting < 5600
    assert connection.was_cut
    # All but what is still to be written at the end of this turn.
    assert connection.buffered_amount <= 1000
    await turn()
    assert connection.calls == ["paused", ("closed", State.CLOSED, None)]
    assert connection.close_code == 1006

    with pytest.raises(ConnectionClosedError) as caught:
        send(connection)
    assert isinstance(caught.value.__cause__, BufferError)


async def test_who_waits_is_not_cut() -> None:
    """The limit isn't for those who wait for the peer, nor for a peer that takes what it gets."""
    bench = Bench(write_limit=1000, buffer_limit=5000)
    connection = await bench.open()
    bench.to_peer.stall()
    for _ in range(100):
        connection.send_message(Opcode.BINARY, b"x" * 500, waits=True)
    assert connection.buffered_amount > 50_000
    bench.to_peer.resume()
    await turn()
    connection.send_message(Opcode.BINARY, b"x" * 50_000)
    await turn()

    assert connection.state is State.OPEN
    assert len(bench.sent()) == 101


async def test_buffer_may_be_unlimited() -> None:
    """Without a buffer limit nobody is cut."""
    bench = Bench(write_limit=1000, buffer_limit=None)
    connection = await bench.open()
    bench.to_peer.stall()
    for _ in range(100):
        connection.send_message(Opcode.BINARY, bytes(2**20))

    assert connection.state is State.OPEN
    assert connection.buffered_amount > 100 * 2**20


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


async def test_pause_is_exact() -> None:
    """After a pause not one event more is handed on, though more of them came in the same read."""
    bench = Bench()
    connection = await bench.open()
    connection.message_received = lambda data: (connection.calls.append(data), connection.pause_reading())
    bench.from_peer.write(texts("a", "b") + frame(Opcode.PING, b"?") + texts("c"))
    await asyncio.sleep(60)
    assert connection.calls == ["a"]
    assert not bench.to_peer.is_reading()
    connection.resume_reading()
    assert connection.calls == ["a"]
    await turn()
    assert connection.calls == ["a", "b"]
    assert bench.peer.received == b""
    connection.resume_reading()
    await turn()
    assert connection.calls == ["a", "b", ("ping", b"?"), "c"]
    assert bench.peer.received == b"\x8a\x01?"
    bench.from_peer.write(texts("d"))
    connection.resume_reading()
    await turn()

    assert connection.calls[-1] == "d"


async def test_pause_after_last_event() -> None:
    """A pause upon the last event of a read ends like any."""
    bench = Bench()
    connection = await bench.open()
    connection.message_received = lambda data: (connection.calls.append(data), connection.pause_reading())
    for word in ("a", "b"):
        bench.from_peer.write(texts(word))
        await turn()
        connection.resume_reading()
    await turn()

    assert connection.calls == ["a", "b"]
    assert bench.to_peer.is_reading()


async def test_pause_within_compressed_message() -> None:
    """A large message that comes in pieces may be paused after each of them."""
    data = b"".join(b"%d" % number for number in range(100_000))
    payload = deflated(Side.CLIENT, local_bits=12).encode(data, ends_message=True)
    bench = Bench(compresses=True)
    connection = await bench.open()
    connection.codec.start_streaming()
    connection.chunk_received = lambda *chunk: (connection.calls.append(chunk), connection.pause_reading())
    bench.from_peer.write(frame(Opcode.BINARY, payload, rsv=0x40) + texts("next"))
    count = 0
    while "next" not in connection.calls:
        await turn()
        assert len(connection.calls) <= count + 2
        count = len(connection.calls)
        connection.resume_reading()

    *chunks, last = connection.calls
    assert len(chunks) > 5
    assert b"".join(part for part, _ in chunks) == data
    assert last == "next"


async def test_pause_may_be_taken_back() -> None:
    """Whoever goes on before the pause begins, or pauses again before it ends, loses nothing."""
    bench = Bench()
    connection = await bench.open()

    def waver(data: str | bytes) -> None:
        connection.calls.append(data)
        connection.pause_reading()
        connection.resume_reading()

    connection.message_received = waver
    bench.from_peer.write(texts("a", "b"))
    await turn()
    assert connection.calls == ["a", "b"]
    connection.message_received = lambda data: (connection.calls.append(data), connection.pause_reading())
    bench.from_peer.write(texts("c", "d"))
    await turn()
    connection.resume_reading()
    connection.pause_reading()
    await turn()
    assert connection.calls == ["a", "b", "c"]
    connection.resume_reading()
    await turn()

    assert connection.calls == ["a", "b", "c", "d"]


class Turns:
    """Counts, turn by turn of the loop, how many calls a connection has had in it."""

    def __init__(self, connection: Recorder, meddle: Callable[[], None] | None = None) -> None:
        self.counts: list[int] = []
        self._seen = 0
        self._connection = connection
        self._meddle = meddle
        self._is_counting = True
        self._turn()

    def _turn(self) -> None:
        seen = len(self._connection.calls)
        self.counts.append(seen - self._seen)
        self._seen = seen
        if self._meddle is not None:
            self._meddle()
        if self._is_counting:
            self._connection.loop.call_soon(self._turn)

    def stop(self) -> None:
        """Count no more."""
        self._is_counting = False


async def after(turns: int) -> None:
    """Let so many turns of the loop pass."""
    for _ in range(turns):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "payload", [frame(Opcode.TEXT, b""), frame(Opcode.PING, b""), frame(Opcode.PONG, b"")]
)
async def test_others_have_their_turn(payload: bytes) -> None:
    """However many events come at once, a turn of the loop has at most a batch of them."""
    bench = Bench(limits=Limits(control_rate=None))
    connection = await bench.open()
    turns = Turns(connection)
    bench.from_peer.write(payload * (5 * BATCH + 1))
    await after(30)
    turns.stop()

    assert [count for count in turns.counts if count] == [BATCH] * 5 + [1]
    assert bench.to_peer.is_reading()


async def test_chunks_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the many chunks that one compressed frame makes, a turn has at most a batch."""
    monkeypatch.setattr("fullduplex.protocol.messages.CHUNK_SIZE", 100)
    payload = deflated(Side.CLIENT, local_bits=12).encode(bytes(100 * 3 * BATCH), ends_message=True)
    bench = Bench(compresses=True)
    connection = await bench.open()
    connection.codec.start_streaming()
    turns = Turns(connection)
    bench.from_peer.write(frame(Opcode.BINARY, payload, rsv=0x40) + texts("next"))
    await after(30)
    turns.stop()

    assert max(turns.counts) == BATCH
    assert b"".join(part for part, _ in connection.calls[:-1]) == bytes(100 * 3 * BATCH)
    assert connection.calls[-1] == "next"


async def test_meddling_makes_no_larger_turns() -> None:
    """Pauses that are taken back at once don't make a turn larger."""
    bench = Bench()
    connection = await bench.open()
    turns = Turns(connection, lambda: (connection.pause_reading(), connection.resume_reading()))
    bench.from_peer.write(texts("x") * (5 * BATCH))
    await after(30)
    turns.stop()

    assert max(turns.counts) == BATCH
    assert len(connection.calls) == 5 * BATCH


async def test_eventless_frames_take_turns() -> None:
    """Of frames that make no event, a turn has no more than a batch either."""
    bench = Bench()
    connection = await bench.open()
    seen: list[int] = []
    turns = Turns(connection, lambda: seen.append(connection.codec._readers()[1]._fragments))
    fragments = frame(Opcode.TEXT, b"", fin=False) + frame(Opcode.CONTINUATION, b"", fin=False) * 1000
    bench.from_peer.write(fragments + frame(Opcode.CONTINUATION, b"end"))
    await after(30)
    turns.stop()

    assert connection.calls == ["end"]
    assert sorted({one for one in seen if one}) == [BATCH, 2 * BATCH, 3 * BATCH]


async def test_bytes_come_behind_what_is_kept() -> None:
    """What a transport still brings while something is kept is read after that."""
    bench = Bench()
    connection = await bench.open()
    words = [str(number) for number in range(BATCH + 10)]
    connection.data_received(texts(*words))
    assert len(connection.calls) == BATCH
    assert not bench.to_peer.is_reading()
    connection.data_received(texts("behind"))
    await turn()

    assert connection.calls == [*words, "behind"]
    assert bench.to_peer.is_reading()


async def test_close_may_be_kept() -> None:
    """A Close frame behind a pause is found after it, and answered."""
    bench = Bench()
    connection = await bench.open()
    connection.message_received = lambda data: (connection.calls.append(data), connection.pause_reading())
    bench.from_peer.write(texts("a") + frame(Opcode.CLOSE, b"\x03\xe8") + texts("late"))
    await asyncio.sleep(60)
    assert connection.state is State.OPEN
    connection.resume_reading()
    await turn()

    assert connection.calls == ["a", "closing", ("closed", State.CLOSED, None)]
    assert connection.close_code == 1000


async def test_close_finds_what_is_kept() -> None:
    """Our closing finds the peer's Close frame though it is kept behind messages."""
    bench = Bench()
    connection = await bench.open()
    connection.message_received = lambda data: (connection.calls.append(data), connection.pause_reading())
    bench.from_peer.write(texts("a") + frame(Opcode.CLOSE, b"\x0f\xa0"))
    await turn()
    begun = now()
    connection.start_close()
    await turn()

    assert connection.calls == ["a", "closing", ("closed", State.CLOSED, None)]
    assert connection.close_code == 4000
    assert now() - begun < 1


async def test_end_comes_behind_what_is_kept() -> None:
    """The peer's end of stream isn't seen before what it sent was handed on."""
    bench = Bench()
    connection = await bench.open()
    connection.message_received = lambda data: (connection.calls.append(data), connection.pause_reading())
    bench.from_peer.write(texts("a", "b"))
    bench.from_peer.write_eof()
    await asyncio.sleep(60)
    assert connection.calls == ["a"]
    for _ in range(2):
        connection.resume_reading()
        await turn()

    assert connection.calls == ["a", "b", ("closed", State.CLOSED, None)]


async def test_loss_drops_what_is_kept() -> None:
    """Nothing is handed on after the end, whatever was kept."""
    bench = Bench()
    connection = await bench.open()
    connection.message_received = lambda data: (connection.calls.append(data), connection.pause_reading())
    bench.from_peer.write(texts("a", "b"))
    await turn()
    bench.to_peer.cut()
    await turn()
    connection.resume_reading()
    await turn()

    assert connection.calls == ["a", ("closed", State.CLOSED, None)]


async def test_failure_drops_what_is_kept() -> None:
    """After a failure nothing that was kept is handed on, and the peer's end is found (7.1.7)."""
    bench = Bench(keeps_open=True)
    connection = await bench.open()
    connection.message_received = lambda data: (connection.calls.append(data), connection.pause_reading())
    bench.from_peer.write(texts("a", "b"))
    await turn()
    connection.fail(1011)
    await turn()
    bench.from_peer.write_eof()
    await turn()

    assert connection.calls == ["a", ("closed", State.CLOSED, None)]


async def test_early_messages_take_turns() -> None:
    """What comes in one piece with the request is handed on in batches as well, and all of it."""
    bench = Bench()
    bench.from_peer.write(REQUEST + texts("x") * (2 * BATCH + 1))
    turns = Turns(bench.connection)
    await after(20)
    turns.stop()

    assert bench.connection.calls == ["opened"] + ["x"] * (2 * BATCH + 1)
    assert max(turns.counts) <= BATCH + 1


async def test_early_messages_wait_for_face() -> None:
    """What comes in one piece with the request is kept if ``opened`` pauses the reading."""
    bench = Bench()
    bench.connection.opened = bench.connection.pause_reading
    bench.from_peer.write(REQUEST + texts("a", "b"))
    await asyncio.sleep(60)
    assert bench.connection.calls == []
    assert bench.peer.received.startswith(b"HTTP/1.1 101 ")
    bench.connection.resume_reading()
    await turn()

    assert bench.connection.calls == ["a", "b"]


# How fast the peer may go.


@pytest.mark.parametrize(
    "limits, data, told",
    [
        (Limits(control_rate=5), frame(Opcode.PING, b""), "more than 5 pings and pongs a second"),
        (Limits(control_rate=5), frame(Opcode.PONG, b""), "more than 5 pings and pongs a second"),
        (Limits(message_rate=5), frame(Opcode.TEXT, b""), "more than 5 messages a second"),
        (Limits(byte_rate=30), frame(Opcode.TEXT, b""), "more than 30 bytes a second"),
    ],
)
async def test_rates_are_held(limits: Limits, data: bytes, told: str) -> None:
    """Five a second pass, at once or not; one more fails the connection, and isn't handed on (1008)."""
    bench = Bench(limits=limits)
    connection = await bench.open()
    for _ in range(5):
        bench.from_peer.write(data)
        await asyncio.sleep(0)
    await asyncio.sleep(1.1)
    bench.from_peer.write(data * 5)
    await asyncio.sleep(1.1)
    assert connection.state is State.OPEN
    for _ in range(6):
        bench.from_peer.write(data)
        await asyncio.sleep(0.001)
    await turn()

    assert bench.sent()[-1] == Frame(Opcode.CLOSE, b"\x03\xf0" + told.encode())
    assert len(connection.calls) == 16
    assert connection.calls[-1] == ("closed", State.CLOSED, None)


async def test_message_in_chunks_counts_once() -> None:
    """However many chunks a message has, it is one message, and counts when it ends."""
    bench = Bench(limits=Limits(message_rate=1))
    connection = await bench.open()
    connection.codec.start_streaming()
    bench.from_peer.write(frame(Opcode.TEXT, b"a", fin=False))
    for _ in range(10):
        bench.from_peer.write(frame(Opcode.CONTINUATION, b"b", fin=False))
    bench.from_peer.write(frame(Opcode.CONTINUATION, b"c"))
    await turn()
    assert connection.state is State.OPEN
    connection.codec.start_streaming()
    bench.from_peer.write(frame(Opcode.TEXT, b"d", fin=False) + frame(Opcode.CONTINUATION, b"e"))
    await turn()

    assert connection.calls[-3:] == [("c", True), ("d", False), ("closed", State.CLOSED, None)]
    assert bench.sent()[-1].payload[:2] == b"\x03\xf0"


async def test_our_pause_is_made_up_for() -> None:
    """What gathers while we don't read isn't held against the peer."""
    bench = Bench(limits=Limits(message_rate=5))
    connection = await bench.open()
    connection.pause_reading()
    for _ in range(10):
        bench.from_peer.write(texts("x") * 5)
        await asyncio.sleep(1)
    connection.resume_reading()
    await turn()
    assert connection.calls == ["x"] * 50

    await asyncio.sleep(1)
    bench.from_peer.write(texts("x") * 20)
    await turn()
    assert connection.state is not State.OPEN


async def test_first_pings_may_follow_pause() -> None:
    """What gathers before the first ping was read isn't held against the peer either."""
    bench = Bench(limits=Limits(control_rate=5))
    connection = await bench.open()
    connection.pause_reading()
    for _ in range(10):
        bench.from_peer.write(frame(Opcode.PING, b"") * 5)
        await asyncio.sleep(1)
    connection.resume_reading()
    await turn()
    assert connection.calls == [("ping", b"")] * 50

    bench.from_peer.write(frame(Opcode.PING, b"") * 20)
    await turn()
    assert connection.state is not State.OPEN


async def test_handshake_counts_for_no_rate() -> None:
    """Rates are those of the open connection."""
    bench = Bench(limits=Limits(byte_rate=10))
    await bench.open()

    assert bench.connection.state is State.OPEN


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


async def test_half_close_finds_peer_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the peer has cut the transport before we end our side, nothing is raised, and ours is cut too."""
    bench = Bench()
    gone = OSError(errno.ENOTCONN, "not connected")
    monkeypatch.setattr(bench.to_peer, "write_eof", Mock(side_effect=gone))
    bench.from_peer.write(b"no request\r\n\r\n")
    await turn()

    assert bench.connection.state is State.CLOSED
    assert bench.connection.was_cut is False
    assert bench.to_peer.is_closing()


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
    bench.connection.data_received(REQUEST)
    bench.connection.resume_reading()
    assert bench.connection.calls == []


async def test_other_requests_are_handed_over() -> None:
    """A request for something else goes to the handshaker, byte for byte."""
    bench = Bench(hands_over=True)
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nrest"
    bench.from_peer.write(request)
    await turn()

    assert bench.connection.calls == [("handed over", request)]
    assert bench.peer.received == b""


async def test_closing_transport_is_left_alone() -> None:
    """A transport that is closing isn't closed again when the peer ends too, nor paused."""
    bench = Bench(keeps_open=True)
    connection = await bench.open()
    bench.to_peer.stall()
    connection.send_message(Opcode.BINARY, b"x")
    await turn()
    bench.to_peer.close()
    closes: list[None] = []
    bench.to_peer.close = lambda: closes.append(None)
    connection.codec.receive_eof()
    connection.flush()
    connection.pause_reading()

    assert closes == []
    assert not connection.is_reading_paused


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


@pytest.mark.parametrize("name", ["write_limit", "read_limit", "max_queue"])
@pytest.mark.parametrize("limit", [0, -1, (0, 0), (10, 11), (10, -1), (0, None)])
async def test_water_marks_make_sense(name: str, limit: Any) -> None:
    """What would never fill, or never drain, is refused."""
    with pytest.raises(ValueError, match=name):
        Settings(**{name: limit})


async def test_low_water_mark_may_be_left_out() -> None:
    """Without a low-water mark it is a quarter of the high-water mark."""
    settings = Settings(write_limit=1000, read_limit=(1000, 999), max_queue=(16, None))

    assert settings.write_marks == (1000, 250)
    assert settings.read_marks == (1000, 999)
    assert settings.queue_marks == (16, 4)
    assert Settings(max_queue=None).queue_marks is None


@pytest.mark.parametrize("limit", [0, -1])
async def test_buffer_limit_must_be_positive(limit: int) -> None:
    """A buffer limit of nothing would cut every connection."""
    with pytest.raises(ValueError, match="buffer_limit"):
        Settings(buffer_limit=limit)


async def test_water_marks_are_the_transports() -> None:
    """The transport is told both water marks."""
    bench = Bench(write_limit=(1000, 10))
    connection = await bench.open()
    assert bench.to_peer.get_write_buffer_limits() == (10, 1000)
    bench.to_peer.stall()
    connection.send_message(Opcode.BINARY, b"x" * 2000)
    bench.to_peer.chunk = 1900
    bench.to_peer.resume()
    await asyncio.sleep(0)
    assert connection.calls == ["paused"]
    await turn()

    assert connection.calls == ["paused", "resumed"]


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
