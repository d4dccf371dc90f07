"""What events and ephemerals say: the `d` of each kind.

A kind that isn't here is one of a later level.  Its number counts as every other does.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from hubbub.wire.shapes import FileInfo, PresenceInfo, RoomInfo, UserInfo
from hubbub.wire.values import Change, Removal, SomeRole


class Forgotten(Struct, forbid_unknown_fields=True):
    """What is left of a text that was deleted: that there was one."""


# In rooms


class PostedBody(Struct, omit_defaults=True):
    """A message; `n` is the nonce that its author gave it."""

    n: str
    text: str
    re: int | None = None
    th: int | None = None
    files: list[FileInfo] = []


class EditedBody(Struct):
    """Another text for the message `m`."""

    n: str
    m: int
    text: str


class DeletedBody(Struct, omit_defaults=True):
    """The message `m` was taken back; it was in the thread of `th`, if it was in one."""

    n: str
    m: int
    th: int | None = None


class ReactedBody(Struct):
    """Someone reacts to the message `m` by the emoji `e`, or no longer does."""

    n: str
    m: int
    e: str
    on: bool


class PinnedBody(Struct):
    """The message `m` is pinned to its room, or no longer is."""

    n: str
    m: int
    on: bool


class MemberBody(Struct, omit_defaults=True):
    """What happened to whom; `role` is what they are given, if they are."""

    op: Change
    user: UserInfo
    role: SomeRole | None = None


class RoomBody(Struct):
    """What the room is now."""

    room: RoomInfo


# In one's own stream


class RoomAddedBody(Struct):
    """One belongs to a room."""

    room: RoomInfo


class RoomRemovedBody(Struct):
    """One no longer belongs to a room, and why."""

    room: str
    why: Removal


class ReadBody(Struct, omit_defaults=True):
    """One has read the room `s` up to `q`, and so much waits there as of its event `asof`.

    Events of earlier versions lack that.
    """

    s: str
    q: int
    unread: int
    mentions: int
    asof: int | None = None


class MentionBody(Struct):
    """The message `q` of the room `s` speaks of one."""

    s: str
    q: int


class SetBody(Struct, omit_defaults=True):
    """One keeps a value by a key of one's own, or, without a value, no longer."""

    key: str
    value: Any = None


class BlockBody(Struct):
    """One wants nothing of a user, or no longer so."""

    user: UserInfo
    on: bool


# Of what may be lost


class TypingInfo(Struct):
    """Who types, or has stopped."""

    user: UserInfo
    on: bool


class PresenceList(Struct):
    """Who is here; no users, only the count, where they are too many."""

    users: list[PresenceInfo]
    count: int


class BadgeInfo(Struct):
    """What waits in a room, as of the event `head`."""

    head: int
    unread: int
    mentions: int


EventBody = (
    PostedBody | EditedBody | DeletedBody | ReactedBody | PinnedBody | MemberBody | RoomBody
    | RoomAddedBody | RoomRemovedBody | ReadBody | MentionBody | SetBody | BlockBody
)  # fmt: skip

EphemeralBody = TypingInfo | PresenceInfo | PresenceList | BadgeInfo

EVENTS: Final[dict[str, type[EventBody]]] = {
    "msg.new": PostedBody,
    "msg.edit": EditedBody,
    "msg.del": DeletedBody,
    "react": ReactedBody,
    "pin": PinnedBody,
    "member": MemberBody,
    "room": RoomBody,
    "room.add": RoomAddedBody,
    "room.rm": RoomRemovedBody,
    "read": ReadBody,
    "mention": MentionBody,
    "set": SetBody,
    "block": BlockBody,
}

FORGETTABLE: Final = frozenset({"msg.new", "msg.edit"})
"""Kinds of events whose bodies are emptied when the message is deleted."""

EPHEMERALS: Final[dict[str, type[EphemeralBody]]] = {
    "typing": TypingInfo,
    "pres": PresenceInfo,
    "pres.state": PresenceList,
    "badge": BadgeInfo,
}
