"""Everything that can happen in a stream, and what the rest of the program hears about it.

Knows the kind and the body of each event; a body is what every client gets to see, so its keys are those of
the wire.  Doesn't know how events are numbered, stored or sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from hubbub.domain.models import Room, User


class Event(Protocol):
    """Something that happened and must never be lost."""

    @property
    def kind(self) -> str:
        """The name of what happened."""

    def body(self) -> Mapping[str, object]:
        """Tell what happened, in the words of the wire; keys that would be empty are left out."""


@dataclass(frozen=True, slots=True)
class MessagePosted:
    """Someone wrote a message into a room."""

    kind: ClassVar[str] = "msg.new"

    nonce: str
    text: str
    reply_to: int | None = None

    def body(self) -> Mapping[str, object]:
        """Tell the text, and the nonce, by which the author's pending bubble is found."""
        body: dict[str, object] = {"n": self.nonce, "text": self.text}
        if self.reply_to is not None:
            body["re"] = self.reply_to
        return body


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """Someone became a member of a room."""

    kind: ClassVar[str] = "member"

    user: User

    def body(self) -> Mapping[str, object]:
        """Tell who."""
        return {"op": "join", "user": {"id": self.user.id, "name": self.user.name}}


@dataclass(frozen=True, slots=True)
class MemberRenamed:
    """A member of a room has a new name."""

    kind: ClassVar[str] = "member"

    user: User

    def body(self) -> Mapping[str, object]:
        """Tell who, by the new name."""
        return {"op": "rename", "user": {"id": self.user.id, "name": self.user.name}}


@dataclass(frozen=True, slots=True)
class RoomAdded:
    """A room was added to a user's own; an event of the user's inbox."""

    kind: ClassVar[str] = "room.add"

    room: Room

    def body(self) -> Mapping[str, object]:
        """Tell which."""
        return {"room": {"id": self.room.id, "name": self.room.name}}


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


Notice = StoredEvent | UserRenamed | SessionRevoked
