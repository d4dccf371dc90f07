"""What waits in a room."""

from __future__ import annotations

from hubbub.actions.mark_read import mark_read
from hubbub.actions.read_marks import read_all_marks, read_marks


async def test_what_waits_is_told(database, people, room, say) -> None:
    """Members are told how much waits for them, as of which event."""
    member = people["member"]
    first = await say("owner", f"<@{member.id}>")
    last = await say("owner")
    before = await read_marks(database, member, room)
    await mark_read(database, member, room, first)
    after = await read_marks(database, member, room)

    assert (before.head.q, before.marks.unread, before.marks.mentions) == (last, 2, 1)
    assert (after.head.q, after.marks.unread, after.marks.mentions) == (last, 1, 0)


async def test_nothing_waits_for_strangers(database, people, room, code_of) -> None:
    """Who isn't a member isn't told of the room."""
    assert await code_of(read_marks(database, people["stranger"], room)) == "not_member"
    for where in ("r_nowhere", people["member"].id):
        assert await code_of(read_marks(database, people["member"], where)) == "not_found"


async def test_many_are_told_as_each_is(database, people, room, say) -> None:
    """What waits for many is what waits for each of them; who is no member isn't among them."""
    await say("owner", f"<@{people['member'].id}>")
    await say("moderator")
    ids = {name: user.id for name, user in people.items()}
    found = await read_all_marks(database, room, [*ids.values(), "u_nobody"])

    members = ("owner", "moderator", "member")
    assert found == {ids[name]: await read_marks(database, people[name], room) for name in members}
    assert len({waiting.marks.unread for waiting in found.values()}) == 3
    assert await read_all_marks(database, "r_nowhere", ids.values()) == {}
