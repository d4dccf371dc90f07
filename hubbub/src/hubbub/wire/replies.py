"""Every frame of a server.

Several kinds of frame have the same `t`: all that are `ok` answer a request and bring what was asked for, and
all that are `eph` may be lost.  `after` is in milliseconds, `hb` and `ttl` in seconds.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from hubbub.wire.bodies import BadgeInfo, PresenceList, TypingInfo
from hubbub.wire.calls import Result
from hubbub.wire.codes import ERRORS
from hubbub.wire.requests import Pong
from hubbub.wire.shapes import Marks, MeInfo, MessageInfo, Names, PresenceInfo, RoomInfo, UserInfo
from hubbub.wire.values import (
    BATCH_FRAMES,
    FILES,
    LEVEL,
    REQUESTS,
    STREAMS,
    TYPING_INTERVAL,
    TYPING_TTL,
    VERSION,
    WRITE_BURST,
    WRITES_PER_SECOND,
    Retry,
)

ErrorCode = Annotated[str, Meta(extra_json_schema={"x-known": list(ERRORS)})]


class Limits(Struct):
    """How much is too much on one connection.

    A message has so many `files`, and each so many bytes as `file` says; 0 if none are taken.
    """

    frame: int
    text: int
    nonce_min: int
    nonce_max: int
    requests: int = REQUESTS
    streams: int = STREAMS
    burst: int = WRITE_BURST
    rate: float = WRITES_PER_SECOND
    batch: int = BATCH_FRAMES
    typing: float = TYPING_INTERVAL
    file: int = 0
    files: int = FILES


class Welcome(Struct, tag_field="t", tag="welcome"):
    """Says that the session is open; `heads` lists the streams that have moved: epoch and head of each."""

    sid: str
    me: MeInfo
    now: int
    hb: float
    limits: Limits
    heads: dict[str, tuple[int, int]]
    feat: list[str] = []
    v: int = VERSION
    level: int = LEVEL


class Event(Struct, tag_field="t", tag="ev"):
    """Something that happened in a stream; `by` is a user's id."""

    s: str
    q: int
    k: str
    ts: int
    by: str
    d: msgspec.Raw


# Answers


class Ok(Struct, tag_field="t", tag="ok"):
    """Says that it is done, and committed."""

    id: int


class RoomCopy(Struct, omit_defaults=True):
    """A room's last messages, in ascending order, and their authors; `more` if there are older ones.

    `pins` has each message that is pinned, however old, and the event that pinned it; the last pinned first.
    """

    room: RoomInfo
    me: Marks
    msgs: list[MessageInfo]
    more: bool
    users: Names
    pins: list[tuple[int, int]] = []


class InboxCopy(Struct, omit_defaults=True):
    """The rooms that someone belongs to, what waits in each, and what they keep of their own, by key.

    They want nothing of those who are `blocked`.
    """

    rooms: list[RoomInfo]
    marks: dict[str, Marks]
    own: dict[str, Any] = {}
    blocked: list[UserInfo] = []


class DeltaOk(Struct, tag_field="t", tag="ok"):
    """Brings every event since the position that was asked for, up to `head`."""

    id: int
    epoch: int
    head: int
    ev: list[Event]
    users: Names
    mode: Literal["delta"] = "delta"


class RoomResetOk(Struct, tag_field="t", tag="ok"):
    """Brings a fresh copy of a room, as it was at `head`."""

    id: int
    epoch: int
    head: int
    snap: RoomCopy
    mode: Literal["reset"] = "reset"


class InboxResetOk(Struct, tag_field="t", tag="ok"):
    """Brings a fresh copy of one's own stream, as it was at `head`."""

    id: int
    epoch: int
    head: int
    snap: InboxCopy
    mode: Literal["reset"] = "reset"


class BadgeOk(Struct, tag_field="t", tag="ok"):
    """Says what waits in a room, as it was at `head`."""

    id: int
    epoch: int
    head: int
    me: Marks
    mode: Literal["badge"] = "badge"


class SendOk(Struct, tag_field="t", tag="ok", omit_defaults=True):
    """Says where a write is stored; `dup` if it was stored before."""

    id: int
    q: int
    ts: int
    dup: bool = False


class HistOk(Struct, tag_field="t", tag="ok"):
    """Brings messages, in ascending order, as they were when the stream's head was `asof`."""

    id: int
    msgs: list[MessageInfo]
    asof: int
    more: bool
    users: Names


class LogOk(Struct, tag_field="t", tag="ok", omit_defaults=True):
    """Brings events of a stream whose head is `head`; `more` if there are later ones.

    Up to `gone` they aren't there any more.
    """

    id: int
    epoch: int
    head: int
    ev: list[Event]
    more: bool
    users: Names
    gone: int = 0


class CallOk(Struct, tag_field="t", tag="ok"):
    """Brings what a method gives."""

    id: int
    r: Result


class Err(Struct, tag_field="t", tag="err", omit_defaults=True):
    """Says that it isn't done, and why; without `id`, of a frame that had none."""

    code: ErrorCode
    msg: str
    retry: bool
    id: int | None = None
    after: int | None = None


# What may be lost


class Ephemeral(Struct, tag_field="t", tag="eph", omit_defaults=True):
    """Something that may be lost, and is no longer true after `ttl`, if that is given."""

    k: str
    d: msgspec.Raw
    s: str | None = None
    ttl: float | None = None


class TypingNow(Struct, tag_field="t", tag="eph"):
    """Says that someone types; no longer true after `ttl`."""

    s: str
    d: TypingInfo
    k: Literal["typing"] = "typing"
    ttl: float = TYPING_TTL


class PresenceChanged(Struct, tag_field="t", tag="eph"):
    """Says that someone has come, gone or changed."""

    s: str
    d: PresenceInfo
    k: Literal["pres"] = "pres"


class PresenceState(Struct, tag_field="t", tag="eph"):
    """Says who is here."""

    s: str
    d: PresenceList
    k: Literal["pres.state"] = "pres.state"


class Badge(Struct, tag_field="t", tag="eph"):
    """Says what waits in a room that is subscribed to at the level `badge`."""

    s: str
    d: BadgeInfo
    k: Literal["badge"] = "badge"


# About the connection


class Gap(Struct, tag_field="t", tag="gap"):
    """Says that events up to `head` were left out, since the connection was slow."""

    s: str
    head: int


class Ping(Struct, tag_field="t", tag="ping", omit_defaults=True):
    """Asks whether the client is there, and says how far its streams are."""

    heads: dict[str, int] = {}


class Bye(Struct, tag_field="t", tag="bye", omit_defaults=True):
    """Says why the connection is about to be closed, and whether to come back."""

    code: int
    why: str
    retry: Retry
    after: int | None = None


Answer = Ok | DeltaOk | RoomResetOk | InboxResetOk | BadgeOk | SendOk | HistOk | LogOk | CallOk

Reply = (
    Welcome | Event | Answer | Err | Ephemeral | TypingNow | PresenceChanged | PresenceState | Badge
    | Gap | Ping | Pong | Bye
)  # fmt: skip
