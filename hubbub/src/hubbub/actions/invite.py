"""Taking someone into a room."""

from __future__ import annotations

from dataclasses import replace

from hubbub.actions.add_member import add_member
from hubbub.actions.do_once import do_in_room
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MemberChange, MemberChanged, StoredEvent
from hubbub.domain.models import Kind, Posted, Standing, User
from hubbub.domain.permissions import check_is_room, check_moderates, check_open
from hubbub.domain.policies import GROUP_PEOPLE
from hubbub.storage import blocks, rooms, users
from hubbub.storage.database import Database
from hubbub.storage.streams import Asked
from hubbub.storage.writer import Transaction


async def invite(database: Database, user: User, room_id: str, nonce: str, other_id: str) -> Posted:
    """Make another a member; who is one already stays what they are.

    Raises:
        ChatError: `forbidden` for who doesn't keep order there, for a talk of two, and for whom the other
            blocks; `archived`; `banned` for who is kept out; `invalid` if too many are in a talk already;
            `not_found` for who isn't there; and those of `add_member` and `do_in_room`.
    """

    async def change(transaction: Transaction, standing: Standing, asked: Asked) -> StoredEvent:
        _check_may_invite(standing)
        connection = transaction.connection
        room, other = await rooms.find(connection, room_id), await users.find(connection, other_id)
        if room is None or other is None:
            raise ChatError(Code.NOT_FOUND)
        if await rooms.find_role(connection, room_id, other_id) is not None:
            return await transaction.append(room_id, user.id, MemberChanged(MemberChange.JOIN, other), asked)
        if await rooms.is_banned(connection, room_id, other_id):
            raise ChatError(Code.BANNED, "They are banned from here.")
        if await blocks.has_any(connection, [other_id], [user.id]):
            raise ChatError(Code.FORBIDDEN)
        if standing.kind is not Kind.ROOM:
            if len(room.people) >= GROUP_PEOPLE:
                raise ChatError(Code.INVALID, f"At most {GROUP_PEOPLE} people talk like this; make a room.")
            room = replace(room, people=(*room.people, other))
        return await add_member(transaction, room, other, user, asked=asked)

    return await do_in_room(database, user, room_id, nonce, ["room.invite", room_id, other_id], change)


def _check_may_invite(standing: Standing) -> None:
    if standing.kind is Kind.GROUP:
        return
    check_moderates(standing.role)
    check_is_room(standing)
    check_open(standing)
