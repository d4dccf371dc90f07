"""What can be called by `call`: for each method its parameters, its result, and whether it writes.

A method that writes needs a nonce, as every write does.  Rooms are called `s`, as everywhere.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, NamedTuple

from msgspec import Meta, Struct

from hubbub.wire.shapes import (
    BanInfo,
    EditInfo,
    InviteInfo,
    MemberInfo,
    MessageInfo,
    Names,
    PersonInfo,
    RoomEntry,
    RoomInfo,
    SessionInfo,
    SettingsInfo,
    UserInfo,
)
from hubbub.wire.values import (
    Amount,
    History,
    Id,
    Number,
    Posting,
    Role,
    ServerRole,
    SignUp,
    Visibility,
)

# Longer than any name or topic may be; how long they may, the server says.
Title = Annotated[str, Meta(max_length=2_000)]

# Parameters


class CreateRoom(Struct, omit_defaults=True):
    """Makes a room, whose owner one is."""

    name: Title
    topic: Title = ""
    visibility: Visibility = "public"
    posting: Posting = "all"
    history: History = "all"


class UpdateRoom(Struct, omit_defaults=True):
    """Changes what is given, and leaves the rest."""

    s: Id
    name: Title | None = None
    topic: Title | None = None
    visibility: Visibility | None = None
    posting: Posting | None = None
    history: History | None = None


class JoinRoom(Struct):
    """Enters a public room."""

    s: Id


class LeaveRoom(Struct):
    """Leaves a room."""

    s: Id


class Invite(Struct):
    """Makes someone a member."""

    s: Id
    user: Id


class ListRooms(Struct, omit_defaults=True):
    """Asks for public rooms, by name, from behind a page's `next` on; or for those that were archived."""

    after: Id | None = None
    limit: Amount = 50
    archived: bool = False


class ArchiveRoom(Struct):
    """Closes a room for good, or opens it again."""

    s: Id
    on: bool


class OpenTalk(Struct):
    """Talks to these people, or, to nobody else, takes notes; of two people there is one such room."""

    users: Annotated[list[Id], Meta(max_length=64)]


class Kick(Struct):
    """Puts someone out of a room, who may come back."""

    s: Id
    user: Id


class Ban(Struct):
    """Puts someone out of a room, who may not come back."""

    s: Id
    user: Id


class Unban(Struct):
    """Lets someone come back who was banned."""

    s: Id
    user: Id


class ListBans(Struct, omit_defaults=True):
    """Asks who is kept out of a room, from behind a page's `next` on."""

    s: Id
    after: Id | None = None
    limit: Amount = 100


class FindPeople(Struct):
    """Asks for people by their names: a part of it, of those in one's rooms, or all of it."""

    text: Title


class BlockUser(Struct):
    """Wants nothing of somebody, or no longer so."""

    user: Id
    on: bool


class GiveRole(Struct):
    """Makes a member something else."""

    s: Id
    user: Id
    role: Role


class ListMembers(Struct, omit_defaults=True):
    """Asks for a room's members, from behind a page's `next` on."""

    s: Id
    after: Id | None = None
    limit: Amount = 100


class ListEdits(Struct):
    """Asks for the texts that a message had."""

    s: Id
    q: Number


class ReadThread(Struct, omit_defaults=True):
    """Asks for the last messages of the thread of `q`, or the last before one of them."""

    s: Id
    q: Number
    before: Number | None = None
    limit: Amount = 50


class ListPinned(Struct):
    """Asks for the messages that are pinned to a room, the last pinned first."""

    s: Id


class ListSessions(Struct):
    """Asks where one is signed in."""


class RevokeSession(Struct):
    """Signs a session out."""

    id: Id


class SetOwn(Struct, omit_defaults=True):
    """Keeps a value by a key of one's own, for all one's devices; without a value, no longer."""

    key: Annotated[str, Meta(max_length=256)]
    value: Any = None


class ReadSettings(Struct):
    """Asks what administrators have decided; for administrators."""


class ChangeSettings(Struct, omit_defaults=True):
    """Decides what is given, and leaves the rest; for administrators."""

    sign_up: SignUp | None = None
    guests: bool | None = None
    members_invite: bool | None = None


class ListUsers(Struct, omit_defaults=True):
    """Asks for people by name, from behind a page's `next` on; for administrators."""

    query: Title = ""
    after: Id | None = None
    limit: Amount = 50


class GiveServerRole(Struct):
    """Makes someone something else in the whole chat; for administrators."""

    user: Id
    role: ServerRole


class DisableUser(Struct):
    """Keeps someone out of the whole chat; for administrators."""

    user: Id


class EnableUser(Struct):
    """Lets someone back who was kept out; for administrators."""

    user: Id


class IssueReset(Struct):
    """Makes a link by which someone chooses another password, once; for administrators."""

    user: Id


class CreateInvite(Struct, omit_defaults=True):
    """Makes a link that lets so many in, for so many seconds, and perhaps into a room."""

    lifetime: Amount
    uses: Amount = 1
    s: Id | None = None


class ListInvites(Struct):
    """Asks for the invitations that one may take back."""


class RevokeInvite(Struct):
    """Takes an invitation back."""

    id: Id


class AcceptInvite(Struct):
    """Goes where an invitation leads."""

    token: Annotated[str, Meta(max_length=256)]


# Results


