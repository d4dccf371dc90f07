"""What is known of files, and the messages that have them."""

from __future__ import annotations

import json

from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.errors import ChatError
from hubbub.domain.events import MessagePosted, StoredEvent
from hubbub.domain.models import Attachment, Posted, Sight, StoredFile
from hubbub.storage import files, messages
from hubbub.storage.posting import Post, post_all


def picture(name: str) -> Attachment:
    """Return a picture."""
    return Attachment(f"f_{name}", f"{name}.png", "image/png", 10, 30, 20, "a cup")


async def add(connection: AsyncConnection, *names: str, owner: str = "u_ann", room: str = "r_garden") -> None:
    """Store what is known of some pictures."""
    for name in names:
        await files.add(connection, StoredFile(picture(name), owner, room, "d" * 64), 1)


def post(nonce: str, *names: str, author: str = "u_ann", text: str = "") -> Post:
    """Return a message that is to have pictures."""
    return Post(
        "r_garden", author, MessagePosted(f"nonce-{nonce}", text), tuple(f"f_{name}" for name in names)
    )


async def post_each(
    connection: AsyncConnection, *posts: Post
) -> tuple[list[Posted | str], list[StoredEvent]]:
    """Post messages at once; of those that are refused, return the code."""
    outcomes, stored = await post_all(connection, posts, 5)
    return [each.code.value if isinstance(each, ChatError) else each for each in outcomes], stored


async def test_message_has_its_files(connection: AsyncConnection) -> None:
    """The event tells everything that is needed to show them, and so does the message."""
    await add(connection, "one", "two")

    [posted], [event] = await post_each(connection, post("001", "two", "one", text="look"))

    assert posted == Posted(1, 5, dup=False)
    told = {"name": "two.png", "type": "image/png", "size": 10, "w": 30, "h": 20, "alt": "a cup"}
    assert json.loads(event.body)["files"][0] == {"id": "f_two"} | told
    message = await messages.find(connection, Sight("r_garden"), 1)
    assert message is not None
    assert message.files == (picture("two"), picture("one"))
    assert (await files.find(connection, "f_one")).message is not None


async def test_same_nonce_is_the_same_message(connection: AsyncConnection) -> None:
    """Again with the same files it is the same message, at once and later; with others it is another."""
    await add(connection, "one", "two", "three")
    first = post("001", "one", "two")

    outcomes, stored = await post_each(
        connection, first, post("001", "one", "two"), post("001", "two", "one")
    )
    later, _ = await post_each(connection, first, post("001", "one"), post("001"), post("001", "three"))

    assert outcomes == [Posted(1, 5, dup=False), Posted(1, 5, dup=True), "nonce_reuse"]
    assert later == [Posted(1, 5, dup=True), "nonce_reuse", "nonce_reuse", "nonce_reuse"]
    assert len(stored) == 1


async def test_file_is_in_one_message(connection: AsyncConnection) -> None:
    """Only one's own, of this room, that no message has, each once; the others are posted all the same."""
    await add(connection, "one", "two", "twice")
    await add(connection, "bobs", owner="u_bob")
    await add(connection, "attic", room="r_attic")
    await post_each(connection, post("000", "one"))

    outcomes, _ = await post_each(
        connection,
        post("001", "one"),
        post("002", "bobs"),
        post("003", "attic"),
        post("004", "nothing"),
        post("005", "twice", "twice"),
        post("006", "two"),
        post("007", "two"),
        post("008", text="hi"),
    )

    missing = "upload_missing"
    assert outcomes[:5] == [missing] * 5
    assert outcomes[5:] == [Posted(2, 5, dup=False), missing, Posted(3, 5, dup=False)]


async def test_size_of_all_is_measured(connection: AsyncConnection) -> None:
    """A user's files count until they are gone."""
    await add(connection, "one", "two", "three")
    await add(connection, "bobs", owner="u_bob")
    await post_each(connection, post("001", "one"))
    await files.drop(connection, "f_three")

    assert await files.measure(connection, "u_ann") == 20
    assert await files.find(connection, "f_three") is None
    assert await files.list_gone(connection) == ["f_three"]


async def test_what_is_gone_is_forgotten(connection: AsyncConnection) -> None:
    """Only what is gone can be forgotten."""
    await add(connection, "one", "two")
    await files.drop(connection, "f_two")

    await files.forget(connection, ["f_one", "f_two"])

    assert await files.select_known(connection, ["f_one", "f_two"]) == {"f_one"}


async def test_only_old_orphans_go(connection: AsyncConnection) -> None:
    """What a message has stays, and what has just come."""
    await add(connection, "one", "two")
    await post_each(connection, post("001", "one"))

    await files.let_go_of_orphans(connection, 1)
    assert await files.list_gone(connection) == []
    await files.let_go_of_orphans(connection, 2)
    assert await files.list_gone(connection) == ["f_two"]


def test_message_without_files_keeps_nothing() -> None:
    """There is nothing to keep, and nothing comes of it."""
    assert files.encode(()) is None
    assert files.decode(None) == ()
