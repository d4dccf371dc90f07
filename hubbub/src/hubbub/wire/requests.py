"""Every frame of a client.

A field that may be None may be left out.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from hubbub.wire.values import FILES, STREAMS, Amount, At, Id, Name, Nonce, Number, Presence, Status


class Client(Struct, omit_defaults=True):
    """What program speaks, and on which device, where it has one connection at a time."""

    name: Name
    ver: Name
    device: Name | None = None


class Hello(Struct, tag_field="t", tag="hello", omit_defaults=True):
    """Opens the session; the first frame."""

    client: Client
    feat: Annotated[list[Name], Meta(max_length=32)] = []
    at: Annotated[dict[Name, At], Meta(max_length=STREAMS)] = {}
    token: Annotated[str, Meta(max_length=256)] | None = None


class Sub(Struct, tag_field="t", tag="sub", omit_defaults=True):
    """Asks for a stream, from a position on; at the level `badge` only for what waits there."""

    id: Number
    s: Id
    at: At | None = None
    lvl: Literal["full", "badge"] = "full"


class Unsub(Struct, tag_field="t", tag="unsub"):
    """Asks for no more of a stream."""

    id: Number
    s: Id


class Write(Struct):
    """What changes the stream `s`, once for the nonce `n`."""

    id: Number
    s: Id
    n: Nonce


class Draft(Struct, omit_defaults=True):
    """What a message is to say; `re` is the message it answers, `th` the one whose thread it goes to.

    `files` were uploaded before; with them, the text may be empty.
    """

    text: str
    re: Number | None = None
    th: Number | None = None
    files: Annotated[list[Id], Meta(max_length=FILES)] = []


class Send(Write, tag_field="t", tag="send"):
    """Asks to store a message."""

    d: Draft


class NewText(Struct):
    """What a message is to say from now on."""

    text: str


class Edit(Write, tag_field="t", tag="edit", omit_defaults=True):
    """Asks to give the message `m` another text, if it still has that of the event `base`."""

    m: Number
    d: NewText
    base: Number | None = None


class Delete(Write, tag_field="t", tag="del"):
    """Asks to take the message `m` back."""

    m: Number


class React(Write, tag_field="t", tag="react"):
    """Asks to react to the message `m` by the emoji `e`, or no longer to."""

    m: Number
    e: Name
    on: bool


class Pin(Write, tag_field="t", tag="pin"):
    """Asks to pin the message `m` to its room, or no longer to."""

    m: Number
    on: bool


class Read(Struct, tag_field="t", tag="read", omit_defaults=True):
    """Says that one has read a room up to `q`; less than before only if it goes `back`."""

    s: Id
    q: Number
    back: bool = False


class Skip(Struct, tag_field="t", tag="skip"):
    """Gives up a write that was refused, so that later ones may go on."""

    id: Number
    s: Id
    n: Nonce


class Hist(Struct, tag_field="t", tag="hist", omit_defaults=True):
    """Asks for messages before, after or around one."""

    id: Number
    s: Id
    before: Number | None = None
    after: Number | None = None
    around: Number | None = None
    limit: Amount = 50


class Log(Struct, tag_field="t", tag="log", omit_defaults=True):
    """Asks for the events after a number, however old they are."""

    id: Number
    s: Id
    after: Number
    limit: Amount = 1_000


class Call(Struct, tag_field="t", tag="call", omit_defaults=True):
    """Asks for what the method `m` does with the parameters `p`; `n` is the nonce of one that writes."""

    id: Number
    m: Name
    p: msgspec.Raw
    n: Nonce | None = None


class Typing(Struct, tag_field="t", tag="typing"):
    """Says that someone types, or has stopped."""

    s: Id
    on: bool


class Pres(Struct, tag_field="t", tag="pres", omit_defaults=True):
    """Says what state to be shown in, and with which words."""

    state: Presence
    text: Status | None = None


class ClientPing(Struct, tag_field="t", tag="ping"):
    """Asks whether the server is there."""


class Pong(Struct, tag_field="t", tag="pong"):
    """Answers a ping, from either side."""


Request = (
    Hello | Sub | Unsub | Send | Edit | Delete | React | Pin | Read | Skip | Hist | Log | Call
    | Typing | Pres | ClientPing | Pong
)  # fmt: skip
