"""Who may not know of a room can't tell it from one that isn't there, whatever they try."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubbub.actions.archive_room import archive_room
from hubbub.actions.change_file import describe_file, discard_file
from hubbub.actions.change_room import change_room
from hubbub.actions.create_room import create_room
from hubbub.actions.delete_message import delete_message
from hubbub.actions.edit_message import edit_message
from hubbub.actions.find_file import find_file
from hubbub.actions.give_role import give_role
from hubbub.actions.invite import invite
from hubbub.actions.join_room import join_room
from hubbub.actions.leave_room import leave_room
from hubbub.actions.list_bans import list_bans
from hubbub.actions.list_members import list_members
from hubbub.actions.mark_read import mark_read
from hubbub.actions.pin_message import pin_message
from hubbub.actions.post_message import post_message
from hubbub.actions.react import react
from hubbub.actions.read_history import Side, read_history
from hubbub.actions.read_log import read_log
from hubbub.actions.read_pinned import read_pinned
from hubbub.actions.read_room import read_room
from hubbub.actions.read_thread import read_thread
from hubbub.actions.read_versions import read_versions
from hubbub.actions.remove_member import ban, kick, unban
from hubbub.actions.sign_in_guest import sign_in_guest
from hubbub.actions.sync_stream import sync_stream
from hubbub.actions.upload_file import Store, upload_file
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import Attachment, Position, Role, StoredFile, Visibility
from hubbub.storage import files
from hubbub.storage.pictures import Pictures
from hubbub.storage.shelf import Shelf

NONCE = "nonce-xx"

# Nobody gets so far that anything is put there.
STORE = Store(Shelf(Path("/nowhere")), Pictures(1), 1, 1)


async def nothing() -> AsyncIterator[bytes]:
    """Give what comes of a file that nobody takes."""
    pytest.fail("it was taken")
    yield b""


# Everything that can be tried on a room: by whom, where, on which message, on whom.
VERBS = {
    "sync": lambda db, me, s, q, other: sync_stream(db, me, s, None),
    "resume": lambda db, me, s, q, other: sync_stream(db, me, s, Position(db.now(), 1)),
    "history": lambda db, me, s, q, other: read_history(db, me, s, Side.AROUND, q, 10),
    "log": lambda db, me, s, q, other: read_log(db, me, s, 0),
    "thread": lambda db, me, s, q, other: read_thread(db, me, s, q),
    "versions": lambda db, me, s, q, other: read_versions(db, me, s, q),
    "pinned": lambda db, me, s, q, other: read_pinned(db, me, s),
    "members": lambda db, me, s, q, other: list_members(db, me, s),
    "room": lambda db, me, s, q, other: read_room(db, me, s),
    "read": lambda db, me, s, q, other: mark_read(db, me, s, q),
    "post": lambda db, me, s, q, other: post_message(db, me, s, NONCE, "hi"),
    "upload": lambda db, me, s, q, other: upload_file(db, STORE, me, s, "a", nothing()),
    "attach": lambda db, me, s, q, other: post_message(db, me, s, NONCE, "hi", files=["f_x"]),
    "find": lambda db, me, s, q, other: find_file(db, me, "f_file"),
    "describe": lambda db, me, s, q, other: describe_file(db, me, "f_file", "mine"),
    "discard": lambda db, me, s, q, other: discard_file(db, me, "f_file"),
    "reply": lambda db, me, s, q, other: post_message(db, me, s, NONCE, "hi", q, q),
    "edit": lambda db, me, s, q, other: edit_message(db, me, s, NONCE, q, "hi"),
    "delete": lambda db, me, s, q, other: delete_message(db, me, s, NONCE, q),
    "react": lambda db, me, s, q, other: react(db, me, s, NONCE, q, "👍", on=True),
    "pin": lambda db, me, s, q, other: pin_message(db, me, s, NONCE, q, on=True),
    "join": lambda db, me, s, q, other: join_room(db, me, NONCE, s),
    "leave": lambda db, me, s, q, other: leave_room(db, me, s, NONCE),
    "change": lambda db, me, s, q, other: change_room(db, me, s, NONCE, name="mine"),
    "archive": lambda db, me, s, q, other: archive_room(db, me, s, NONCE, on=True),
    "bans": lambda db, me, s, q, other: list_bans(db, me, s),
    "invite": lambda db, me, s, q, other: invite(db, me, s, NONCE, me.id),
    "kick": lambda db, me, s, q, other: kick(db, me, s, NONCE, other),
    "ban": lambda db, me, s, q, other: ban(db, me, s, NONCE, other),
    "unban": lambda db, me, s, q, other: unban(db, me, s, NONCE, me.id),
    "role": lambda db, me, s, q, other: give_role(db, me, s, NONCE, me.id, Role.OWNER),
}


@pytest.fixture
async def house(database):
    """Make a private room with messages of people who have been there, and are no longer."""
    names = ("owner", "left", "kicked", "banned", "stranger")
    people = {name: (await sign_in_guest(database, name)).user for name in names}
    owner = people.pop("owner")
    room = (await create_room(database, owner, "nonce-00", "secret", "", Visibility.PRIVATE)).room.id
    for name in ("left", "kicked", "banned"):
        await invite(database, owner, room, f"nonce-in-{name}", people[name].id)
    file = StoredFile(Attachment("f_file", "a", "text/plain", 1), people["left"].id, room, "")
    await database.write(lambda transaction: files.add(transaction.connection, file, 1))
    q = (await post_message(database, people["left"], room, "nonce-01", "mine", files=["f_file"])).q
    await leave_room(database, people["left"], room, "nonce-02")
    await kick(database, owner, room, "nonce-03", people["kicked"].id)
    await ban(database, owner, room, "nonce-04", people["banned"].id)
    return owner, people, room, q


async def refusal(doing) -> tuple[str, str, float | None]:
    """Return all that is told of a refusal."""
    with pytest.raises(ChatError) as caught:
        await doing
    return caught.value.code.value, str(caught.value), caught.value.after


async def test_secret_room_is_no_room(database, house, heard) -> None:
    """To everyone who isn't in it, a private room answers as one that isn't there, and does nothing."""
    owner, people, room, q = house
    heard.clear()

    told = {
        (verb, name, where): await refusal(do(database, user, where, q, owner.id))
        for verb, do in VERBS.items()
        for name, user in people.items()
        for where in (room, "r_nowhere")
    }

    not_found = ("not_found", str(ChatError(Code.NOT_FOUND)), None)
    assert {which: answer for which, answer in told.items() if answer != not_found} == {}
    assert heard == []
