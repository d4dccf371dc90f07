"""Messages that are kept for a connection that isn't there.

It knows how many there are and how large.  It doesn't know connections.

Invariants:

1. Messages are given out in the order in which they were put in, or began to wait for room.
2. There are never more of them than allowed, nor more bytes, but for a single message.
3. Where somebody waits for room, a message is kept.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from ..protocol.prepared import Prepared

__all__ = ["Outbox"]


class Outbox:
    """The messages kept: ``most`` of them, with ``most_bytes`` of payload."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._messages: deque[Prepared] = deque()
        self._waiting: deque[tuple[Prepared, asyncio.Future[None]]] = deque()
        #: Bytes of payload that are kept.
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: Prepared) -> None:
        """Keep a message.

        Raises:
            BufferError: if there is no room for it.
        """
        if self._waiting or not self._has_room(message):
            raise BufferError(f"the outbox is full: {len(self)} messages with {self.size} bytes wait in it")
        self._append(message)

    async def put(self, message: Prepared) -> None:
        """Keep a message, as soon as there is room; who is cancelled meanwhile doesn't have it kept.

        Raises:
            Exception: what ``give_up`` says, if that comes first.
        """
        if not self._waiting and self._has_room(message):
            self._append(message)
            return
        admitted = asyncio.get_running_loop().create_future()
        entry = (message, admitted)
        self._waiting.append(entry)
        try:
            await admitted
        except asyncio.CancelledError:
            self._withdraw(entry)
            raise

    def first(self) -> Prepared:
        """Return the message that is the next to go out; it stays."""
        return self._messages[0]

    def pop(self) -> Prepared:
        """Take the message that is the next to go out, and admit who waits for its place."""
        message = self._messages.popleft()
        self.size -= len(message.data)
        self._admit()
        return message

    def give_up(self, reason: Callable[[], Exception]) -> None:
        """Keep nothing any more; who waits for room is told why."""
        self._messages.clear()
        self.size = 0
        for _, admitted in self._waiting:
            if not admitted.done():
                admitted.set_exception(reason())
        self._waiting.clear()

    def _has_room(self, message: Prepared) -> bool:
        if not self._messages:
            return True
        return len(self) < self._most and self.size + len(message.data) <= self._most_bytes

    def _append(self, message: Prepared) -> None:
        self._messages.append(message)
        self.size += len(message.data)

    def _admit(self) -> None:
        while self._waiting and self._has_room(self._waiting[0][0]):
            message, admitted = self._waiting.popleft()
            if not admitted.done():
                admitted.set_result(None)
                self._append(message)

    def _withdraw(self, entry: tuple[Prepared, asyncio.Future[None]]) -> None:
        """Take back what was put in, be it admitted already or not, unless it has gone out."""
        message = entry[0]
        if entry in self._waiting:
            self._waiting.remove(entry)
        elif message in self._messages:
            self._messages.remove(message)
            self.size -= len(message.data)
        self._admit()
