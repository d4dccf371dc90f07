"""Reading the end of a room."""

from __future__ import annotations

from hubbub.actions.read_tail import read_tail


async def test_tail_is_the_end(database, people, room, say) -> None:
    """The last events come up to the head, with their authors, and everybody who belongs to the room."""
    for name in ("member", "owner", "member"):
        await say(name)

    tail = await read_tail(database, room, 2, 10_000, 10)

    assert tail is not None
    assert [event.q for event in tail.events] == [tail.head.q - 1, tail.head.q]
    assert tail.names == {people[name].id: name for name in ("member", "owner")}
    assert tail.members == {people[name].id for name in ("owner", "moderator", "member")}


async def test_tail_is_bounded(database, room, say) -> None:
    """No more comes than fits, be it nothing."""
    for _ in range(3):
        await say("member")
    sizes = [len((await read_tail(database, room, 10, size, 10)).events) for size in (10, 300, 500, 10_000)]

    assert sizes == [0, 1, 2, 7]


async def test_crowd_has_no_tail(database, room) -> None:
    """A room that too many belong to says nothing; one that isn't there has none."""
    tail = await read_tail(database, room, 10, 10_000, 2)

    assert tail is not None
    assert (tail.events, tail.members) == ([], frozenset())
    assert await read_tail(database, "r_nowhere", 10, 10_000, 2) is None
