"""Making links that let people in, looking at them, and taking them back."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from hubbub.actions.audit import note
from hubbub.actions.authenticate import digest_token
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import (
    Deed,
    Invitation,
    Kind,
    Role,
    ShownInvitation,
    User,
    Visibility,
    new_invite_id,
)
from hubbub.domain.policies import INVITE_LIFETIME, INVITE_USES, INVITES
from hubbub.storage import invites, resets, rooms, settings, users
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection
from hubbub.storage.writer import Transaction


class Made(NamedTuple):
    """An invitation, and the token by which it is known; that is stored nowhere."""

    shown: ShownInvitation
    token: str


async def make_invite(
    database: Database, user: User, lifetime: int, uses: int, room_id: str | None = None
) -> Made:
    """Make a link that lets so many people in, for so many seconds, and perhaps into a room.

    Raises:
        ChatError: `forbidden` for who may make none, or none into this room; `not_found` for a room that one
            may not know of; `invalid` for too long a time, too many uses, and one invitation too many.
    """
    if not 0 < lifetime <= INVITE_LIFETIME or not 0 < uses <= INVITE_USES:
        raise ChatError(
            Code.INVALID,
            f"An invitation is for at most {INVITE_USES} people and {INVITE_LIFETIME} seconds.",
        )
    token = secrets.token_urlsafe(32)

    async def change(transaction: Transaction) -> ShownInvitation:
        connection, now = transaction.connection, transaction.now
        await _check_may_invite(connection, user)
        if await invites.count_valid(connection, user.id, now) >= INVITES:
            raise ChatError(Code.INVALID, f"One has at most {INVITES} invitations at a time.")
        name = None if room_id is None else await _find_room_name(connection, user, room_id)
        invite = Invitation(new_invite_id(), user.id, now, now + lifetime * 1000, uses, 0, room_id)
        await invites.add(connection, digest_token(token), invite)
        await note(transaction, user, Deed("invite.create", "invite", invite.id, room_id, {"uses": uses}))
        return ShownInvitation(invite, user.name, name)

    return Made(await database.write(change), token)


async def list_invites(database: Database, user: User) -> list[ShownInvitation]:
    """Return the invitations that one may take back: one's own, or for administrators, everybody's.

    Raises:
        ChatError: `forbidden` for who may make none.
    """

    async def read(connection: Connection) -> list[ShownInvitation]:
        by = await _check_may_invite(connection, user)
        return await invites.list_valid(connection, by, database.now())

    return await database.read(read)


async def revoke_invite(database: Database, user: User, invite_id: str) -> None:
    """Let an invitation be none any more.

    Raises:
        ChatError: `not_found`, also for another's, if one isn't an administrator.
    """

    async def change(transaction: Transaction) -> None:
        is_administrator = await users.is_administrator(transaction.connection, user.id)
        by = None if is_administrator else user.id
        if not await invites.remove(transaction.connection, invite_id, by):
            raise ChatError(Code.NOT_FOUND)
        await note(transaction, user, Deed("invite.revoke", "invite", invite_id))

    await database.write(change)


async def trim_invites(database: Database) -> None:
    """Forget invitations, and links to reset passwords, whose time is over.

    Raises:
        ChatError: that of a database in trouble.
    """

    async def change(transaction: Transaction) -> None:
        await invites.forget_past(transaction.connection, transaction.now)
        await resets.forget_past(transaction.connection, transaction.now)

    await database.write(change)


async def may_lead_to(connection: Connection, user_id: str, room_id: str) -> bool:
    """Say whether someone's invitations may lead to a room: one that is public, or where they keep order."""
    room = await rooms.find(connection, room_id)
    role = await rooms.find_role(connection, room_id, user_id)
    if room is None or room.kind is not Kind.ROOM:
        return False
    return room.visibility is Visibility.PUBLIC or (role is not None and role.rank >= Role.MODERATOR.rank)


async def _check_may_invite(connection: Connection, user: User) -> str | None:
    """Refuse who may make no invitations; return whose one may see, or None for everybody's."""
    if await users.is_administrator(connection, user.id):
        return None
    if user.kind == "guest" or not (await settings.find(connection)).members_invite:
        raise ChatError(Code.FORBIDDEN, "Only an administrator can do this.")
    return user.id


async def _find_room_name(connection: Connection, user: User, room_id: str) -> str:
    room = await rooms.find(connection, room_id)
    role = await rooms.find_role(connection, room_id, user.id)
    if room is None or (role is None and room.visibility is not Visibility.PUBLIC):
        raise ChatError(Code.NOT_FOUND)
    if not await may_lead_to(connection, user.id, room_id):
        raise ChatError(Code.FORBIDDEN, "Only a moderator can do this.")
    return room.name
