"""The engine beside a test that is its server, its clock and its chance."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from hubbub import wire
from hubbub.client.news import Happened, News, Reset, read_event
from hubbub.client.sync import Sync

ANN = {"id": "u_ann", "name": "Ann", "kind": "guest"}
LIMITS = {"frame": 262144, "text": 16000, "nonce_min": 8, "nonce_max": 64}


def event(q: int, s: str = "r_tea", k: str = "msg.new", **d: object) -> dict[str, Any]:
    """Return an event; a message unless another kind is asked for."""
    body = d or {"n": f"nonce-{q:03}", "text": f"text {q}"}
    return {"t": "ev", "s": s, "q": q, "k": k, "ts": q, "by": "u_bo", "d": body}


def told(frame: dict[str, Any]) -> Happened:
    """Return what a program is told of an event that came as this frame."""
    return read_event(msgspec.json.decode(msgspec.json.encode(frame), type=wire.Event))


def message(q: int, text: str = "hi", by: str = "u_bo", th: int | None = None) -> wire.MessageInfo:
    """Return a message as it is when it comes, whose number is its time as well."""
    return wire.MessageInfo(q, q, q, by, f"nonce-{q:03}", text, q, th=th, rx={})


def make_send(nonce: str, room: str = "r_tea", text: str = "hi") -> wire.Send:
    """Return a message to be sent."""
    return wire.Send(0, room, nonce, wire.Draft(text))


class Desk:
    """An engine, and what the test has heard of it."""

    def __init__(self, **options: Any) -> None:
        self.now = 100.0
        options = {"follow": False} | options
        self.sync = Sync(wire.Client("test", "1"), "token", lambda: 0.5, **options)

    def open(self, **fields: Any) -> list[dict[str, Any]]:
        """Connect, and let the server say that the session is open; return what the engine says then."""
        self.sync.connected(self.now)
        welcome = {"t": "welcome", "sid": "s", "me": ANN, "now": 0, "hb": 25, "limits": LIMITS, "heads": {}}
        self.heard()
        return self.say(welcome | fields)

    def say(self, *frames: dict[str, Any]) -> list[dict[str, Any]]:
        """Let the server say this; return what the engine answers."""
        for frame in frames:
            self.sync.frame_received(json.dumps(frame), self.now)
        return self.heard()

    def heard(self) -> list[dict[str, Any]]:
        """Return what the engine has said."""
        return [json.loads(frame) for frame in self.sync.take_frames()]

    def lose(self, code: int | None = None) -> list[News]:
        """Break the connection; return what the program is told."""
        self.sync.disconnected(code, "", self.now)
        return self.sync.take_news()

    def advance(self, seconds: float) -> list[dict[str, Any]]:
        """Let time go by; return what the engine says then."""
        self.now += seconds
        self.sync.tick(self.now)
        return self.heard()

    def subscribe(self, q: int = 0, epoch: int = 1, room: str = "r_tea", **options: Any) -> None:
        """Have a room subscribed to, as it was at this number."""
        self.sync.subscribe(room, self.now, **options)
        [asked] = [frame for frame in self.heard() if frame.get("s") == room]
        self.say(reset(asked["id"], q, epoch, room))
        self.sync.take_news()

    def told(self) -> list[object]:
        """Return of the streams' news the numbers of events, and of resets their heads in a tuple."""
        news = self.sync.take_news()
        return [
            each.event.q if isinstance(each, Happened) else (each.head,)
            for each in news
            if isinstance(each, Happened | Reset)
        ]


def reset(number: int, head: int, epoch: int = 1, room: str = "r_tea", **snap: Any) -> dict[str, Any]:
    """Return the answer that fills a room anew."""
    copy = {
        "room": {"id": room, "name": "tea", "topic": "", "visibility": "public"},
        "me": {"read": 0, "unread": 0, "mentions": 0},
        "msgs": [],
        "more": False,
        "users": {},
    }
    return {"t": "ok", "id": number, "mode": "reset", "epoch": epoch, "head": head, "snap": copy | snap}


def inbox(number: int, head: int = 0, *rooms: str) -> dict[str, Any]:
    """Return the answer that fills one's own stream anew."""
    infos = [{"id": room, "name": room, "topic": "", "visibility": "public"} for room in rooms]
    marks = {room: {"read": 0, "unread": 0, "mentions": 0} for room in rooms}
    snap = {"rooms": infos, "marks": marks}
    return {"t": "ok", "id": number, "mode": "reset", "epoch": 1, "head": head, "snap": snap}


def delta(number: int, head: int, *numbers: int, epoch: int = 1) -> dict[str, Any]:
    """Return the answer that continues a room."""
    events = [event(q) for q in numbers]
    return {"t": "ok", "id": number, "mode": "delta", "epoch": epoch, "head": head, "ev": events, "users": {}}


def log(number: int, head: int, *numbers: int, more: bool = False, epoch: int = 1) -> dict[str, Any]:
    """Return a page of a room's events."""
    events = [event(q) for q in numbers]
    return {
        "t": "ok", "id": number, "epoch": epoch, "head": head, "ev": events, "more": more, "users": {}
    }  # fmt: skip


def stored(number: int, q: int) -> dict[str, Any]:
    """Return the answer to a write that is done."""
    return {"t": "ok", "id": number, "q": q, "ts": q}


def refusal(number: int, code: str, *, retry: bool, after: int | None = None) -> dict[str, Any]:
    """Return the answer to what isn't done."""
    return {"t": "err", "id": number, "code": code, "msg": "no", "retry": retry} | (
        {} if after is None else {"after": after}
    )
