"""Posting many messages at once, and what comes of it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.errors import ChatError
from hubbub.domain.events import MessagePosted
from hubbub.domain.models import Marks, Posted, Room, Sight, Visibility
from hubbub.storage import marks, messages, posting, rooms, streams
from hubbub.storage.posting import Post


def post(
    nonce: str,
    text: str = "hi",
    room: str = "r_garden",
    author: str = "u_ann",
    reply_to: int | None = None,
    thread: int | None = None,
) -> Post:
    """Make a message of Ann's to the garden, unless told otherwise."""
    return Post(room, author, MessagePosted(nonce, text, reply_to, thread))


async def post_all(connection: AsyncConnection, *posts: Post) -> list[Posted | str]:
    """Store messages at 5 o'clock; for a refusal, return its code."""
    outcomes, _ = await posting.post_all(connection, posts, 5)
    return [each.code.value if isinstance(each, ChatError) else each for each in outcomes]


async def test_messages_are_stored_in_order(connection: AsyncConnection) -> None:
    """Many at once are numbered in the order in which they are given."""
    outcomes = await post_all(connection, *(post(f"nonce-{n:03}") for n in range(100)))

    assert outcomes == [Posted(n + 1, 5, False) for n in range(100)]


async def test_bad_post_fails_alone(connection: AsyncConnection) -> None:
    """What is refused takes no number, and no other with it."""
    await rooms.add(connection, Room("r_cellar", "cellar", "", Visibility.PRIVATE), 1)
    outcomes = await post_all(
        connection,
        post("nonce-01"),
        post("nonce-02", room="r_attic"),
        post("nonce-03", room="r_nowhere"),
        post("nonce-06", room="r_cellar"),
        post("nonce-04", reply_to=99),
        post("nonce-05"),
    )

    refused = ["not_member", "not_found", "not_found", "invalid"]
    assert outcomes == [Posted(1, 5, False), *refused, Posted(2, 5, False)]


async def test_mentions_keep_nobody_out(connection: AsyncConnection) -> None:
    """Messages that speak of very many at once, who needn't be anybody, are stored, and others with them."""
    outcomes = await post_all(
        connection,
        post("nonce-000"),
        *(post(f"nonce-{n:03}", " ".join(f"<@u_{n}_{m}>" for m in range(50))) for n in range(1, 128)),
    )

    assert outcomes == [Posted(n + 1, 5, False) for n in range(128)]


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

    assert outcomes == ["not_member", Posted(1, 5, False)]


async def test_reply_has_a_target(connection: AsyncConnection) -> None:
    """A message can answer one of the same room."""
    await post_all(connection, post("nonce-01"))

    assert await post_all(connection, post("nonce-02", reply_to=1)) == [Posted(2, 5, False)]


async def test_thread_has_a_root(connection: AsyncConnection) -> None:
    """A thread belongs to a message of the room, and to none that is in a thread itself."""
    await post_all(connection, post("nonce-01"), post("nonce-02", room="r_attic"))

    outcomes = await post_all(
        connection, post("nonce-03", thread=1), post("nonce-04", thread=9), post("nonce-05", thread=1)
    )
    deeper = await post_all(connection, post("nonce-06", thread=2), post("nonce-07", thread=0))

    assert outcomes == [Posted(2, 5, False), "invalid", Posted(3, 5, False)]
    assert deeper == ["invalid", "invalid"]
    root = await messages.find(connection, Sight("r_garden"), 1)
    assert root is not None
    assert (root.replies, root.rev) == (2, 3)


async def test_author_has_read_so_far(connection: AsyncConnection) -> None:
    """Who writes to a room has read it; who writes into a thread hasn't, and leaves nothing unread."""
    await post_all(connection, post("nonce-01", author="u_bob"), post("nonce-02", author="u_bob"))
    await post_all(connection, post("nonce-03", thread=1))

    assert await marks.find(connection, "r_garden", "u_bob") == Marks(2, 0, 0)
    assert await marks.find(connection, "r_garden", "u_ann") == Marks(0, 2, 0)

    await post_all(connection, post("nonce-04"), post("nonce-05", author="u_bob"))

    assert await marks.find(connection, "r_garden", "u_ann") == Marks(4, 1, 0)
    assert await marks.recount(connection, "r_garden") == []


async def test_member_is_told_of_mention(connection: AsyncConnection) -> None:
    """A member who is spoken of hears of it, once a message; others and the author don't."""
    await rooms.add_member(connection, "r_attic", "u_ann", 1)
    texts = ["<@u_bob> and <@u_bob>", "<@u_ann> alone", "<@u_eve>, who isn't here", "<@u_bob"]
    posts = [post(f"nonce-{n:02}", text) for n, text in enumerate(texts)]

    outcomes, stored = await posting.post_all(
        connection, [*posts, post("nonce-99", "<@u_bob>", "r_attic")], 5
    )

    assert all(isinstance(outcome, Posted) for outcome in outcomes)
    told = [(each.stream, each.kind, each.author, each.body) for each in stored[len(outcomes) :]]
    assert told == [("u_bob", "mention", "u_ann", '{"s":"r_garden","q":1}')]
    assert await marks.find(connection, "r_garden", "u_bob") == Marks(0, 4, 1)


async def test_answering_reads_mentions(connection: AsyncConnection) -> None:
    """In one batch, only those mentions wait that come after a member's own last message."""
    await post_all(
        connection,
        post("nonce-01", "<@u_bob>"),
        post("nonce-02", "here", author="u_bob"),
        post("nonce-03", "<@u_bob>!"),
    )
    await post_all(connection, post("nonce-04", "<@u_bob>?", thread=1))

    assert await marks.find(connection, "r_garden", "u_bob") == Marks(2, 1, 2)
    assert await marks.recount(connection, "r_garden") == []


async def test_repeat_calls_nobody_twice(connection: AsyncConnection) -> None:
    """A message that is sent again is one mention."""
    await post_all(connection, post("nonce-01", "<@u_bob>"), post("nonce-01", "<@u_bob>"))
    await post_all(connection, post("nonce-01", "<@u_bob>"))

    assert [event.q for event in await streams.read_after(connection, "u_bob", 0)] == [1]
    assert await marks.find(connection, "r_garden", "u_bob") == Marks(0, 1, 1)
