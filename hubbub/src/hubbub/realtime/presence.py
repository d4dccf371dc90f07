"""Who is here, who has gone, and who types: true now, stored nowhere.

Someone is in a room while one of their connections is subscribed to it, and `OFFLINE_GRACE` longer, so that a
connection that comes back at once goes unnoticed.

Invariants:

1. A user is shown once, in the best state of all their connections, with the last words that go with it; who
   is `off` isn't shown at all.
2. A change is told at once if nothing was told for `INTERVAL`, and otherwise when that is over: in either
   case as soon as all rooms together cost no more than `BYTES_PER_SECOND`.  Where many come to many rooms,
   telling everyone of everyone would keep them from what they come for.
3. Who enters a room is told who is there: at once, or where many come, when all others are.
4. A room that nobody is in, and of which nothing is to be told, takes no memory.
5. However often a connection says how it is, its rooms are gone through once in `INTERVAL`; what it said last
   is shown.
6. Of someone with one connection there is one record for all rooms that were told how they are.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from hubbub import wire
from hubbub.domain.events import Notice, UserRenamed
from hubbub.domain.models import User
from hubbub.realtime.hub import Hub
from hubbub.realtime.outbound import Outbound
from hubbub.wire import Frame

OFFLINE_GRACE: Final = 15.0
INTERVAL: Final = 1.0
SHOWN_USERS: Final = 500
"""In a room with more users than this only their number is told."""
SINGLE_CHANGES: Final = 16
"""When more users than this have changed, the whole room is told anew."""

BYTES_PER_SECOND: Final = 50 * 1024 * 1024
BURST: Final = 0.1
"""Seconds for which that may be exceeded."""
FRAME_BYTES: Final = 2 * 1024
"""What a frame costs besides its bytes: to write a short one takes as long as to copy so many."""

OFF: Final = "off"
# Who asks not to be disturbed means it for every device.
_BEST_LAST: Final = (OFF, "idle", "on", "dnd")


class _State(NamedTuple):
    """How someone is here, and what they say of it."""

    state: str
    text: str = ""


_HERE: Final = _State("on")
_GONE: Final = _State(OFF)


@dataclass(slots=True, eq=False)
class _Connection:
    """Whose a connection is, in what state, and in which rooms."""

    outbound: Outbound
    user: User
    state: _State = _HERE
    rooms: list[str] = field(default_factory=list)
    settled: _Someone | None = None
    """Its user in rooms that were told how they are, and where they have no other connection."""
    said: _State | None = None
    """What it said meanwhile, and isn't shown yet."""
    quiet: asyncio.TimerHandle | None = None

    def settle(self, someone: _Someone) -> _Someone:
        """Return a record that says the same of its user, for all rooms in which that is so."""
        settled = self.settled
        if settled is None or (settled.name, settled.told) != (someone.name, someone.told):
            settled = self.settled = _Someone(someone.name, (self,), someone.told, is_settled=True)
        return settled


@dataclass(slots=True, eq=False)
class _Someone:
    """A user in a room; `told` is what the room was told last, `renamed` if of another name.

    Which connection said anything last is last among them.  One that is settled belongs to many rooms, and
    isn't changed.
    """

    name: str
    connections: tuple[_Connection, ...] = ()
    told: _State = _GONE
    renamed: bool = False
    going: asyncio.TimerHandle | None = None
    is_settled: bool = False

    @property
    def state(self) -> _State:
        if not self.connections:
            return self.told
        if len(self.connections) == 1:
            # Nearly everyone: a list of hundreds is made of these.
            only = self.connections[0].state
            return only if only.state != OFF else _GONE
        best = max((each.state.state for each in self.connections), key=_BEST_LAST.index)
        states = (each.state for each in self.connections)
        texts = [state.text for state in states if state.state == best and state.text]
        return _State(best, texts[-1] if texts and best != OFF else "")

    def put_last(self, connection: _Connection) -> None:
        """Let a connection be the last of them, whether it was among them or not."""
        self.remove(connection)
        self.connections = (*self.connections, connection)

    def remove(self, connection: _Connection) -> None:
        """Let a connection not be among them."""
        self.connections = tuple(each for each in self.connections if each is not connection)


