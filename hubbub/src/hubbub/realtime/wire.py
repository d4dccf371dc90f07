"""Every frame of the protocol `hubbub.v1`, as structures; how they become JSON and back.

A frame is a JSON object whose `t` says what it is.  Fields are named as on the wire.  What is unknown in a
known frame is ignored; everything else must be just as declared here.

Times (`ts`, `now`) are milliseconds since 1970, `after` is in milliseconds, `hb` and `ttl` in seconds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import StoredEvent
from hubbub.domain.models import Message, Room, User

SUBPROTOCOL: Final = "hubbub.v1"
VERSION: Final = 1
LEVEL: Final = 1
"""Rises with every addition to the protocol."""

ME: Final = "me"
"""What a connection calls its user's inbox."""

FRAME_BYTES: Final = 256 * 1024
REQUESTS: Final = 32
STREAMS: Final = 1_000
WRITE_BURST: Final = 20
WRITES_PER_SECOND: Final = 5
TYPING_TTL: Final = 6

# What JavaScript can count to.
Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Name = Annotated[str, Meta(max_length=64)]
At = tuple[Number, Number]


# From the client


class Client(Struct):
    """What program speaks."""

    name: Name
    ver: Name
    device: Name | None = None


class Hello(Struct, tag_field="t", tag="hello"):
    """Opens the session; the first frame."""

    client: Client
    feat: Annotated[list[Name], Meta(max_length=32)] = []
    at: Annotated[dict[Name, At], Meta(max_length=STREAMS)] = {}
    token: Annotated[str, Meta(max_length=256)] | None = None


class Sub(Struct, tag_field="t", tag="sub"):
    """Asks for a stream, from a position on."""

    id: Number
    s: Name
    at: At | None = None


class Unsub(Struct, tag_field="t", tag="unsub"):
    """Asks for no more of a stream."""

    id: Number
    s: Name


class Draft(Struct):
    """What a message is to say; `re` is the message it answers."""

    text: str
    re: Number | None = None


class Send(Struct, tag_field="t", tag="send"):
    """Asks to store a message, once for this nonce."""

    id: Number
    s: Name
    n: Name
    d: Draft


class Skip(Struct, tag_field="t", tag="skip"):
    """Gives up a write that was refused, so that later ones may go on."""

    id: Number
    s: Name
    n: Name


class Hist(Struct, tag_field="t", tag="hist"):
    """Asks for messages before, after or around one."""

    id: Number
    s: Name
    before: Number | None = None
    after: Number | None = None
    around: Number | None = None
    limit: Annotated[int, Meta(ge=1, le=2**53 - 1)] = 50


class Typing(Struct, tag_field="t", tag="typing"):
    """Says that someone types, or has stopped."""

    s: Name
    on: bool


class Pres(Struct, tag_field="t", tag="pres"):
    """Says what state to be shown in."""

    state: Literal["on", "idle", "dnd", "off"]


class ClientPing(Struct, tag_field="t", tag="ping"):
    """Asks whether the server is there."""


class Pong(Struct, tag_field="t", tag="pong"):
    """Answers a ping, from either side."""


Request = Hello | Sub | Unsub | Send | Skip | Hist | Typing | Pres | ClientPing | Pong

# From the server


class Limits(Struct):
    """How much is too much on one connection."""

    frame: int
    text: int
    nonce_min: int
    nonce_max: int
    requests: int = REQUESTS
    streams: int = STREAMS
    burst: int = WRITE_BURST
    rate: int = WRITES_PER_SECOND


class UserInfo(Struct):
    """Someone, as everyone sees them."""

    id: str
    name: str

    @classmethod
    def of(cls, user: User) -> UserInfo:
        """Show a user."""
        return cls(user.id, user.name)


class MeInfo(Struct):
    """Someone, as they see themselves."""

    id: str
    name: str
    kind: str

    @classmethod
    def of(cls, user: User) -> MeInfo:
        """Show a user."""
        return cls(user.id, user.name, user.kind)


class NameInfo(Struct):
    """What there is to say of someone whose id is known."""

    name: str


class RoomInfo(Struct):
    """A room."""

    id: str
    name: str
    topic: str

    @classmethod
    def of(cls, room: Room) -> RoomInfo:
        """Show a room."""
        return cls(room.id, room.name, room.topic)


class MessageInfo(Struct, omit_defaults=True):
    """A message as it is now."""

    q: int
    rev: int
    ts: int
    by: str
    n: str
    text: str
    re: int | None = None

    @classmethod
    def of(cls, message: Message) -> MessageInfo:
        """Show a message."""
        return cls(
            message.q,
            message.rev,
            message.ts,
            message.author,
            message.nonce,
            message.text,
            message.reply_to,
        )


Names = dict[str, NameInfo]


class Welcome(Struct, tag_field="t", tag="welcome"):
    """Says that the session is open; `heads` lists the streams that have moved."""

    sid: str
    me: MeInfo
    now: int
    hb: float
    limits: Limits
    heads: dict[str, At]
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

    @classmethod
    def of(cls, event: StoredEvent) -> Event:
        """Show an event."""
        body = msgspec.Raw(event.body.encode())
        return cls(stream_name(event.stream), event.q, event.kind, event.ts, event.author, body)


class Ok(Struct, tag_field="t", tag="ok"):
    """Says that it is done, and committed."""

    id: int


class Marks(Struct):
    """How far someone has read a room, and what waits there."""

    read: int
    unread: int = 0
    mentions: int = 0


