"""Which action each method is, and what it gives."""

from __future__ import annotations

import pytest

from hubbub import wire
from hubbub.domain.models import LOBBY


@pytest.fixture
async def garden(ann) -> str:
    """Make a room of Ann's."""
    return (await ann.call("room.create", "nonce-garden", name="garden"))["r"]["room"]["id"]


async def test_every_method_is_served(ann) -> None:
    """Whatever method is called with whatever it takes, somebody does it."""
    fields = {
        "name": "garden", "s": LOBBY, "user": "u_bob", "role": "owner", "q": 1, "id": "nobodys",
        "key": "pref.a", "lifetime": 60, "token": "x", "users": [], "on": True, "text": "Bob",
    }  # fmt: skip
    for name, method in wire.METHODS.items():
        takes = {field: value for field, value in fields.items() if hasattr(method.params, field)}
        takes |= {"role": "member"} if name == "user.role" else {}
        answer = await ann.call(name, f"nonce-{name.replace('.', '-')}", **takes)
        assert answer.get("code") not in {"unknown_op", "bad_frame", "internal"}, (name, answer)


async def test_room_is_made_once(ann) -> None:
    """A room is made for a nonce, and the same nonce gives the same room."""
    made = await ann.call("room.create", "nonce-01", name="garden", topic="tea", visibility="private")
    again = await ann.call("room.create", "nonce-01", name="garden", topic="tea", visibility="private")
    room = made["r"]["room"]

    assert again == made
    assert room == {
        "id": room["id"],
        "name": "garden",
        "topic": "tea",
        "visibility": "private",
        "role": "owner",
    }
    assert (await ann.ask("sub", s=room["id"]))["snap"]["room"] == room


async def test_methods_that_write_need_a_nonce(ann) -> None:
    """Without a nonce nothing is written."""
    assert (await ann.call("room.create", name="garden"))["code"] == "bad_frame"
    assert (await ann.call("room.create", "short", name="garden"))["code"] == "invalid"


async def test_room_is_found_and_entered(ann, bob, garden) -> None:
    """A public room is in the directory, and can be entered and left."""
    entry = {
        "room": {"id": garden, "name": "garden", "topic": "", "visibility": "public"},
        "members": 1,
        "joined": False,
    }
    assert entry in (await bob.call("room.list"))["r"]["rooms"]

    joined = await bob.call("room.join", "nonce-01", s=garden)
    assert joined["r"]["room"]["role"] == "member"
    left = await bob.call("room.leave", "nonce-02", s=garden)
    assert left["r"].keys() == {"q", "ts"}
    assert await bob.call("room.leave", "nonce-02", s=garden) == left | {"r": left["r"] | {"dup": True}}
    assert (await bob.call("room.leave", "nonce-03", s=garden))["code"] == "not_member"


async def test_lists_are_paged(ann, bob, garden) -> None:
    """What is longer than a page goes on from `next`."""
    await bob.call("room.join", "nonce-01", s=garden)
    for method, fields in (("room.list", {}), ("member.list", {"s": garden})):
        first = (await ann.call(method, limit=1, **fields))["r"]
        rest = (await ann.call(method, after=first["next"], **fields))["r"]
        [items] = first.keys() - {"next"}
        assert (len(first[items]), len(rest[items])) == (1, 1)
        assert "next" not in rest


async def test_room_is_changed(ann, make_peer, garden) -> None:
    """A room gets another name or topic, and keeps what isn't said."""
    other = await make_peer("Ann", ann.signed_in)
    await other.ask("sub", s=garden)
    changed = await ann.call("room.update", "nonce-01", s=garden, topic="tea", visibility="private")

    [event] = other.heard("ev")
    assert (event["q"], event["k"]) == (changed["r"]["q"], "room")
    assert event["d"]["room"] == {"id": garden, "name": "garden", "topic": "tea", "visibility": "private"}


async def test_members_are_managed(ann, bob, garden) -> None:
    """Someone is asked in, given a role, put out, kept out, and let in again."""
    other = {"s": garden, "user": bob.user.id}
    assert (await ann.call("room.invite", "nonce-01", **other))["t"] == "ok"
    assert (await ann.call("member.role", "nonce-02", role="moderator", **other))["t"] == "ok"
    members = (await ann.call("member.list", s=garden))["r"]["members"]
    assert {(each["name"], each["role"]) for each in members} == {("Ann", "owner"), ("Bob", "moderator")}

    assert (await ann.call("member.kick", "nonce-03", **other))["t"] == "ok"
    assert (await ann.call("member.ban", "nonce-04", **other))["t"] == "ok"
    assert (await bob.call("room.join", "nonce-05", s=garden))["code"] == "banned"
    assert (await ann.call("member.unban", "nonce-06", **other))["t"] == "ok"
    assert (await bob.call("room.join", "nonce-07", s=garden))["t"] == "ok"
    assert (await bob.call("member.kick", "nonce-08", s=garden, user=ann.user.id))["code"] == "forbidden"


async def test_messages_are_looked_up(ann) -> None:
    """A message's texts, its thread, and what is pinned can be read."""
    root = (await ann.send("nonce-01", "a"))["q"]
    edit = (await ann.ask("edit", s=LOBBY, n="nonce-02", m=root, d={"text": "b"}))["q"]
    reply = (await ann.send("nonce-03", "c", th=root))["q"]

    edits = (await ann.call("msg.edits", s=LOBBY, q=root))["r"]
    thread = (await ann.call("msg.thread", s=LOBBY, q=root))["r"]

    assert [(each["q"], each["text"]) for each in edits["edits"]] == [(root, "a"), (edit, "b")]
    assert ([each["q"] for each in thread["msgs"]], thread["asof"]) == ([reply], reply)
    assert thread["users"] == {ann.user.id: {"name": "Ann"}}
    assert (await ann.call("msg.pinned", s=LOBBY))["r"]["msgs"] == []


async def test_sessions_are_looked_after(ann, bob, heard) -> None:
    """One sees where one is signed in, and signs out from elsewhere."""
    [session] = (await ann.call("session.list"))["r"]["sessions"]
    assert session["own"]
    assert (await bob.call("session.revoke", id=session["id"]))["code"] == "not_found"
    assert (await ann.call("session.revoke", id=session["id"]))["r"] == {}

    assert (await ann.call("session.list"))["r"]["sessions"] == []


async def test_calls_count_as_writes(ann, monkeypatch) -> None:
    """What methods write is limited as messages are; what they read isn't."""
    monkeypatch.setattr(wire, "REQUESTS", 0)
    assert (await ann.call("room.create", "nonce-01", name="garden"))["code"] == "too_many_requests"
    assert (await ann.call("session.revoke", id="x"))["code"] == "too_many_requests"
    assert (await ann.call("room.list"))["t"] == "ok"

    monkeypatch.undo()
    assert (await ann.call("room.create", "nonce-02", name="garden"))["t"] == "ok"
    assert (await ann.send("nonce-03"))["t"] == "ok"


async def test_own_is_kept(ann, bob) -> None:
    """What one keeps comes with the copy of one's stream; nobody else has any of it."""
    kept = await ann.call("me.set", "nonce-01", key="pref.theme", value={"dark": True})
    copy = await ann.ask("sub", s="me")

    assert copy["head"] == kept["r"]["q"]
    assert copy["snap"]["own"] == {"pref.theme": {"dark": True}}
    assert "own" not in (await bob.ask("sub", s="me"))["snap"]
