"""What the chat has, as the wire shows it."""

from __future__ import annotations

import json

import msgspec
import pytest

from hubbub import wire
from hubbub.domain import events, models, policies
from hubbub.domain.errors import FACTS, ChatError, Code
from hubbub.domain.events import MemberChange, StoredEvent
from hubbub.realtime import session, showing

ANN = models.User("u_ann", "Ann", "guest")
ROOM = models.Room("r_x", "X", "about", models.Visibility.PRIVATE)
MESSAGE = models.Message(3, 9, 5, "u_ann", "nonce-01", "hi", 1, 2, 4, 6, 7, 8, 1, {"👍": ("u_bo", "u_ann")})


def test_error_is_shown() -> None:
    """An error has its code and its sentence, and says when to come again in milliseconds, rounded up."""
    assert showing.error(ChatError(Code.TOO_MANY_REQUESTS, after=0.2501), 4) == wire.Err(
        "too_many_requests", "Too many requests; slow down.", True, 4, 251
    )
    assert showing.error(ChatError(Code.INVALID, "No.")) == wire.Err("invalid", "No.", False)


def test_bad_frame_is_shown() -> None:
    """What couldn't be read is answered by its id, in a sentence even where there is nothing to say."""
    bad = wire.BadFrameError("bad_frame", "Expected an integer.", 4)
    unknown = wire.BadFrameError("unknown_op", "", None)

    assert showing.bad_frame(bad) == wire.Err("bad_frame", "Expected an integer.", False, 4)
    assert showing.bad_frame(unknown) == wire.Err("unknown_op", FACTS[Code.UNKNOWN_OP].sentence, False)


def test_inbox_is_called_me() -> None:
    """A user's inbox is called `me`, in events as elsewhere."""
    event = showing.event(StoredEvent("u_ann", 1, "room.add", 5, "u_ann", "{}"))

    assert event.s == showing.stream_name("u_ann") == "me"
    assert showing.stream_name("r_x") == "r_x"


def test_message_is_shown() -> None:
    """Everything that a message is, is shown."""
    assert showing.messages([MESSAGE]) == [
        wire.MessageInfo(3, 9, 5, "u_ann", "nonce-01", "hi", 4, 1, 2, 6, 7, 8, {"👍": ["u_bo", "u_ann"]}, 1)
    ]


def test_inbox_is_shown() -> None:
    """Rooms are shown with what one is there, and what waits there; what one keeps is shown as it is."""
    mine = models.Membership(ROOM, models.Role.OWNER, models.Marks(3, 2, 1), asof=9)
    copy = showing.inbox([mine], {"pref.a": '{"b":1}'}, [models.User("u_bo", "Bo", "guest")])

    assert json.loads(msgspec.json.encode(copy)) == {
        "rooms": [{"id": "r_x", "name": "X", "topic": "about", "visibility": "private", "role": "owner"}],
        "marks": {"r_x": {"read": 3, "unread": 2, "mentions": 1, "asof": 9}},
        "own": {"pref.a": {"b": 1}},
        "blocked": [{"id": "u_bo", "name": "Bo"}],
    }


def test_names_are_shown() -> None:
    """Users are shown by what is known of them."""
    assert showing.names({"u_ann": "Ann"}) == {"u_ann": wire.NameInfo("Ann")}
    assert showing.me(ANN) == wire.MeInfo("u_ann", "Ann", "guest")


@pytest.mark.parametrize(
    "event",
    [
        events.MessagePosted("nonce-01", "hi", 1, 2),
        events.MessagePosted("nonce-01", "hi"),
        events.MessageEdited("nonce-01", 3, "ho"),
        events.MessageDeleted("nonce-01", 3),
        events.Reacted("nonce-01", 3, "👍", True),
        events.Pinned("nonce-01", 3, False),
        events.MemberChanged(MemberChange.ROLE, ANN, models.Role.OWNER),
        events.MemberChanged(MemberChange.JOIN, ANN),
        events.RoomChanged(ROOM),
        events.RoomAdded(ROOM),
        events.RoomRemoved("r_x", MemberChange.KICK),
        events.Read("r_x", models.Marks(3, 2, 1), 5),
        events.Mentioned("r_x", 3),
    ],
    ids=lambda event: event.kind,
)
def test_every_event_is_of_the_wire(event: events.Event) -> None:
    """What happens in the chat is what the wire has for it: no field more, and none less."""
    stored = json.dumps(event.body())
    body = wire.body_of(showing.event(StoredEvent("r_x", 1, event.kind, 5, "u_ann", stored)))

    assert json.loads(msgspec.json.encode(body)) == json.loads(stored)


def test_wire_has_every_code() -> None:
    """The wire has the chat's errors, and says the same of them."""
    assert {code.value: facts.retry for code, facts in FACTS.items()} == wire.ERRORS


def test_wire_has_every_word() -> None:
    """What is known on the wire of rooms, roles and changes is what there is."""

    def known(kind: object) -> list[str]:
        [(schema,), _] = msgspec.json.schema_components([kind])
        return schema["x-known"]

    assert known(wire.SomeRole) == list(models.Role)
    assert known(wire.SomeVisibility) == list(models.Visibility)
    assert known(wire.Change) == list(MemberChange)
    assert known(wire.Removal) == [change for change in MemberChange if change.ends_membership]


def test_goodbyes_are_of_the_wire() -> None:
    """A session ends as the wire says that it does."""
    goodbyes = [value for value in vars(session).values() if isinstance(value, session.Goodbye)]

    assert goodbyes
    assert all(goodbye.retry == wire.CLOSINGS[goodbye.code].retry for goodbye in goodbyes)


def test_nonces_are_alike() -> None:
    """What the schema calls a nonce is what the chat takes for one."""
    [(schema,), _] = msgspec.json.schema_components([wire.Nonce])

    assert schema["pattern"] == f"^[A-Za-z0-9_-]{{{policies.NONCE_MIN},{policies.NONCE_MAX}}}$"
    assert schema["maxLength"] == policies.NONCE_MAX
