"""The queries about sessions."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import Login, User
from hubbub.storage import sessions
from hubbub.storage.tables import users

ANN = User("u_ann", "Ann", "guest")


def login(name: str, expires: int = 100, seen: int = 1) -> Login:
    """Make a session that was made at 1 o'clock."""
    return Login(name, "Firefox", 1, seen, expires)


async def test_session_is_its_users(connection: AsyncConnection) -> None:
    """A digest finds whose session it is, until it expires."""
    await sessions.add(connection, b"#1", "u_ann", login("one"))

    assert await sessions.find(connection, b"#1", 99) == (ANN, login("one"))
    assert await sessions.find(connection, b"#1", 100) is None
    assert await sessions.find(connection, b"#2", 99) is None


async def test_disabled_user_has_no_session(connection: AsyncConnection) -> None:
    """Nobody is signed in as a user who is disabled."""
    await sessions.add(connection, b"#1", "u_ann", login("one"))
    await sessions.add(connection, b"#2", "u_bob", login("two"))
    await connection.execute(update(users).where(users.c.id == "u_ann").values(disabled=5))

    assert await sessions.find(connection, b"#1", 6) is None
    assert await sessions.find(connection, b"#2", 6) is not None


async def test_use_of_session_is_stored(connection: AsyncConnection) -> None:
    """When a session was last used is stored, and nobody else's."""
    await sessions.add(connection, b"#1", "u_ann", login("one"))
    await sessions.add(connection, b"#2", "u_ann", login("two"))
    await sessions.touch(connection, [b"#1", b"#unknown"], 7)
    await sessions.touch(connection, [], 8)

    assert await sessions.list_own(connection, "u_ann", 8) == [
        (b"#1", login("one", seen=7)),
        (b"#2", login("two")),
    ]


async def test_own_sessions_are_listed(connection: AsyncConnection) -> None:
    """Someone's sessions are listed, without those of others and those that are over."""
    await sessions.add(connection, b"#1", "u_ann", login("one", expires=5))
    await sessions.add(connection, b"#2", "u_ann", login("two", expires=6))
    await sessions.add(connection, b"#3", "u_bob", login("three"))

    assert await sessions.list_own(connection, "u_ann", 5) == [(b"#2", login("two", expires=6))]


async def test_removed_session_is_nobodys(connection: AsyncConnection) -> None:
    """A session that was removed is gone; removing it again does nothing."""
    await sessions.add(connection, b"#1", "u_ann", login("one"))
    await sessions.remove(connection, b"#1")
    await sessions.remove(connection, b"#1")

    assert await sessions.find(connection, b"#1", 2) is None


async def test_expired_sessions_are_removed(connection: AsyncConnection) -> None:
    """Those whose time is over go, and are told; the others stay."""
    await sessions.add(connection, b"#1", "u_ann", login("one"))
    await sessions.add(connection, b"#2", "u_ann", login("two", expires=200))

    assert await sessions.has_expired(connection, 100)
    assert await sessions.remove_expired(connection, 100) == [b"#1"]
    assert not await sessions.has_expired(connection, 100)
    assert await sessions.find(connection, b"#1", 1) is None
    assert await sessions.find(connection, b"#2", 1) is not None


async def test_own_session_is_removed_by_id(connection: AsyncConnection) -> None:
    """A session's id, with whose it is, says which digest goes."""
    await sessions.add(connection, b"#1", "u_ann", login("one"))
    await sessions.add(connection, b"#2", "u_bob", login("two"))

    assert await sessions.remove_own(connection, "u_ann", "two") is None
    assert await sessions.remove_own(connection, "u_ann", "one") == b"#1"
    assert await sessions.remove_own(connection, "u_ann", "one") is None
    assert await sessions.find(connection, b"#2", 2) is not None


async def test_other_sessions_are_removed(connection: AsyncConnection) -> None:
    """All of a user's sessions go but one, and nobody else's."""
    for digest, user in ((b"#1", "u_ann"), (b"#2", "u_ann"), (b"#3", "u_ann"), (b"#4", "u_bob")):
        await sessions.add(connection, digest, user, login(digest.decode()))

    assert sorted(await sessions.remove_others(connection, "u_ann", b"#2")) == [b"#1", b"#3"]
    assert [each.digest for each in await sessions.list_own(connection, "u_ann", 2)] == [b"#2"]
    assert await sessions.find(connection, b"#4", 2) is not None


async def test_oldest_sessions_are_removed(connection: AsyncConnection) -> None:
    """So many are kept as were used last, of one user."""
    for digest, seen in ((b"#1", 3), (b"#2", 1), (b"#3", 2)):
        await sessions.add(connection, digest, "u_ann", login(digest.decode(), seen=seen))
    await sessions.add(connection, b"#4", "u_bob", login("four"))

    assert await sessions.remove_oldest(connection, "u_ann", 3) == []
    assert sorted(await sessions.remove_oldest(connection, "u_ann", 1)) == [b"#2", b"#3"]
    assert await sessions.find(connection, b"#1", 4) is not None
    assert await sessions.find(connection, b"#4", 4) is not None
