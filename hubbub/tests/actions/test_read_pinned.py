"""Reading what is pinned."""

from __future__ import annotations

from hubbub.actions.pin_message import pin_message
from hubbub.actions.read_pinned import read_pinned


async def test_pinned_messages_are_read(database, people, room, say) -> None:
    """Members see what is pinned, the last pinned first."""
    numbers = [await say("member") for _ in range(3)]
    for n, q in enumerate(numbers[:2]):
        await pin_message(database, people["owner"], room, f"nonce-{n:02}", q, on=True)

    page = await read_pinned(database, people["member"], room)

    assert [message.q for message in page.messages] == [numbers[1], numbers[0]]
    assert (page.asof, page.more, page.names) == (numbers[-1] + 2, False, {people["member"].id: "member"})


async def test_strangers_see_nothing(database, people, room, code_of) -> None:
    """Who isn't a member doesn't learn what is pinned."""
    assert await code_of(read_pinned(database, people["stranger"], room)) == "not_member"
