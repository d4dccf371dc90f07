"""Talking to certain people."""

from __future__ import annotations

import asyncio

import pytest

from hubbub.actions.block_user import block_user
from hubbub.actions.change_room import change_room
from hubbub.actions.invite import invite
from hubbub.actions.leave_room import leave_room
from hubbub.actions.open_talk import open_talk
from hubbub.actions.pin_message import pin_message
from hubbub.actions.post_message import post_message
from hubbub.actions.read_history import Side, read_history
from hubbub.actions.sync_stream import sync_stream
from hubbub.domain import policies
from hubbub.domain.models import Kind, Visibility


async def test_two_have_one_room(database, people, nonces, heard) -> None:
    """Whoever opens it, and however many do at once, two people have one room, called after the other."""
    heard.clear()
    ann, bob = people["owner"], people["member"]

    opened = await asyncio.gather(
        *(open_talk(database, me, next(nonces), [other.id]) for me, other in [(ann, bob), (bob, ann)] * 3)
    )

    assert len({membership.room.id for membership in opened}) == 1
    room = opened[0].room
    assert (room.kind, room.visibility, {user.id for user in room.people}) == (
        Kind.DIRECT,
        Visibility.PRIVATE,
        {ann.id, bob.id},
    )
    assert [each.room.name for each in opened[:2]] == ["member", "owner"]
    assert sorted(event.stream for event in heard if event.kind == "room.add") == sorted([ann.id, bob.id])


async def test_opening_again_says_nothing(database, people, nonces, heard) -> None:
    """Who opens a room that is there gets it, and nobody hears of that."""
    ann, bob = people["owner"], people["member"]
    first = await open_talk(database, ann, next(nonces), [bob.id])
    heard.clear()

    assert (await open_talk(database, bob, next(nonces), [ann.id])).room.id == first.room.id
    assert heard == []


async def test_notes_are_for_oneself(database, people, nonces) -> None:
    """With nobody else there is one room, called as one is oneself."""
    ann = people["owner"]
    opened = [await open_talk(database, ann, next(nonces), others) for others in ([], [ann.id])]

    assert opened[0] == opened[1]
    assert (opened[0].room.kind, opened[0].room.name) == (Kind.NOTES, "owner")


async def test_groups_are_called_after_their_people(database, people, nonces) -> None:
    """A few people have a room that is called after the others, and a new one whenever it is opened anew."""
    ann, *others = (people[name] for name in ("owner", "member", "stranger"))
    ids = [each.id for each in others]
    group, other = [await open_talk(database, ann, next(nonces), ids) for _ in range(2)]
    again = await open_talk(database, ann, "nonce-group", ids)

    assert group.room.id != other.room.id
    assert (group.room.kind, set(group.room.name.split(", "))) == (Kind.GROUP, {"member", "stranger"})
    assert again == await open_talk(database, ann, "nonce-group", ids)


async def test_who_is_added_sees_what_follows(database, people, nonces, code_of, monkeypatch) -> None:
    """Whoever is in a group adds others, who see nothing from before; there is an end to it."""
    ann, bob, cem, dan = (people[name] for name in ("owner", "member", "stranger", "moderator"))
    group = (await open_talk(database, ann, next(nonces), [bob.id, cem.id])).room.id
    await post_message(database, ann, group, next(nonces), "between us")
    await invite(database, bob, group, next(nonces), dan.id)
    await post_message(database, ann, group, next(nonces), "welcome")

    snapshot = await sync_stream(database, dan, group, None)
    page = await read_history(database, dan, group, Side.BEFORE, 1_000, 50)
    assert [message.text for message in snapshot.messages] == ["welcome"]
    assert not snapshot.more
    assert [message.text for message in page.messages] == ["welcome"]
    assert snapshot.membership.room.name == "owner, member, stranger"
    await leave_room(database, dan, group, next(nonces))
    monkeypatch.setattr("hubbub.actions.invite.GROUP_PEOPLE", 3)
    assert await code_of(invite(database, ann, group, next(nonces), dan.id)) == "invalid"


async def test_talks_are_no_rooms(database, people, nonces, code_of) -> None:
    """A talk of two isn't left, changed or entered by others; either may pin there."""
    ann, bob, cem = (people[name] for name in ("owner", "member", "stranger"))
    room = (await open_talk(database, ann, next(nonces), [bob.id])).room.id
    q = (await post_message(database, bob, room, next(nonces), "hi")).q

    assert await code_of(leave_room(database, ann, room, next(nonces))) == "forbidden"
    assert await code_of(invite(database, ann, room, next(nonces), cem.id)) == "forbidden"
    assert await code_of(change_room(database, ann, room, next(nonces), name="us")) == "forbidden"
    assert await code_of(post_message(database, cem, room, next(nonces), "me too")) == "not_found"
    await pin_message(database, ann, room, next(nonces), q, on=True)


@pytest.mark.parametrize("who,whom", [("owner", "member"), ("member", "owner")])
async def test_blocks_close_talks(database, people, nonces, code_of, who, whom) -> None:
    """Where one blocks the other there is no new talk, whoever asks, and nothing tells who did."""
    await block_user(database, people[who], next(nonces), people[whom].id, on=True)
    others = [people["stranger"].id]

    for me, other in ((who, whom), (whom, who)):
        for ids in ([people[other].id], [people[other].id, *others]):
            assert await code_of(open_talk(database, people[me], next(nonces), ids)) == "forbidden"


async def test_strange_talks_are_refused(database, people, nonces, code_of) -> None:
    """Nobody talks to who isn't there, nor to too many."""
    ann = people["owner"]
    crowd = [f"u_{n}" for n in range(policies.GROUP_PEOPLE)]

    assert await code_of(open_talk(database, ann, next(nonces), ["u_nobody"])) == "not_found"
    assert await code_of(open_talk(database, ann, next(nonces), crowd)) == "invalid"
    assert await code_of(open_talk(database, ann, "short", [ann.id])) == "invalid"
