"""What the tests of actions share: people, a room of theirs, an account, and nonces."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from faults.postgresql import BACKENDS

from hubbub.actions.admit_user import admit_user
from hubbub.actions.create_room import create_room
from hubbub.actions.give_role import give_role
from hubbub.actions.join_room import join_room
from hubbub.actions.passwords import Passwords
from hubbub.actions.post_message import post_message
from hubbub.actions.register import register
from hubbub.actions.upload_file import upload_file
from hubbub.domain.errors import ChatError
from hubbub.domain.models import Attachment, Role, ServerRole, User, Visibility
from hubbub.storage.writer import Transaction

from ..files import pieces


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Return each kind of database in turn."""
    return str(request.param)


@pytest.fixture
def nonces() -> Iterator[str]:
    """Return nonces, each another one."""
    return (f"nonce-{n:05}" for n in range(100_000))


@pytest.fixture
async def people(guest) -> dict[str, User]:
    """Let in an owner, a moderator, a member and a stranger, by these names."""
    names = ("owner", "moderator", "member", "stranger")
    # At once, they share a commit.
    signed_in = await asyncio.gather(*(guest(name) for name in names))
    return {name: each.user for name, each in zip(names, signed_in, strict=True)}


@pytest.fixture
async def room(database, people, nonces, heard) -> str:
    """Make a public room, where people are what they are called; nothing of that is heard."""
    made = await create_room(database, people["owner"], next(nonces), "garden", "tea", Visibility.PUBLIC)
    await asyncio.gather(
        *(join_room(database, people[name], next(nonces), made.room.id) for name in ("moderator", "member"))
    )
    await give_role(
        database, people["owner"], made.room.id, next(nonces), people["moderator"].id, Role.MODERATOR
    )
    heard.clear()
    return made.room.id


@pytest.fixture
def say(database, people, room, nonces) -> Callable[..., Awaitable[int]]:
    """Return what posts a message of someone's to the room, and gives its number."""

    async def say(name: str, text: str = "hi", **more: Any) -> int:
        return (await post_message(database, people[name], room, next(nonces), text, **more)).q

    return say


@pytest.fixture
def upload(database, store, people, room) -> Callable[..., Awaitable[Attachment]]:
    """Return what uploads a file of someone's for the room."""

    async def upload(name: str, content: bytes = b"tea", where: Any = store, alt: str = "") -> Attachment:
        return await upload_file(database, where, people[name], room, "a.txt", pieces(content), alt)

    return upload


@pytest.fixture
async def file(upload) -> str:
    """Upload a file of the member's for the room, and return its id."""
    return (await upload("member")).id


@pytest.fixture
def passwords() -> Passwords:
    """Return what hashes passwords."""
    return Passwords()


@pytest.fixture
async def boss(database) -> User:
    """Make somebody who administers the chat."""
    user = User("u_boss", "Boss", "account", "boss", ServerRole.ADMINISTRATOR)

    async def change(transaction: Transaction) -> User:
        return (await admit_user(transaction, user, "", "hash")).user

    return await database.write(change)


@pytest.fixture
async def ann(database, passwords):
    """Make Ann's account."""
    return await register(database, passwords, "ann", "correct horse")


@pytest.fixture
def code_of() -> Callable[[Awaitable[object]], Awaitable[str]]:
    """Return what says by what code something is refused."""

    async def code_of(doing: Awaitable[object]) -> str:
        with pytest.raises(ChatError) as caught:
            await doing
        return caught.value.code.value

    return code_of
