"""For tests of programs that use this library: time that doesn't pass, connections without sockets.

``VirtualTimeLoop`` is an event loop that jumps to its next timer instead of
waiting for it.  ``connection_pair`` gives the two ends of an open connection
in memory, under the real protocol, and means to disturb it.  Each works
without the other::

    async def main():
        async with connection_pair(ping_interval=20, ping_timeout=20) as pair:
            pair.to_server.stall()
            await pair.client.wait_closed()     # 40 seconds, in no time
            assert pair.client.close_code == 1006

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())

Invariants:

1. The virtual clock moves only when nothing is left to run, and then to the next timer.
2. Bytes in memory arrive in the order in which they were written; the end of a stream comes last.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar, TypeVarTuple

from .aio.client import connect
from .aio.connection import ClientConnection, ServerConnection
from .aio.server import Server, serve
from .transport.streams import StreamProtocol

__all__ = ["ConnectionPair", "MemoryTransport", "VirtualTimeLoop", "connection_pair"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop on which waiting takes no time.

    Timers run in their order, and ``time()``, which begins at 0, says what
    they expect; ``asyncio.sleep``, ``asyncio.timeout`` and the like follow.
    While anything can run, the clock stands still: a loop that is never idle
    never gets to its next timer.

    Sockets and pipes work as ever.  As nothing tells what is still on its way
    to them, the loop gives them ``patience`` real seconds before each jump:
    within the process that is plenty, but a peer in another process that takes
    longer is found silent.  The clock stands still too while a function runs in
    an executor, name resolution included; a thread of your own isn't noticed.
    """

    def __init__(self, patience: float = 0.01) -> None:
        self._now = 0.0
        self._patience = patience
        self._executor_calls = 0
        super().__init__(_JumpingSelector(self))
        # asyncio adds this to the time to find what is due: after a year, its own would be lost in rounding.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass before anything else runs, as a callback does that blocks the loop."""
        self._now += seconds

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run a function in a thread or process; until it returns, the clock stands still."""
        future = super().run_in_executor(executor, func, *args)
        self._executor_calls += 1
        future.add_done_callback(self._executor_called)
        return future

    def _executor_called(self, future: asyncio.Future[Any]) -> None:
        self._executor_calls -= 1

    async def shutdown_default_executor(self, *args: Any, **options: Any) -> None:
        """Wait for the executor's threads, in real time."""
        self._executor_calls += 1
        try:
            await super().shutdown_default_executor(*args, **options)
        finally:
            self._executor_calls -= 1


class _JumpingSelector(selectors.DefaultSelector):
    """Asks the system what is ready, and moves its loop's clock where it would have waited."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; with nothing to wait for, let ``timeout`` seconds have passed."""
        loop = self._loop
        if timeout is None or (timeout > 0 and loop._executor_calls):
            return super().select(None)
        # The loop itself has one, which wakes it up.
        has_files = len(self.get_map()) > 1
        ready = super().select(min(timeout, loop._patience) if has_files else 0)
        if not ready and timeout > 0:
            loop.advance(timeout)
        return ready


