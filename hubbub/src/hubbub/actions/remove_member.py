"""Removing someone from a room, and keeping them out."""

from __future__ import annotations

from hubbub.actions.audit import note
from hubbub.actions.do_once import do_in_room
from hubbub.actions.end_membership import end_membership
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MemberChange, MemberChanged, StoredEvent
from hubbub.domain.models import Deed, Posted, Standing, User
from hubbub.domain.permissions import check_may_remove, check_moderates
from hubbub.storage import rooms, users
from hubbub.storage.database import Database
from hubbub.storage.streams import Asked
from hubbub.storage.writer import Transaction


async def kick(database: Database, user: User, room_id: str, nonce: str, other_id: str) -> Posted:
    """Make another a member no longer; they may come back as they came.

    Raises:
        ChatError: `forbidden`, see `check_may_remove`; `invalid` for oneself; `not_found` for who is no
            member; and those of `do_in_room`.
    """
    _check_other(user, other_id)

    async def change(transaction: Transaction, standing: Standing, asked: Asked) -> StoredEvent:
        # Who may not remove anybody doesn't learn who could be removed.
        check_moderates(standing.role)
        other_role = await rooms.find_role(transaction.connection, room_id, other_id)
        other = await users.find(transaction.connection, other_id)
        if other is None or other_role is None:
            raise ChatError(Code.NOT_FOUND)
        check_may_remove(standing.role, other_role)
        await note(transaction, user, Deed("member.kick", "user", other_id, room_id))
        return await end_membership(transaction, MemberChange.KICK, room_id, other, user, asked)

    return await do_in_room(database, user, room_id, nonce, ["member.kick", room_id, other_id], change)


async def ban(database: Database, user: User, room_id: str, nonce: str, other_id: str) -> Posted:
    """Keep another out of a room, whether they are a member or not.

    Raises:
        ChatError: `forbidden`, see `check_may_remove`; `invalid` for oneself; `not_found` for who isn't
            there; and those of `do_in_room`.
    """
    _check_other(user, other_id)

    async def change(transaction: Transaction, standing: Standing, asked: Asked) -> StoredEvent:
        check_moderates(standing.role)
        other = await _find(transaction, other_id)
        other_role = await rooms.find_role(transaction.connection, room_id, other_id)
        check_may_remove(standing.role, other_role)
        await rooms.ban(transaction.connection, room_id, other_id, user.id, transaction.now)
        await note(transaction, user, Deed("member.ban", "user", other_id, room_id))
        if other_role is None:
            return await transaction.append(room_id, user.id, MemberChanged(MemberChange.BAN, other), asked)
        return await end_membership(transaction, MemberChange.BAN, room_id, other, user, asked)

    return await do_in_room(database, user, room_id, nonce, ["member.ban", room_id, other_id], change)


async def unban(database: Database, user: User, room_id: str, nonce: str, other_id: str) -> Posted:
    """Keep another out of a room no longer; who isn't kept out stays so.

    Raises:
        ChatError: `forbidden` for who doesn't keep order there, `not_found` for who isn't there, and those of
            `do_in_room`.
    """

    async def change(transaction: Transaction, standing: Standing, asked: Asked) -> StoredEvent:
        check_moderates(standing.role)
        other = await _find(transaction, other_id)
        await rooms.unban(transaction.connection, room_id, other_id)
        await note(transaction, user, Deed("member.unban", "user", other_id, room_id))
        return await transaction.append(room_id, user.id, MemberChanged(MemberChange.UNBAN, other), asked)

    return await do_in_room(database, user, room_id, nonce, ["member.unban", room_id, other_id], change)


def _check_other(user: User, other_id: str) -> None:
    if other_id == user.id:
        raise ChatError(Code.INVALID, "Nobody removes themselves; leave the room instead.")


async def _find(transaction: Transaction, user_id: str) -> User:
    user = await users.find(transaction.connection, user_id)
    if user is None:
        raise ChatError(Code.NOT_FOUND)
    return user