class RoomCopy(Struct):
    """A room's last messages, in ascending order, and their authors; `more` if there are older ones."""

    room: RoomInfo
    me: Marks
    msgs: list[MessageInfo]
    more: bool
    users: Names


class InboxCopy(Struct):
    """The rooms that someone belongs to."""

    rooms: list[RoomInfo]


class DeltaOk(Struct, tag_field="t", tag="ok"):
    """Brings every event since the position that was asked for, up to `head`."""

    id: int
    epoch: int
    head: int
    ev: list[Event]
    users: Names
    mode: str = "delta"


class ResetOk(Struct, tag_field="t", tag="ok"):
    """Brings a fresh copy of a stream, as it was at `head`."""

    id: int
    epoch: int
    head: int
    snap: RoomCopy | InboxCopy
    mode: str = "reset"


class SendOk(Struct, tag_field="t", tag="ok"):
    """Says where a write is stored; `dup` if it was stored before."""

    id: int
    q: int
    ts: int
    dup: bool | msgspec.UnsetType = msgspec.UNSET


class HistOk(Struct, tag_field="t", tag="ok"):
    """Brings messages as they were when the stream's head was `asof`."""

    id: int
    msgs: list[MessageInfo]
    asof: int
    more: bool
    users: Names


class Err(Struct, tag_field="t", tag="err", omit_defaults=True):
    """Says that it isn't done, and why."""

    code: str
    msg: str
    retry: bool
    id: int | None = None
    after: int | None = None


class TypingInfo(Struct):
    """Who types, or has stopped."""

    user: UserInfo
    on: bool


class TypingNow(Struct, tag_field="t", tag="eph"):
    """Says that someone types; no longer true after `ttl`."""

    s: str
    d: TypingInfo
    k: str = "typing"
    ttl: int = TYPING_TTL


class PresenceInfo(Struct):
    """Someone who is here; `off` if they have gone."""

    id: str
    name: str
    state: str


class PresenceChanged(Struct, tag_field="t", tag="eph"):
    """Says that someone has come, gone or changed."""

    s: str
    d: PresenceInfo
    k: str = "pres"


class PresenceList(Struct):
    """Who is here; no users, only the count, where they are too many."""

    users: list[PresenceInfo]
    count: int


class PresenceState(Struct, tag_field="t", tag="eph"):
    """Says who is here."""

    s: str
    d: PresenceList
    k: str = "pres.state"


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
    retry: Literal["resume", "reauth", "never"]
    after: int | None = None


Reply = (
    Welcome | Event | Ok | DeltaOk | ResetOk | SendOk | HistOk | Err
    | TypingNow | PresenceChanged | PresenceState | Gap | Ping | Pong | Bye
)  # fmt: skip


class Frame(NamedTuple):
    """A frame as it is written, and how many bytes it takes."""

    text: str
    size: int


class BadFrameError(ChatError):
    """A frame that couldn't be read; `request` is its id, if that much could be."""

    def __init__(self, code: Code, detail: str, request: int | None) -> None:
        super().__init__(code, detail)
        self.request = request


class _Numbered(Struct):
    id: Number | None = None


class _Envelope(_Numbered, kw_only=True):
    t: str


_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_envelopes = msgspec.json.Decoder(_Envelope)
_encoder = msgspec.json.Encoder()
_KNOWN: Final = frozenset(str(kind.__struct_config__.tag) for kind in Request.__args__)


def decode(frame: str | bytes) -> Request:
    """Read a frame of the client.

    Raises:
        BadFrameError: `unknown_op` for a `t` that isn't known, `bad_frame` for all else.
    """
    if not isinstance(frame, str):
        raise BadFrameError(Code.BAD_FRAME, "Frames are text.", None)
    try:
        return _requests.decode(frame)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _explain(frame, str(error)) from error


def _explain(frame: str, why: str) -> BadFrameError:
    try:
        envelope = _envelopes.decode(frame)
    except (msgspec.DecodeError, RecursionError):
        return BadFrameError(Code.BAD_FRAME, why, _find_id(frame))
    if envelope.t in _KNOWN:
        return BadFrameError(Code.BAD_FRAME, why, envelope.id)
    return BadFrameError(Code.UNKNOWN_OP, "", envelope.id)


def _find_id(frame: str) -> int | None:
    # Half of a surrogate pair isn't Unicode, but in JavaScript it is easily part of a string.  Without an id
    # in the answer the client would take its request for lost, and send it for ever.
    try:
        return msgspec.convert(json.loads(frame), _Numbered).id
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None


def encode(reply: Reply) -> Frame:
    """Write a frame of the server."""
    data = _encoder.encode(reply)
    return Frame(data.decode(), len(data))


def stream_name(stream: str) -> str:
    """Return what a connection calls a stream: an inbox is only ever shown to its owner."""
    return ME if stream.startswith("u_") else stream


def error(reason: ChatError, request: int | None = None) -> Err:
    """Make the frame that says that a request isn't done."""
    after = None if reason.after is None else math.ceil(reason.after * 1000)
    return Err(reason.code.value, str(reason), reason.retry, request, after)


def names(names: dict[str, str]) -> Names:
    """Make the map of users that goes with messages and events."""
    return {user: NameInfo(name) for user, name in names.items()}


def shown(messages: Iterable[Message]) -> list[MessageInfo]:
    """Show messages."""
    return [MessageInfo.of(message) for message in messages]
