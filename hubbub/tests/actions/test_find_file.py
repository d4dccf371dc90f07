"""Who may have a file."""

from __future__ import annotations

from hubbub.actions.change_room import change_room
from hubbub.actions.find_file import find_file
from hubbub.actions.join_room import join_room
from hubbub.actions.leave_room import leave_room
from hubbub.actions.post_message import post_message
from hubbub.domain.models import History


async def test_unsent_file_is_its_owners(database, people, file, code_of) -> None:
    """Until a message has it, nobody else can have it."""
    await find_file(database, people["member"], file)
    for name in ("owner", "moderator", "stranger"):
        assert await code_of(find_file(database, people[name], file)) == "not_found"


async def test_posted_file_is_the_rooms(database, people, room, file, code_of) -> None:
    """Who is in the room may have it, and nobody else; not its owner either, who has left."""
    await post_message(database, people["member"], room, "nonce-01", "", files=[file])

    await find_file(database, people["owner"], file)
    assert await code_of(find_file(database, people["stranger"], file)) == "not_found"
    await leave_room(database, people["member"], room, "nonce-02")
    assert await code_of(find_file(database, people["member"], file)) == "not_found"
    assert await code_of(find_file(database, people["owner"], "f_nothing")) == "not_found"


async def test_file_from_before_one_came_is_not_theirs(database, people, room, file, code_of) -> None:
    """Where history begins with one's coming, so do the files; who was there before has them."""
    await post_message(database, people["member"], room, "nonce-01", "", files=[file])
    await change_room(database, people["owner"], room, "nonce-02", history=History.JOINED)
    await join_room(database, people["stranger"], "nonce-03", room)

    assert await code_of(find_file(database, people["stranger"], file)) == "not_found"
    await find_file(database, people["member"], file)
