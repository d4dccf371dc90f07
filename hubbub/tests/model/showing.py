"""What the database has, as frames say it, and back."""

from __future__ import annotations

from typing import Any

import msgspec
from faults.history import Entry

from hubbub import wire

from .database import State

LIMITS = wire.Limits(wire.FRAME_BYTES, 16_000, 8, 64)


def room_info(room: str) -> wire.RoomInfo:
    """Return a room."""
    return wire.RoomInfo(room, room, "", "public")


def stream_name(s: str) -> str:
    """Return what a stream is called on a connection."""
    return wire.ME if s.startswith("me:") else s


def event_of(entry: Entry) -> wire.Event:
    """Return an event as it is sent."""
    body = msgspec.json.encode(_body_of(entry))
    return wire.Event(stream_name(entry.s), entry.q, entry.k, 0, entry.by, msgspec.Raw(body))


def _body_of(entry: Entry) -> Any:
    match entry.k:
        case "member":
            user = entry.d["user"]
            return wire.MemberBody(entry.d["op"], wire.UserInfo(user, user))
        case "room.add":
            return wire.RoomAddedBody(room_info(entry.d["room"]))
        case "room.rm":
            return wire.RoomRemovedBody(entry.d["room"], "kick")
        case _:
            return entry.d


def entry_of(event: wire.Event, user: str) -> Entry:
    """Return what a user was sent as it is stored."""
    body = msgspec.json.decode(event.d)
    if event.k == "member":
        body["user"] = body["user"]["id"]
    elif event.k == "room.add":
        body["room"] = body["room"]["id"]
    elif event.k == "room.rm":
        del body["why"]
    return Entry(f"me:{user}" if event.s == wire.ME else event.s, event.q, event.k, event.by, body)


def reset_of(request: int, user: str, s: str, state: State) -> wire.RoomResetOk | wire.InboxResetOk:
    """Return a fresh copy of a stream."""
    head = state.head(s)
    if s.startswith("me:"):
        rooms = sorted(room for room, users in state.members.items() if user in users)
        inbox = wire.InboxCopy([room_info(room) for room in rooms], dict.fromkeys(rooms, wire.Marks(0, 0, 0)))
        return wire.InboxResetOk(request, state.epoch, head, inbox)
    copy = wire.RoomCopy(room_info(s), wire.Marks(0, 0, 0), [], False, {})
    return wire.RoomResetOk(request, state.epoch, head, copy)
