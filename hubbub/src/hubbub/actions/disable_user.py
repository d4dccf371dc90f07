"""Keeping someone out of the whole chat, and letting them back; what they said stays, by their name."""

from __future__ import annotations

from hubbub.actions.audit import note
from hubbub.actions.passwords import Passwords
from hubbub.bus.base import Bus
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import SessionBarred, SessionRevoked
from hubbub.domain.models import Deed, ServerRole, User
from hubbub.storage import resets, sessions, users
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def disable_user(database: Database, bus: Bus, user: User, other_id: str) -> None:
    """Keep another out, and let go of their connections at once.

    Raises:
        ChatError: `forbidden` for who doesn't administer the chat, `invalid` for oneself, `not_found` for who
            isn't there.
    """

    async def change(transaction: Transaction) -> list[bytes]:
        await users.require_administrator(transaction.connection, user.id)
        if other_id == user.id:
            raise ChatError(Code.INVALID, "One gives up one's own account by its password.")
        if await users.find(transaction.connection, other_id) is None:
            raise ChatError(Code.NOT_FOUND)
        return await _disable(transaction, user, other_id)

    _let_go(bus, await database.write(change))


async def disable_self(database: Database, bus: Bus, passwords: Passwords, user: User, password: str) -> None:
    """Give up one's own account, which an administrator can bring back.

    Raises:
        ChatError: `forbidden` for who doesn't know its password or has none; `invalid` for the only
            administrator.
    """
    account = await database.read(lambda connection: users.find_own_account(connection, user.id))
    is_right = await passwords.verify(password, None if account is None else account.password)
    if account is None or not is_right:
        raise ChatError(Code.FORBIDDEN, "The password is wrong.")

    async def change(transaction: Transaction) -> list[bytes]:
        current = await users.find_own_account(transaction.connection, user.id)
        if current is None or current.password != account.password:
            raise ChatError(Code.FORBIDDEN, "The password is wrong.")
        is_administrator = current.user.role is ServerRole.ADMINISTRATOR
        if is_administrator and await users.count_administrators(transaction.connection) == 1:
            raise ChatError(Code.INVALID, "Make somebody else an administrator first.")
        return await _disable(transaction, user, user.id)

    _let_go(bus, await database.write(change))


async def enable_user(database: Database, bus: Bus, user: User, other_id: str) -> None:
    """Let another back, who has to sign in anew.

    Raises:
        ChatError: `forbidden` for who doesn't administer the chat, `not_found` for who isn't there.
    """

    async def change(transaction: Transaction) -> list[bytes]:
        connection = transaction.connection
        await users.require_administrator(connection, user.id)
        if await users.find(connection, other_id) is None:
            raise ChatError(Code.NOT_FOUND)
        if not await users.set_disabled(connection, other_id, None):
            return []
        await note(transaction, user, Deed("user.enable", "user", other_id))
        return await sessions.remove_all(connection, other_id)

    for digest in await database.write(change):
        bus.publish(SessionRevoked(digest.hex()))


async def _disable(transaction: Transaction, user: User, other_id: str) -> list[bytes]:
    """Return the digests of the sessions that let nobody in any more: they say why, until they are gone."""
    connection, now = transaction.connection, transaction.now
    if not await users.set_disabled(connection, other_id, now):
        return []
    await resets.drop(connection, other_id)
    await note(transaction, user, Deed("user.disable", "user", other_id))
    return [each.digest for each in await sessions.list_own(connection, other_id, now)]


def _let_go(bus: Bus, digests: list[bytes]) -> None:
    for digest in digests:
        bus.publish(SessionBarred(digest.hex()))
