"""What a connection has received and its program hasn't taken yet.

It knows messages, whole or in chunks, their number and their size.  It doesn't
know who waits for them, or what stops the reading.

Invariants:

1. Everything comes out once, in the order in which it went in.
2. The chunks of one message stand together; only the last message may lack its end.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from ..protocol.events import Chunk
from ..transport.connection import Settings

__all__ = ["ENTRY_SIZE", "Inbox"]

#: What an entry counts for besides its bytes: empty messages take memory too.
ENTRY_SIZE = 64


class Inbox:
    """The messages that wait to be received."""

    __slots__ = ("_entries", "_marks", "_most_bytes", "_most_messages", "_size", "_whole")

    def __init__(self, settings: Settings) -> None:
        self._entries: deque[str | bytes | Chunk] = deque()
        # Messages whose end is there, and the size of all there is.
        self._whole = 0
        self._size = 0
        self._most_messages = settings.queue_marks
        self._most_bytes = self._marks = settings.read_marks

    def __bool__(self) -> bool:
        return bool(self._entries)

    @property
    def has_message(self) -> bool:
        """True if a message is there with its end."""
        return self._whole > 0

    def limit(self, size: int | None) -> None:
        """Be full at ``size`` bytes, and have room again when empty; None restores what the settings say."""
        self._most_bytes = self._marks if size is None else (size, 0)

    @property
    def high_water_mark(self) -> int:
        """The bytes from which on nothing more should be received."""
        return self._most_bytes[0]

    @property
    def is_full(self) -> bool:
        """True when nothing more should be received."""
        return self._size >= self._most_bytes[0] or (
            self._most_messages is not None and len(self._entries) >= self._most_messages[0]
        )

    @property
    def has_room(self) -> bool:
        """True when receiving may go on after a stop."""
        return self._size <= self._most_bytes[1] and (
            self._most_messages is None or len(self._entries) <= self._most_messages[1]
        )

    def add(self, entry: str | bytes | Chunk) -> None:
        """Put a message in, or a chunk of one."""
        if isinstance(entry, Chunk):
            self._size += _size_of(entry.data)
            self._whole += entry.ends_message
        else:
            self._size += _size_of(entry)
            self._whole += 1
        self._entries.append(entry)

    def take(self) -> Chunk:
        """Take what comes next: a message that is whole, as its only chunk, or a chunk."""
        entry = self._entries.popleft()
        chunk = entry if isinstance(entry, Chunk) else Chunk(entry, True)
        self._size -= _size_of(chunk.data)
        self._whole -= chunk.ends_message
        return chunk

    def take_message(self) -> str | bytes:
        """Take the next message; its end must be there."""
        entry = self._entries[0]
        if not isinstance(entry, Chunk):
            del self._entries[0]
            self._size -= _size_of(entry)
            self._whole -= 1
            return entry
        chunk = self.take()
        parts: list[Any] = [chunk.data]
        while not chunk.ends_message:
            chunk = self.take()
            parts.append(chunk.data)
        return type(chunk.data)().join(parts)

    def skip_message(self) -> bool:
        """Drop what there is of the message that was begun to be taken; tell whether its end was there."""
        while self._entries:
            if self.take().ends_message:
                return True
        return False


def _size_of(data: str | bytes) -> int:
    """Return about how much memory a message takes: text beyond ASCII up to four bytes a character."""
    if isinstance(data, bytes) or data.isascii():
        return len(data) + ENTRY_SIZE
    return len(data) * 4 + ENTRY_SIZE
