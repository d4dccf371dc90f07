"""Load for an echo server: messages that go out, are checked when they come back, and timed.

It knows how messages are paced and what they took; it doesn't know who looks
at the figures, nor when to stop.

Invariants:

1. A connection has at most ``in_flight`` messages on their way.
2. With a rate, a message's time counts from when it was due, however late it
   was sent: a server that stalls is charged for what waited.
3. What comes back is compared, byte for byte and in order, with what went out.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from ..aio.connection import ClientConnection
from ..protocol.frames import Opcode
from ..protocol.states import State
from .histogram import Histogram

__all__ = ["Load", "LoadConnection", "Plan"]

#: Different payloads, so that a lost message, or one out of order, is noticed.
VARIETY = 64
#: Seconds between looks at what is due, and messages that are sent at one: others have their turn.
TICK = 0.001
AT_ONCE = 256


@dataclass(frozen=True)
class Plan:
    """What a load is made of; ``rate`` is messages a second, or None for as many as come back."""

    connections: int = 10
    in_flight: int = 1
    size: int = 64
    is_binary: bool = False
    rate: float | None = None

    def payloads(self) -> list[bytes]:
        """Return payloads that differ wherever there is room for it; text is hex digits."""
        source = random.Random(self.size)
        if self.is_binary:
            return [source.randbytes(self.size) for _ in range(VARIETY)]
        return [source.randbytes(self.size // 2 + 1).hex()[: self.size].encode() for _ in range(VARIETY)]


class LoadConnection(ClientConnection):
    """A connection that takes messages as they arrive, without a queue."""

    load: Load | None = None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        #: When the messages on their way were due, oldest first.
        self.due: deque[int] = deque()
        self._sent_count = 0
        self._returned_count = 0

    def send_next(self, due: int) -> None:
        """Send a message that was due at a time."""
        load = self.load
        assert load is not None
        self.due.append(due)
        self.send_message(load.opcode, load.payloads[self._sent_count % VARIETY], waits=True)
        self._sent_count += 1

    def message_received(self, data: str | bytes) -> None:
        """Check and time a message; send the next one, unless a schedule does."""
        load = self.load
        if load is None or not self.due or data != load.expected[self._returned_count % VARIETY]:
            self._refuse()
            return
        self._returned_count += 1
        now = time.perf_counter_ns()
        load.record(now - self.due.popleft())
        if load.is_eager and self.state is State.OPEN:
            self.send_next(now)

    def _refuse(self) -> None:
        if self.load is not None:
            self.load.fail("what came back isn't what was sent: that is no echo server")

    def closed(self, exc: Exception | None) -> None:
        """Tell the load, for which every connection counts."""
        super().closed(exc)
        if self.load is not None:
            self.load.fail(f"a connection was lost: {self.codec.close_exception}")


class Load:
    """Many connections, and what their messages took since ``measure`` was called.

    Args:
        plan: what to send.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.opcode = Opcode.BINARY if plan.is_binary else Opcode.TEXT
        self.payloads = plan.payloads()
        self.expected: list[str | bytes] = [
            data if plan.is_binary else data.decode() for data in self.payloads
        ]
        self.connections: list[LoadConnection] = []
        #: True while what comes back is followed by the next message.
        self.is_eager = False
        self.histogram = Histogram()
        #: Messages that came back since the beginning.
        self.returned = 0
        #: Why it can't go on; set once.
        self.failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._is_running = True
        self._pacer: asyncio.Task[None] | None = None

    def add(self, connection: LoadConnection) -> None:
        """Take an open connection."""
        connection.load = self
        self.connections.append(connection)
        if connection.state is not State.OPEN:
            self.fail(f"a connection was lost: {connection.codec.close_exception}")

    def start(self) -> None:
        """Begin to send, unless it failed already."""
        if not self._is_running:
            return
        if self.plan.rate is not None:
            self._pacer = asyncio.create_task(self._pace(1e9 / self.plan.rate))
            self._pacer.add_done_callback(self._pacer_ended)
            return
        self.is_eager = True
        for connection in self.connections:
            for _ in range(self.plan.in_flight if connection.state is State.OPEN else 0):
                connection.send_next(time.perf_counter_ns())

    def measure(self) -> None:
        """Forget what was measured: the figures are of what comes back from now on."""
        self.histogram = Histogram()

    def record(self, duration: int) -> None:
        """Note what a message took, in nanoseconds."""
        self.returned += 1
        self.histogram.record(duration)

    def fail(self, sentence: str) -> None:
        """Stop for a reason; after the end, there is none any more."""
        if self._is_running and not self.failure.done():
            self.failure.set_result(sentence)
            self.stop()

    def stop(self) -> None:
        """Send no more."""
        self._is_running = self.is_eager = False
        if self._pacer is not None:
            self._pacer.cancel()

    async def close(self) -> None:
        """Close every connection."""
        self.stop()
        async with asyncio.TaskGroup() as group:
            for connection in self.connections:
                group.create_task(connection.close())

    @property
    def unanswered(self) -> int:
        """Messages that were sent and haven't come back."""
        return sum(len(connection.due) for connection in self.connections)

    async def _pace(self, interval: float) -> None:
        """Send a message every so many nanoseconds, or as soon after that as there is room."""
        turn = 0
        due = float(time.perf_counter_ns())
        while True:
            for _ in range(AT_ONCE):
                connection = self._with_room(turn) if due <= time.perf_counter_ns() else None
                if connection is None:
                    break
                connection.send_next(int(due))
                due += interval
                turn += 1
            await asyncio.sleep(TICK)

    def _pacer_ended(self, pacer: asyncio.Task[None]) -> None:
        """Have a mistake in the pacing seen."""
        error = None if pacer.cancelled() else pacer.exception()
        if error is not None and not self.failure.done():
            self.failure.set_exception(error)

    def _with_room(self, turn: int) -> LoadConnection | None:
        """Return the connection whose turn it is, or the next that has room for another message."""
        count = len(self.connections)
        for offset in range(count):
            connection = self.connections[(turn + offset) % count]
            if connection.state is State.OPEN and len(connection.due) < self.plan.in_flight:
                return connection
        return None
