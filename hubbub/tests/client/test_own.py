"""What a user keeps, as their sessions see it."""

from __future__ import annotations

import msgspec

from hubbub import wire
from hubbub.client.news import Reset, read_event
from hubbub.client.own import BlockedUsers, OwnValues


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


def test_blocked_follows_the_news() -> None:
    """Of whom the user wants nothing is what the inbox says, at first and after each change."""
    blocked = BlockedUsers()
    bob = wire.UserInfo("u_bob", "Bob")

    blocked.learn(Reset(wire.ME, 1, 3, wire.InboxCopy([], {}, {}, [bob]), False))
    for q, (user, on) in enumerate((("u_cem", "true"), ("u_bob", "false"))):
        body = f'{{"user":{{"id":"{user}","name":"Cem"}},"on":{on}}}'
        blocked.learn(read_event(wire.Event(wire.ME, 4 + q, "block", 1, "u_ann", msgspec.Raw(body.encode()))))

    assert blocked == {"u_cem": "Cem"}
