"""Letting someone in who gives no more than a name."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from hubbub.actions.authenticate import digest_token
from hubbub.actions.join_room import join_room
from hubbub.domain.models import LOBBY, User, new_user_id
from hubbub.domain.policies import SESSION_LIFETIME, clean_name
from hubbub.storage import sessions, streams, users
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


class SignedIn(NamedTuple):
    """A new user, and the token by which they are known from now on; it is stored nowhere."""

    user: User
    token: str


async def sign_in_guest(database: Database, name: str) -> SignedIn:
    """Make a new guest, a session and an inbox, and let the guest into the lobby.

    Raises:
        ChatError: `invalid`, for what can't be a name.
    """
    user = User(new_user_id(), clean_name(name), "guest")
    token = secrets.token_urlsafe(32)

    async def change(transaction: Transaction) -> None:
        connection, now = transaction.connection, transaction.now
        await users.add(connection, user, now)
        await sessions.add(connection, digest_token(token), user.id, now, now + SESSION_LIFETIME * 1000)
        await streams.open_stream(connection, user.id, now)
        await join_room(transaction, user, LOBBY)

    await database.write(change)
    return SignedIn(user, token)
