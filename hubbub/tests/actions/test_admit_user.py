"""Letting new users in."""

from __future__ import annotations

from hubbub.actions.admit_user import admit_user
from hubbub.actions.authenticate import authenticate
from hubbub.actions.sync_stream import InboxSnapshot, sync_stream
from hubbub.domain.models import LOBBY, User
from hubbub.storage import users


async def test_user_has_what_they_need(database) -> None:
    """A new user can sign in, has an inbox, and belongs to the lobby."""
    eve = User("u_eve", "Eve", "account", "eve")

    admitted = await database.write(lambda transaction: admit_user(transaction, eve, "", "#secret"))

    found = await authenticate(database, admitted.token)
    assert found == eve
    assert found.username == "eve"
    inbox = await sync_stream(database, eve, eve.id, None)
    assert isinstance(inbox, InboxSnapshot)
    assert [membership.room.id for membership in inbox.memberships] == [LOBBY]
    account = await database.read(lambda connection: users.find_account(connection, "eve"))
    assert account is not None
    assert account.password == "#secret"
