"""The things a chat is made of, as everyone above the database sees them.

Durations and times: `ts` is in milliseconds since 1970 (UTC), as the server's clock had it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, NamedTuple

LOBBY: Final = "r_lobby"


def new_user_id() -> str:
    """Make up the id of a new user."""
    return f"u_{secrets.token_urlsafe(12)}"


class ServerRole(StrEnum):
    """What someone is in the whole chat."""

    MEMBER = "member"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class User:
    """Someone who takes part.  A user's own inbox is the stream that bears the user's id.

    `username` is what the user signs in by, and `role` what they are in the whole chat; only where it is the
    user who is shown it, these are known.  Nothing is allowed by this role: what is stored counts.
    """

    id: str
    name: str
    kind: str
    username: str | None = field(default=None, compare=False)
    role: ServerRole = field(default=ServerRole.MEMBER, compare=False)


@dataclass(frozen=True, slots=True)
class Deed:
    """What someone did who administers or keeps order: to what, of which kind, and perhaps in which room."""

    verb: str
    kind: str
    subject: str
    room: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


def new_session_id() -> str:
    """Make up what a session is called where its user looks at their sessions; it lets nobody in."""
    return secrets.token_urlsafe(12)


@dataclass(frozen=True, slots=True)
class Login:
    """Where a user is signed in: a session, as its user sees it.

    `label` is what its program says of itself; `seen` when it was last used, more or less.
    """

    id: str
    label: str
    created: int
    seen: int
    expires: int


@dataclass(frozen=True, slots=True)
class Account:
    """A user who signs in by a password, of which `password` is the hash."""

    user: User
    password: str
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A user as administrators see them: since when they are there or kept out, and when they were here."""

    user: User
    created: int
    disabled: int | None
    seen: int | None


def new_invite_id() -> str:
    """Make up what an invitation is called where it is looked at; it lets nobody in."""
    return f"i_{secrets.token_urlsafe(12)}"


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that lets `uses` people in until it `expires`, and perhaps into a room; `used` have come."""

    id: str
    by: str
    created: int
    expires: int
    uses: int
    used: int
    room: str | None


@dataclass(frozen=True, slots=True)
class ShownInvitation:
    """An invitation, with the names of who made it and of where it leads."""

    invite: Invitation
    by_name: str
    room_name: str | None


def new_room_id() -> str:
    """Make up the id of a new room."""
    return f"r_{secrets.token_urlsafe(12)}"


class Visibility(StrEnum):
    """Who may find a room and come in: anybody, or who is asked in."""

    PUBLIC = "public"
    PRIVATE = "private"


class Kind(StrEnum):
    """What a room is: a place that has a name, or a talk of certain people."""

    ROOM = "room"
    DIRECT = "direct"
    GROUP = "group"
    NOTES = "notes"


class Posting(StrEnum):
    """Who may begin to speak in a room: everyone there, or who keeps order."""

    ALL = "all"
    MODERATORS = "moderators"


class History(StrEnum):
    """How much of a room its members see: all of it, or what has happened since they came."""

    ALL = "all"
    JOINED = "joined"


@dataclass(frozen=True, slots=True)
class Room:
    """A place to talk.  A room's log is the stream that bears the room's id.

    `archived` is when it was closed.  A talk of certain people has no name of its own, but those `people`.
    """

    id: str
    name: str
    topic: str
    visibility: Visibility = Visibility.PUBLIC
    kind: Kind = Kind.ROOM
    posting: Posting = Posting.ALL
    history: History = History.ALL
    archived: int | None = None
    people: tuple[User, ...] = ()

    def seen_by(self, user_id: str) -> Room:
        """Return it by the name that it has for someone: a talk is called after the others in it."""
        if self.kind is Kind.ROOM:
            return self
        others = [user.name for user in self.people if user.id != user_id]
        return replace(self, name=", ".join(others or [user.name for user in self.people]))


class Role(StrEnum):
    """What someone is in a room."""

    MEMBER = "member"
    MODERATOR = "moderator"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        """Who has more of it may do more."""
        return list(Role).index(self)


@dataclass(frozen=True, slots=True)
class Sight:
    """As much of a room as someone may see: what has the number `since`, and everything after it."""

    room: str
    since: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What someone is in a room, and what the room is."""

    role: Role
    sight: Sight
    kind: Kind = Kind.ROOM
    posting: Posting = Posting.ALL
    is_archived: bool = False


class Ban(NamedTuple):
    """Who is kept out of a room, by whom, and since when."""

    user: User
    by: User
    ts: int


@dataclass(frozen=True, slots=True)
class Marks:
    """How far someone has read a room: up to the event `read`; how many messages and mentions wait there."""

    read: int
    unread: int
    mentions: int


@dataclass(frozen=True, slots=True)
class Membership:
    """A room as one of its members has it; the marks are counted up to the event `asof`."""

    room: Room
    role: Role
    marks: Marks
    since: int = 0
    asof: int = field(default=0, compare=False)

    @property
    def sight(self) -> Sight:
        """How much of it they may see."""
        return Sight(self.room.id, self.since)


def new_file_id() -> str:
    """Make up the id of a new file: by which it is stored, too, and which nobody can guess."""
    return f"f_{secrets.token_urlsafe(16)}"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as its room sees it: `type` was found out, `width` and `height` are those of a picture.

    `alt` says in words what it shows.
    """

    id: str
    name: str
    type: str
    size: int
    width: int | None = None
    height: int | None = None
    alt: str = ""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is stored, and where it belongs; until it is in a message, it is its owner's alone.

    `digest` is of its content, `message` the number of the message that has it.
    """

    attachment: Attachment
    owner: str
    room: str
    digest: str
    message: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is now.

    Numbers of events: `q` of that which posted it, `rev` of its last change, `said` of that which gave it
    its text, `pinned` of that which pinned it.  `edited` and `deleted` are times.  `thread` is the message
    whose thread it belongs to, `replies` how many belong to its own; `reactions` has who reacted by what.
    """

    q: int
    rev: int
    ts: int
    author: str
    nonce: str
    text: str
    reply_to: int | None
    thread: int | None
    said: int
    edited: int | None
    deleted: int | None
    pinned: int | None
    replies: int
    reactions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Sequence[Attachment] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """How far a stream has come: the number of its last event, and the epoch in which it was given."""

    stream: str
    epoch: int
    q: int


@dataclass(frozen=True, slots=True)
class Position:
    """How much of a stream someone has: everything up to `q`, if the epoch is still the same."""

    epoch: int
    q: int


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message was stored; `dup` if that had happened before."""

    q: int
    ts: int
    dup: bool
