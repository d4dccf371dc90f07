"""Which action each write is."""

from __future__ import annotations

import pytest

from hubbub.actions.create_room import create_room
from hubbub.actions.join_room import join_room
from hubbub.domain.models import LOBBY, Visibility


@pytest.fixture
async def message(ann) -> int:
    """Post a message of Ann's, and return its number."""
    return (await ann.send("nonce-00", "你好"))["q"]


async def read(peer, q: int) -> dict:
    """Return a message as it is now."""
    page = await peer.ask("hist", s=LOBBY, around=q, limit=1)
    [found] = page["msgs"]
    return found


async def test_send_is_answered_with_its_place(ann) -> None:
    """A message is answered with its number, and the same again with the same."""
    first = await ann.send("nonce-01", "你好")
    again = await ann.send("nonce-01", "你好")
    other = await ann.send("nonce-01", "再见")

    assert first.keys() == {"t", "id", "q", "ts"}
    assert again == first | {"dup": True}
    assert (other["code"], other["retry"]) == ("nonce_reuse", False)


async def test_send_answers_messages(ann, message) -> None:
    """A message may answer another, and may go to a thread."""
    await ann.send("nonce-02", re=message)
    last = await ann.send("nonce-03", th=message)

    assert (await read(ann, last["q"]))["th"] == message
    assert (await read(ann, last["q"] - 1))["re"] == message
    assert (await read(ann, message))["rc"] == 1


@pytest.mark.parametrize(
    "t,fields,becomes",
    [
        ("edit", {"d": {"text": "再见"}}, {"text": "再见"}),
        ("del", {}, {"text": ""}),
        ("react", {"e": "👍", "on": True}, {"text": "你好"}),
    ],
)
async def test_message_is_changed(ann, bob, message, t, fields, becomes) -> None:
    """An edit, a deletion and a reaction are events, answered as a message is, and once for their nonce."""
    await bob.ask("sub", s=LOBBY)
    done = await ann.ask(t, s=LOBBY, n="nonce-01", m=message, **fields)
    again = await ann.ask(t, s=LOBBY, n="nonce-01", m=message, **fields)
    other = await ann.ask(t, s=LOBBY, n="nonce-01", m=message + 1, **fields)

    assert done.keys() == {"t", "id", "q", "ts"}
    assert again == done | {"dup": True}
    assert other["code"] == "nonce_reuse"
    [event] = bob.heard("ev")
    assert (event["q"], event["d"]["m"], event["d"]["n"]) == (done["q"], message, "nonce-01")
    assert becomes.items() <= (await read(bob, message)).items()
    assert (await read(bob, message))["rev"] == done["q"]


async def test_edit_holds_against_its_base(ann, message) -> None:
    """Who edits another text than there is, is told so."""
    first = await ann.ask("edit", s=LOBBY, n="nonce-01", m=message, d={"text": "a"}, base=message)
    late = await ann.ask("edit", s=LOBBY, n="nonce-02", m=message, d={"text": "b"}, base=message)

    assert (first["t"], late["code"]) == ("ok", "edit_conflict")


async def test_reaction_is_taken_back(ann, bob, message) -> None:
    """A reaction is on or off."""
    await bob.ask("react", s=LOBBY, n="nonce-01", m=message, e="👍", on=True)
    assert (await read(ann, message))["rx"] == {"👍": [bob.user.id]}

    await bob.ask("react", s=LOBBY, n="nonce-02", m=message, e="👍", on=False)
    assert "rx" not in await read(ann, message)


async def test_pin_is_for_who_keeps_order(ann) -> None:
    """A message is pinned and taken down by an owner, and not in the lobby, which nobody owns."""
    room = (await ann.call("room.create", "nonce-01", name="garden"))["r"]["room"]["id"]
    message = (await ann.send("nonce-02", s=room))["q"]
    pinned = await ann.ask("pin", s=room, n="nonce-03", m=message, on=True)
    shown = await ann.call("msg.pinned", s=room)
    await ann.ask("pin", s=room, n="nonce-04", m=message, on=False)
    elsewhere = (await ann.send("nonce-05"))["q"]

    assert [each["pin"] for each in shown["r"]["msgs"]] == [pinned["q"]]
    assert (await ann.call("msg.pinned", s=room))["r"]["msgs"] == []
    assert (await ann.ask("pin", s=LOBBY, n="nonce-06", m=elsewhere, on=True))["code"] == "forbidden"


async def test_writes_of_all_kinds_keep_their_order(ann, message) -> None:
    """What is sent without waiting is done in its order, whatever it is."""
    await ann.tell("edit", id=1, s=LOBBY, n="nonce-01", m=message, d={"text": "a"})
    await ann.tell("react", id=2, s=LOBBY, n="nonce-02", m=message, e="👍", on=True)
    await ann.tell("send", id=3, s=LOBBY, n="nonce-03", d={"text": "b"})
    await ann.tell("del", id=4, s=LOBBY, n="nonce-04", m=message)
    await ann.requests.settle()
    answers = ann.heard("ok")

    assert [answer["id"] for answer in answers] == [1, 2, 3, 4]
    assert [answer["q"] for answer in answers] == list(range(message + 1, message + 5))


async def test_refused_write_holds_up_others(ann, message, monkeypatch) -> None:
    """A message that was refused for now isn't overtaken by what changes one, until it is given up."""
    monkeypatch.setattr("hubbub.wire.REQUESTS", 0)
    assert (await ann.send("nonce-01"))["code"] == "too_many_requests"
    monkeypatch.undo()
    fields = {"s": LOBBY, "n": "nonce-02", "m": message}
    assert (await ann.ask("del", **fields))["code"] == "too_many_requests"

    await ann.ask("skip", s=LOBBY, n="nonce-01")
    assert (await ann.ask("del", **fields))["t"] == "ok"


@pytest.mark.parametrize("s", ["me", "r_nowhere", "x"])
@pytest.mark.parametrize(
    "t,fields",
    [
        ("send", {"d": {"text": "hi"}}),
        ("edit", {"m": 1, "d": {"text": "hi"}}),
        ("del", {"m": 1}),
        ("react", {"m": 1, "e": "👍", "on": True}),
        ("pin", {"m": 1, "on": True}),
    ],
)
async def test_nothing_is_written_elsewhere(ann, s, t, fields) -> None:
    """One's own stream, and what isn't there or isn't one's own, can't be written to."""
    assert (await ann.ask(t, s=s, n="nonce-01", **fields))["code"] == "not_found"


async def test_refusal_is_not_remembered(ann, bob, database) -> None:
    """What was refused for good takes effect when the same is sent again, once it may."""
    made = await create_room(database, ann.user, "nonce-00", "garden", "", Visibility.PUBLIC)
    refused = await bob.send("nonce-01", s=made.room.id)
    await join_room(database, bob.user, "nonce-02", made.room.id)
    again = await bob.send("nonce-01", s=made.room.id)

    assert (refused["code"], refused["retry"]) == ("not_member", False)
    assert again["t"] == "ok"
    assert "dup" not in again
    assert (await bob.send("nonce-01", s=made.room.id)) == again | {"dup": True}
