"""Posting many messages at once, and turning their pages."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.errors import ChatError
from hubbub.domain.events import MessagePosted
from hubbub.domain.models import Message, Posted
from hubbub.storage import messages, streams
from hubbub.storage.messages import Post

SIZE = 1_000_000


def post(
    nonce: str, text: str = "hi", room: str = "r_garden", author: str = "u_ann", reply_to: int | None = None
) -> Post:
    """Make a message of Ann's to the garden, unless told otherwise."""
    return Post(room, author, MessagePosted(nonce, text, reply_to))


async def post_all(connection: AsyncConnection, *posts: Post) -> list[Posted | str]:
    """Store messages at 5 o'clock; for a refusal, return its code."""
    outcomes, _ = await messages.post_all(connection, posts, 5)
    return [each.code.value if isinstance(each, ChatError) else each for each in outcomes]


async def test_messages_are_stored_in_order(connection: AsyncConnection) -> None:
    """Many at once are numbered in the order in which they are given."""
    outcomes = await post_all(connection, *(post(f"nonce-{n:03}") for n in range(100)))

    assert outcomes == [Posted(n + 1, 5, False) for n in range(100)]


async def test_bad_post_fails_alone(connection: AsyncConnection) -> None:
    """What is refused takes no number, and no other with it."""
    outcomes = await post_all(
        connection,
        post("nonce-01"),
        post("nonce-02", room="r_attic"),
        post("nonce-03", room="r_nowhere"),
        post("nonce-04", reply_to=99),
        post("nonce-05"),
    )

    assert outcomes == [Posted(1, 5, False), "not_found", "not_found", "invalid", Posted(2, 5, False)]


async def test_repeat_is_the_same_message(connection: AsyncConnection) -> None:
    """The same author and nonce are stored once, in one batch as in two."""
    first = await post_all(connection, post("nonce-01"), post("nonce-01"))
    second = await post_all(connection, post("nonce-01"), post("nonce-01", author="u_bob"))

    assert first == [Posted(1, 5, False), Posted(1, 5, True)]
    assert second == [Posted(1, 5, True), Posted(2, 5, False)]


async def test_nonce_is_for_one_body(connection: AsyncConnection) -> None:
    """The same nonce with another text, room or target is refused, in one batch as in two."""
    first = await post_all(connection, post("nonce-01"), post("nonce-01", "other"))
    second = await post_all(
        connection,
        post("nonce-01", "other"),
        post("nonce-01", reply_to=1),
        post("nonce-01", room="r_attic"),
    )

    assert first == [Posted(1, 5, False), "nonce_reuse"]
    assert second == ["nonce_reuse"] * 3


async def test_refused_nonce_is_free(connection: AsyncConnection) -> None:
    """A nonce counts as used only by what was stored."""
    outcomes = await post_all(connection, post("nonce-01", room="r_attic"), post("nonce-01"))

    assert outcomes == ["not_found", Posted(1, 5, False)]


async def test_reply_has_a_target(connection: AsyncConnection) -> None:
    """A message can answer one of the same room."""
    await post_all(connection, post("nonce-01"))

    assert await post_all(connection, post("nonce-02", reply_to=1)) == [Posted(2, 5, False)]


async def test_events_add_up_to_messages(connection: AsyncConnection) -> None:
    """A message says what its event says."""
    await post_all(connection, post("nonce-01", "first"), post("nonce-02", "second"))
    await post_all(connection, post("nonce-03", "third", author="u_bob", reply_to=1))

    found, _ = await messages.read_from(connection, "r_garden", 1, 10, SIZE)

    assert found == [
        Message(1, 1, 5, "u_ann", "nonce-01", "first", None),
        Message(2, 2, 5, "u_ann", "nonce-02", "second", None),
        Message(3, 3, 5, "u_bob", "nonce-03", "third", 1),
    ]
    events = await streams.read_after(connection, "r_garden", 0)
    assert [(event.q, event.author, event.ts) for event in events] == [
        (message.q, message.author, message.ts) for message in found
    ]


async def test_pages_are_ascending(connection: AsyncConnection) -> None:
    """A page before a message ends just before it; one from a message begins with it."""
    await post_all(connection, *(post(f"nonce-{n:03}") for n in range(10)))

    before = await messages.read_before(connection, "r_garden", 8, 3, SIZE)
    after = await messages.read_from(connection, "r_garden", 8, 5, SIZE)
    nothing = await messages.read_before(connection, "r_attic", 8, 3, SIZE)

    assert ([message.q for message in before.messages], before.more) == ([5, 6, 7], True)
    assert ([message.q for message in after.messages], after.more) == ([8, 9, 10], False)
    assert nothing == ([], False)


@pytest.mark.parametrize("size,fit", [(0, 1), (3000, 1), (6000, 2), (SIZE, 5)])
async def test_pages_have_a_size(connection: AsyncConnection, size: int, fit: int) -> None:
    """A page has what fits into so many bytes, and one message even if that doesn't."""
    await post_all(connection, *(post(f"nonce-{n:03}", "好" * 900) for n in range(5)))

    before = await messages.read_before(connection, "r_garden", 6, 5, size)
    after = await messages.read_from(connection, "r_garden", 1, 5, size)

    assert [message.q for message in before.messages] == list(range(6 - fit, 6))
    assert [message.q for message in after.messages] == list(range(1, fit + 1))
    assert before.more is after.more is (fit < 5)
