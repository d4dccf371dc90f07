"""What the events of a room add up to, and turning its pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.events import Event, MessageDeleted, MessageEdited, Pinned, Reacted, StoredEvent
from hubbub.domain.models import Message, Sight
from hubbub.storage import messages, streams
from hubbub.storage.streams import NewEvent

SIZE = 1_000_000

Say = Callable[..., Awaitable[int]]


async def happen(connection: AsyncConnection, event: Event, author: str = "u_ann") -> StoredEvent:
    """Store an event of the garden, at 6 o'clock."""
    [(stored, _)] = await streams.append(connection, [NewEvent("r_garden", author, event)], 6)
    return stored


async def test_events_add_up_to_messages(connection: AsyncConnection, say: Say) -> None:
    """A message says what its event says."""
    await say("first")
    await say("second", thread=1)
    await say("third", author="u_bob", reply_to=1)

    found, _ = await messages.read_from(connection, Sight("r_garden"), 1, 10, SIZE)

    assert found == [
        Message(1, 2, 5, "u_ann", "said-0000", "first", None, None, 1, None, None, None, 1),
        Message(2, 2, 5, "u_ann", "said-0001", "second", None, 1, 2, None, None, None, 0),
        Message(3, 3, 5, "u_bob", "said-0002", "third", 1, None, 3, None, None, None, 0),
    ]
    events = await streams.read_after(connection, "r_garden", 0)
    assert [(event.q, event.author, event.ts) for event in events] == [
        (message.q, message.author, message.ts) for message in found
    ]


async def test_edit_gives_another_text(connection: AsyncConnection, say: Say) -> None:
    """A message says what its last edit says, and all versions can be read."""
    await say("first")
    event = await happen(connection, MessageEdited("nonce-01", 1, "second"))

    await messages.edit(connection, event, 1, "second")

    found = await messages.find(connection, Sight("r_garden"), 1)
    assert found is not None
    assert (found.text, found.rev, found.said, found.edited) == ("second", 2, 2, 6)
    versions = await messages.read_versions(connection, "r_garden", 1, 9, SIZE)
    assert [(version.q, version.kind) for version in versions[0]] == [(1, "msg.new"), (2, "msg.edit")]
    assert not versions[1]
    for limit, size in ((1, SIZE), (9, 0)):
        last, more = await messages.read_versions(connection, "r_garden", 1, limit, size)
        assert ([version.q for version in last], more) == ([2], True)


async def test_reactions_are_a_set(connection: AsyncConnection, say: Say) -> None:
    """Each emoji has who reacts by it, once, in the order in which they came."""
    await say("hi")

    async def react(author: str, emoji: str, *, on: bool) -> None:
        event = await happen(connection, Reacted("nonce-01", 1, emoji, on), author)
        await messages.react(connection, event, 1, emoji, on=on)

    for author, emoji, on in (
        ("u_bob", "👍", True),
        ("u_ann", "👍", True),
        ("u_bob", "👍", True),
        ("u_ann", "❤️", True),
        ("u_bob", "❤️", False),
    ):
        await react(author, emoji, on=on)
    found = await messages.find(connection, Sight("r_garden"), 1)
    assert found is not None
    assert (found.reactions, found.rev) == ({"👍": ["u_bob", "u_ann"], "❤️": ["u_ann"]}, 6)

    await react("u_bob", "👍", on=False)

    found = await messages.find(connection, Sight("r_garden"), 1)
    assert found is not None
    assert found.reactions == {"👍": ["u_ann"], "❤️": ["u_ann"]}


async def test_pinned_messages_are_listed(connection: AsyncConnection, say: Say) -> None:
    """The last pinned comes first, and what was taken down no more."""
    for text in "abc":
        await say(text)
    for q, on in ((3, True), (1, True), (2, True), (3, False)):
        event = await happen(connection, Pinned("nonce-01", q, on))
        await messages.pin(connection, event, q, on=on)

    page = await messages.read_pinned(connection, Sight("r_garden"), 10, SIZE)

    assert [(message.q, message.pinned) for message in page.messages] == [(2, 6), (1, 5)]
    assert (await messages.read_pinned(connection, Sight("r_garden"), 1, SIZE)).more
    pins = [(message.q, message.pinned) for message in page.messages]
    assert await messages.list_pins(connection, Sight("r_garden")) == pins


