"""How the chat's own things are shown on the wire.

Knows both sides, and decides nothing: what someone may see was settled before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec

from hubbub import wire
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import StoredEvent
from hubbub.domain.models import (
    Attachment,
    Ban,
    Kind,
    Login,
    Marks,
    Membership,
    Message,
    Person,
    Role,
    Room,
    ServerRole,
    ShownInvitation,
    User,
)
from hubbub.domain.settings import ServerSettings


def is_inbox(stream: str) -> bool:
    """Say whether a stream is a user's, and no room's."""
    return stream.startswith("u_")


def stream_name(stream: str) -> str:
    """Return what a connection calls a stream: an inbox is only ever shown to its owner."""
    return wire.ME if is_inbox(stream) else stream


def error(reason: ChatError, request: int | None = None) -> wire.Err:
    """Make the frame that says that a request isn't done."""
    after = None if reason.after is None else math.ceil(reason.after * 1000)
    return wire.Err(reason.code.value, str(reason), reason.retry, request, after)


def bad_frame(reason: wire.BadFrameError) -> wire.Err:
    """Make the frame that says that a frame couldn't be read."""
    return error(ChatError(Code(reason.code), reason.detail), reason.request)


def event(event: StoredEvent) -> wire.Event:
    """Show an event."""
    body = msgspec.Raw(event.body.encode())
    return wire.Event(stream_name(event.stream), event.q, event.kind, event.ts, event.author, body)


def events(events: Iterable[StoredEvent]) -> list[wire.Event]:
    """Show events."""
    return [event(each) for each in events]


def me(user: User) -> wire.MeInfo:
    """Show a user to themselves."""
    role = None if user.role is ServerRole.MEMBER else user.role
    return wire.MeInfo(user.id, user.name, user.kind, user.username, role)


def person(person: Person) -> wire.PersonInfo:
    """Show someone to administrators."""
    user = person.user
    role = None if user.role is ServerRole.MEMBER else user.role
    return wire.PersonInfo(
        user.id, user.name, user.kind, person.created, user.username, role, person.disabled, person.seen
    )


def invite(shown: ShownInvitation) -> wire.InviteInfo:
    """Show an invitation to who may take it back."""
    it = shown.invite
    room = None if it.room is None else wire.NamedRoom(it.room, shown.room_name or "")
    by = wire.UserInfo(it.by, shown.by_name)
    return wire.InviteInfo(it.id, by, it.created, it.expires, it.uses, it.used, room)


def settings(settings: ServerSettings) -> wire.SettingsInfo:
    """Show what administrators have decided."""
    return wire.SettingsInfo(settings.sign_up, settings.guests, settings.members_invite)


def names(names: dict[str, str]) -> wire.Names:
    """Make the map of users that goes with messages and events."""
    return {user: wire.NameInfo(name) for user, name in names.items()}


def room(room: Room, role: Role | None = None) -> wire.RoomInfo:
    """Show a room, to a member with their role there."""
    return wire.RoomInfo(
        room.id,
        room.name,
        room.topic,
        room.visibility,
        role,
        room.kind.value,
        None if room.kind is Kind.ROOM else people(room.people),
        room.posting.value,
        room.history.value,
        room.archived,
    )


def user(user: User) -> wire.UserInfo:
    """Show someone, as everyone sees them."""
    return wire.UserInfo(user.id, user.name)


def people(people: Iterable[User]) -> list[wire.UserInfo]:
    """Show users, as everyone sees them."""
    return [user(each) for each in people]


def bans(bans: Iterable[Ban]) -> list[wire.BanInfo]:
    """Show who is kept out of a room."""
    return [wire.BanInfo(user(ban.user), user(ban.by), ban.ts) for ban in bans]


def members(members: Iterable[tuple[User, Role]]) -> list[wire.MemberInfo]:
    """Show who belongs to a room, and what they are there."""
    return [wire.MemberInfo(user.id, user.name, role) for user, role in members]


def login(login: Login, *, own: bool) -> wire.SessionInfo:
    """Show where a user is signed in."""
    return wire.SessionInfo(login.id, login.label, login.created, login.seen, login.expires, own)


def marks(marks: Marks, asof: int | None = None) -> wire.Marks:
    """Show how far someone has read, as of an event where nothing else says which."""
    return wire.Marks(marks.read, marks.unread, marks.mentions, asof)


def inbox(
    memberships: Iterable[Membership], own: Mapping[str, str], blocked: Iterable[User]
) -> wire.InboxCopy:
    """Show the rooms that someone belongs to, what they keep, which is JSON, and whom they block."""
    kept = {key: msgspec.Raw(value.encode()) for key, value in own.items()}
    copy = wire.InboxCopy([], {}, kept, people(blocked))
    for membership in memberships:
        copy.rooms.append(room(membership.room, membership.role))
        copy.marks[membership.room.id] = marks(membership.marks, membership.asof)
    return copy


def message(message: Message) -> wire.MessageInfo:
    """Show a message."""
    return wire.MessageInfo(
        q=message.q,
        rev=message.rev,
        ts=message.ts,
        by=message.author,
        n=message.nonce,
        text=message.text,
        base=message.said,
        re=message.reply_to,
        th=message.thread,
        ed=message.edited,
        deleted=message.deleted,
        pin=message.pinned,
        rx={emoji: list(users) for emoji, users in message.reactions.items()},
        rc=message.replies,
        files=[file(each) for each in message.files],
    )


def file(file: Attachment) -> wire.FileInfo:
    """Show a file."""
    return wire.FileInfo(file.id, file.name, file.type, file.size, file.width, file.height, file.alt)


def messages(messages: Iterable[Message]) -> list[wire.MessageInfo]:
    """Show messages."""
    return [message(each) for each in messages]
