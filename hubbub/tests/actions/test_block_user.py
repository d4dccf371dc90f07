"""Wanting nothing of somebody."""

from __future__ import annotations

import json

import pytest

from hubbub.actions.block_user import block_user
from hubbub.actions.delete_message import delete_message
from hubbub.actions.invite import invite
from hubbub.actions.open_talk import open_talk
from hubbub.actions.post_message import post_message
from hubbub.actions.react import react
from hubbub.actions.sync_stream import sync_stream


@pytest.fixture
def block(database, nonces):
    """Return what lets one block another."""

    async def block(user, other, *, on: bool = True) -> None:
        await block_user(database, user, next(nonces), other.id, on=on)

    return block


async def test_only_the_user_is_told(database, people, block, heard) -> None:
    """It is an event of one's own stream, part of its copy, and can be taken back."""
    heard.clear()
    ann, bob = people["owner"], people["member"]
    for _ in range(2):
        await block(ann, bob)

    assert {(event.stream, event.kind) for event in heard} == {(ann.id, "block")}
    assert json.loads(heard[0].body) == {"user": {"id": bob.id, "name": "member"}, "on": True}
    assert (await sync_stream(database, ann, ann.id, None)).blocked == [bob]
    assert (await sync_stream(database, bob, bob.id, None)).blocked == []
    await block(ann, bob, on=False)
    assert (await sync_stream(database, ann, ann.id, None)).blocked == []


@pytest.mark.parametrize("who,whom", [("owner", "member"), ("member", "owner")])
async def test_nothing_is_written_between_them(database, people, nonces, block, code_of, who, whom) -> None:
    """In the room of the two neither writes, whoever blocked; what one said one may take back."""
    ann, bob = people["owner"], people["member"]
    room = (await open_talk(database, ann, next(nonces), [bob.id])).room.id
    q = (await post_message(database, ann, room, next(nonces), "hi")).q
    await block(people[who], people[whom])

    for user in (ann, bob):
        assert await code_of(post_message(database, user, room, next(nonces), "hi")) == "forbidden"
        assert await code_of(react(database, user, room, next(nonces), q, "👍", on=True)) == "forbidden"
    await delete_message(database, ann, room, next(nonces), q)
    await block(people[who], people[whom], on=False)
    await post_message(database, bob, room, next(nonces), "there you are")


async def test_elsewhere_both_write(database, people, nonces, block, room) -> None:
    """In rooms of others a block changes nothing for either."""
    await block(people["owner"], people["member"])

    for name in ("owner", "member"):
        await post_message(database, people[name], room, next(nonces), "hi")


async def test_invitations_are_refused(database, people, nonces, block, room, code_of) -> None:
    """Who is blocked can't ask one into rooms; others can."""
    await block(people["stranger"], people["moderator"])
    stranger = people["stranger"].id

    assert await code_of(invite(database, people["moderator"], room, next(nonces), stranger)) == "forbidden"
    await invite(database, people["owner"], room, next(nonces), stranger)


async def test_strange_blocks_are_refused(database, people, nonces, block, code_of, monkeypatch) -> None:
    """One blocks neither oneself nor nobody, nor very many."""
    ann = people["owner"]
    assert await code_of(block_user(database, ann, next(nonces), ann.id, on=True)) == "invalid"
    assert await code_of(block_user(database, ann, next(nonces), "u_nobody", on=True)) == "not_found"
    monkeypatch.setattr("hubbub.actions.block_user.BLOCKS", 1)
    await block(ann, people["member"])
    assert await code_of(block(ann, people["stranger"])) == "invalid"