class _Teller:
    """Tells rooms, one after another, and no more at a time than can be afforded."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Room] = deque()
        self._free_at = 0.0
        self._next: asyncio.TimerHandle | None = None

    @property
    def is_busy(self) -> bool:
        return bool(self._waiting) or self._is_late

    @property
    def _is_late(self) -> bool:
        return self._free_at - self._loop.time() > BURST

    def offer(self, room: _Room) -> None:
        """Tell a room when its turn comes."""
        self._waiting.append(room)
        if self._next is None:
            self._go_on()

    def count(self, frame: Frame, listeners: int) -> None:
        """Count what was given to so many."""
        cost = listeners * (frame.size + FRAME_BYTES) / BYTES_PER_SECOND
        self._free_at = max(self._free_at, self._loop.time()) + cost

    def _go_on(self) -> None:
        self._next = None
        while self._waiting and not self._is_late:
            self._waiting.popleft().tell()
        if self._waiting:
            self._next = self._loop.call_at(self._free_at, self._go_on)


class _Room:
    """Everyone in one room; `emptied` is called when nobody is, and nothing is left to tell."""

    def __init__(self, stream: str, hub: Hub, teller: _Teller, emptied: Callable[[str], object]) -> None:
        self.stream = stream
        self._emptied = emptied
        self.people: dict[str, _Someone] = {}
        self._hub = hub
        self._teller = teller
        # Of the people, those who aren't shown.
        self._hidden: set[str] = set()
        self._changed: dict[str, _Someone] = {}
        self._entered: dict[Outbound, None] = {}
        self._waits = False
        self._quiet: asyncio.TimerHandle | None = None

    def enter(self, connection: _Connection) -> None:
        user = connection.user
        if user.id not in self.people:
            self.people[user.id] = _Someone(user.name)
        someone = self._own(user.id)
        someone.put_last(connection)
        if someone.going is not None:
            someone.going.cancel()
            someone.going = None
        self._tell(user.id, someone)

    def leave(self, connection: _Connection, *, at_once: bool = False) -> None:
        self._entered.pop(connection.outbound, None)
        user_id = connection.user.id
        someone = self._own(user_id)
        someone.remove(connection)
        if someone.connections:
            self._tell(user_id, someone)
        elif at_once:
            self._forget(user_id)
        else:
            self._count(user_id, someone)
            loop = asyncio.get_running_loop()
            someone.going = loop.call_later(OFFLINE_GRACE, self._forget, user_id)

    def has(self, connection: _Connection) -> bool:
        """Say whether a connection is here."""
        someone = self.people.get(connection.user.id)
        return someone is not None and connection in someone.connections

    def change(self, connection: _Connection) -> None:
        """Show the state that a connection is in now."""
        someone = self._own(connection.user.id)
        someone.put_last(connection)
        self._tell(connection.user.id, someone)

    def rename(self, user: User) -> None:
        if user.id in self.people:
            someone = self._own(user.id)
            someone.name = user.name
            someone.renamed = someone.told != _GONE
            self._tell(user.id, someone)

    def _own(self, user_id: str) -> _Someone:
        """Return what is known of someone, to be changed for this room alone."""
        someone = self.people[user_id]
        if someone.is_settled:
            someone = self.people[user_id] = _Someone(someone.name, someone.connections, someone.told)
        return someone

    def show_to(self, outbound: Outbound) -> Frame | None:
        """Return the frame that says who is here; or none, if it is told later."""
        # When so many have changed, the whole room is told soon.
        if self._teller.is_busy or len(self._changed) > SINGLE_CHANGES:
            self._entered[outbound] = None
            self._ask()
            return None
        shown = self._show()
        self._teller.count(shown, 1)
        return shown

    def _show(self) -> Frame:
        count = len(self.people) - len(self._hidden)
        # Whoever comes is shown the room: going through everyone each time would take a crowd for ever.
        shown = (user_id for user_id in self.people if user_id not in self._hidden)
        users = [self._info(user_id) for user_id in shown] if count <= SHOWN_USERS else []
        return wire.encode(wire.PresenceState(self.stream, wire.PresenceList(users, count)))

    def _info(self, user_id: str) -> wire.PresenceInfo:
        someone = self.people[user_id]
        return _show(user_id, someone.name, someone.state)

    def _count(self, user_id: str, someone: _Someone) -> None:
        if user_id in self.people and someone.state.state == OFF:
            self._hidden.add(user_id)
        else:
            self._hidden.discard(user_id)

    def _forget(self, user_id: str) -> None:
        someone = self.people.pop(user_id)
        self._tell(user_id, someone)

    def _tell(self, user_id: str, someone: _Someone) -> None:
        self._count(user_id, someone)
        self._changed[user_id] = someone
        self._ask()

    def _ask(self) -> None:
        if self._quiet is None and not self._waits:
            self._waits = True
            self._teller.offer(self)

    def tell(self) -> None:
        """Tell what has changed, and who is here to those who don't know."""
        self._waits = False
        changes, entered = self._take_changes(), self._entered
        self._entered = {}
        if not changes and not entered:
            self._rest()
            return
        if len(changes) > SINGLE_CHANGES or (changes and len(self.people) > SHOWN_USERS):
            self._announce(self._show())
        else:
            for info in changes:
                self._announce(wire.encode(wire.PresenceChanged(self.stream, info)), but=entered)
            if entered:
                self._give(entered)
        self._quiet = asyncio.get_running_loop().call_later(INTERVAL, self._end_quiet)

    def _announce(self, frame: Frame, but: Collection[Outbound] = ()) -> None:
        self._teller.count(frame, self._hub.announce(self.stream, frame, but))

    def _give(self, entered: Collection[Outbound]) -> None:
        shown = self._show()
        self._teller.count(shown, len(entered))
        for outbound in entered:
            outbound.ephemeral(shown)

    def _end_quiet(self) -> None:
        self._quiet = None
        if self._changed or self._entered:
            self._ask()
        else:
            self._rest()

    def _rest(self) -> None:
        if not self.people:
            self._emptied(self.stream)

    def _take_changes(self) -> list[wire.PresenceInfo]:
        changes = []
        for user_id, someone in self._changed.items():
            state = someone.state if user_id in self.people else _GONE
            if state != someone.told or someone.renamed:
                someone.told = state
                someone.renamed = False
                changes.append(_show(user_id, someone.name, state))
            if user_id in self.people and len(someone.connections) == 1:
                self.people[user_id] = someone.connections[0].settle(someone)
        self._changed.clear()
        return changes


