"""Editing messages."""

from __future__ import annotations

import json

import pytest

from hubbub.actions.edit_message import edit_message
from hubbub.actions.react import react
from hubbub.domain.models import Sight
from hubbub.storage import messages


async def test_author_edits(database, people, room, say, heard, wall_clock) -> None:
    """The message has the new text, and says when and by which event."""
    q = await say("member", "one")
    heard.clear()
    wall_clock.now += 5

    edited = await edit_message(database, people["member"], room, "nonce-01", q, "两")

    [event] = heard
    assert (event.kind, json.loads(event.body)) == ("msg.edit", {"n": "nonce-01", "m": q, "text": "两"})
    message = await database.read(lambda connection: messages.find(connection, Sight(room), q))
    assert (message.text, message.rev, message.said, message.edited) == (
        "两",
        edited.q,
        edited.q,
        wall_clock.now,
    )


@pytest.mark.parametrize("who", ["owner", "moderator"])
async def test_nobody_else_edits(database, people, room, say, code_of, who) -> None:
    """Whatever someone is in a room, they put no words into another's mouth."""
    q = await say("member")

    assert await code_of(edit_message(database, people[who], room, "nonce-01", q, "no")) == "forbidden"


async def test_edit_is_held_against_its_base(database, people, room, say, code_of) -> None:
    """Who edits a text that isn't the message's any more is told; what else has changed doesn't matter."""
    member = people["member"]
    q = await say("member", "one")
    await react(database, people["owner"], room, "nonce-00", q, "👍", on=True)

    second = await edit_message(database, member, room, "nonce-01", q, "two", q)
    stale = edit_message(database, member, room, "nonce-02", q, "three", q)
    assert await code_of(stale) == "edit_conflict"
    await edit_message(database, member, room, "nonce-02", q, "three", second.q)
    await edit_message(database, member, room, "nonce-03", q, "four")


@pytest.mark.parametrize("text,code", [(" ", "invalid"), ("a\0", "invalid"), ("x" * 16_001, "too_long")])
async def test_bad_text_is_refused(database, people, room, say, heard, code_of, text, code) -> None:
    """What can't be a message's text isn't, afterwards either."""
    q = await say("member")
    heard.clear()

    assert await code_of(edit_message(database, people["member"], room, "nonce-01", q, text)) == code
    assert heard == []


async def test_edit_calls_nobody(database, people, room, say, heard) -> None:
    """Who is spoken of in an edit only isn't called."""
    q = await say("member")
    heard.clear()

    await edit_message(database, people["member"], room, "nonce-01", q, f"<@{people['owner'].id}>")

    assert [event.stream for event in heard] == [room]
