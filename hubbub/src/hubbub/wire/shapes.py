"""What frames speak of: users, rooms, messages, marks.

Times are milliseconds since 1970.  A field that may be None is left out where it is.
"""

from __future__ import annotations

from msgspec import Struct, field

from hubbub.wire.values import (
    SomeHistory,
    SomeKind,
    SomePosting,
    SomePresence,
    SomeRole,
    SomeServerRole,
    SomeSignUp,
    SomeVisibility,
    UserKind,
)


class UserInfo(Struct):
    """Someone, as everyone sees them."""

    id: str
    name: str


class MeInfo(Struct, omit_defaults=True):
    """Someone, as they see themselves; `username` is what they sign in by, if they have an account.

    `role` is what they are in the whole chat, if it is more than a member.
    """

    id: str
    name: str
    kind: UserKind
    username: str | None = None
    role: SomeServerRole | None = None


class NameInfo(Struct):
    """What there is to say of someone whose id is known."""

    name: str


Names = dict[str, NameInfo]


class MemberInfo(Struct):
    """Someone in a room, and what they are there."""

    id: str
    name: str
    role: SomeRole


class RoomInfo(Struct, omit_defaults=True):
    """A room; `role` is what one is there oneself, where one asked as a member.

    A talk of certain people is of another `kind`, and has those `users`; `name` is what it is called to who
    sees it.  `posting` says who may begin to speak, `history` how much members see, `archived` since when it
    is closed.
    """

    id: str
    name: str
    topic: str
    visibility: SomeVisibility
    role: SomeRole | None = None
    kind: SomeKind = "room"
    users: list[UserInfo] | None = None
    posting: SomePosting = "all"
    history: SomeHistory = "all"
    archived: int | None = None


class BanInfo(Struct):
    """Who is kept out of a room, by whom, and since when."""

    user: UserInfo
    by: UserInfo
    ts: int


class NamedRoom(Struct):
    """A room, as it is called."""

    id: str
    name: str


class RoomEntry(Struct):
    """A room in the directory, and how many are in it; `joined` if one is oneself."""

    room: RoomInfo
    members: int
    joined: bool


class Marks(Struct, omit_defaults=True):
    """How far someone has read a room: up to `read`; how many messages and mentions wait there.

    `asof` is the event of the room up to which that is counted, where nothing around it says so.
    """

    read: int
    unread: int
    mentions: int
    asof: int | None = None


class FileInfo(Struct, omit_defaults=True):
    """A file of a message; `w` and `h` are a picture's size in pixels, `alt` says in words what it shows.

    `type` is what the server found it to be.
    """

    id: str
    name: str
    type: str
    size: int
    w: int | None = None
    h: int | None = None
    alt: str = ""


class MessageInfo(Struct, omit_defaults=True):
    """A message as it is now.

    Numbers of events: `q` of that which posted it, `rev` of its last change, `base` of that which gave it its
    text, `pin` of that which pinned it.  `ed` and `del` are times.  `re` is the message it answers, `th` the
    one whose thread it belongs to; `rc` is how many belong to its own.  `rx` has who reacted by which emoji.
    """

    q: int
    rev: int
    ts: int
    by: str
    n: str
    text: str
    base: int
    re: int | None = None
    th: int | None = None
    ed: int | None = None
    deleted: int | None = field(default=None, name="del")
    pin: int | None = None
    rx: dict[str, list[str]] = {}
    rc: int = 0
    files: list[FileInfo] = []


class EditInfo(Struct):
    """A text that a message has or had, by the number of the event that gave it."""

    q: int
    ts: int
    text: str


class SessionInfo(Struct):
    """Where someone is signed in; `seen` is exact to the hour, `own` is that of who asks."""

    id: str
    label: str
    created: int
    seen: int
    expires: int
    own: bool


class PersonInfo(Struct, omit_defaults=True):
    """Someone, as administrators see them: since when they are there, or `disabled`, and last `seen`."""

    id: str
    name: str
    kind: UserKind
    created: int
    username: str | None = None
    role: SomeServerRole | None = None
    disabled: int | None = None
    seen: int | None = None


class InviteInfo(Struct, omit_defaults=True):
    """An invitation: by whom, until when, for how many, of whom so many came; and the room it leads to."""

    id: str
    by: UserInfo
    created: int
    expires: int
    uses: int
    used: int
    room: NamedRoom | None = None


class SettingsInfo(Struct):
    """What administrators have decided.

    `sign_up` says who may make an account, `guests` whether a name alone lets people in, `members_invite`
    whether everybody who has an account may make invitations.
    """

    sign_up: SomeSignUp
    guests: bool
    members_invite: bool


class PresenceInfo(Struct, omit_defaults=True):
    """Someone who is here, and what they say about it; `off` if they have gone."""

    id: str
    name: str
    state: SomePresence
    text: str | None = None
