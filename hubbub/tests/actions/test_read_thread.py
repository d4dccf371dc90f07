"""Reading threads."""

from __future__ import annotations

from hubbub.actions.read_thread import read_thread


async def test_thread_is_read_in_pages(database, people, room, say) -> None:
    """A page has the last replies, in ascending order, and says whether there are older ones."""
    root = await say("owner")
    replies = []
    for _ in range(3):
        replies.append(await say("member", thread=root))
        await say("owner")

    page = await read_thread(database, people["moderator"], room, root, limit=2)
    rest = await read_thread(database, people["moderator"], room, root, before=page.messages[0].q)

    assert ([message.q for message in page.messages], page.more) == (replies[1:], True)
    assert ([message.q for message in rest.messages], rest.more) == (replies[:1], False)
    assert page.asof == replies[-1] + 1
    assert page.names == {people["member"].id: "member"}


async def test_message_without_thread_is_empty(database, people, room, say) -> None:
    """A message that nobody answered has an empty thread."""
    assert (await read_thread(database, people["owner"], room, await say("owner"))).messages == []


async def test_strange_thread_is_not_found(database, people, room, say, code_of) -> None:
    """What isn't there is not found; strangers have to join first."""
    q = await say("owner")

    assert await code_of(read_thread(database, people["stranger"], room, q)) == "not_member"
    assert await code_of(read_thread(database, people["owner"], room, 1)) == "not_found"
