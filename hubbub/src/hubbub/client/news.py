"""What a program is told: of its session, of its streams, and of what became of what it asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hubbub import wire

# Of the session


@dataclass(frozen=True, slots=True)
class Opened:
    """There is a session; what was missed meanwhile comes by itself."""

    welcome: wire.Welcome


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone, and will be tried again in so many seconds."""

    wait: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The server won't have us again by this token: `reauth` asks for another, `never` for more than that."""

    retry: wire.Retry
    code: int | None
    why: str


# Of a stream


@dataclass(frozen=True, slots=True)
class Happened:
    """The next event of a stream.

    `body` is None where the kind isn't known, and Forgotten where a text was deleted.
    """

    event: wire.Event
    body: wire.EventBody | wire.Forgotten | None

    @property
    def room(self) -> str:
        """Return the stream it happened in."""
        return self.event.s

    @property
    def by(self) -> str:
        """Return the id of the user whose doing it was."""
        return self.event.by


@dataclass(frozen=True, slots=True)
class Posted(Happened):
    """A message came to a room: the event that one meets most."""

    body: wire.PostedBody

    @property
    def text(self) -> str:
        """Return what it says."""
        return self.body.text


@dataclass(frozen=True, slots=True)
class Named:
    """What the users are called of whom the stream's next events speak."""

    stream: str
    users: wire.Names


@dataclass(frozen=True, slots=True)
class Reset:
    """The stream is so, up to `head`; what came before it was too long ago.

    It is `renumbered` if the numbers that one has of it mean nothing any more.
    """

    stream: str
    epoch: int
    head: int
    copy: wire.RoomCopy | wire.InboxCopy
    renumbered: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """So much waits in a room that is subscribed to at the level `badge`."""

    stream: str
    head: int
    unread: int
    mentions: int


@dataclass(frozen=True, slots=True)
class Overheard:
    """Something that may be lost: who types, who is there; no longer true after `ttl` seconds."""

    stream: str | None
    body: wire.EphemeralBody
    ttl: float | None


@dataclass(frozen=True, slots=True)
class Withheld:
    """The server won't let us read this stream any more, or at all."""

    stream: str
    error: wire.Err


# Of what was asked for


@dataclass(frozen=True, slots=True)
class Stored:
    """A write is done, and on the server's disk."""

    nonce: str
    answer: wire.Answer | wire.Result


@dataclass(frozen=True, slots=True)
class Refused:
    """A write won't be done."""

    nonce: str
    error: wire.Err


@dataclass(frozen=True, slots=True)
class Answered:
    """A question is answered."""

    id: int
    answer: wire.Answer | wire.Result | wire.Err


News: TypeAlias = (
    Opened | Lost | Ended | Happened | Posted | Named | Reset | Waiting | Overheard | Withheld
    | Stored | Refused | Answered
)  # fmt: skip


def read_event(event: wire.Event) -> Happened:
    """Return what an event says; one whose body can't be read is as one of an unknown kind."""
    try:
        body = wire.body_of(event)
    except wire.BadFrameError:
        body = None
    return Posted(event, body) if isinstance(body, wire.PostedBody) else Happened(event, body)
