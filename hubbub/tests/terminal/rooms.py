"""Rooms for tests to look at: views that are told what happened."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hubbub import wire
from hubbub.client import RoomView
from hubbub.client.news import Reset
from hubbub.terminal.entries import Context
from hubbub.terminal.words import EN, Words

from ..client.scripted import event, told

ME, BO = "u_me", "u_bo"
MORNING = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)


def at(minute: float) -> int:
    """Return a time of that morning, as the server gives it."""
    return round(MORNING.timestamp() * 1000 + minute * 60_000)


def make_view(*messages: wire.MessageInfo, more: bool = False, **names: str) -> RoomView:
    """Return a room with these messages."""
    view = RoomView("r_tea", ME)
    room = wire.RoomInfo("r_tea", "tea", "where tea is", "public")
    users = {user: wire.NameInfo(name) for user, name in {ME: "Me", BO: "Bo", **names}.items()}
    copy = wire.RoomCopy(room, wire.Marks(0, 0, 0), list(messages), more, users)
    view.reset(Reset("r_tea", 1, max((each.q for each in messages), default=1), copy, False))
    return view


def message(q: int, text: str = "hi", by: str = BO, minute: float = 0, **more: Any) -> wire.MessageInfo:
    """Return a message of that morning."""
    return wire.MessageInfo(q, more.pop("rev", q), at(minute), by, f"nonce-{q:03}", text, q, **more)


def happen(view: RoomView, q: int, k: str, by: str = BO, **d: object) -> None:
    """Let something happen in a room."""
    view.happened(told(event(q, view.id, k) | {"ts": at(q), "by": by, "d": d}))


def context(words: Words = EN, **more: Any) -> Context:
    """Return what it is to look at a room that morning."""
    looks = {"now": MORNING, "zone": UTC, "is_connected": True, **more}
    return Context(me=ME, my_name="Me", words=words, **looks)
