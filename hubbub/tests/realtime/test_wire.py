"""Every frame, as bytes."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import StoredEvent
from hubbub.domain.models import Message
from hubbub.realtime import wire

CLIENT = {"name": "web", "ver": "1"}


@pytest.mark.parametrize(
    "frame,request_",
    [
        ({"t": "hello", "client": CLIENT}, wire.Hello(wire.Client("web", "1"))),
        (
            {
                "t": "hello",
                "client": CLIENT | {"device": "d"},
                "feat": ["x"],
                "at": {"me": [1, 2]},
                "token": "t",
            },
            wire.Hello(wire.Client("web", "1", "d"), ["x"], {"me": (1, 2)}, "t"),
        ),
        ({"t": "sub", "id": 1, "s": "r_x"}, wire.Sub(1, "r_x")),
        ({"t": "sub", "id": 1, "s": "me", "at": [7, 9]}, wire.Sub(1, "me", (7, 9))),
        ({"t": "unsub", "id": 1, "s": "r_x"}, wire.Unsub(1, "r_x")),
        (
            {"t": "send", "id": 1, "s": "r_x", "n": "nonce-01", "d": {"text": "好"}},
            wire.Send(1, "r_x", "nonce-01", wire.Draft("好")),
        ),
        (
            {"t": "send", "id": 1, "s": "r_x", "n": "nonce-01", "d": {"text": "a", "re": 4}},
            wire.Send(1, "r_x", "nonce-01", wire.Draft("a", 4)),
        ),
        ({"t": "skip", "id": 1, "s": "r_x", "n": "nonce-01"}, wire.Skip(1, "r_x", "nonce-01")),
        ({"t": "hist", "id": 1, "s": "r_x", "before": 9, "limit": 5}, wire.Hist(1, "r_x", before=9, limit=5)),
        ({"t": "typing", "s": "r_x", "on": True}, wire.Typing("r_x", True)),
        ({"t": "pres", "state": "idle"}, wire.Pres("idle")),
        ({"t": "ping"}, wire.ClientPing()),
        ({"t": "pong"}, wire.Pong()),
    ],
    ids=lambda value: value["t"] if isinstance(value, dict) else "",
)
def test_request_is_read(frame: dict[str, Any], request_: wire.Request) -> None:
    """Every frame of a client is read, whatever else is in it."""
    assert wire.decode(json.dumps(frame)) == request_
    assert wire.decode(json.dumps(frame | {"is_admin": True, "later": {"deep": [1, 2]}})) == request_


@pytest.mark.parametrize(
    "frame,code,request_id",
    [
        ("", "bad_frame", None),
        ("{", "bad_frame", None),
        ("null", "bad_frame", None),
        ('["t","ping"]', "bad_frame", None),
        ('{"id":1}', "bad_frame", 1),
        ('{"t":7,"id":1}', "bad_frame", 1),
        ('{"t":"ping"} x', "bad_frame", None),
        ('{"t":"vote","id":1}', "unknown_op", 1),
        ('{"t":"welcome"}', "unknown_op", None),
        ('{"t":"sub","id":1}', "bad_frame", 1),
        ('{"t":"sub","id":1,"s":null}', "bad_frame", 1),
        ('{"t":"sub","id":"1","s":"me"}', "bad_frame", None),
        ('{"t":"sub","id":-1,"s":"me"}', "bad_frame", None),
        ('{"t":"sub","id":true,"s":"me"}', "bad_frame", None),
        ('{"t":"sub","id":1,"s":"me","at":[1]}', "bad_frame", 1),
        ('{"t":"sub","id":1,"s":"me","at":[1,-2]}', "bad_frame", 1),
        ('{"t":"sub","id":1,"s":"me","at":[1,9007199254740992]}', "bad_frame", 1),
        ('{"t":"sub","id":1,"s":"' + "x" * 65 + '"}', "bad_frame", 1),
        ('{"t":"send","id":1,"s":"r_x","n":"nonce-01","d":{"text":{"$ne":1}}}', "bad_frame", 1),
        ('{"t":"send","id":1,"s":"r_x","n":"nonce-01","d":{"text":"\\ud800"}}', "bad_frame", 1),
        ('{"t":"hist","id":1,"s":"r_x","before":1,"limit":0}', "bad_frame", 1),
        ('{"t":"pres","state":"away"}', "bad_frame", None),
        ('{"t":"sub","id":1' + "0" * 5000 + ',"s":"me"}', "bad_frame", None),
        ('{"t":"ping","x":' + "[" * 100_000, "bad_frame", None),
        ('{"t":"ping","x":' + "[" * 100_000 + "]" * 100_000 + "}", "bad_frame", None),
        (b'{"t":"ping"}', "bad_frame", None),
    ],
    ids=range(26),
)
def test_bad_frame_is_told(frame: str | bytes, code: str, request_id: int | None) -> None:
    """What isn't a frame is told apart from a request that isn't known, with its id if it can be found."""
    with pytest.raises(wire.BadFrameError) as caught:
        wire.decode(frame)

    assert (caught.value.code.value, caught.value.request) == (code, request_id)


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
@settings(deadline=None)
def test_no_frame_breaks_the_reader(frame: str) -> None:
    """Whatever comes is read, or refused."""
    with suppress(wire.BadFrameError):
        wire.decode(frame)


ANN = wire.UserInfo("u_ann", "Ann")
MESSAGE = Message(3, 3, 5, "u_ann", "nonce-01", "hi", None, None, 3, None, None, None, 0)


@pytest.mark.parametrize(
    "reply,frame",
    [
        (
            wire.Welcome(
                "s1", wire.MeInfo("u_ann", "Ann", "guest"), 5, 25.0, wire.Limits(1, 2, 3, 4), {"me": (7, 1)}
            ),
            {
                "t": "welcome",
                "sid": "s1",
                "me": {"id": "u_ann", "name": "Ann", "kind": "guest"},
                "now": 5,
                "hb": 25.0,
                "limits": {
                    "frame": 1,
                    "text": 2,
                    "nonce_min": 3,
                    "nonce_max": 4,
                    "requests": 32,
                    "streams": 1000,
                    "burst": 20,
                    "rate": 5,
                },
                "heads": {"me": [7, 1]},
                "feat": [],
                "v": 1,
                "level": 1,
            },
        ),
        (wire.Ok(4), {"t": "ok", "id": 4}),
        (wire.SendOk(4, 3, 5), {"t": "ok", "id": 4, "q": 3, "ts": 5}),
        (wire.SendOk(4, 3, 5, True), {"t": "ok", "id": 4, "q": 3, "ts": 5, "dup": True}),
        (
            wire.DeltaOk(
                4,
                7,
                3,
                [wire.Event.of(StoredEvent("r_x", 3, "msg.new", 5, "u_ann", '{"n":"n"}'))],
                wire.names({"u_ann": "Ann"}),
            ),
            {
                "t": "ok",
                "id": 4,
                "epoch": 7,
                "head": 3,
                "mode": "delta",
                "ev": [
                    {"t": "ev", "s": "r_x", "q": 3, "k": "msg.new", "ts": 5, "by": "u_ann", "d": {"n": "n"}}
                ],
                "users": {"u_ann": {"name": "Ann"}},
            },
        ),
        (
            wire.ResetOk(
                4,
                7,
                3,
                wire.RoomCopy(
                    wire.RoomInfo("r_x", "X", ""),
                    wire.Marks(3),
                    wire.shown([MESSAGE]),
                    True,
                    wire.names({"u_ann": "Ann"}),
                ),
            ),
            {
                "t": "ok",
                "id": 4,
                "epoch": 7,
                "head": 3,
                "mode": "reset",
                "snap": {
                    "room": {"id": "r_x", "name": "X", "topic": ""},
                    "me": {"read": 3, "unread": 0, "mentions": 0},
                    "msgs": [{"q": 3, "rev": 3, "ts": 5, "by": "u_ann", "n": "nonce-01", "text": "hi"}],
                    "more": True,
                    "users": {"u_ann": {"name": "Ann"}},
                },
            },
        ),
        (
            wire.HistOk(4, wire.shown([MESSAGE]), 9, True, {}),
            {
                "t": "ok",
                "id": 4,
                "msgs": [{"q": 3, "rev": 3, "ts": 5, "by": "u_ann", "n": "nonce-01", "text": "hi"}],
                "asof": 9,
                "more": True,
                "users": {},
            },
        ),
        (
            wire.error(ChatError(Code.TOO_MANY_REQUESTS, after=0.2501), 4),
            {
                "t": "err",
                "id": 4,
                "code": "too_many_requests",
                "msg": "Too many requests; slow down.",
                "retry": True,
                "after": 251,
            },
        ),
        (
            wire.error(ChatError(Code.INVALID, "No.")),
            {"t": "err", "code": "invalid", "msg": "No.", "retry": False},
        ),
        (
            wire.TypingNow("r_x", wire.TypingInfo(ANN, True)),
            {
                "t": "eph",
                "s": "r_x",
                "k": "typing",
                "d": {"user": {"id": "u_ann", "name": "Ann"}, "on": True},
                "ttl": 6,
            },
        ),
        (
            wire.PresenceChanged("r_x", wire.PresenceInfo("u_ann", "Ann", "on")),
            {"t": "eph", "s": "r_x", "k": "pres", "d": {"id": "u_ann", "name": "Ann", "state": "on"}},
        ),
        (
            wire.PresenceState("r_x", wire.PresenceList([], 501)),
            {"t": "eph", "s": "r_x", "k": "pres.state", "d": {"users": [], "count": 501}},
        ),
        (wire.Gap("r_x", 3), {"t": "gap", "s": "r_x", "head": 3}),
        (wire.Ping(), {"t": "ping"}),
        (wire.Ping({"r_x": 3}), {"t": "ping", "heads": {"r_x": 3}}),
        (wire.Pong(), {"t": "pong"}),
        (
            wire.Bye(1012, "restarting", "resume", 40),
            {"t": "bye", "code": 1012, "why": "restarting", "retry": "resume", "after": 40},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_reply_is_written(reply: wire.Reply, frame: dict[str, Any]) -> None:
    """Every frame of the server has the fields that the protocol has for it."""
    written = wire.encode(reply)

    assert json.loads(written.text) == frame
    assert written.size == len(written.text.encode())


def test_inbox_is_called_me() -> None:
    """A user's inbox is called `me`, in events as elsewhere."""
    event = wire.Event.of(StoredEvent("u_ann", 1, "room.add", 5, "u_ann", "{}"))

    assert event.s == wire.stream_name("u_ann") == "me"
    assert wire.stream_name("r_x") == "r_x"