async def test_removed_message_says_nothing(connection: AsyncConnection, say: Say) -> None:
    """What a deleted message said is nowhere any more; that it was there, is."""
    await say("root")
    await say("secret 1", thread=1)
    await messages.edit(
        connection, await happen(connection, MessageEdited("nonce-01", 2, "secret 2")), 2, "secret 2"
    )
    await messages.react(connection, await happen(connection, Reacted("n", 2, "👍", True)), 2, "👍", on=True)
    await messages.pin(connection, await happen(connection, Pinned("n", 2, True)), 2, on=True)
    message = await messages.find(connection, Sight("r_garden"), 2)
    assert message is not None

    event = await happen(connection, MessageDeleted("nonce-02", 2), "u_bob")
    await messages.remove(connection, event, message)

    found, _ = await messages.read_from(connection, Sight("r_garden"), 1, 10, SIZE)
    assert [each.text for each in found] == ["root", ""]
    assert (found[1].deleted, found[1].pinned, found[1].reactions, found[1].rev) == (6, None, {}, 6)
    assert (found[0].replies, found[0].rev) == (0, 6)
    log = await streams.read_after(connection, "r_garden", 0)
    assert [event.q for event in log] == [1, 2, 3, 4, 5, 6]
    assert [event.body for event in log if event.q in {2, 3}] == ["{}", "{}"]
    assert not [event for event in log if "secret" in event.body]


async def test_thread_is_read_alone(connection: AsyncConnection, say: Say) -> None:
    """A thread's pages have its replies, and not its root."""
    for thread in (None, 1, None, 1, 1):
        await say("hi", thread=thread)

    page = await messages.read_thread(connection, Sight("r_garden"), 1, 5, 1, SIZE)

    assert ([message.q for message in page.messages], page.more) == ([4], True)
    assert await messages.read_thread(connection, Sight("r_garden"), 3, 9, 9, SIZE) == ([], False)


async def test_reactions_take_room(connection: AsyncConnection, say: Say) -> None:
    """Who reacted counts for the size of a page."""
    for _ in range(2):
        q = await say("hi")
        for emoji in ("👍", "❤️"):
            event = await happen(connection, Reacted("nonce-01", q, emoji, True))
            await messages.react(connection, event, q, emoji, on=True)

    lengths = [
        len((await messages.read_from(connection, Sight("r_garden"), 1, 5, size)).messages)
        for size in (660, 740)
    ]

    assert lengths == [1, 2]


async def test_pages_are_ascending(connection: AsyncConnection, say: Say) -> None:
    """A page before a message ends just before it; one from a message begins with it."""
    for _ in range(10):
        await say("hi")

    before = await messages.read_before(connection, Sight("r_garden"), 8, 3, SIZE)
    after = await messages.read_from(connection, Sight("r_garden"), 8, 5, SIZE)
    nothing = await messages.read_before(connection, Sight("r_attic"), 8, 3, SIZE)

    assert ([message.q for message in before.messages], before.more) == ([5, 6, 7], True)
    assert ([message.q for message in after.messages], after.more) == ([8, 9, 10], False)
    assert nothing == ([], False)


@pytest.mark.parametrize("size,fit", [(0, 1), (3000, 1), (6100, 2), (SIZE, 5)])
async def test_pages_have_a_size(connection: AsyncConnection, say: Say, size: int, fit: int) -> None:
    """A page has what fits into so many bytes, and one message even if that doesn't."""
    for _ in range(5):
        await say("好" * 900)

    before = await messages.read_before(connection, Sight("r_garden"), 6, 5, size)
    after = await messages.read_from(connection, Sight("r_garden"), 1, 5, size)

    assert [message.q for message in before.messages] == list(range(6 - fit, 6))
    assert [message.q for message in after.messages] == list(range(1, fit + 1))
    assert before.more is after.more is (fit < 5)


async def test_crowd_of_reactions_shortens_pages(
    connection: AsyncConnection, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where very many react, only so many are read; each message of a page has all of them, and one comes."""
    numbers = [await say("hi") for _ in range(4)]
    for q in numbers:
        for emoji in ("👍", "❤️", "🎉") if q == 2 else ("👍",):
            event = await happen(connection, Reacted("nonce-01", q, emoji, True))
            await messages.react(connection, event, q, emoji, on=True)
    monkeypatch.setattr(messages, "_REACTIONS", 2)
    pages = [await messages.read_from(connection, Sight("r_garden"), q, 9, SIZE) for q in numbers]

    assert [[message.q for message in page.messages] for page in pages] == [[1], [2], [3, 4], [4]]
    assert [page.more for page in pages] == [True, True, False, False]
    assert [len(page.messages[0].reactions) for page in pages] == [1, 3, 1, 1]
