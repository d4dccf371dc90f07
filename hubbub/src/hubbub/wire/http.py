"""What is said by HTTP, beside what frames say too: what requests ask for, and what answers bring.

A field that may be None is left out where it is.  `after` is in milliseconds where it is a time to wait.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from hubbub.wire.replies import ErrorCode, Event
from hubbub.wire.requests import NewText
from hubbub.wire.shapes import Marks, MeInfo, Names, RoomInfo, UserInfo
from hubbub.wire.values import Amount, Id, Number, SomeSignUp

Line = Annotated[str, Meta(max_length=256)]
Password = Annotated[str, Meta(max_length=1024)]
Seconds = Annotated[float, Meta(ge=0)]

# What requests say


class NewGuest(Struct):
    """What a guest tells about themselves."""

    name: Line


class NewAccount(Struct, omit_defaults=True):
    """What someone signs in by from now on; without a name they go by the username.

    `invite` is the token of an invitation.
    """

    username: Line
    password: Password
    name: Line | None = None
    invite: Line | None = None


class FirstAccount(Struct, omit_defaults=True):
    """What the first administrator signs in by; `code` is what whoever runs the server was told."""

    code: Line
    username: Line
    password: Password
    name: Line | None = None


class Token(Struct):
    """What a link says."""

    token: Line


class ResetPassword(Struct):
    """What a link says, and the password that is to be."""

    token: Line
    password: Password


class OwnPassword(Struct):
    """The password that one has."""

    password: Password


class Credentials(Struct):
    """What someone signs in by."""

    username: Line
    password: Password


class NewPassword(Struct):
    """The password that was, and the one that is to be."""

    old: Password
    new: Password


class Revision(NewText, omit_defaults=True):
    """What a message is to say from now on, if its text is still that of the event `base`."""

    base: Number | None = None


class Description(Struct):
    """What a file shows, in words."""

    alt: Annotated[str, Meta(max_length=4_000)]


class ReadUpTo(Struct, omit_defaults=True):
    """How far one has read; less than before only if it goes `back`."""

    q: Number
    back: bool = False


# What is behind the question mark of an address


class MessagesQuery(Struct, omit_defaults=True):
    """Which messages: the last ones, or those before, after or around one."""

    before: Number | None = None
    after: Number | None = None
    around: Number | None = None
    limit: Amount = 50


class ThreadQuery(Struct, omit_defaults=True):
    """Which messages of a thread: the last ones, or the last before one."""

    before: Number | None = None
    limit: Amount = 50


class EventsQuery(Struct, omit_defaults=True):
    """Which events: those after a number; if there are none, how long to wait for one."""

    after: Number
    limit: Amount = 1_000
    wait: Seconds = 0


class UploadQuery(Struct, omit_defaults=True):
    """For which room a file is, what it is called, and what it shows, in words."""

    s: Id
    name: Annotated[str, Meta(max_length=4_000)] = ""
    alt: Annotated[str, Meta(max_length=4_000)] = ""


class FileQuery(Struct, omit_defaults=True):
    """Which small picture of a file, if not the file itself: one that fits into such a square."""

    thumb: Literal[96, 480] | None = None


# What answers bring


class ErrorInfo(Struct, omit_defaults=True):
    """Why a request isn't done; whether the very same may succeed later, and when."""

    code: ErrorCode
    msg: str
    retry: bool
    after: int | None = None


class ErrorResult(Struct):
    """That a request isn't done."""

    error: ErrorInfo


class SignedInResult(Struct, omit_defaults=True):
    """Who one is now; a program is told its token."""

    me: MeInfo
    token: str | None = None


class MeResult(Struct, omit_defaults=True):
    """Who one is, one's rooms, what waits in each, and how far each of one's streams is: epoch and head.

    `own` is what one keeps, by key; one wants nothing of those who are `blocked`.
    """

    me: MeInfo
    rooms: list[RoomInfo]
    marks: dict[str, Marks]
    heads: dict[str, tuple[int, int]]
    own: dict[str, Any] = {}
    blocked: list[UserInfo] = []


class EventsResult(Struct, omit_defaults=True):
    """Events of a stream whose head is `head`; `more` if there are later ones.

    Up to `gone` they aren't there any more.
    """

    epoch: int
    head: int
    ev: list[Event]
    more: bool
    users: Names
    gone: int = 0


class EntryResult(Struct):
    """How one comes in: who may make an account, whether guests may come, and everybody invite others.

    `set_up` says that there is an administrator.
    """

    sign_up: SomeSignUp
    guests: bool
    members_invite: bool
    set_up: bool


class InvitationResult(Struct, omit_defaults=True):
    """Who invites one, until when, and to which room, if it is to one."""

    by: str
    expires: int
    room: str | None = None


class HealthResult(Struct):
    """`ok`, `draining` while the server stops, or the code by which a message would be refused now."""

    status: str


class Reset(Struct, tag_field="t", tag="reset"):
    """Says in a stream of events that what one has of `s` isn't continued: it goes on behind `head`."""

    s: str
    epoch: int
    head: int
