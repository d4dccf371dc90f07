"""Turning pages in the history."""

from __future__ import annotations

import pytest

from hubbub.actions.post_message import post_message
from hubbub.actions.read_history import Side, read_history
from hubbub.domain.errors import ChatError
from hubbub.domain.models import LOBBY
from hubbub.domain.policies import HISTORY_PAGE

FIRST = 3
"""The number of the first message, after two have joined."""
LAST = FIRST + 9


@pytest.fixture
async def ann(database, guest):
    """Let Ann and Bob write ten messages, from FIRST to LAST."""
    ann, bob = await guest("Ann"), await guest("Bob")
    for n in range(10):
        author = (ann, bob)[n % 2]
        await post_message(database, author.user, LOBBY, f"nonce-{n:04}", f"message {n}")
    return ann.user


@pytest.mark.parametrize(
    "side,q,limit,found,more",
    [
        (Side.BEFORE, LAST + 1, 3, range(LAST - 2, LAST + 1), True),
        (Side.BEFORE, FIRST + 3, 3, range(FIRST, FIRST + 3), False),
        (Side.BEFORE, FIRST, 3, range(0), False),
        (Side.AFTER, 0, 3, range(FIRST, FIRST + 3), True),
        (Side.AFTER, LAST - 3, 3, range(LAST - 2, LAST + 1), False),
        (Side.AFTER, LAST, 3, range(0), False),
        (Side.AROUND, FIRST + 5, 5, range(FIRST + 3, FIRST + 8), True),
        (Side.AROUND, FIRST, 4, range(FIRST, FIRST + 2), True),
        (Side.AROUND, LAST, 4, range(LAST - 2, LAST + 1), True),
        (Side.AROUND, FIRST + 5, 1, range(FIRST + 5, FIRST + 6), True),
        (Side.AROUND, FIRST + 5, 100, range(FIRST, LAST + 1), False),
    ],
)
async def test_page_is_as_asked(database, ann, side, q, limit, found, more) -> None:
    """A page has the messages next to a number, in ascending order, and says whether there are more."""
    page = await read_history(database, ann, LOBBY, side, q, limit)

    assert [message.q for message in page.messages] == list(found)
    assert page.more is more
    assert page.asof == LAST
    assert page.names.keys() == {message.author for message in page.messages}


async def test_limit_is_lowered(database, ann) -> None:
    """No page is longer than allowed, whatever is asked for."""
    page = await read_history(database, ann, LOBBY, Side.AFTER, 0, HISTORY_PAGE * 10)

    assert len(page.messages) <= HISTORY_PAGE


async def test_pages_join_without_seam(database, ann) -> None:
    """Going back page by page shows each message once."""
    seen, q = [], LAST + 1
    while page := (await read_history(database, ann, LOBBY, Side.BEFORE, q, 4)).messages:
        seen[:0] = [message.q for message in page]
        q = page[0].q

    assert seen == list(range(FIRST, LAST + 1))


async def test_strange_room_is_not_found(database, ann) -> None:
    """A room that isn't there has no history to tell."""
    with pytest.raises(ChatError) as caught:
        await read_history(database, ann, "r_nowhere", Side.AFTER, 0, 10)

    assert caught.value.code == "not_found"
