"""Reacting to messages."""

from __future__ import annotations

import json

import pytest

from hubbub.actions import react as module
from hubbub.actions.react import react
from hubbub.domain.models import Sight
from hubbub.storage import messages


async def test_reaction_comes_and_goes(database, people, room, say, heard) -> None:
    """A message has who reacts by what; each change is told, also one without effect."""
    q = await say("owner")
    heard.clear()
    member = people["member"]
    seen = []
    for n, on in enumerate((True, True, False, False)):
        await react(database, member, room, f"nonce-{n:02}", q, "❤️", on=on)
        seen.append(
            (await database.read(lambda connection: messages.find(connection, Sight(room), q))).reactions
        )

    assert seen == [{"❤️": [member.id]}, {"❤️": [member.id]}, {}, {}]
    assert [json.loads(event.body)["on"] for event in heard] == [True, True, False, False]
    assert json.loads(heard[0].body) == {"n": "nonce-00", "m": q, "e": "❤️", "on": True}


@pytest.mark.parametrize("emoji", ["", "ok", "👍\0"])
async def test_words_are_no_reaction(database, people, room, say, heard, code_of, emoji) -> None:
    """What is no emoji is refused."""
    q = await say("owner")
    heard.clear()

    assert await code_of(react(database, people["member"], room, "nonce-01", q, emoji, on=True)) == "invalid"
    assert heard == []


async def test_kinds_are_limited(database, people, room, say, code_of, monkeypatch) -> None:
    """A message has so many kinds of reactions; others can join in what there is, and take it back."""
    monkeypatch.setattr(module, "REACTIONS", 1)
    q = await say("owner")
    await react(database, people["owner"], room, "nonce-01", q, "👍", on=True)

    another = react(database, people["member"], room, "nonce-02", q, "❤️", on=True)
    assert await code_of(another) == "invalid"
    await react(database, people["member"], room, "nonce-03", q, "👍", on=True)
    await react(database, people["member"], room, "nonce-04", q, "❤️", on=False)
