"""Making an account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hubbub.actions.admit_user import admit_user
from hubbub.actions.begin_session import SignedIn
from hubbub.actions.passwords import Passwords
from hubbub.actions.use_invite import redeem
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import ServerRole, User, new_user_id
from hubbub.domain.names import clean_name, fold_username
from hubbub.domain.policies import check_password
from hubbub.domain.settings import ServerSettings, SignUp
from hubbub.storage import settings, users
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection
from hubbub.storage.writer import Transaction

Check = Callable[[Connection], Awaitable[None]]
"""Refuses an account that may not be made."""

Completion = Callable[[Transaction, User], Awaitable[None]]
"""Does what belongs to a new account besides."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What someone wants to sign in by, and be called; without a name they go by their username."""

    username: str
    password: str
    name: str | None = None


async def register(
    database: Database,
    passwords: Passwords,
    username: str,
    password: str,
    name: str | None = None,
    label: str = "",
    invite: str | None = None,
) -> SignedIn:
    """Make a user who signs in by a password, and sign them in; `invite` is the token of an invitation.

    An invitation into a room leads there.

    Raises:
        ChatError: `forbidden` where nobody makes accounts, or none without an invitation; `not_found` for
            what is no invitation, or no longer; and those of `make_account`.
    """

    async def check(connection: Connection) -> None:
        _check_may(await settings.find(connection), invite)

    async def complete(transaction: Transaction, user: User) -> None:
        if invite is not None:
            await redeem(transaction, user, invite)

    new = NewAccount(username, password, name)
    return await make_account(database, passwords, new, label, check, complete)


def _check_may(settings: ServerSettings, invite: str | None) -> None:
    if settings.sign_up is SignUp.CLOSED:
        raise ChatError(Code.FORBIDDEN, "No accounts are made here.")
    if settings.sign_up is SignUp.INVITE and invite is None:
        raise ChatError(Code.FORBIDDEN, "An account needs an invitation.")


async def make_account(
    database: Database,
    passwords: Passwords,
    new: NewAccount,
    label: str,
    check: Check,
    complete: Completion,
    role: ServerRole = ServerRole.MEMBER,
) -> SignedIn:
    """Make an account that may be made, complete it, and sign its user in.

    Who may make none doesn't learn which there are.

    Raises:
        ChatError: those of `check` and `complete`; `invalid`, for what can't be a username, password or
            name, and a username that is taken.
    """
    folded = fold_username(new.username)
    check_password(new.password)
    name = clean_name(new.username if new.name is None else new.name)
    user = User(new_user_id(), name, "account", folded, role)

    async def try_out(connection: Connection) -> None:
        await check(connection)
        if await users.find_account(connection, folded):
            raise ChatError(Code.INVALID, "This username is taken.")

    # Before the long work, and again when it is done.
    await database.read(try_out)
    stored = await passwords.hash(new.password)

    async def change(transaction: Transaction) -> SignedIn:
        await try_out(transaction.connection)
        signed_in = await admit_user(transaction, user, label, stored)
        await complete(transaction, user)
        return signed_in

    return await database.write(change)
