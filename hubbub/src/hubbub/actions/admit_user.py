"""Letting a new user in."""

from __future__ import annotations

from hubbub.actions.add_member import add_member
from hubbub.actions.begin_session import SignedIn, begin_session
from hubbub.domain.models import LOBBY, User
from hubbub.storage import rooms, streams, users
from hubbub.storage.writer import Transaction


async def admit_user(
    transaction: Transaction, user: User, label: str, password: str | None = None
) -> SignedIn:
    """Store a new user with an inbox and a session, and let them into the lobby."""
    connection, now = transaction.connection, transaction.now
    await users.add(connection, user, now, password)
    # An epoch is the moment at which numbering began: a database begun anew has another.
    await streams.open_stream(connection, user.id, now)
    lobby = await rooms.find(connection, LOBBY)
    assert lobby is not None
    await add_member(transaction, lobby, user, user)
    return await begin_session(transaction, user, label)
