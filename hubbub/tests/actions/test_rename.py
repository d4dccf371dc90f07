"""Taking another name."""

from __future__ import annotations

import pytest

from hubbub.actions.authenticate import authenticate
from hubbub.actions.create_room import create_room
from hubbub.actions.rename import rename
from hubbub.domain.errors import ChatError
from hubbub.domain.events import UserRenamed
from hubbub.domain.models import LOBBY, User, Visibility


async def test_new_name_is_told(database, bus, guest, heard) -> None:
    """Every room of the user hears the new name, and it is what they are called from now on."""
    ann = await guest("Ann")
    heard.clear()

    renamed = await rename(database, bus, ann.user, " Anna ")

    assert renamed == User(ann.user.id, "Anna", "guest") == await authenticate(database, ann.token)
    event, notice = heard
    assert (event.stream, event.kind) == (LOBBY, "member")
    assert '"op":"rename"' in event.body
    assert "Anna" in event.body
    assert notice == UserRenamed(renamed)


async def test_every_room_is_told(database, bus, guest, heard) -> None:
    """Whoever shares a room with the user hears it there."""
    ann = await guest("Ann")
    made = await create_room(database, ann.user, "nonce-01", "garden", "", Visibility.PRIVATE)
    heard.clear()

    await rename(database, bus, ann.user, "Anna")

    assert {event.stream for event in heard[:-1]} == {LOBBY, made.room.id}


async def test_same_name_is_no_news(database, bus, guest, heard) -> None:
    """Taking the name that one has changes nothing."""
    ann = await guest("Ann")
    heard.clear()

    assert await rename(database, bus, ann.user, "Ann ") == ann.user
    assert heard == []


async def test_bad_name_changes_nothing(database, bus, guest) -> None:
    """Who asks for a name that is none keeps the old one."""
    ann = await guest("Ann")

    with pytest.raises(ChatError, match="A name"):
        await rename(database, bus, ann.user, "")

    assert await authenticate(database, ann.token) == ann.user
