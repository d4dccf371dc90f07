"""Making an account."""

from __future__ import annotations

from hubbub.actions.admit_user import admit_user
from hubbub.actions.begin_session import SignedIn
from hubbub.actions.passwords import Passwords
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import User, new_user_id
from hubbub.domain.names import clean_name, fold_username
from hubbub.domain.policies import check_password
from hubbub.storage import users
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def register(
    database: Database,
    passwords: Passwords,
    username: str,
    password: str,
    name: str | None = None,
    label: str = "",
) -> SignedIn:
    """Make a user who signs in by a password, and sign them in; without a name they go by their username.

    Raises:
        ChatError: `invalid`, for what can't be a username, password or name, and a username that is taken.
    """
    folded = fold_username(username)
    check_password(password)
    user = User(new_user_id(), clean_name(username if name is None else name), "account", folded)
    # Before the long work, and again when it is done.
    if await database.read(lambda connection: users.find_account(connection, folded)):
        raise _taken()
    stored = await passwords.hash(password)

    async def change(transaction: Transaction) -> SignedIn:
        if await users.find_account(transaction.connection, folded):
            raise _taken()
        return await admit_user(transaction, user, label, stored)

    return await database.write(change)


def _taken() -> ChatError:
    return ChatError(Code.INVALID, "This username is taken.")
