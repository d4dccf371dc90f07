"""What one listener hears who has no WebSocket: every event of all their streams, in order.

It subscribes as a connection does, and what a connection would be told to ask for anew it asks for itself:
where events were left out it reads them, and where they can't all be read it tells a reset.  It doesn't know
how its listener is written to.

Invariants:

1. Of a stream the listener gets the event after the last one that they have, or a reset; nothing else.
2. What waits is bounded, as for connections (`outbound`), however slow the listener is.
3. After the event that takes the listener out of a room, nothing of that room is given.
4. Once it has ended nothing is given at all, not even what was heard before: the listener may be signed out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from typing import Final

import msgspec

from hubbub import wire
from hubbub.actions.read_heads import read_heads
from hubbub.actions.sync_stream import Delta, InboxSnapshot, sync_stream
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import Head, Position, User
from hubbub.realtime import showing
from hubbub.realtime.hub import Hub
from hubbub.realtime.inlet import Inlet
from hubbub.realtime.outbound import Outbound
from hubbub.storage.database import Database
from hubbub.wire import http

_AT_ONCE: Final = 100


class _Said(msgspec.Struct):
    """As much of a frame as tells what to do with it."""

    t: str
    s: str = ""
    q: int = 0
    k: str = ""
    d: msgspec.Raw = msgspec.Raw(b"{}")


class _RoomAdded(msgspec.Struct):
    room: wire.RoomInfo


class _RoomRemoved(msgspec.Struct):
    room: str


class Feed:
    """The events of one user's streams; `login` is what is revoked when they sign out there."""

    def __init__(self, user: User, login: str, database: Database, hub: Hub) -> None:
        self.user = user
        self.login = login
        self.positions: dict[str, Position] = {}
        """How far the listener has each stream, by its name; the last that moved is last."""
        self.has_ended = asyncio.Event()
        self._database = database
        self._hub = hub
        self._inlet = Inlet()
        self._outbound = Outbound(self._inlet, self.end)

    def end(self) -> None:
        """Let it end as soon as what is being done is done."""
        self.has_ended.set()
        self._inlet.wake()

    def close(self) -> None:
        """Hear nothing more; calling it again does nothing."""
        self.end()
        self._hub.remove(self._outbound)
        self._outbound.close()

    # One stream, for who reads it by themselves

    def watch(self, stream: str) -> None:
        """Notice from now on what happens in one stream."""
        self._hub.subscribe(stream, self._outbound, self.user.id).go_live(0)

    async def wait(self, patience: float) -> None:
        """Wait until something has happened there since `watch`, or so many seconds."""
        if not self.has_ended.is_set():
            await self._inlet.take(patience)

    # Every stream

    async def listen(self, at: Mapping[str, Position], heartbeat: float) -> AsyncGenerator[list[str], None]:
        """Yield frames, from those positions on: events and resets, or none after so many seconds of nothing.

        Raises:
            ChatError: if the database fails.
        """
        async with aclosing(self._begin(at)) as beginning:
            async for begun in beginning:
                if self.has_ended.is_set():
                    return
                yield begun
        while not self.has_ended.is_set():
            said = await self._inlet.take(heartbeat)
            frames: list[str] = []
            for text in said:
                frames += await self._hear(text)
                if self.has_ended.is_set():
                    return
                if len(frames) >= _AT_ONCE:
                    yield frames
                    frames = []
            if frames or not (said or self.has_ended.is_set()):
                yield frames

    async def _begin(self, at: Mapping[str, Position]) -> AsyncGenerator[list[str], None]:
        # To the inbox first: from then on it tells of every room that comes or goes.
        subscribed = {self.user.id: self._hub.subscribe(self.user.id, self._outbound, self.user.id)}
        for head in await read_heads(self._database, self.user):
            if head.stream not in subscribed:
                subscribed[head.stream] = self._hub.subscribe(head.stream, self._outbound, self.user.id)
        heads = await read_heads(self._database, self.user)
        # The inbox last: a room that was left and entered again is heard to the end, and begun anew.
        for head in sorted(heads, key=lambda head: head.stream == self.user.id):
            name = showing.stream_name(head.stream)
            known = at.get(name)
            if known is not None:
                self._move(name, known)
            subscription = subscribed.pop(head.stream, None)
            if subscription is None or known not in (None, Position(head.epoch, head.q)):
                yield await self._catch_up(name)
                continue
            subscription.go_live(head.q)
            if known is None:
                yield [self._reset(name, head)]
        for stream in subscribed:
            self._hub.unsubscribe(stream, self._outbound)

    async def _hear(self, text: str) -> list[str]:
        said = msgspec.json.decode(text, type=_Said)
        position = self.positions.get(said.s)
        if position is None:
            return []
        if said.t != "gap" and said.q <= position.q:
            return []
        if said.t == "gap" or said.q > position.q + 1:
            return await self._catch_up(said.s)
        return [text, *await self._follow(said)]

    async def _follow(self, said: _Said) -> list[str]:
        """Note that an event is given; with one that adds or removes a room, go there or leave."""
        self._move(said.s, Position(self.positions[said.s].epoch, said.q))
        if said.k == "room.add":
            room = msgspec.json.decode(said.d, type=_RoomAdded).room.id
            return [] if room in self.positions else await self._catch_up(room)
        if said.k == "room.rm":
            self._leave(msgspec.json.decode(said.d, type=_RoomRemoved).room)
        return []

    async def _catch_up(self, name: str) -> list[str]:
        """Return what the listener lacks of a stream, from where they are; what comes then is heard."""
        stream = self.user.id if name == wire.ME else name
        subscription = self._hub.subscribe(stream, self._outbound, self.user.id)
        try:
            copy = await sync_stream(self._database, self.user, stream, self.positions.get(name))
        except ChatError as error:
            if error.code not in {Code.NOT_FOUND, Code.NOT_MEMBER}:
                raise
            self._leave(name)
            return []
        subscription.go_live(copy.head.q)
        if isinstance(copy, Delta):
            return await self._give(map(showing.event, copy.events))
        frames = [self._reset(name, copy.head)]
        if isinstance(copy, InboxSnapshot):
            frames += await self._go_where({each.room.id for each in copy.memberships})
        return frames

    async def _give(self, events: Iterable[wire.Event]) -> list[str]:
        frames: list[str] = []
        for event in events:
            frames.append(wire.encode(event).text)
            frames += await self._follow(_Said("ev", event.s, event.q, event.k, event.d))
        return frames

    async def _go_where(self, rooms: set[str]) -> list[str]:
        """Leave the rooms that aren't the listener's, and go to those that have become so."""
        for name in self.positions.keys() - rooms - {wire.ME}:
            self._leave(name)
        frames: list[str] = []
        for name in sorted(rooms - self.positions.keys()):
            frames += await self._catch_up(name)
        return frames

    def _leave(self, name: str) -> None:
        self.positions.pop(name, None)
        self._hub.unsubscribe(name, self._outbound)

    def _reset(self, name: str, head: Head) -> str:
        self._move(name, Position(head.epoch, head.q))
        return msgspec.json.encode(http.Reset(name, head.epoch, head.q)).decode()

    def _move(self, name: str, position: Position) -> None:
        self.positions.pop(name, None)
        self.positions[name] = position