def _show(user_id: str, name: str, state: _State) -> wire.PresenceInfo:
    return wire.PresenceInfo(user_id, name, state.state, state.text or None)


class Presence:
    """Everyone who is anywhere."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._teller = _Teller()
        self._rooms: dict[str, _Room] = {}
        self._connections: dict[Outbound, _Connection] = {}

    def connect(self, outbound: Outbound, user: User) -> None:
        """Make a connection known; it is in no room yet."""
        self._connections[outbound] = _Connection(outbound, user)

    def disconnect(self, outbound: Outbound) -> None:
        """Forget a connection; does nothing if it isn't known."""
        connection = self._connections.pop(outbound, None)
        if connection is not None:
            for stream in connection.rooms:
                self._rooms[stream].leave(connection)
            connection.settled = None
            if connection.quiet is not None:
                connection.quiet.cancel()

    def enter(self, stream: str, outbound: Outbound) -> Frame | None:
        """Show a connection's user in a room, and return the frame that says who is there.

        Where many come, there is none: it is given to the connection when it is to all others.
        """
        connection = self._connections[outbound]
        room = self._rooms.get(stream)
        if room is None:
            room = self._rooms[stream] = _Room(stream, self._hub, self._teller, self._rooms.pop)
        if not room.has(connection):
            connection.rooms.append(room.stream)
        room.enter(connection)
        return room.show_to(outbound)

    def leave(self, stream: str, outbound: Outbound, *, at_once: bool = False) -> None:
        """Show a connection's user in a room no longer; does nothing if it isn't there.

        Who was put out is gone `at_once`.
        """
        connection = self._connections[outbound]
        room = self._rooms.get(stream)
        if room is not None and room.has(connection):
            connection.rooms.remove(stream)
            room.leave(connection, at_once=at_once)

    def set_state(self, outbound: Outbound, state: str, text: str = "") -> None:
        """Change a connection's state and its words, in every room that it is in."""
        connection = self._connections[outbound]
        connection.said = _State(state, text)
        if connection.quiet is None:
            self._show_said(connection)

    def _show_said(self, connection: _Connection) -> None:
        """Show what a connection said last, unless that is shown."""
        connection.quiet = None
        if connection.said is None:
            return
        connection.state, connection.said = connection.said, None
        for stream in connection.rooms:
            self._rooms[stream].change(connection)
        connection.quiet = asyncio.get_running_loop().call_later(INTERVAL, self._show_said, connection)

    def is_in(self, stream: str, outbound: Outbound) -> bool:
        """Say whether a connection is in a room."""
        room = self._rooms.get(stream)
        return room is not None and room.has(self._connections[outbound])

    def tell_typing(self, stream: str, outbound: Outbound, *, on: bool) -> None:
        """Tell a room that a connection's user types, or has stopped; the user's own aren't told."""
        user_id = self._connections[outbound].user.id
        someone = self._rooms[stream].people[user_id]
        info = wire.TypingInfo(wire.UserInfo(user_id, someone.name), on)
        own = [each.outbound for each in someone.connections]
        self._hub.announce(stream, wire.encode(wire.TypingNow(stream, info)), but=own)

    def hear(self, notice: Notice) -> None:
        """Show a user by the new name that the bus tells of."""
        if isinstance(notice, UserRenamed):
            for connection in self._connections.values():
                if connection.user.id == notice.user.id:
                    connection.user = notice.user
            for room in self._rooms.values():
                room.rename(notice.user)
