"""Everything that can happen in a stream, and what the rest of the program hears about it.

Knows the kind and the body of each event; a body is what every client gets to see, so its keys are those of
the wire.  Doesn't know how events are numbered, stored or sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol

from hubbub.domain.models import Attachment, History, Kind, Marks, Posting, Role, Room, User


class Event(Protocol):
    """Something that happened and must never be lost."""

    @property
    def kind(self) -> str:
        """The name of what happened."""

    def body(self) -> Mapping[str, object]:
        """Tell what happened, in the words of the wire; keys that would be empty are left out."""


@dataclass(frozen=True, slots=True)
class MessagePosted:
    """Someone wrote a message into a room, or there into the thread of another message."""

    kind: ClassVar[str] = "msg.new"

    nonce: str
    text: str
    reply_to: int | None = None
    thread: int | None = None
    files: tuple[Attachment, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it is unread to who hasn't read it: what is said in a thread isn't said to the room."""
        return self.thread is None

    def body(self) -> Mapping[str, object]:
        """Tell the text, and the nonce, by which the author's pending bubble is found."""
        body: dict[str, object] = {"n": self.nonce, "text": self.text}
        if self.reply_to is not None:
            body["re"] = self.reply_to
        if self.thread is not None:
            body["th"] = self.thread
        if self.files:
            body["files"] = [tell_file(file) for file in self.files]
        return body


def tell_file(file: Attachment) -> Mapping[str, object]:
    """Tell of a file all that is needed to show where it will be."""
    told: dict[str, object] = {"id": file.id, "name": file.name, "type": file.type, "size": file.size}
    if file.width is not None and file.height is not None:
        told |= {"w": file.width, "h": file.height}
    if file.alt:
        told["alt"] = file.alt
    return told


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """The author of a message gave it another text."""

    kind: ClassVar[str] = "msg.edit"

    nonce: str
    message: int
    text: str

    def body(self) -> Mapping[str, object]:
        """Tell which message, and its new text."""
        return {"n": self.nonce, "m": self.message, "text": self.text}


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """A message was taken back, by its author or by who keeps order."""

    kind: ClassVar[str] = "msg.del"

    nonce: str
    message: int
    thread: int | None = None

    def body(self) -> Mapping[str, object]:
        """Tell which message, and whose thread has one less: who never had the message can't know."""
        body: dict[str, object] = {"n": self.nonce, "m": self.message}
        if self.thread is not None:
            body["th"] = self.thread
        return body


@dataclass(frozen=True, slots=True)
class Reacted:
    """Someone reacted to a message by an emoji, or no longer does."""

    kind: ClassVar[str] = "react"

    nonce: str
    message: int
    emoji: str
    on: bool

    def body(self) -> Mapping[str, object]:
        """Tell which message, and by what."""
        return {"n": self.nonce, "m": self.message, "e": self.emoji, "on": self.on}


@dataclass(frozen=True, slots=True)
class Pinned:
    """A message was pinned to its room, or no longer is."""

    kind: ClassVar[str] = "pin"

    nonce: str
    message: int
    on: bool

    def body(self) -> Mapping[str, object]:
        """Tell which message."""
        return {"n": self.nonce, "m": self.message, "on": self.on}


class MemberChange(StrEnum):
    """What can happen to a member of a room."""

    JOIN = "join"
    LEAVE = "leave"
    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"
    ROLE = "role"
    RENAME = "rename"

    @property
    def ends_membership(self) -> bool:
        """Whether whom it happens to is no member afterwards."""
        return self in {MemberChange.LEAVE, MemberChange.KICK, MemberChange.BAN}


@dataclass(frozen=True, slots=True)
class MemberChanged:
    """Something happened to a member of a room; `role` is what they are given, if they are."""

    kind: ClassVar[str] = "member"

    op: MemberChange
    user: User
    role: Role | None = None

    def body(self) -> Mapping[str, object]:
        """Tell what, and to whom, by the name that they have now."""
        body: dict[str, object] = {"op": self.op, "user": _user(self.user)}
        if self.role is not None:
            body["role"] = self.role
        return body


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """A room has another name, topic or rule, or was archived or brought back."""

    kind: ClassVar[str] = "room"

    room: Room

    def body(self) -> Mapping[str, object]:
        """Tell what the room is now."""
        return {"room": _room(self.room)}


