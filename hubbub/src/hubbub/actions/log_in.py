"""Signing in by a password."""

from __future__ import annotations

from hubbub.actions.begin_session import SignedIn, begin_session
from hubbub.actions.passwords import Passwords
from hubbub.bus.base import Bus
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import SessionRevoked
from hubbub.domain.names import fold_username
from hubbub.domain.policies import SESSIONS
from hubbub.storage import sessions, users
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def log_in(
    database: Database, bus: Bus, passwords: Passwords, username: str, password: str, label: str = ""
) -> SignedIn:
    """Sign someone in who has an account; of very many sessions the one that was used least lately ends.

    Whether it is the username or the password that is wrong, nobody learns, not from the time it takes
    either.

    Raises:
        ChatError: `unauthorized`; `forbidden` for whose account is disabled.
    """
    try:
        folded = fold_username(username)
    except ChatError:
        # No account has this name: it is looked for all the same, in vain.
        folded = ""
    account = await database.read(lambda connection: users.find_account(connection, folded))
    is_right = await passwords.verify(password, None if account is None else account.password)
    if account is None or not is_right:
        raise ChatError(Code.UNAUTHORIZED, "The username or the password is wrong.")

    async def change(transaction: Transaction) -> tuple[SignedIn, list[bytes]]:
        # It may have been disabled, or got another password, while this one was looked at.
        current = await users.find_own_account(transaction.connection, account.user.id)
        if current is None or current.password != account.password:
            raise ChatError(Code.UNAUTHORIZED, "The username or the password is wrong.")
        if current.is_disabled:
            raise ChatError(Code.FORBIDDEN, "This account is disabled.")
        ended = await sessions.remove_oldest(transaction.connection, current.user.id, SESSIONS - 1)
        return await begin_session(transaction, current.user, label), ended

    signed_in, ended = await database.write(change)
    for digest in ended:
        bus.publish(SessionRevoked(digest.hex()))
    return signed_in
