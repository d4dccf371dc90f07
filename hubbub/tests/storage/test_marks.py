"""How far members have read, and what waits there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.events import MessageDeleted
from hubbub.domain.models import Marks, Sight
from hubbub.storage import marks, messages, streams
from hubbub.storage.streams import NewEvent
from hubbub.storage.tables import memberships

Say = Callable[..., Awaitable[int]]


async def bobs(connection: AsyncConnection) -> Marks | None:
    """Return Bob's marks in the garden, which a recount agrees with."""
    assert await marks.recount(connection, "r_garden") == []
    return await marks.find(connection, "r_garden", "u_bob")


async def delete(connection: AsyncConnection, q: int) -> None:
    """Let Ann delete a message."""
    event = NewEvent("r_garden", "u_ann", MessageDeleted("nonce-01", q))
    [(stored, _)] = await streams.append(connection, [event], 6)
    message = await messages.find(connection, Sight("r_garden"), q)
    assert message is not None
    await messages.remove(connection, stored, message)
    await marks.forget_mentions(connection, "r_garden", q)


async def test_strangers_have_no_marks(connection: AsyncConnection) -> None:
    """Only a member has read something."""
    assert await marks.find(connection, "r_attic", "u_bob") is None
    assert await bobs(connection) == Marks(0, 0, 0)


async def test_reading_leaves_the_rest(connection: AsyncConnection, say: Say) -> None:
    """What comes after the mark is unread, forth and back, but for what is said in threads."""
    for thread in (None, None, 1, None):
        await say("hi", thread=thread)
    read = []
    for q in (0, 1, 2, 3, 4, 2):
        await marks.set_read(connection, "r_garden", "u_bob", q)
        read.append(await bobs(connection))

    assert read == [
        Marks(0, 3, 0),
        Marks(1, 2, 0),
        Marks(2, 1, 0),
        Marks(3, 1, 0),
        Marks(4, 0, 0),
        Marks(2, 1, 0),
    ]


async def test_mentions_wait_until_read(connection: AsyncConnection, say: Say) -> None:
    """Mentions are counted after the mark, also those in threads."""
    for thread in (None, None, 1):
        await say("<@u_bob>", thread=thread)
    read = [await bobs(connection)]
    for q in (1, 3, 0):
        await marks.set_read(connection, "r_garden", "u_bob", q)
        read.append(await bobs(connection))

    assert read == [Marks(0, 2, 3), Marks(1, 1, 2), Marks(3, 0, 0), Marks(0, 2, 3)]


async def test_deleted_message_waits_for_nobody(connection: AsyncConnection, say: Say) -> None:
    """What was deleted is neither unread nor a mention, whether it was read before or not."""
    for thread in (None, None, None, 1):
        await say("<@u_bob>", thread=thread)
    await marks.set_read(connection, "r_garden", "u_bob", 1)
    left = []
    for q in (1, 3, 4):
        await delete(connection, q)
        left.append(await bobs(connection))
    await marks.set_read(connection, "r_garden", "u_bob", 0)

    assert left == [Marks(1, 2, 3), Marks(1, 1, 2), Marks(1, 1, 1)]
    assert await bobs(connection) == Marks(0, 1, 1)


async def test_recount_finds_what_is_wrong(connection: AsyncConnection, say: Say) -> None:
    """A mark that isn't what counting gives is found, whichever it is."""
    await say("<@u_bob>")
    wrong = []
    for column in ("read_ord", "mentions"):
        bob = memberships.c.user == "u_bob"
        change = memberships.c[column] + 1
        await connection.execute(update(memberships).where(bob).values({column: change}))
        wrong.append(await marks.recount(connection, "r_garden"))
        await connection.execute(update(memberships).where(bob).values({column: change - 2}))

    assert wrong == [["u_bob"]] * 2
    assert await marks.recount(connection, "r_garden") == []
