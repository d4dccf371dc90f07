"""Who is told that someone types, and how often."""

from __future__ import annotations

from hubbub import wire
from hubbub.domain.models import LOBBY
from hubbub.realtime.bucket import Buckets


async def test_typing_is_told_now_and_then(ann, make_peer, loop_clock) -> None:
    """Others hear that someone types, however often it is said, only so often."""
    bob = await make_peer("Bob")
    await bob.ask("sub", s=LOBBY)
    await ann.tell("typing", s=LOBBY, on=True)
    await ann.ask("sub", s=LOBBY)
    await ann.tell("typing", s=LOBBY, on=False)
    for on in (True, True, False, True):
        await ann.tell("typing", s=LOBBY, on=on)
    told = [frame["d"]["on"] for frame in bob.heard("eph") if frame["k"] == "typing"]
    await loop_clock.advance(wire.TYPING_INTERVAL)
    await ann.tell("typing", s=LOBBY, on=True)
    later = [frame["d"]["on"] for frame in bob.heard("eph") if frame["k"] == "typing"]

    assert (told, later) == ([True, False], [True])


async def test_coming_back_is_no_way_to_type_more(ann, make_peer) -> None:
    """Who leaves the room and comes back types no more often than others."""
    bob = await make_peer("Bob")
    await bob.ask("sub", s=LOBBY)
    for _ in range(3):
        await ann.ask("sub", s=LOBBY)
        await ann.tell("typing", s=LOBBY, on=True)
        await ann.ask("unsub", s=LOBBY)

    assert [frame["d"]["on"] for frame in bob.heard("eph") if frame["k"] == "typing"] == [True]


async def test_stop_of_typing_is_told_once(ann, make_peer) -> None:
    """Stopping again and again is told once."""
    bob = await make_peer("Bob")
    for peer in (ann, bob):
        await peer.ask("sub", s=LOBBY)
    for on in (True, False, False, False):
        await ann.tell("typing", s=LOBBY, on=on)

    assert [frame["d"]["on"] for frame in bob.heard("eph") if frame["k"] == "typing"] == [True, False]


async def test_nobody_types_everywhere(ann, bob, make_peer, monkeypatch, loop_clock) -> None:
    """However many connections someone types on, everybody is told so often and no more."""
    monkeypatch.setattr(ann.shared.turnstile, "_typings", Buckets(2, 0.01))
    peers = [ann, *[await make_peer("Ann", ann.signed_in) for _ in range(4)]]
    for peer in (*peers, bob):
        await peer.ask("sub", s=LOBBY)
    bob.connection.frames.clear()
    for peer in peers:
        await peer.tell("typing", s=LOBBY, on=True)
    at_once = len([frame for frame in bob.heard("eph") if frame["k"] == "typing"])
    await loop_clock.advance(100)
    await ann.tell("typing", s=LOBBY, on=True)
    later = len([frame for frame in bob.heard("eph") if frame["k"] == "typing"])

    assert (at_once, later) == (2, 1)
