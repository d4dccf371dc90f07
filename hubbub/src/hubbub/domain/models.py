"""The things a chat is made of, as everyone above the database sees them.

Durations and times: `ts` is in milliseconds since 1970 (UTC), as the server's clock had it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

LOBBY: Final = "r_lobby"


def new_user_id() -> str:
    """Make up the id of a new user."""
    return f"u_{secrets.token_urlsafe(12)}"


@dataclass(frozen=True, slots=True)
class User:
    """Someone who takes part.  A user's own inbox is the stream that bears the user's id."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Room:
    """A place to talk.  A room's log is the stream that bears the room's id."""

    id: str
    name: str
    topic: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is now: `q` is the number of the event that posted it, `rev` of its last change."""

    q: int
    rev: int
    ts: int
    author: str
    nonce: str
    text: str
    reply_to: int | None


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
