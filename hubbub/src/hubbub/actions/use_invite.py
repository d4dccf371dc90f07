"""Coming in by an invitation, or into a room."""

from __future__ import annotations

from hubbub.actions.add_member import add_member
from hubbub.actions.authenticate import digest_token
from hubbub.actions.invitations import may_lead_to
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import ShownInvitation, User
from hubbub.storage import invites, rooms
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection
from hubbub.storage.writer import Transaction


async def look_at_invite(database: Database, token: str) -> ShownInvitation:
    """Return what the invitation with this token says.

    Raises:
        ChatError: `not_found` for what is none, or no longer.
    """
    return await database.read(lambda connection: _find(connection, token, database.now()))


async def accept_invite(database: Database, user: User, token: str) -> str | None:
    """Let someone who is here already go where an invitation leads; return that room, if it leads to one.

    It is used up only by who wasn't there.

    Raises:
        ChatError: those of `redeem`.
    """

    async def change(transaction: Transaction) -> str | None:
        shown = await _find(transaction.connection, token, transaction.now)
        room_id = shown.invite.room
        if room_id is None:
            return None
        if await rooms.find_role(transaction.connection, room_id, user.id) is None:
            await redeem(transaction, user, token)
        return room_id

    return await database.write(change)


async def redeem(transaction: Transaction, user: User, token: str) -> None:
    """Use an invitation for a user, who becomes a member of the room that it leads to.

    Raises:
        ChatError: `not_found` for what is no invitation, or no longer; `banned` for who is kept out of the
            room; and those of `add_member`.
    """
    connection = transaction.connection
    invite = (await _find(connection, token, transaction.now)).invite
    await invites.use(connection, invite.id)
    if invite.room is None or await rooms.find_role(connection, invite.room, user.id) is not None:
        return
    room = await rooms.find(connection, invite.room)
    if room is None:
        raise ChatError(Code.NOT_FOUND)
    if await rooms.is_banned(connection, invite.room, user.id):
        raise ChatError(Code.BANNED)
    await add_member(transaction, room, user, user)


async def _find(connection: Connection, token: str, now: int) -> ShownInvitation:
    found = await invites.find(connection, digest_token(token), now)
    if found is None:
        raise ChatError(Code.NOT_FOUND)
    # Whoever made it may have lost the right to.
    if found.invite.room is not None and not await may_lead_to(
        connection, found.invite.by, found.invite.room
    ):
        raise ChatError(Code.NOT_FOUND)
    return found
