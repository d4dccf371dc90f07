"""The kinds and bodies of events."""

from __future__ import annotations

import pytest

from hubbub.domain.events import (
    Event,
    MemberChange,
    MemberChanged,
    Mentioned,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    Pinned,
    Reacted,
    Read,
    RoomAdded,
    RoomChanged,
    RoomRemoved,
)
from hubbub.domain.models import Marks, Role, Room, User, Visibility

ANN = User("u_ann", "Ann", "guest")
ANN_SHOWN = {"id": "u_ann", "name": "Ann"}
ROOM = Room("r_x", "X", "t", Visibility.PRIVATE)
ROOM_SHOWN = {"id": "r_x", "name": "X", "topic": "t", "visibility": "private"}


@pytest.mark.parametrize(
    "event,kind,body",
    [
        (MessagePosted("nonce-01", "hi"), "msg.new", {"n": "nonce-01", "text": "hi"}),
        (MessagePosted("nonce-01", "hi", 3), "msg.new", {"n": "nonce-01", "text": "hi", "re": 3}),
        (
            MessagePosted("nonce-01", "hi", None, 3),
            "msg.new",
            {"n": "nonce-01", "text": "hi", "th": 3},
        ),
        (MessageEdited("nonce-01", 3, "ho"), "msg.edit", {"n": "nonce-01", "m": 3, "text": "ho"}),
        (MessageDeleted("nonce-01", 3), "msg.del", {"n": "nonce-01", "m": 3}),
        (Reacted("nonce-01", 3, "👍", True), "react", {"n": "nonce-01", "m": 3, "e": "👍", "on": True}),
        (Pinned("nonce-01", 3, False), "pin", {"n": "nonce-01", "m": 3, "on": False}),
        (MemberChanged(MemberChange.JOIN, ANN), "member", {"op": "join", "user": ANN_SHOWN}),
        (
            MemberChanged(MemberChange.ROLE, ANN, Role.OWNER),
            "member",
            {"op": "role", "user": ANN_SHOWN, "role": "owner"},
        ),
        (RoomChanged(ROOM), "room", {"room": ROOM_SHOWN}),
        (RoomAdded(ROOM), "room.add", {"room": ROOM_SHOWN}),
        (RoomRemoved("r_x", MemberChange.KICK), "room.rm", {"room": "r_x", "why": "kick"}),
        (
            Read("r_x", Marks(7, 2, 1), 9),
            "read",
            {"s": "r_x", "q": 7, "unread": 2, "mentions": 1, "asof": 9},
        ),
        (Mentioned("r_x", 7), "mention", {"s": "r_x", "q": 7}),
    ],
)
def test_event_has_kind_and_body(event: Event, kind: str, body: dict[str, object]) -> None:
    """Each event has the kind and the body that the protocol has for it."""
    assert (event.kind, event.body()) == (kind, body)


def test_end_of_membership_is_known() -> None:
    """Who left, or was made to, is a member no more."""
    assert {change for change in MemberChange if change.ends_membership} == {"leave", "kick", "ban"}


def test_only_words_to_the_room_count() -> None:
    """What is written into a thread isn't unread to the room."""
    assert MessagePosted("nonce-01", "hi", 3).counts
    assert not MessagePosted("nonce-01", "hi", None, 3).counts