class MemoryTransport(asyncio.Transport):
    """Carries what one protocol writes to the protocol at the other end.

    There is nothing in between: what the other end hasn't taken waits here, as
    in a write buffer.  The faults ``stall``, ``throttle``, ``half_close`` and
    ``drop`` are of this direction alone, as are the attributes, and add up;
    ``cut`` ends both.  What a connection was given to send is written at the end
    of that turn of the loop: a fault in the same turn comes before it.

    Attributes:
        delay: seconds that what is written from now on is under way.
        chunk: bytes that arrive at once at most, so 1 splits at every byte; None for all there are.
    """

    def __init__(self, protocol: asyncio.BaseProtocol, loop: asyncio.AbstractEventLoop, **extra: Any) -> None:
        super().__init__(extra)
        self.delay = 0.0
        self.chunk: int | None = None
        self.peer = self
        self._protocol: Any = protocol
        self._loop = loop
        # With the time of arrival; no bytes are the end of the stream.
        self._under_way: deque[tuple[float, memoryview]] = deque()
        self._size = 0
        self._delivery: asyncio.Handle | None = None
        self._rate: float | None = None
        # Since when a throttled line carries nothing.
        self._idle_since = 0.0
        self._is_stalled = False
        self._is_dropping = False
        self._is_reading = True
        self._is_ended = False
        self._is_closing = False
        self._is_lost = False
        self._is_protocol_paused = False
        self.set_write_buffer_limits()

    # Faults

    def stall(self) -> None:
        """Let nothing arrive, neither bytes nor their end, until ``resume``."""
        self._is_stalled = True

    def resume(self) -> None:
        """Undo ``stall``."""
        self._is_stalled = False
        self._schedule()

    def throttle(self, bytes_per_second: float | None) -> None:
        """Let bytes arrive evenly, so many a second; None lets them arrive at once again.

        Raises:
            ValueError: unless it is positive or None.
        """
        if bytes_per_second is not None and bytes_per_second <= 0:
            raise ValueError("bytes_per_second must be positive or None")
        self._rate = bytes_per_second
        self._idle_since = self._loop.time()
        self._unschedule()
        self._schedule()

    def half_close(self) -> None:
        """End this direction behind what is under way; the other goes on.

        This end isn't told: what it writes from now on vanishes.
        """
        self.write_eof()

    def drop(self) -> None:
        """Let what is written from now on vanish, the end included: a half-open connection.

        Neither end is told.  To this one everything seems to be taken; the
        other hears nothing more.  It can't be undone, as what is lost is missing.
        """
        self._is_dropping = True

    def cut(self, error: Exception | None = None) -> None:
        """Lose this end with ``error``; what hasn't arrived never does, and the other end isn't told."""
        self._unschedule()
        self._under_way.clear()
        self._size = 0
        self._is_closing = self._is_ended = True
        self._lose(error)

    # What a transport does

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes; after the end they are dropped."""
        if self._is_ended or self._is_dropping or not data:
            return
        self._send(bytes(data))
        if self._size > self._high and not self._is_protocol_paused:
            self._is_protocol_paused = True
            self._protocol.pause_writing()

    def can_write_eof(self) -> bool:
        """Return True: each direction ends by itself."""
        return True

    def write_eof(self) -> None:
        """End what is sent, and go on receiving."""
        if not self._is_ended:
            self._is_ended = True
            self._send_end()

    def close(self) -> None:
        """Receive nothing more, and end when everything has been taken."""
        self._is_closing = True
        self.write_eof()
        if not self._size:
            self._lose(None)

    def abort(self) -> None:
        """End at once, without what hasn't arrived."""
        self._abort(None)

    def _abort(self, error: Exception | None) -> None:
        if not self._is_lost:
            self.cut(error)
            self._send_end()

    def is_closing(self) -> bool:
        """Tell whether this end is closing or closed."""
        return self._is_closing

    def pause_reading(self) -> None:
        """Take nothing from the other end."""
        self._is_reading = False

    def resume_reading(self) -> None:
        """Undo ``pause_reading``."""
        self._is_reading = True
        self.peer._schedule()

    def is_reading(self) -> bool:
        """Tell whether what arrives is taken."""
        return self._is_reading and not self._is_closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set between which sizes the protocol is told to stop and to go on writing."""
        if high is None:
            high = 65536 if low is None else 4 * low
        self._high = high
        self._low = high // 4 if low is None else low

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the limits, the lower one first."""
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        """Return how many bytes haven't arrived yet."""
        return self._size

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Have another protocol from now on."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol at this end."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    # Delivery

    def _send(self, data: bytes) -> None:
        self._under_way.append((self._loop.time() + self.delay, memoryview(data)))
        self._size += len(data)
        self._schedule()

    def _send_end(self) -> None:
        if not self._is_dropping:
            self._send(b"")

    def _schedule(self) -> None:
        """Deliver in the next turn, or when the first bytes have been under way long enough."""
        if self._delivery is not None or not self._may_deliver():
            return
        due, data = self._under_way[0]
        if data and self._rate is not None:
            due = max(due, self._idle_since) + min(self._portion(), len(data)) / self._rate
        if due > self._loop.time():
            self._delivery = self._loop.call_at(due, self._deliver)
        else:
            self._delivery = self._loop.call_soon(self._deliver)

    def _unschedule(self) -> None:
        if self._delivery is not None:
            self._delivery.cancel()
            self._delivery = None

    def _may_deliver(self) -> bool:
        # Who is gone takes everything, as nobody reads it.
        is_taken = self.peer._is_reading or self.peer._is_lost
        return bool(self._under_way) and not self._is_stalled and is_taken

    def _portion(self) -> int:
        """Return how many bytes arrive at once at most: of a throttled line, those of 10 ms."""
        portion = sys.maxsize if self._rate is None else max(1, int(self._rate / 100))
        return portion if self.chunk is None else min(portion, self.chunk)

    def _deliver(self) -> None:
        self._delivery = None
        if not self._may_deliver():
            return
        data = self._take()
        if data:
            self.peer._receive(data)
        else:
            self.peer._receive_end()
        if self._is_protocol_paused and self._size <= self._low:
            self._is_protocol_paused = False
            self._protocol.resume_writing()
        if self._is_closing and not self._size:
            self._lose(None)
        self._schedule()

    def _take(self) -> bytes:
        """Return the bytes that are due now, of which the first always are; none are the end."""
        pieces: list[memoryview] = []
        room, now = self._portion(), self._loop.time()
        while True:
            data = self._under_way.popleft()[1]
            if len(data) > room:
                self._under_way.appendleft((now, data[room:]))
            pieces.append(data[:room])
            room -= len(pieces[-1])
            if not (room and self._is_more_due(now)):
                break
        self._idle_since = now
        taken = b"".join(pieces)
        self._size -= len(taken)
        return taken

    def _is_more_due(self, now: float) -> bool:
        if not self._under_way or self._rate is not None:
            return False
        due, data = self._under_way[0]
        return due <= now and bool(data)

    def _receive(self, data: bytes) -> None:
        if self._is_closing:
            return
        try:
            self._protocol.data_received(data)
        except Exception as error:
            context = {"message": "data_received failed", "exception": error, "transport": self}
            self._loop.call_exception_handler(context)
            self._abort(error)

    def _receive_end(self) -> None:
        if not self._is_closing and not self._protocol.eof_received():
            self.close()

    def _lose(self, error: Exception | None) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._loop.call_soon(self._lost, error)
            self.peer._schedule()

    def _lost(self, error: Exception | None) -> None:
        protocol, self._protocol = self._protocol, None
        self._is_protocol_paused = False
        protocol.connection_lost(error)


