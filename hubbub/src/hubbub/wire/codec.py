"""How frames become JSON, and how they are read.

Whatever comes is read, or refused by a `BadFrameError`; nothing else is ever raised.  What is unknown in a
known frame is ignored; everything else must be just as declared.

A server reads with `split` and `decode`, and `params_of` a call.  A client reads with `split` and
`decode_reply`; it passes over what a server of a later level says (None), and reads what an `ok` brings once
it has found what it had asked for (`decode_answer`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, TypeVar, cast, get_args

import msgspec
from msgspec import Struct

from hubbub.wire.bodies import EPHEMERALS, EVENTS, FORGETTABLE, EphemeralBody, EventBody, Forgotten
from hubbub.wire.calls import METHODS, NAMES_OF_METHODS, Params, Result
from hubbub.wire.replies import (
    Answer,
    BadgeOk,
    Bye,
    DeltaOk,
    Ephemeral,
    Err,
    Event,
    Gap,
    HistOk,
    InboxResetOk,
    LogOk,
    Ok,
    Ping,
    Reply,
    RoomResetOk,
    SendOk,
    Welcome,
)
from hubbub.wire.requests import Call, Hist, Log, Pong, Request, Sub, Write
from hubbub.wire.values import BATCH_FRAMES, ME, Number

T = TypeVar("T", bound=Struct)
BadCode = Literal["bad_frame", "unknown_op"]


class Frame(NamedTuple):
    """A frame as it is written, and how many bytes it takes."""

    text: str
    size: int


class BadFrameError(Exception):
    """A frame that couldn't be read; `request` is its id, if that much could be."""

    def __init__(self, code: BadCode, detail: str, request: int | None) -> None:
        super().__init__(code, detail, request)
        self.code = code
        self.detail = detail
        self.request = request

    def __str__(self) -> str:
        return self.detail or f"There is no such {'request' if self.code == 'unknown_op' else 'frame'}."


class Answered(NamedTuple):
    """An `ok` of which no more than the request is known yet that it answers."""

    id: int
    text: str


Said = Welcome | Answered | Err | Event | Ephemeral | Gap | Ping | Pong | Bye
"""What a client reads of a server."""


class _Numbered(Struct):
    id: Number | None = None


class _Envelope(_Numbered, kw_only=True):
    t: str


class _Ok(Struct, tag_field="t", tag="ok"):
    id: int


class _CallOk(Struct):
    r: msgspec.Raw


class _Copy(Struct):
    mode: str


# What decoding raises: JSON that isn't, structures that aren't, and what is nested too deep.
_BAD: Final = (msgspec.DecodeError, RecursionError)

_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_replies = msgspec.json.Decoder(Welcome | _Ok | Err | Event | Ephemeral | Gap | Ping | Pong | Bye)
_envelopes = msgspec.json.Decoder(_Envelope)
_batches = msgspec.json.Decoder(list[msgspec.Raw])
_encoder = msgspec.json.Encoder()


def _tags(union: object) -> frozenset[str]:
    return frozenset(str(kind.__struct_config__.tag) for kind in get_args(union))


_REQUESTS: Final = _tags(Request)
_REPLIES: Final = _tags(Reply)


# Writing


def encode(frame: Request | Reply) -> Frame:
    """Write a frame."""
    data = _encoder.encode(frame)
    return Frame(data.decode(), len(data))


def join(frames: Iterable[Frame]) -> Frame:
    """Write several frames as one, for a peer that agreed to `batch`."""
    text = f"[{','.join(frame.text for frame in frames)}]"
    return Frame(text, len(text.encode()))


def make_call(request: int, params: Params, nonce: str | None = None) -> Call:
    """Make the frame that calls the method which these parameters are for."""
    return Call(request, NAMES_OF_METHODS[type(params)], msgspec.Raw(_encoder.encode(params)), nonce)


# Reading


def split(frame: str | bytes) -> list[str]:
    """Return the frames of a batch; of what is no array, itself.

    Raises:
        BadFrameError: for what isn't text, and for an array that isn't whole, or of too many.
    """
    text = _text(frame)
    if not text.lstrip(" \t\r\n").startswith("["):
        return [text]
    try:
        frames = [bytes(raw).decode() for raw in _batches.decode(text)]
    except (*_BAD, UnicodeError):
        frames = _split_anyhow(text)
    if len(frames) > BATCH_FRAMES:
        raise BadFrameError("bad_frame", f"At most {BATCH_FRAMES} frames may come as one.", None)
    return frames


