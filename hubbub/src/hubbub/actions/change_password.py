"""Choosing another password."""

from __future__ import annotations

from hubbub.actions.authenticate import digest_token
from hubbub.actions.passwords import Passwords
from hubbub.bus.base import Bus
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import SessionRevoked
from hubbub.domain.models import User
from hubbub.domain.policies import check_password
from hubbub.storage import sessions, users
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def change_password(
    database: Database, bus: Bus, passwords: Passwords, user: User, token: str, old: str, new: str
) -> None:
    """Give an account another password, and end all its sessions but the one with this token.

    Raises:
        ChatError: `forbidden` for who doesn't know the old one or has no account, `invalid` for what can't be
            a password.
    """
    check_password(new)
    account = await database.read(lambda connection: users.find_own_account(connection, user.id))
    is_right = await passwords.verify(old, None if account is None else account.password)
    if account is None or not is_right:
        raise ChatError(Code.FORBIDDEN, "The old password is wrong.")
    stored = await passwords.hash(new)
    own = digest_token(token)

    async def change(transaction: Transaction) -> list[bytes]:
        current = await users.find_own_account(transaction.connection, user.id)
        if current is None or current.password != account.password:
            raise ChatError(Code.FORBIDDEN, "The old password is wrong.")
        await users.set_password(transaction.connection, user.id, stored)
        return await sessions.remove_others(transaction.connection, user.id, own)

    for digest in await database.write(change):
        bus.publish(SessionRevoked(digest.hex()))
