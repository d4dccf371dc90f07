"""Letting guests in."""

from __future__ import annotations

import asyncio

import pytest

from hubbub.actions.authenticate import authenticate
from hubbub.actions.sign_in_guest import sign_in_guest
from hubbub.domain.errors import ChatError
from hubbub.domain.models import LOBBY
from hubbub.storage import rooms


async def test_guest_is_in_the_lobby(database, heard) -> None:
    """A guest has a cleaned name, a token, an inbox, and the lobby to talk in."""
    user, token = await sign_in_guest(database, "  小林 ")

    assert (user.name, user.kind) == ("小林", "guest")
    assert await authenticate(database, token) == user
    assert await database.read(lambda connection: rooms.list_ids(connection, user.id)) == [LOBBY]
    assert [(event.stream, event.q, event.kind, event.author) for event in heard] == [
        (LOBBY, 1, "member", user.id),
        (user.id, 1, "room.add", user.id),
    ]


async def test_same_name_is_two_guests(database) -> None:
    """Names needn't be unique; users are."""
    first, second = await asyncio.gather(sign_in_guest(database, "Ann"), sign_in_guest(database, "Ann"))

    assert first.user.id != second.user.id
    assert first.token != second.token


async def test_bad_name_makes_nobody(database, heard) -> None:
    """A name that is none leaves nothing behind."""
    with pytest.raises(ChatError, match="A name"):
        await sign_in_guest(database, "\u202e")

    assert heard == []
