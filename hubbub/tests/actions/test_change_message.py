"""What all changes of a message have in common."""

from __future__ import annotations

import asyncio

import pytest

from hubbub.actions.delete_message import delete_message
from hubbub.actions.edit_message import edit_message
from hubbub.actions.leave_room import leave_room
from hubbub.actions.pin_message import pin_message
from hubbub.actions.react import react

CHANGES = {
    "edit": lambda *request: edit_message(*request, "other"),
    "delete": delete_message,
    "react": lambda *request: react(*request, "👍", on=True),
    "pin": lambda *request: pin_message(*request, on=True),
}


@pytest.fixture(params=CHANGES)
def change(request):
    """Return a change of a message."""
    return CHANGES[request.param]


async def test_change_is_stored_and_told(database, people, room, say, heard, change) -> None:
    """What is acknowledged has been told, by the number that was given."""
    q = await say("owner")
    heard.clear()

    changed = await change(database, people["owner"], room, "nonce-01", q)

    [event] = heard
    assert (event.stream, event.q, event.ts, event.author) == (room, q + 1, changed.ts, people["owner"].id)
    assert (changed.q, changed.dup) == (q + 1, False)


async def test_repeat_changes_once(database, people, room, say, heard, change) -> None:
    """The same nonce again gives the first number, also at once, and when it would no longer be possible."""
    q = await say("owner")
    heard.clear()

    first, second = await asyncio.gather(
        *(change(database, people["owner"], room, "nonce-01", q) for _ in range(2))
    )
    if change is not delete_message:
        await delete_message(database, people["owner"], room, "nonce-02", q)
    third = await change(database, people["owner"], room, "nonce-01", q)

    assert [second, third] == [type(first)(first.q, first.ts, True)] * 2
    assert len([event for event in heard if event.q == first.q]) == 1


async def test_nonce_is_for_one_change(database, people, room, say, code_of, change) -> None:
    """The nonce of a change, or of a message, isn't good for changing another."""
    first, second = await say("owner"), await say("owner")
    await change(database, people["owner"], room, "nonce-01", first)

    assert await code_of(change(database, people["owner"], room, "nonce-01", second)) == "nonce_reuse"
    assert await code_of(change(database, people["owner"], room, "short", second)) == "invalid"


async def test_strange_message_is_not_found(database, people, room, say, heard, code_of, change) -> None:
    """What isn't there, isn't a message, or was deleted is all the same; strangers have to join first."""
    q = await say("owner")
    deleted = await say("owner")
    await delete_message(database, people["owner"], room, "nonce-00", deleted)
    heard.clear()

    for number in (0, 1, deleted, deleted + 1, deleted + 2, 2**53):
        assert await code_of(change(database, people["owner"], room, "nonce-01", number)) == "not_found"
    assert await code_of(change(database, people["stranger"], room, "nonce-01", q)) == "not_member"
    assert await code_of(change(database, people["owner"], "r_nowhere", "nonce-01", q)) == "not_found"
    assert heard == []


async def test_who_left_changes_nothing(database, people, room, say, code_of, change) -> None:
    """Not even one's own messages are one's own after leaving."""
    q = await say("moderator")
    await leave_room(database, people["moderator"], room, "nonce-00")

    assert await code_of(change(database, people["moderator"], room, "nonce-01", q)) == "not_member"
