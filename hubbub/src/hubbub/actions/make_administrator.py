"""Making an administrator from outside the chat: whoever has its database may do anything."""

from __future__ import annotations

from hubbub.actions.audit import note
from hubbub.actions.passwords import Passwords
from hubbub.actions.register import NewAccount, make_account
from hubbub.domain.models import Account, Deed, ServerRole, User
from hubbub.domain.names import fold_username
from hubbub.domain.policies import check_password
from hubbub.storage import resets, sessions, users
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection
from hubbub.storage.writer import Transaction


async def make_administrator(database: Database, passwords: Passwords, username: str, password: str) -> bool:
    """Make who has this username an administrator with this password; return whether they are new.

    Whose account it is already, is let back in if they were kept out, and has to sign in anew.

    Raises:
        ChatError: `invalid`, for what can't be a username or a password.
    """
    folded = fold_username(username)
    check_password(password)
    account = await database.read(lambda connection: users.find_account(connection, folded))
    if account is None:
        await _make(database, passwords, NewAccount(username, password))
    else:
        await _promote(database, account, await passwords.hash(password))
    return account is None


async def _make(database: Database, passwords: Passwords, new: NewAccount) -> None:
    async def check(_connection: Connection) -> None:
        pass

    async def complete(transaction: Transaction, user: User) -> None:
        await _note(transaction, user)
        await sessions.remove_all(transaction.connection, user.id)

    await make_account(database, passwords, new, "", check, complete, ServerRole.ADMINISTRATOR)


async def _promote(database: Database, account: Account, stored: str) -> None:
    user = account.user

    async def change(transaction: Transaction) -> None:
        connection = transaction.connection
        await users.set_role(connection, user.id, ServerRole.ADMINISTRATOR)
        await users.set_password(connection, user.id, stored)
        await users.set_disabled(connection, user.id, None)
        await resets.drop(connection, user.id)
        await sessions.remove_all(connection, user.id)
        await _note(transaction, user)

    await database.write(change)


async def _note(transaction: Transaction, user: User) -> None:
    detail = {"role": ServerRole.ADMINISTRATOR}
    await note(transaction, None, Deed("user.role", "user", user.id, detail=detail))
