"""What a user keeps, as their sessions see it."""

from __future__ import annotations

import msgspec

from hubbub import wire
from hubbub.client.news import Reset, read_event
from hubbub.client.own import OwnValues


def test_own_follows_the_news() -> None:
    """It is what the inbox says: all of it at first, and then each change."""
    own = OwnValues()
    own["pref.old"] = 1

    own.learn(Reset(wire.ME, 1, 3, wire.InboxCopy([], {}, {"pref.a": 1, "pref.b": [2]}), False))
    for q, body in enumerate(
        (b'{"key":"pref.a"}', b'{"key":"pref.c","value":null}', b'{"key":"pref.d","value":0}')
    ):
        own.learn(read_event(wire.Event(wire.ME, 4 + q, "set", 1, "u_ann", msgspec.Raw(body))))

    assert own == {"pref.b": [2], "pref.d": 0}
