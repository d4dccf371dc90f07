"""How far streams have come."""

from __future__ import annotations

from hubbub.actions.post_message import post_message
from hubbub.actions.read_heads import read_heads
from hubbub.domain.models import LOBBY, Head


async def test_heads_are_those_of_ones_streams(database, guest, wall_clock) -> None:
    """One's heads are those of the inbox and of one's rooms, and of nobody else's."""
    ann, _bob = await guest("Ann"), await guest("Bob")
    posted = await post_message(database, ann.user, LOBBY, "nonce-01", "hi")

    heads = await read_heads(database, ann.user)

    assert sorted(heads, key=lambda head: head.q) == [
        Head(ann.user.id, wall_clock.now, 1),
        Head(LOBBY, wall_clock.now, posted.q),
    ]
