"""Pinning messages."""

from __future__ import annotations

import json

from hubbub.actions.pin_message import pin_message
from hubbub.storage import messages


async def test_message_is_pinned_and_taken_down(database, people, room, say, heard) -> None:
    """A message knows which event pinned it last."""
    q = await say("member")
    heard.clear()
    seen = []
    for n, on in enumerate((True, True, False)):
        pinned = await pin_message(database, people["moderator"], room, f"nonce-{n:02}", q, on=on)
        async with database.read() as connection:
            message = await messages.find(connection, room, q)
        seen.append((message.pinned, message.rev == pinned.q))

    assert seen == [(q + 1, True), (q + 2, True), (None, True)]
    assert json.loads(heard[0].body) == {"n": "nonce-00", "m": q, "on": True}


async def test_members_pin_nothing(database, people, room, say, code_of) -> None:
    """Only who keeps order pins messages, whoever wrote them."""
    q = await say("member")

    for n, on in enumerate((True, False)):
        pinning = pin_message(database, people["member"], room, f"nonce-{n:02}", q, on=on)
        assert await code_of(pinning) == "forbidden"
