"""Members are kicked and banned, and given and denied rights, while the room is flooded, and try to stay.

After the event that removes them they get nothing more of the room, on no device, whether they listen or
subscribe again and again from where they were.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from faults.case import Size, require
from faults.lab import Lab
from faults.suite import Peer, open_stage
from hubbub import wire

REFUSALS: Final = {"banned", "not_found", "not_member"}


async def run(lab: Lab, size: Size) -> None:
    """Remove someone, invite them again, and so on."""
    await lab.start_server()
    leaked = got = 0
    async with open_stage(lab) as stage:
        owner, listener, *speakers = [await stage.enter(name) for name in ("owner", "victim", "ann", "bob")]
        clinger = await stage.enter("victim")
        room = await stage.room(owner, listener, *speakers)
        at = (await clinger.sub(room)).epoch, 0
        for number in range(size.pick(12, 200)):
            ban = bool(number % 2)
            flood = [asyncio.create_task(speak(speaker, room, 40)) for speaker in speakers]
            clinging = asyncio.create_task(cling(clinger, room, at))
            await promote(owner, room, listener.id)
            removal = await remove(owner, room, listener.id, ban=ban)
            await asyncio.gather(*flood)
            seen = await clinging + numbers_of(await listener.settle(), room)
            got += sum(q <= removal for q in seen)
            leaked += sum(q > removal for q in seen)
            await let_back(owner, room, listener, clinger, ban=ban)
    require(not leaked, f"{leaked} events came after a removal")
    require(got, "nothing came before a removal either")
    lab.show("removals", size.pick(12, 200))
    lab.show("events before them", got)
    lab.show("after them", leaked)


async def speak(speaker: Peer, room: str, count: int) -> None:
    """Write messages at once, and wait until they are stored."""
    for requests in (speaker.drafts(room, 20) for _ in range(count // 20)):
        for request in requests:
            await speaker.tell(request)
        for request in requests:
            await speaker.stored(request)


async def promote(owner: Peer, room: str, user: str) -> None:
    """Give someone a role, and take it away."""
    for role in ("moderator", "member"):
        await must(owner, wire.GiveRole(room, user, role))


async def remove(owner: Peer, room: str, user: str, *, ban: bool) -> int:
    """Put someone out of the room; return the number of the event."""
    done = await must(owner, wire.Ban(room, user) if ban else wire.Kick(room, user))
    return int(done.q)


async def let_back(owner: Peer, room: str, *victims: Peer, ban: bool) -> None:
    """Make someone a member again, who listens on all connections."""
    if ban:
        await must(owner, wire.Unban(room, victims[0].id))
    await must(owner, wire.Invite(room, victims[0].id))
    for victim in victims:
        await victim.settle()
        await victim.sub(room)


async def must(peer: Peer, params: wire.Params) -> Any:
    """Call a method that has to succeed."""
    result = await peer.call(params)
    require(not isinstance(result, wire.Err), f"{params} is refused: {result}")
    return result


async def cling(peer: Peer, room: str, at: wire.At) -> list[int]:
    """Subscribe from the beginning until that is refused; return the numbers of all events that came."""
    seen: list[int] = []
    while not isinstance(answer := await peer.ask(wire.Sub, room, at), wire.Err):
        seen += [event.q for event in getattr(answer, "ev", ())] + [answer.head]
    require(answer.code in REFUSALS, f"who was removed is told {answer.code}")
    return seen + numbers_of(await peer.settle(), room)


def numbers_of(heard: Iterable[wire.Said], room: str) -> list[int]:
    """Return the numbers of those frames that are events of a room."""
    return [said.q for said in heard if isinstance(said, wire.Event) and said.s == room]
