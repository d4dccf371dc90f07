"""The kinds and bodies of events."""

from __future__ import annotations

import pytest

from hubbub.domain.events import Event, MemberJoined, MemberRenamed, MessagePosted, RoomAdded
from hubbub.domain.models import Room, User

ANN = User("u_ann", "Ann", "guest")


@pytest.mark.parametrize(
    "event,kind,body",
    [
        (MessagePosted("nonce-01", "hi"), "msg.new", {"n": "nonce-01", "text": "hi"}),
        (MessagePosted("nonce-01", "hi", 3), "msg.new", {"n": "nonce-01", "text": "hi", "re": 3}),
        (MemberJoined(ANN), "member", {"op": "join", "user": {"id": "u_ann", "name": "Ann"}}),
        (MemberRenamed(ANN), "member", {"op": "rename", "user": {"id": "u_ann", "name": "Ann"}}),
        (RoomAdded(Room("r_x", "X", "t")), "room.add", {"room": {"id": "r_x", "name": "X"}}),
    ],
)
def test_event_has_kind_and_body(event: Event, kind: str, body: dict[str, object]) -> None:
    """Each event has the kind and the body that the protocol has for it."""
    assert (event.kind, event.body()) == (kind, body)
