"""Reading every event."""

from __future__ import annotations

import pytest

from hubbub.actions import read_log as module
from hubbub.actions.read_log import read_log


async def test_log_is_complete(database, people, room, say) -> None:
    """Page by page, every event of a room comes once, from the first to the last."""
    for _ in range(5):
        await say("member")
    seen, q, more = [], 0, True
    while more:
        page = await read_log(database, people["owner"], room, q, 3)
        seen += [event.q for event in page.events]
        q, more = page.events[-1].q, page.more

    assert seen == list(range(1, page.head.q + 1))
    assert page.names == {people["member"].id: "member"}


async def test_page_is_bounded(database, people, room, say, monkeypatch) -> None:
    """No page is longer than allowed, whatever is asked for; a long event comes alone."""
    monkeypatch.setattr(module, "LOG_PAGE", 2)
    first = await read_log(database, people["owner"], room, 0, 1000)
    monkeypatch.setattr(module, "LOG_BYTES", 10)
    second = await read_log(database, people["owner"], room, 0, 1000)

    assert ([event.q for event in first.events], first.more) == ([1, 2], True)
    assert ([event.q for event in second.events], second.more) == ([1], True)


@pytest.mark.parametrize("after", [4, 5, 999])
async def test_end_of_log_is_empty(database, people, room, after) -> None:
    """After the last event there is none."""
    page = await read_log(database, people["owner"], room, after)

    assert (page.head.q, page.events, page.more, page.names) == (4, [], False, {})


async def test_log_is_ones_own(database, people, room, code_of) -> None:
    """Someone reads their inbox and their rooms, and nothing else."""
    owner, stranger = people["owner"], people["stranger"]

    assert [event.kind for event in (await read_log(database, owner, owner.id, 0)).events] == ["room.add"] * 2
    assert await code_of(read_log(database, stranger, room, 0)) == "not_member"
    for stream in (owner.id, "r_nowhere", ""):
        assert await code_of(read_log(database, stranger, stream, 0)) == "not_found"
