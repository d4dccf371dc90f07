"""What a server says, as JSON."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from hubbub import wire

ANN = wire.UserInfo("u_ann", "Ann")
ROOM = wire.RoomInfo("r_x", "X", "", "public", "owner")
MESSAGE = wire.MessageInfo(3, 3, 5, "u_ann", "nonce-01", "hi", 3)
EVENT = wire.Event("r_x", 3, "msg.new", 5, "u_ann", msgspec.Raw(b'{"n":"n"}'))
NAMES = {"u_ann": wire.NameInfo("Ann")}

ROOM_SHOWN = {"id": "r_x", "name": "X", "topic": "", "visibility": "public", "role": "owner"}
MESSAGE_SHOWN = {"q": 3, "rev": 3, "ts": 5, "by": "u_ann", "n": "nonce-01", "text": "hi", "base": 3}
EVENT_SHOWN = {"t": "ev", "s": "r_x", "q": 3, "k": "msg.new", "ts": 5, "by": "u_ann", "d": {"n": "n"}}
NAMES_SHOWN = {"u_ann": {"name": "Ann"}}


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
                    "batch": 128,
                    "typing": 3,
                    "file": 0,
                    "files": 10,
                },
                "heads": {"me": [7, 1]},
                "feat": [],
                "v": 1,
                "level": 3,
            },
        ),
        (wire.Ok(4), {"t": "ok", "id": 4}),
        (wire.SendOk(4, 3, 5), {"t": "ok", "id": 4, "q": 3, "ts": 5}),
        (wire.SendOk(4, 3, 5, True), {"t": "ok", "id": 4, "q": 3, "ts": 5, "dup": True}),
        (
            wire.DeltaOk(4, 7, 3, [EVENT], NAMES),
            {
                "t": "ok",
                "id": 4,
                "epoch": 7,
                "head": 3,
                "mode": "delta",
                "ev": [EVENT_SHOWN],
                "users": NAMES_SHOWN,
            },
        ),
        (
            wire.RoomResetOk(4, 7, 3, wire.RoomCopy(ROOM, wire.Marks(3, 0, 0), [MESSAGE], True, NAMES)),
            {
                "t": "ok",
                "id": 4,
                "epoch": 7,
                "head": 3,
                "mode": "reset",
                "snap": {
                    "room": ROOM_SHOWN,
                    "me": {"read": 3, "unread": 0, "mentions": 0},
                    "msgs": [MESSAGE_SHOWN],
                    "more": True,
                    "users": NAMES_SHOWN,
                },
            },
        ),
        (
            wire.InboxResetOk(4, 7, 3, wire.InboxCopy([ROOM], {"r_x": wire.Marks(3, 2, 1)})),
            {
                "t": "ok",
                "id": 4,
                "epoch": 7,
                "head": 3,
                "mode": "reset",
                "snap": {
                    "rooms": [ROOM_SHOWN],
                    "marks": {"r_x": {"read": 3, "unread": 2, "mentions": 1}},
                },
            },
        ),
        (
            wire.BadgeOk(4, 7, 3, wire.Marks(3, 2, 1)),
            {
                "t": "ok",
                "id": 4,
                "epoch": 7,
                "head": 3,
                "mode": "badge",
                "me": {"read": 3, "unread": 2, "mentions": 1},
            },
        ),
        (
            wire.HistOk(4, [MESSAGE], 9, True, {}),
            {"t": "ok", "id": 4, "msgs": [MESSAGE_SHOWN], "asof": 9, "more": True, "users": {}},
        ),
        (
            wire.LogOk(4, 7, 9, [EVENT], True, NAMES),
            {
                "t": "ok",
                "id": 4,
                "epoch": 7,
                "head": 9,
                "ev": [EVENT_SHOWN],
                "more": True,
                "users": NAMES_SHOWN,
            },
        ),
        (
            wire.LogOk(4, 7, 9, [], False, {}, 8),
            {"t": "ok", "id": 4, "epoch": 7, "head": 9, "ev": [], "more": False, "users": {}, "gone": 8},
        ),
        (wire.CallOk(4, wire.RoomResult(ROOM)), {"t": "ok", "id": 4, "r": {"room": ROOM_SHOWN}}),
        (
            wire.Err("too_many_requests", "Slow down.", True, 4, 251),
            {
                "t": "err",
                "id": 4,
                "code": "too_many_requests",
                "msg": "Slow down.",
                "retry": True,
                "after": 251,
            },
        ),
        (
            wire.Err("invalid", "No.", False),
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
        (
            wire.Badge("r_x", wire.BadgeInfo(9, 2, 1)),
            {"t": "eph", "s": "r_x", "k": "badge", "d": {"head": 9, "unread": 2, "mentions": 1}},
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
