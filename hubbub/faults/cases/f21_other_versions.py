"""Clients and servers of other versions meet ours: a level less, a level more, and what nobody knows yet.

What isn't known is passed over, numbers count all the same, and everybody has the same room in the end.  Much
of what they say is deleted: who was there has heard it, who comes later finds it empty, and nothing else.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, closing
from functools import partial
from typing import Any, Final

from faults.case import Size, require
from faults.device import Device
from faults.forgetting import is_empty
from faults.history import History, Shown
from faults.lab import LOBBY, Lab
from faults.suite import Ends, Frame, Way, breaking, open_stage
from hubbub import wire

_OWN: Final = 2**50
"""The number of a request that no client asked."""
_LATER_LIMITS: Final = {"requests", "streams", "burst", "rate", "batch", "typing"}


class NewerServer(Way):
    """Says what isn't known yet, around and instead of what is."""

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Add fields everywhere, frames and ephemerals; reactions are of another kind."""
        if frame["t"] == "welcome":
            frame |= {"level": wire.LEVEL + 1, "moons": ["Io"], "limits": frame["limits"] | {"moons": 79}}
        if frame["t"] == "ev" and frame["k"] == "react":
            frame |= {"k": "msg.dance", "d": {"steps": [1, 2, {"deep": None}]}}
        elif frame["t"] == "ev":
            frame["d"] |= {"colour": "red"}
        unknown = {"t": "dance", "s": LOBBY, "q": 10**9}
        ephemeral = {"t": "eph", "s": LOBBY, "k": "dance", "d": {"who": "all"}, "ttl": 1}
        return [unknown, ephemeral, frame | {"colour": {"red": 255}}]


class OlderServer(Way):
    """Knows no features, and announces only what has to be announced."""

    def asked(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Overhear what features are asked for."""
        return [{name: value for name, value in frame.items() if name != "feat"}]

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Leave out what came later."""
        if frame["t"] == "welcome":
            frame["limits"] = {name: it for name, it in frame["limits"].items() if name not in _LATER_LIMITS}
            frame["level"] = wire.LEVEL - 1
            del frame["feat"]
        return [frame]


class NewerClient(Way):
    """Asks for what no server knows yet, and gives more than anybody wants."""

    def __init__(self) -> None:
        self.refusals: list[Frame] = []
        """What it was told of what nobody knows."""

    def asked(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Add fields everywhere, features, and requests."""
        if frame["t"] == "hello":
            return [frame | {"feat": ["telepathy"], "client": frame["client"] | {"moons": 2}, "colour": 1}]
        more: dict[str, Any] = {"colour": "red"}
        if isinstance(frame.get("d"), dict):
            more["d"] = frame["d"] | {"colour": "red"}
        return [{"t": "dance", "id": _OWN, "s": LOBBY}, frame | more]

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Keep what the client never asked from it."""
        if frame.get("id") != _OWN:
            return [frame]
        self.refusals.append(frame)
        return []


async def run(lab: Lab, size: Size) -> None:
    """Let all of them take part in one conversation."""
    await lab.start_server()
    address = lab.server.address.replace("http", "ws", 1)
    newer = NewerClient()
    ways = {"newer server": NewerServer(), "older server": OlderServer(), "newer client": newer}
    ann, away = await lab.admit("ann"), await lab.admit("away")
    async with AsyncExitStack() as stack, open_stage(lab) as stage:
        others = []
        for name, way in ways.items():
            proxy = await stack.enter_async_context(breaking(address, way))
            # They hear something else than is stored, so that the judge can't judge them.
            history = stack.enter_context(closing(History(lab.folder / f"{name}.jsonl")))
            others.append(await come(lab, name, proxy, history))
            stack.push_async_callback(others[-1].leave)
        older = await stage.enter("older client")
        await older.sub(LOBBY)
        rounds = size.pick(24, 500)
        for number in range(rounds):
            if number == rounds // 2:
                left_at = await leave(away)
            await converse(ann, others[number % len(others)], number)
            await older.send(LOBBY, f"older {number}")
        await away.arrive(at={LOBBY: left_at})
        late = await lab.admit("late")
        await late.leave()
        await late.arrive(at={LOBBY: (left_at[0], 0)})
        await lab.settle()
        head = len(lab.logs[LOBBY])
        for other in others:
            await lab.until(partial(has_all, other, head), f"{other.name} has all")
            require(texts_of(other) == texts_of(ann), f"with a {other.name} there is another room")
        heard = [
            event.q for event in await older.settle() if isinstance(event, wire.Event) and event.s == LOBBY
        ]
        require(heard == list(range(heard[0], head + 1)), "an older client hears something else")
    refusals = {refusal["code"] for refusal in newer.refusals}
    require(refusals == {"unknown_op"}, f"what isn't known is refused by {refusals}")
    lab.show("events", head)
    for name in ("away", "late"):
        lab.show(f"found empty by who was {name}", count_empty(lab, name))
    lab.show("unknown requests", len(newer.refusals))


def has_all(device: Device, head: int) -> bool:
    """Say whether a device has everything up to there."""
    at = device.stands(LOBBY)
    return at is not None and at[1] == head


def count_empty(lab: Lab, name: str) -> int:
    """Return of how many events a device was shown that their bodies were gone."""
    shown = [each for each in lab.history.records if isinstance(each, Shown) and each.client == name]
    empty = sum(is_empty(each.entry) for each in shown)
    require(empty, f"who was {name} was shown nothing that was deleted before")
    return empty


async def come(lab: Lab, name: str, address: str, history: History) -> Device:
    """Let a client come through a proxy."""
    guest = await lab.admit(f"has a {name}")
    device = Device(name, address, lab.folder, guest.signed_in, history)
    await device.arrive()
    return device


async def leave(device: Device) -> wire.At:
    """Let a device leave; return where it was in the lobby."""
    at = device.stands(LOBBY)
    assert at is not None
    await device.leave()
    return at


async def converse(ann: Device, other: Device, number: int) -> None:
    """Do a little of everything; every fourth message of ann's is deleted, and of the others' as well."""
    said = await ann.say(LOBBY, f"ann {number}")
    _, answer, _ = await asyncio.gather(
        ann.client.edit(LOBBY, said.q, f"ann {number}, better"),
        other.say(LOBBY, f"{other.name} {number}"),
        other.client.react(LOBBY, said.q, "👍"),
    )
    match number % 4:
        case 0:
            await ann.client.delete(LOBBY, said.q)
        case 1:
            await other.client.delete(LOBBY, answer.q)


def texts_of(device: Device) -> list[tuple[int, str]]:
    """Return what a device shows since all are there."""
    return [(message.q, message.text) for message in device.client.rooms[LOBBY].messages][-40:]
