"""Making someone an administrator of the chat, or a member as everybody."""

from __future__ import annotations

from hubbub.actions.audit import note
from hubbub.bus.base import Bus
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import SessionRevoked
from hubbub.domain.models import Deed, ServerRole, User
from hubbub.storage import sessions, users
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def give_server_role(database: Database, bus: Bus, user: User, other_id: str, role: ServerRole) -> None:
    """Make another what an administrator says; nobody changes what they are themselves.

    Their sessions end: whoever has a session of theirs has it by what they were.

    Raises:
        ChatError: `forbidden` for who doesn't administer the chat; `invalid` for oneself, and for who can't
            be one, having no password or being kept out; `not_found` for who isn't there.
    """

    async def change(transaction: Transaction) -> list[bytes]:
        connection = transaction.connection
        await users.require_administrator(connection, user.id)
        if other_id == user.id:
            raise ChatError(Code.INVALID, "Nobody changes what they are themselves.")
        if await users.find(connection, other_id) is None:
            raise ChatError(Code.NOT_FOUND)
        account = await users.find_own_account(connection, other_id)
        if account is None or account.is_disabled:
            raise ChatError(Code.INVALID, "Only who has an account can be an administrator.")
        if account.user.role is role:
            return []
        await users.set_role(connection, other_id, role)
        await note(transaction, user, Deed("user.role", "user", other_id, detail={"role": role}))
        return await sessions.remove_all(connection, other_id)

    for digest in await database.write(change):
        bus.publish(SessionRevoked(digest.hex()))