def _split_anyhow(text: str) -> list[str]:
    # One frame with half of a surrogate pair shall not spoil the others.
    try:
        frames = json.loads(text)
        return [json.dumps(frame) for frame in frames]
    except (ValueError, RecursionError) as error:
        raise BadFrameError("bad_frame", "The array is not JSON.", None) from error


def decode(frame: str | bytes) -> Request:
    """Read a frame of a client.

    Raises:
        BadFrameError: `unknown_op` for a `t` that isn't known, `bad_frame` for all else.
    """
    text = _text(frame)
    try:
        return _requests.decode(text)
    except (*_BAD, UnicodeError) as error:
        raise _explain(text, str(error), _REQUESTS) from error


def params_of(call: Call) -> Params:
    """Read what a method is called with.

    Raises:
        BadFrameError: `unknown_op` for a method that isn't known; `bad_frame` for other parameters than it
            has, and where a method that writes has no nonce.
    """
    method = METHODS.get(call.m)
    if method is None:
        raise BadFrameError("unknown_op", f"There is no method {call.m}.", call.id)
    if method.writes and call.n is None:
        raise BadFrameError("bad_frame", f"{call.m} needs a nonce.", call.id)
    try:
        return msgspec.json.decode(call.p, type=method.params)
    except (*_BAD, UnicodeError) as error:
        raise BadFrameError("bad_frame", str(error), call.id) from error


def decode_reply(frame: str | bytes) -> Said | None:
    """Read a frame of a server; return None for one of a kind that isn't known.

    Raises:
        BadFrameError: for what is no frame.
    """
    text = _text(frame)
    try:
        reply = _replies.decode(text)
    except (*_BAD, UnicodeError) as error:
        refusal = _explain(text, str(error), _REPLIES)
        if refusal.code == "unknown_op":
            return None
        raise refusal from error
    return Answered(reply.id, text) if isinstance(reply, _Ok) else reply


def decode_answer(request: Request, answered: Answered) -> Answer | Result:
    """Read what an `ok` brings to this request; to a call, its result.

    Raises:
        BadFrameError: if that isn't what answers it.
    """
    try:
        return _read_answer(request, answered.text)
    except (*_BAD, UnicodeError, KeyError) as error:
        raise BadFrameError("bad_frame", str(error), answered.id) from error


def _read_answer(request: Request, text: str) -> Answer | Result:
    read = msgspec.json.decode
    match request:
        case Sub():
            reset = InboxResetOk if request.s == ME else RoomResetOk
            kinds = {"delta": DeltaOk, "reset": reset, "badge": BadgeOk}
            return cast("Answer", read(text, type=kinds[read(text, type=_Copy).mode]))
        case Write():
            return read(text, type=SendOk)
        case Hist():
            return read(text, type=HistOk)
        case Log():
            return read(text, type=LogOk)
        case Call():
            return read(read(text, type=_CallOk).r, type=METHODS[request.m].result)
        case _:
            return read(text, type=Ok)


def body_of(event: Event) -> EventBody | Forgotten | None:
    """Read what happened; None for a kind that isn't known.

    Raises:
        BadFrameError: for a body that isn't of its kind.
    """
    kind = EVENTS.get(event.k)
    if kind is None:
        return None
    try:
        return _read_body(kind, event.d)
    except BadFrameError:
        if event.k in FORGETTABLE:
            return _read_body(Forgotten, event.d)
        raise


def ephemeral_body_of(ephemeral: Ephemeral) -> EphemeralBody | None:
    """Read what may be lost; None for a kind that isn't known.

    Raises:
        BadFrameError: for a body that isn't of its kind.
    """
    kind = EPHEMERALS.get(ephemeral.k)
    return None if kind is None else _read_body(kind, ephemeral.d)


def _read_body(kind: type[T], body: msgspec.Raw) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (*_BAD, UnicodeError) as error:
        raise BadFrameError("bad_frame", str(error), None) from error


def _text(frame: str | bytes) -> str:
    if not isinstance(frame, str):
        raise BadFrameError("bad_frame", "Frames are text.", None)
    return frame


def _explain(text: str, why: str, known: frozenset[str]) -> BadFrameError:
    try:
        envelope = _envelopes.decode(text)
    except (*_BAD, UnicodeError):
        return BadFrameError("bad_frame", why, _find_id(text))
    if envelope.t in known:
        return BadFrameError("bad_frame", why, envelope.id)
    return BadFrameError("unknown_op", "", envelope.id)


def _find_id(text: str) -> int | None:
    # Half of a surrogate pair isn't Unicode, but in JavaScript it is easily part of a string.  Without an id
    # in the answer the client would take its request for lost, and send it for ever.
    try:
        return msgspec.convert(json.loads(text), _Numbered).id
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None
