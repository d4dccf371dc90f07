"""The things a chat is made of, as everyone above the database sees them.

Durations and times: `ts` is in milliseconds since 1970 (UTC), as the server's clock had it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

LOBBY: Final = "r_lobby"


def new_user_id() -> str:
    """Make up the id of a new user."""
    return f"u_{secrets.token_urlsafe(12)}"


@dataclass(frozen=True, slots=True)
class User:
    """Someone who takes part.  A user's own inbox is the stream that bears the user's id.

    `username` is what the user signs in by; only where it is the user who is shown it, it is known.
    """

    id: str
    name: str
    kind: str
    username: str | None = field(default=None, compare=False)


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


def new_room_id() -> str:
    """Make up the id of a new room."""
    return f"r_{secrets.token_urlsafe(12)}"


class Visibility(StrEnum):
    """Who may find a room and come in: anybody, or who is asked in."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Room:
    """A place to talk.  A room's log is the stream that bears the room's id."""

    id: str
    name: str
    topic: str
    visibility: Visibility = Visibility.PUBLIC


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
    asof: int = field(default=0, compare=False)


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
