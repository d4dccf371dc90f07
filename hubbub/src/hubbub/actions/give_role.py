"""Making a member of a room a moderator, an owner, or a member again."""

from __future__ import annotations

from hubbub.actions.audit import note
from hubbub.actions.do_once import do_in_room
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MemberChange, MemberChanged, StoredEvent
from hubbub.domain.models import Deed, Posted, Role, Standing, User
from hubbub.domain.permissions import check_can_go, check_owns
from hubbub.storage import rooms, users
from hubbub.storage.database import Database
from hubbub.storage.streams import Asked
from hubbub.storage.writer import Transaction


async def give_role(
    database: Database, user: User, room_id: str, nonce: str, other_id: str, given: Role
) -> Posted:
    """Make a member what an owner says; owners can step down themselves, but not the only one.

    Raises:
        ChatError: `forbidden` for who doesn't own the room, `invalid` for its only owner while others are
            there, `not_found` for who is no member, and those of `do_in_room`.
    """

    async def change(transaction: Transaction, standing: Standing, asked: Asked) -> StoredEvent:
        check_owns(standing.role)
        connection = transaction.connection
        other = await users.find(connection, other_id)
        if other is None or await rooms.find_role(connection, room_id, other_id) is None:
            raise ChatError(Code.NOT_FOUND)
        if other_id == user.id and given is not Role.OWNER:
            check_can_go(standing.role, await rooms.count_members(connection, room_id))
        await rooms.set_role(connection, room_id, other_id, given)
        await note(transaction, user, Deed("member.role", "user", other_id, room_id, {"role": given}))
        changed = MemberChanged(MemberChange.ROLE, other, given)
        return await transaction.append(room_id, user.id, changed, asked)

    request = ["member.role", room_id, other_id, given]
    return await do_in_room(database, user, room_id, nonce, request, change)
