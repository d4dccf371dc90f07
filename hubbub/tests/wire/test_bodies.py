"""What events say, as JSON."""

from __future__ import annotations

import json

import pytest
from msgspec import Struct

from hubbub.wire import bodies
from hubbub.wire.shapes import RoomInfo, UserInfo

from .strategies import encoded

ANN = UserInfo("u_ann", "Ann")
ROOM = RoomInfo("r_x", "X", "", "public")


@pytest.mark.parametrize(
    "kind,body,fields",
    [
        ("msg.new", bodies.PostedBody("nonce-01", "hi"), {"n": "nonce-01", "text": "hi"}),
        ("msg.edit", bodies.EditedBody("nonce-01", 3, "ho"), {"n": "nonce-01", "m": 3, "text": "ho"}),
        ("msg.del", bodies.DeletedBody("nonce-01", 3), {"n": "nonce-01", "m": 3}),
        (
            "react",
            bodies.ReactedBody("nonce-01", 3, "👍", True),
            {"n": "nonce-01", "m": 3, "e": "👍", "on": True},
        ),
        ("pin", bodies.PinnedBody("nonce-01", 3, False), {"n": "nonce-01", "m": 3, "on": False}),
        ("member", bodies.MemberBody("join", ANN), {"op": "join", "user": {"id": "u_ann", "name": "Ann"}}),
        (
            "member",
            bodies.MemberBody("role", ANN, "owner"),
            {"op": "role", "user": {"id": "u_ann", "name": "Ann"}, "role": "owner"},
        ),
        (
            "room",
            bodies.RoomBody(ROOM),
            {"room": {"id": "r_x", "name": "X", "topic": "", "visibility": "public"}},
        ),
        ("room.rm", bodies.RoomRemovedBody("r_x", "ban"), {"room": "r_x", "why": "ban"}),
        ("read", bodies.ReadBody("r_x", 3, 2, 1), {"s": "r_x", "q": 3, "unread": 2, "mentions": 1}),
        (
            "read",
            bodies.ReadBody("r_x", 3, 2, 1, 5),
            {"s": "r_x", "q": 3, "unread": 2, "mentions": 1, "asof": 5},
        ),
        ("mention", bodies.MentionBody("r_x", 3), {"s": "r_x", "q": 3}),
    ],
)
def test_body_has_its_fields(kind: str, body: Struct, fields: dict[str, object]) -> None:
    """Every kind of event says what the protocol has for it."""
    assert bodies.EVENTS[kind] is type(body)
    assert json.loads(encoded(body)) == fields


def test_only_texts_are_forgotten() -> None:
    """What may be forgotten are the events that have a text."""
    with_text = {kind for kind, body in bodies.EVENTS.items() if "text" in body.__struct_fields__}

    assert with_text == bodies.FORGETTABLE
