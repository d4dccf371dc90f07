"""Changing rooms."""

from __future__ import annotations

import json

import pytest

from hubbub.actions.change_room import change_room
from hubbub.actions.edit_message import edit_message
from hubbub.actions.join_room import join_room
from hubbub.actions.leave_room import leave_room
from hubbub.actions.mark_read import mark_read
from hubbub.actions.pin_message import pin_message
from hubbub.actions.post_message import post_message
from hubbub.actions.read_history import Side, read_history
from hubbub.actions.read_log import read_log
from hubbub.actions.read_pinned import read_pinned
from hubbub.actions.read_tail import read_tail
from hubbub.actions.read_thread import read_thread
from hubbub.actions.read_versions import read_versions
from hubbub.actions.sync_stream import Delta, RoomSnapshot, sync_stream
from hubbub.domain.models import History, Position, Room, Visibility
from hubbub.storage import rooms


async def test_change_is_told(database, people, room, heard) -> None:
    """The room hears what it is now; what wasn't given stays."""
    changed = await change_room(database, people["moderator"], room, "nonce-01", name=" yard ")
    await change_room(database, people["owner"], room, "nonce-02", topic="", visibility=Visibility.PRIVATE)

    first, second = heard
    assert (first.stream, first.kind, first.q) == (room, "room", changed.q)
    shown = {"id": room, "name": "yard", "topic": "tea", "visibility": "public"}
    assert json.loads(first.body) == {"room": shown}
    assert json.loads(second.body) == {"room": shown | {"topic": "", "visibility": "private"}}
    assert await database.read(lambda connection: rooms.find(connection, room)) == Room(
        room, "yard", "", Visibility.PRIVATE
    )


@pytest.mark.parametrize("who,code", [("member", "forbidden"), ("stranger", "not_member")])
async def test_others_change_nothing(database, people, room, heard, code_of, who, code) -> None:
    """Only who keeps order may."""
    assert await code_of(change_room(database, people[who], room, "nonce-01", name="mine")) == code
    assert heard == []


async def test_strange_name_is_refused(database, people, room, heard, code_of) -> None:
    """What can't be a name or a topic changes nothing."""
    owner = people["owner"]

    assert await code_of(change_room(database, owner, room, "nonce-01", name="")) == "invalid"
    assert await code_of(change_room(database, owner, room, "nonce-01", topic="a\0b")) == "invalid"
    assert heard == []


async def test_repeat_changes_once(database, people, room, code_of) -> None:
    """The same request again doesn't undo what came later; another one isn't the same."""
    owner = people["owner"]
    first = await change_room(database, owner, room, "nonce-01", name="yard")
    await change_room(database, owner, room, "nonce-02", name="park")
    again = await change_room(database, owner, room, "nonce-01", name="yard")

    assert (again.q, again.dup) == (first.q, True)
    assert await database.read(lambda connection: rooms.find(connection, room)) == Room(room, "park", "tea")
    assert await code_of(change_room(database, owner, room, "nonce-01", topic="yard")) == "nonce_reuse"


# Rooms whose members see only what has happened since they came, by whatever way they look


@pytest.fixture
async def old(database, people, room, say, nonces) -> int:
    """Write a message that is pinned and has a thread, before the stranger comes; return its number."""
    q = await say("owner", "secret")
    await say("member", "reply", thread=q)
    await pin_message(database, people["owner"], room, next(nonces), q, on=True)
    await change_room(database, people["owner"], room, next(nonces), history=History.JOINED)
    await join_room(database, people["stranger"], next(nonces), room)
    return q


async def test_nothing_from_before_is_read(database, people, room, say, nonces, old, code_of) -> None:
    """Pages, threads, pins, versions and the log begin where one came; others see what they saw."""
    me, joined = people["stranger"], (await read_log(database, people["owner"], room, 0)).head.q
    new = await say("owner", "welcome")

    for side, q in ((Side.BEFORE, new + 1), (Side.AFTER, 0), (Side.AROUND, old)):
        page = await read_history(database, me, room, side, q, 50)
        assert [message.q for message in page.messages] == [new]
        assert not page.more
    log = await read_log(database, me, room, 0)
    assert (log.events[0].q, log.gone, log.more) == (joined, joined - 1, False)
    assert (await read_pinned(database, me, room)).messages == []
    assert await code_of(read_thread(database, me, room, old)) == "not_found"
    assert await code_of(read_versions(database, me, room, old)) == "not_found"
    snapshot = await sync_stream(database, me, room, None)
    assert isinstance(snapshot, RoomSnapshot)
    assert ([message.q for message in snapshot.messages], snapshot.more, snapshot.pins) == ([new], False, [])
    owner = await sync_stream(database, people["owner"], room, None)
    assert old in [message.q for message in owner.messages]


async def test_nothing_from_before_is_touched(database, people, room, nonces, old, code_of) -> None:
    """What one doesn't see can't be answered, reacted to or changed."""
    me = people["stranger"]
    for more in ({"reply_to": old}, {"thread": old}):
        assert await code_of(post_message(database, me, room, next(nonces), "hm", **more)) == "invalid"
    assert await code_of(edit_message(database, me, room, next(nonces), old, "hm")) == "not_found"


async def test_what_follows_is_seen_whole(database, people, room, nonces, old) -> None:
    """Every event since one came is seen, also of older messages: numbers have no holes from there on."""
    at = await sync_stream(database, people["stranger"], room, None)
    await edit_message(database, people["owner"], room, next(nonces), old, "known to all")

    delta = await sync_stream(database, people["stranger"], room, Position(at.head.epoch, at.head.q))
    assert isinstance(delta, Delta)
    assert [event.kind for event in delta.events] == ["msg.edit"]


async def test_who_comes_back_gets_a_copy(database, people, room, say, nonces, old) -> None:
    """Who was away gets no delta that has in it what was said meanwhile, but begins anew."""
    me = people["stranger"]
    before = (await sync_stream(database, me, room, None)).head
    await leave_room(database, me, room, next(nonces))
    await say("owner", "while you were away")
    await join_room(database, me, next(nonces), room)

    copy = await sync_stream(database, me, room, Position(before.epoch, before.q))
    assert isinstance(copy, RoomSnapshot)
    assert copy.messages == []


async def test_nobody_is_told_from_memory(database, room, old) -> None:
    """A tail of such a room is of no use to anyone."""
    tail = await read_tail(database, room, 100, 100_000, 100)

    assert tail is not None
    assert (tail.events, tail.members) == ([], frozenset())


async def test_older_messages_wait_for_nobody(database, people, room, say, old) -> None:
    """However far back one marks a room unread, only what one sees waits."""
    me = people["stranger"]
    await say("owner", "welcome")

    assert (await mark_read(database, me, room, 0, back=True)).unread == 1


async def test_owners_say_who_sees_how_much(database, people, room, nonces, code_of, old) -> None:
    """Who only keeps order can't open the past; once an owner does, everyone sees it."""
    opening = change_room(database, people["moderator"], room, next(nonces), history=History.ALL)
    assert await code_of(opening) == "forbidden"
    await change_room(database, people["owner"], room, next(nonces), history=History.ALL)

    page = await read_history(database, people["stranger"], room, Side.BEFORE, 1_000, 50)
    assert old in [message.q for message in page.messages]
