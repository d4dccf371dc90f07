"""The ends of rooms that clients come back to: a crowd that lacks little reads each room once.

Knows the last events of such a room and who belongs to it, for a while.  What it doesn't know it leaves to
who asks: they read the database.

Invariants:

1. A tail is the room as it is at its head: what was read, and every event since then.
2. Only an event that adds to what was said makes a tail longer.  One that changes who belongs there, what
   they are called, how much they see, or what was said before, ends it, and so does another name for an
   author.
3. However many ask, a room is read once at a time.
4. There are at most `TAILS`, which take `SIZE` together, and none that nobody has asked for since twice
   `LIFE`.  None has more than `EVENTS` events, `BYTES` bytes and `MEMBERS` members; a room with more members
   has one that is of no use to anyone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from hubbub.actions.read_tail import Tail, read_tail
from hubbub.actions.sync_stream import Delta
from hubbub.domain.errors import ChatError
from hubbub.domain.events import (
    MessageEdited,
    MessagePosted,
    Notice,
    Pinned,
    Reacted,
    StoredEvent,
    UserRenamed,
)
from hubbub.domain.models import Head, Position
from hubbub.storage.database import Database

# Fewer than there are rooms that a crowd comes back to, and each room would be read by nearly everyone.
TAILS: Final = 20_000
SIZE: Final = 64 * 1024 * 1024
"""Bytes of all that is known of rooms: of their events and members."""
EVENTS: Final = 256
BYTES: Final = 64 * 1024
MEMBERS: Final = 10_000
LIFE: Final = 60.0

_ADDING: Final = frozenset(kind.kind for kind in (MessagePosted, MessageEdited, Reacted, Pinned))
_ATTEMPTS: Final = 3


class _Kept:
    """A tail as it grows."""

    __slots__ = ("_events", "_members", "_names", "_size", "expiry", "head", "is_wanted")

    def __init__(self, tail: Tail) -> None:
        self.head = tail.head
        # One string: a set of a hundred takes five times as much.
        self._members = f" {' '.join(tail.members)} "
        self.expiry: asyncio.TimerHandle | None = None
        self.is_wanted = False
        """Whether somebody has asked for it lately."""
        self._names = tail.names
        self._events = tail.events
        self._size = sum(len(event.body) for event in tail.events)

    @property
    def size(self) -> int:
        """How much it has, in bytes or characters."""
        return self._size + len(self._members)

    def has_member(self, user_id: str) -> bool:
        """Say whether a user belongs to the room."""
        return f" {user_id} " in self._members

    def grow(self, event: StoredEvent) -> bool:
        """Take an event, or return that this can't be the room's tail any longer."""
        if event.q <= self.head.q:
            return True
        if event.q != self.head.q + 1 or event.kind not in _ADDING or event.author not in self._names:
            return False
        self.head = Head(self.head.stream, self.head.epoch, event.q)
        self._events.append(event)
        self._size += len(event.body)
        while len(self._events) > EVENTS or self._size > BYTES:
            self._size -= len(self._events.pop(0).body)
        return True

    def knows(self, user_id: str) -> bool:
        """Say whether it has a user's name."""
        return user_id in self._names

    def after(self, at: Position) -> Delta | None:
        """Return everything after a position, if that is all here."""
        missing = self.head.q - at.q
        if at.epoch != self.head.epoch or not 0 <= missing <= len(self._events):
            return None
        events = [self._events[index] for index in range(-missing, 0)]
        return Delta(self.head, events, {event.author: self._names[event.author] for event in events})


@dataclass(slots=True)
class _Reading:
    """A tail that is being read, and what has happened meanwhile; one that is stale isn't kept."""

    heard: list[StoredEvent] = field(default_factory=list)
    is_stale: bool = False
    done: asyncio.Task[None] | None = None


class Tails:
    """The tails of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # What was read first is first.
        self._tails: dict[str, _Kept] = {}
        self._size = 0
        self._readings: dict[str, _Reading] = {}

    async def resume(self, room: str, user_id: str, at: Position) -> Delta | None:
        """Return what a member lacks of a room, if its tail has it; otherwise the database must be asked.

        It is true in the moment in which this returns.
        """
        for _ in range(_ATTEMPTS):
            reading = None if room in self._tails else await self._wait_for(room)
            tail = self._tails.get(room)
            if tail is not None:
                tail.is_wanted = True
                return tail.after(at) if tail.has_member(user_id) else None
            if reading is not None and not reading.is_stale:
                break
        return None

    def hear(self, notice: Notice) -> None:
        """Follow what the bus tells of."""
        match notice:
            case StoredEvent():
                self._follow(notice)
            case UserRenamed():
                self._rename(notice.user.id)

    def _follow(self, event: StoredEvent) -> None:
        tail = self._tails.get(event.stream)
        if tail is not None:
            before = tail.size
            grows = tail.grow(event)
            self._size += tail.size - before
            if not grows:
                self._forget(event.stream)
        reading = self._readings.get(event.stream)
        if reading is not None:
            reading.heard.append(event)

    def _rename(self, user_id: str) -> None:
        for room in [room for room, tail in self._tails.items() if tail.knows(user_id)]:
            self._forget(room)
        for reading in self._readings.values():
            reading.is_stale = True

    async def _wait_for(self, room: str) -> _Reading:
        reading = self._readings.get(room)
        if reading is None:
            reading = self._readings[room] = _Reading()
            reading.done = asyncio.create_task(self._read(room, reading))
        assert reading.done is not None
        # Whoever gives up leaves it to the others.
        await asyncio.wait([reading.done])
        return reading

    async def _read(self, room: str, reading: _Reading) -> None:
        try:
            tail = await read_tail(self._database, room, EVENTS, BYTES, MEMBERS)
        except ChatError:
            # Who asks reads by themselves, and learns what is wrong.
            tail = None
        finally:
            del self._readings[room]
        if tail is not None:
            kept = _Kept(tail)
            reading.is_stale |= not all(kept.grow(event) for event in reading.heard)
            if not reading.is_stale:
                self._keep(room, kept)

    def _keep(self, room: str, tail: _Kept) -> None:
        while self._tails and (len(self._tails) >= TAILS or self._size + tail.size > SIZE):
            self._forget(next(iter(self._tails)))
        self._tails[room] = tail
        self._size += tail.size
        self._wait(room, tail)

    def _wait(self, room: str, tail: _Kept) -> None:
        tail.is_wanted = False
        tail.expiry = asyncio.get_running_loop().call_later(LIFE, self._expire, room, tail)

    def _expire(self, room: str, tail: _Kept) -> None:
        if tail.is_wanted:
            self._wait(room, tail)
        else:
            self._forget(room)

    def _forget(self, room: str) -> None:
        tail = self._tails.pop(room)
        self._size -= tail.size
        if tail.expiry is not None:
            tail.expiry.cancel()