class RoomResult(Struct):
    """The room, as one's own."""

    room: RoomInfo


class WriteResult(Struct, omit_defaults=True):
    """Where the event is stored in its stream; `dup` if it was stored before."""

    q: int
    ts: int
    dup: bool = False


class RoomsResult(Struct, omit_defaults=True):
    """A page of the directory; `next` if there is another."""

    rooms: list[RoomEntry]
    next: str | None = None


class MembersResult(Struct, omit_defaults=True):
    """A page of members; `next` if there is another."""

    members: list[MemberInfo]
    next: str | None = None


class BansResult(Struct, omit_defaults=True):
    """A page of those who are kept out; `next` if there is another."""

    bans: list[BanInfo]
    next: str | None = None


class PeopleResult(Struct):
    """People."""

    users: list[UserInfo]


class EditsResult(Struct):
    """The last texts of a message, the oldest first, and `more` before them; none once it is deleted."""

    edits: list[EditInfo]
    more: bool


class MessagesResult(Struct):
    """Messages as they were when the stream's head was `asof`; `more` if there are others before them."""

    msgs: list[MessageInfo]
    asof: int
    more: bool
    users: Names


class SessionsResult(Struct):
    """Where one is signed in."""

    sessions: list[SessionInfo]


class SettingsResult(Struct):
    """What is decided now."""

    settings: SettingsInfo


class UsersResult(Struct, omit_defaults=True):
    """A page of people; `next` if there is another."""

    users: list[PersonInfo]
    next: str | None = None


class LinkResult(Struct):
    """The token of a link, which nobody is told again, and until when it is one."""

    token: str
    expires: int


class InviteResult(Struct):
    """An invitation, and its token, which nobody is told again."""

    invite: InviteInfo
    token: str


class InvitesResult(Struct):
    """Invitations, the newest first."""

    invites: list[InviteInfo]


class AcceptedResult(Struct, omit_defaults=True):
    """The room that one is in now, if the invitation leads to one."""

    s: str | None = None


class DoneResult(Struct):
    """That it is so."""


Params = (
    CreateRoom | UpdateRoom | JoinRoom | LeaveRoom | Invite | ListRooms | Kick | Ban | Unban | GiveRole
    | ListMembers | ListEdits | ReadThread | ListPinned | ListSessions | RevokeSession | SetOwn
    | ReadSettings | ChangeSettings | ListUsers | GiveServerRole | DisableUser | EnableUser | IssueReset
    | CreateInvite | ListInvites | RevokeInvite | AcceptInvite
    | ArchiveRoom | OpenTalk | ListBans | FindPeople | BlockUser
)  # fmt: skip

Result = (
    RoomResult | WriteResult | RoomsResult | MembersResult | EditsResult | MessagesResult | SessionsResult
    | SettingsResult | UsersResult | LinkResult | InviteResult | InvitesResult | AcceptedResult
    | DoneResult | BansResult | PeopleResult
)  # fmt: skip


class Method(NamedTuple):
    """What a method takes and gives; one that `writes` needs a nonce."""

    params: type[Params]
    result: type[Result]
    writes: bool


METHODS: Final[dict[str, Method]] = {
    "room.create": Method(CreateRoom, RoomResult, True),
    "room.update": Method(UpdateRoom, WriteResult, True),
    "room.join": Method(JoinRoom, RoomResult, True),
    "room.leave": Method(LeaveRoom, WriteResult, True),
    "room.invite": Method(Invite, WriteResult, True),
    "room.list": Method(ListRooms, RoomsResult, False),
    "room.archive": Method(ArchiveRoom, WriteResult, True),
    "dm.open": Method(OpenTalk, RoomResult, True),
    "user.search": Method(FindPeople, PeopleResult, False),
    "user.block": Method(BlockUser, WriteResult, True),
    "member.kick": Method(Kick, WriteResult, True),
    "member.ban": Method(Ban, WriteResult, True),
    "member.unban": Method(Unban, WriteResult, True),
    "member.bans": Method(ListBans, BansResult, False),
    "member.role": Method(GiveRole, WriteResult, True),
    "member.list": Method(ListMembers, MembersResult, False),
    "msg.edits": Method(ListEdits, EditsResult, False),
    "msg.thread": Method(ReadThread, MessagesResult, False),
    "msg.pinned": Method(ListPinned, MessagesResult, False),
    "me.set": Method(SetOwn, WriteResult, True),
    "session.list": Method(ListSessions, SessionsResult, False),
    "session.revoke": Method(RevokeSession, DoneResult, False),
    "settings.read": Method(ReadSettings, SettingsResult, False),
    "settings.change": Method(ChangeSettings, SettingsResult, False),
    "user.list": Method(ListUsers, UsersResult, False),
    "user.role": Method(GiveServerRole, DoneResult, False),
    "user.disable": Method(DisableUser, DoneResult, False),
    "user.enable": Method(EnableUser, DoneResult, False),
    "user.reset": Method(IssueReset, LinkResult, False),
    "invite.create": Method(CreateInvite, InviteResult, False),
    "invite.list": Method(ListInvites, InvitesResult, False),
    "invite.revoke": Method(RevokeInvite, DoneResult, False),
    "invite.accept": Method(AcceptInvite, AcceptedResult, False),
}
NAMES_OF_METHODS: Final = {method.params: name for name, method in METHODS.items()}
