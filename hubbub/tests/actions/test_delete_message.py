"""Deleting messages."""

from __future__ import annotations

import json

import pytest

from hubbub.actions.delete_message import delete_message
from hubbub.actions.edit_message import edit_message
from hubbub.actions.post_message import post_message
from hubbub.actions.read_log import read_log
from hubbub.domain.models import Marks, Posted
from hubbub.storage import marks


@pytest.mark.parametrize("who", ["owner", "moderator", "member"])
async def test_message_is_forgotten(database, people, room, say, heard, who) -> None:
    """Its author and who keeps order take a message back; nothing that it said is left."""
    q = await say("member", "secret one")
    await edit_message(database, people["member"], room, "nonce-01", q, "secret two")
    heard.clear()

    await delete_message(database, people[who], room, "nonce-02", q)

    [event] = heard
    assert (event.kind, json.loads(event.body)) == ("msg.del", {"n": "nonce-02", "m": q})
    log = (await read_log(database, people["owner"], room, 0)).events
    assert [each.body for each in log if each.q in {q, q + 1}] == ["{}", "{}"]
    assert not [each for each in log if "secret" in each.body]


@pytest.mark.parametrize("author", ["owner", "moderator"])
async def test_member_deletes_their_own_only(database, people, room, say, code_of, author) -> None:
    """A member can't take back what another said."""
    q = await say(author)

    assert await code_of(delete_message(database, people["member"], room, "nonce-01", q)) == "forbidden"


async def test_deleted_mention_waits_for_nobody(database, people, room, say) -> None:
    """A deleted message is neither unread nor a mention any more."""
    owner = people["owner"]
    q = await say("member", f"<@{owner.id}>")
    await say("member", f"<@{owner.id}>")

    await delete_message(database, people["member"], room, "nonce-01", q)

    found = await database.read(lambda connection: marks.find(connection, room, owner.id))
    assert await database.read(lambda connection: marks.recount(connection, room)) == []
    assert found == Marks(1, 1, 1)


async def test_deleted_reply_names_its_thread(database, people, room, say, heard) -> None:
    """Who never had the reply learns whose thread has one less; the same again is the same event."""
    root = await say("owner")
    posted = await post_message(database, people["member"], room, "nonce-01", "a reply", thread=root)
    heard.clear()

    first = await delete_message(database, people["member"], room, "nonce-02", posted.q)
    again = await delete_message(database, people["member"], room, "nonce-02", posted.q)

    [event] = heard
    assert json.loads(event.body) == {"n": "nonce-02", "m": posted.q, "th": root}
    assert again == Posted(first.q, first.ts, True)