@dataclass(slots=True)
class ConnectionPair:
    """An open connection: its two ends, and what carries the bytes to each."""

    client: ClientConnection
    server: ServerConnection
    to_client: MemoryTransport
    to_server: MemoryTransport

    def cut(self) -> None:
        """Break the connection for both ends, as a network does."""
        for transport in (self.to_client, self.to_server):
            transport.cut(ConnectionResetError("cut by a test"))

    def drop(self) -> None:
        """Let everything vanish that either end writes from now on, as when a cable is pulled out."""
        for transport in (self.to_client, self.to_server):
            transport.drop()


@contextlib.asynccontextmanager
async def connection_pair(
    handler: Callable[[ServerConnection], Awaitable[None]] | None = None,
    *,
    uri: str = "ws://localhost/",
    client: Mapping[str, Any] | None = None,
    server: Mapping[str, Any] | None = None,
    disturb: Callable[[MemoryTransport, MemoryTransport], None] | None = None,
    **both: Any,
) -> AsyncIterator[ConnectionPair]:
    """Connect a client and a server in memory, by a real handshake; cut them when the block ends.

    Args:
        handler: runs on the server's side, as with ``serve``; without one, the
            server's end is left to you.
        uri: what the client asks for.
        client: options of ``connect`` for the client only.
        server: options of ``serve`` for the server only.
        disturb: called before the handshake with the transports to the client
            and to the server, for faults that are there from the beginning.
        both: options that ``connect`` and ``serve`` have alike, for both.

    Raises:
        InvalidHandshake: if the opening handshake fails.
        TimeoutError: if it takes longer than ``open_timeout``.
    """
    arrived: asyncio.Queue[ServerConnection] = asyncio.Queue()

    async def arrive(connection: ServerConnection) -> None:
        arrived.put_nowait(connection)
        await (connection.wait_closed() if handler is None else handler(connection))

    serving = serve(arrive, **{**both, **(server or {})})._make_server()
    carriers: list[MemoryTransport] = []
    try:
        connecting = connect(uri, **{**both, **(client or {})})
        connection = await connecting._open(lambda end, *_, **__: _join(end, serving, carriers, disturb))
        yield ConnectionPair(connection, await arrived.get(), *carriers)
    finally:
        for transport in carriers:
            transport.cut()
        serving.close()
        await serving.wait_closed()


async def _join(
    connection: ClientConnection,
    server: Server[ServerConnection],
    carriers: list[MemoryTransport],
    disturb: Callable[[MemoryTransport, MemoryTransport], None] | None,
) -> None:
    """Make the transports of both ends, the one to the client first, and connect the protocols by them."""
    loop, here, there = connection.loop, ("client", 1), ("server", 1)
    to_client = MemoryTransport(server.create_protocol(), loop, sockname=there, peername=here)
    to_server = MemoryTransport(StreamProtocol(connection), loop, sockname=here, peername=there)
    to_client.peer, to_server.peer = to_server, to_client
    carriers += [to_client, to_server]
    if disturb is not None:
        disturb(to_client, to_server)
    for transport in carriers:
        protocol: Any = transport.get_protocol()
        protocol.connection_made(transport)
