"""What waits to be written to one connection, and what is left out when that is too much.

Knows how to wait for a slow peer so that nobody else has to.  Doesn't know what is in a frame.

Invariants:

1. Frames are written in the order in which they were given, whatever is left out.
2. When more than `QUEUE_FRAMES` frames or `QUEUE_BYTES` bytes wait, ephemerals are left out first, then the
   events of one stream after another, each with one `gap` in their place.
3. After its gap nothing of a stream is written until `forget`, which goes with subscribing anew.
4. Answers to requests are never left out; while `is_full`, no more requests should be taken.
5. Nothing that gives a frame ever waits.
6. Once told to `gather`, it writes the frames of one turn of the loop as one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from fullduplex import ConnectionClosed
from hubbub import wire
from hubbub.realtime import showing
from hubbub.wire import Frame

QUEUE_FRAMES: Final = 1_000
QUEUE_BYTES: Final = 1024 * 1024
HIGH_WATER: Final = 32 * 1024
"""Bytes that are given to the connection at a time; what is over it waits here, where it can be left out."""
STALL: Final = 30.0


class Writable(Protocol):
    """What a connection must be able to do."""

    @property
    def buffered_amount(self) -> int:
        """Bytes that the system hasn't taken yet."""

    def send(self, message: str, /) -> None:
        """Send a message without waiting; on a connection that has ended it does nothing."""

    async def drain(self) -> None:
        """Wait until the peer has taken enough."""


@dataclass(slots=True)
class _Waiting:
    """A frame that waits; one without a frame is the gap of its stream."""

    frame: Frame | None
    stream: str | None = None
    q: int = 0
    is_ephemeral: bool = False

    @property
    def size(self) -> int:
        return 0 if self.frame is None else self.frame.size