@dataclass(frozen=True, slots=True)
class RoomAdded:
    """A room was added to a user's own; an event of the user's inbox."""

    kind: ClassVar[str] = "room.add"

    room: Room

    def body(self) -> Mapping[str, object]:
        """Tell which."""
        return {"room": _room(self.room)}


@dataclass(frozen=True, slots=True)
class RoomRemoved:
    """A room is no longer a user's own, by what happened to them there; an event of the user's inbox."""

    kind: ClassVar[str] = "room.rm"

    room: str
    why: MemberChange

    def body(self) -> Mapping[str, object]:
        """Tell which, and why."""
        return {"room": self.room, "why": self.why}


@dataclass(frozen=True, slots=True)
class Read:
    """A user has read a room up to somewhere; an event of the user's inbox."""

    kind: ClassVar[str] = "read"

    room: str
    marks: Marks
    asof: int
    """The last event of the room that is counted."""

    def body(self) -> Mapping[str, object]:
        """Tell how far, and what waits there."""
        marks = {"q": self.marks.read, "unread": self.marks.unread, "mentions": self.marks.mentions}
        return {"s": self.room, **marks, "asof": self.asof}


@dataclass(frozen=True, slots=True)
class Mentioned:
    """A message speaks of a user; an event of the user's inbox."""

    kind: ClassVar[str] = "mention"

    room: str
    message: int

    def body(self) -> Mapping[str, object]:
        """Tell which message."""
        return {"s": self.room, "q": self.message}


@dataclass(frozen=True, slots=True)
class OwnSet:
    """A user keeps something of their own, or, if the value is None, no longer; an event of their inbox."""

    kind: ClassVar[str] = "set"

    key: str
    value: object

    def body(self) -> Mapping[str, object]:
        """Tell by which key, and what."""
        return {"key": self.key} if self.value is None else {"key": self.key, "value": self.value}


@dataclass(frozen=True, slots=True)
class Blocked:
    """A user wants nothing of another, or no longer so; an event of the user's inbox."""

    kind: ClassVar[str] = "block"

    user: User
    on: bool

    def body(self) -> Mapping[str, object]:
        """Tell whom."""
        return {"user": _user(self.user), "on": self.on}


def _user(user: User) -> Mapping[str, object]:
    return {"id": user.id, "name": user.name}


def _room(room: Room) -> Mapping[str, object]:
    body: dict[str, object] = {
        "id": room.id,
        "name": room.name,
        "topic": room.topic,
        "visibility": room.visibility,
    }
    # What most rooms are isn't said.
    if room.kind is not Kind.ROOM:
        body["kind"] = room.kind
        body["users"] = [_user(user) for user in room.people]
    if room.posting is not Posting.ALL:
        body["posting"] = room.posting
    if room.history is not History.ALL:
        body["history"] = room.history
    if room.archived is not None:
        body["archived"] = room.archived
    return body


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its number in its stream; `body` is JSON."""

    stream: str
    q: int
    kind: str
    ts: int
    author: str
    body: str


@dataclass(frozen=True, slots=True)
class UserRenamed:
    """A user's new name was stored.  Not part of any stream."""

    user: User


@dataclass(frozen=True, slots=True)
class SessionRevoked:
    """A session was signed out; its connections must go.  Not part of any stream."""

    session: str


@dataclass(frozen=True, slots=True)
class SessionExpired:
    """A session's time is over; its connections must go.  Not part of any stream."""

    session: str


@dataclass(frozen=True, slots=True)
class SessionBarred:
    """A session's user may not be in the chat; its connections must go.  Not part of any stream."""

    session: str


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """Administrators have decided something otherwise.  Not part of any stream."""


Notice = StoredEvent | UserRenamed | SessionRevoked | SessionExpired | SessionBarred | SettingsChanged
