"""Pinning messages."""

from __future__ import annotations

import json

from hubbub.actions import pin_message as module
from hubbub.actions.pin_message import pin_message
from hubbub.domain.models import Sight
from hubbub.storage import messages


async def test_message_is_pinned_and_taken_down(database, people, room, say, heard) -> None:
    """A message knows which event pinned it last."""
    q = await say("member")
    heard.clear()
    seen = []
    for n, on in enumerate((True, True, False)):
        pinned = await pin_message(database, people["moderator"], room, f"nonce-{n:02}", q, on=on)
        message = await database.read(lambda connection: messages.find(connection, Sight(room), q))
        seen.append((message.pinned, message.rev == pinned.q))

    assert seen == [(q + 1, True), (q + 2, True), (None, True)]
    assert json.loads(heard[0].body) == {"n": "nonce-00", "m": q, "on": True}


async def test_members_pin_nothing(database, people, room, say, code_of) -> None:
    """Only who keeps order pins messages, whoever wrote them."""
    q = await say("member")

    for n, on in enumerate((True, False)):
        pinning = pin_message(database, people["member"], room, f"nonce-{n:02}", q, on=on)
        assert await code_of(pinning) == "forbidden"


async def test_pins_are_limited(database, people, room, say, heard, code_of, monkeypatch) -> None:
    """One too many is refused; what is pinned may be pinned again, and taken down to make room."""
    monkeypatch.setattr(module, "PINS", 2)
    nonces = iter("abcdefgh")

    def pin(q: int, *, on: bool = True):
        return pin_message(database, people["owner"], room, f"nonce-0{next(nonces)}", q, on=on)

    first, second, third = [await say("member") for _ in range(3)]
    await pin(first)
    await pin(second)
    heard.clear()

    assert await code_of(pin(third)) == "invalid"
    assert heard == []
    await pin(first)
    await pin(second, on=False)
    await pin(third)
    pins = await database.read(lambda connection: messages.list_pins(connection, Sight(room)))
    assert [q for q, _ in pins] == [third, first]