class Outbound:
    """The way out to one connection.

    `stalled` is called if the peer takes nothing at all for `STALL` seconds.
    """

    __slots__ = (
        "_bytes",
        "_closed",
        "_connection",
        "_gaps",
        "_gathered",
        "_gathered_bytes",
        "_gathers",
        "_pump",
        "_queue",
        "_room",
        "_stalled",
        "_written",
    )

    def __init__(self, connection: Writable, stalled: Callable[[], None]) -> None:
        self._connection = connection
        self._stalled = stalled
        # A list, as long as it may be: nearly all are empty, and an empty deque takes ten times as much.
        self._queue: list[_Waiting] = []
        self._bytes = 0
        self._gaps: dict[str, int] = {}
        self._pump: asyncio.Task[None] | None = None
        self._room: asyncio.Event | None = None
        self._closed = False
        self._gathers = False
        self._gathered: list[Frame] = []
        self._gathered_bytes = 0
        self._written = 0

    @property
    def waiting(self) -> int:
        """How many frames wait."""
        return len(self._queue)

    @property
    def is_behind(self) -> bool:
        """Whether a frame that is given now would have to wait."""
        return bool(self._queue) or self._buffered > HIGH_WATER

    @property
    def taken(self) -> int:
        """How many bytes the system has taken, more or less: what grows, somebody takes."""
        return self._written - self._connection.buffered_amount

    @property
    def is_full(self) -> bool:
        """Whether more waits than should."""
        return len(self._queue) > QUEUE_FRAMES or self._bytes > QUEUE_BYTES

    @property
    def is_blocked(self) -> bool:
        """Whether the peer has to take something before more is written."""
        return self._pump is not None

    async def wait_for_room(self) -> None:
        """Wait until the queue isn't full, or will take nothing more, or until `wake`."""
        if self.is_full:
            self._room = self._room or asyncio.Event()
            await self._room.wait()

    def wake(self) -> None:
        """Let nobody wait for room any longer."""
        if self._room is not None:
            self._room.set()
            self._room = None

    def gather(self) -> None:
        """From now on, write the frames of one turn of the loop as one."""
        self._gathers = True

    def answer(self, frame: Frame) -> None:
        """Give a frame that must not be left out."""
        if not self._pass(frame):
            self._wait(_Waiting(frame))

    def ephemeral(self, frame: Frame) -> None:
        """Give a frame that may be left out."""
        if not self._pass(frame) and not self.is_full:
            self._wait(_Waiting(frame, is_ephemeral=True))

    def event(self, stream: str, q: int, frame: Frame) -> None:
        """Give an event, which is left out if its stream has a gap."""
        if stream in self._gaps:
            self._gaps[stream] = q
        elif not self._pass(frame):
            self._wait(_Waiting(frame, stream, q))

    def forget(self, stream: str) -> None:
        """Leave out what waits of a stream, and let what comes later pass again."""
        self._gaps.pop(stream, None)
        self._keep([waiting for waiting in self._queue if waiting.stream != stream])

    def finish(self, last: Frame) -> None:
        """Leave out everything that waits, give one last frame, and take no others."""
        if not self._closed:
            self._write(last)
            self._write_gathered()
            self.close()

    def close(self) -> None:
        """Leave out everything that waits, and take nothing more."""
        self._closed = True
        self._stalled = _do_nothing
        self._gathered, self._gathered_bytes = [], 0
        self._keep([])
        if self._pump is not None:
            self._pump.cancel()

    def _pass(self, frame: Frame) -> bool:
        """Write a frame, unless others wait or it has to wait itself; return whether it is done with."""
        if self._closed:
            return True
        if self._queue or (buffered := self._buffered) > HIGH_WATER:
            return False
        self._write(frame)
        if buffered + frame.size > HIGH_WATER:
            self._start_pump()
        return True

    def _wait(self, waiting: _Waiting) -> None:
        self._queue.append(waiting)
        self._bytes += waiting.size
        if self.is_full:
            self._make_room()
        self._start_pump()

    def _start_pump(self) -> None:
        if self._pump is None:
            self._pump = asyncio.create_task(self._write_the_rest())

    @property
    def _buffered(self) -> int:
        """Bytes that were written, and that the system hasn't taken."""
        return self._connection.buffered_amount + self._gathered_bytes

    def _write(self, frame: Frame) -> None:
        if not self._gathers:
            self._send(frame)
            return
        if not self._gathered:
            asyncio.get_running_loop().call_soon(self._write_gathered)
        self._gathered.append(frame)
        self._gathered_bytes += frame.size
        if len(self._gathered) == wire.BATCH_FRAMES or frame.size > HIGH_WATER:
            self._write_gathered()

    def _write_gathered(self) -> None:
        frames, self._gathered, self._gathered_bytes = self._gathered, [], 0
        if frames:
            self._send(wire.join(frames) if len(frames) > 1 else frames[0])

    def _send(self, frame: Frame) -> None:
        self._written += frame.size
        self._connection.send(frame.text)

    def _make_room(self) -> None:
        self._keep([waiting for waiting in self._queue if not waiting.is_ephemeral])
        while self.is_full:
            lengths = Counter(waiting.stream for waiting in self._queue if waiting.stream and waiting.frame)
            if not lengths:
                break
            [(longest, _)] = lengths.most_common(1)
            self._collapse(longest)

    def _collapse(self, stream: str) -> None:
        """Put a gap where the first event of a stream waits, and leave out the others."""
        kept: list[_Waiting] = []
        for waiting in self._queue:
            if waiting.stream != stream:
                kept.append(waiting)
                continue
            if stream not in self._gaps:
                kept.append(_Waiting(None, stream))
            self._gaps[stream] = waiting.q
        self._keep(kept)

    def _keep(self, kept: list[_Waiting]) -> None:
        self._queue = kept
        self._bytes = sum(waiting.size for waiting in kept)
        self._tell_of_room()

    def _tell_of_room(self) -> None:
        if not self.is_full:
            self.wake()

    async def _write_the_rest(self) -> None:
        try:
            while await self._becomes_writable() and self._queue:
                self._write_some()
        except ConnectionClosed:
            self.close()
        finally:
            self._pump = None

    def _write_some(self) -> None:
        while self._queue and self._buffered <= HIGH_WATER:
            waiting = self._queue.pop(0)
            self._bytes -= waiting.size
            self._write(waiting.frame or self._gap(waiting.stream or ""))
        self._tell_of_room()

    def _gap(self, stream: str) -> Frame:
        return wire.encode(wire.Gap(showing.stream_name(stream), self._gaps[stream]))

    async def _becomes_writable(self) -> bool:
        while (before := self._buffered) > HIGH_WATER:
            try:
                async with asyncio.timeout(STALL):
                    await self._connection.drain()
                # What was sent in this turn of the loop is given to the system at its end.
                await asyncio.sleep(0)
            except TimeoutError:
                if self._buffered >= before:
                    self._stalled()
                    return False
        return True


def _do_nothing() -> None:
    """Stand for who was to be told, and isn't any more."""
