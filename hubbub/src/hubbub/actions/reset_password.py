"""Choosing another password by a link that an administrator has given one."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from hubbub.actions.audit import note
from hubbub.actions.authenticate import digest_token
from hubbub.actions.begin_session import SignedIn, begin_session
from hubbub.actions.passwords import Passwords
from hubbub.bus.base import Bus
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import SessionRevoked
from hubbub.domain.models import Account, Deed, User
from hubbub.domain.policies import RESET_LIFETIME, check_password
from hubbub.storage import resets, sessions, users
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection
from hubbub.storage.writer import Transaction


class Issued(NamedTuple):
    """The token of a link, which is stored nowhere, and until when it is one."""

    token: str
    expires: int


async def issue_reset(database: Database, user: User, other_id: str) -> Issued:
    """Make a link by which another chooses a password once; the one before is none any more.

    Raises:
        ChatError: `forbidden` for who doesn't administer the chat; `invalid` for who has no account, or is
            kept out; `not_found` for who isn't there.
    """
    token = secrets.token_urlsafe(32)

    async def change(transaction: Transaction) -> int:
        connection = transaction.connection
        await users.require_administrator(connection, user.id)
        if await users.find(connection, other_id) is None:
            raise ChatError(Code.NOT_FOUND)
        account = await users.find_own_account(connection, other_id)
        if account is None or account.is_disabled:
            raise ChatError(Code.INVALID, "Only who has an account has a password.")
        expires = transaction.now + RESET_LIFETIME * 1000
        await resets.put(connection, other_id, digest_token(token), expires)
        await note(transaction, user, Deed("user.reset", "user", other_id))
        return expires

    return Issued(token, await database.write(change))


async def reset_password(
    database: Database, bus: Bus, passwords: Passwords, token: str, new: str, label: str = ""
) -> SignedIn:
    """Take another password by a link, end all sessions, and sign in anew.

    Raises:
        ChatError: `not_found` for what is no such link, or no longer; `invalid` for what can't be a password.
    """
    check_password(new)
    digest = digest_token(token)
    # Before the long work, and again when it is done.
    await database.read(lambda connection: _find(connection, digest, database.now()))
    stored = await passwords.hash(new)

    async def change(transaction: Transaction) -> tuple[SignedIn, list[bytes]]:
        connection = transaction.connection
        user = (await _find(connection, digest, transaction.now)).user
        await resets.drop(connection, user.id)
        await users.set_password(connection, user.id, stored)
        ended = await sessions.remove_all(connection, user.id)
        await note(transaction, user, Deed("user.reset-done", "user", user.id))
        return await begin_session(transaction, user, label), ended

    signed_in, ended = await database.write(change)
    for session in ended:
        bus.publish(SessionRevoked(session.hex()))
    return signed_in


async def _find(connection: Connection, digest: bytes, now: int) -> Account:
    user_id = await resets.find(connection, digest, now)
    account = None if user_id is None else await users.find_own_account(connection, user_id)
    if account is None or account.is_disabled:
        raise ChatError(Code.NOT_FOUND)
    return account
