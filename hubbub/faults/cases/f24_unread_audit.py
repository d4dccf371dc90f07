"""People with three devices each do everything that can be done in a room, by chance.

What waits for each is the same on all devices, as a fresh copy has it, and as counting anew gives it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from faults.case import Size, require
from faults.device import Device
from faults.lab import HEALING, Lab
from faults.steps import EVERYTHING, PEOPLE, Step, choose_step
from faults.suite import Peer, open_stage
from hubbub import wire
from hubbub.client.errors import RequestRefused
from hubbub.storage import marks
from hubbub.storage.engine import open_engines, sqlite_url
from hubbub.storage.folder import DATABASE

DEVICES = 3
_METHODS: Final[dict[str, Callable[[str, str], wire.Params]]] = {
    "kick": wire.Kick,
    "ban": wire.Ban,
    "unban": wire.Unban,
    "invite": wire.Invite,
}


async def run(lab: Lab, size: Size) -> None:
    """Do steps, and count after every few."""
    await lab.start_server()
    async with open_stage(lab) as stage:
        people = [await Person.come(lab, number) for number in range(PEOPLE)]
        made = await people[0].devices[0].client.call(wire.CreateRoom("garden"))
        assert isinstance(made, wire.RoomResult)
        house = House(lab, made.room.id, people)
        for person in people[1:]:
            await person.devices[0].client.call(wire.JoinRoom(house.room))
        for person in people:
            person.peer = await stage.dial(person.name)
            await person.peer.hello(person.devices[0].token)
        steps = size.pick(200, 5_000)
        for number in range(1, steps + 1):
            await house.do(choose_step(lab.chance))
            if number % 8 == 0:
                await house.audit()
    lab.show("steps", steps)
    lab.show("done", house.done)
    lab.show("refused", house.refused)
    lab.show("counted", house.audits)
    require(house.done > steps / 4, "hardly anything was allowed")


class Person:
    """Someone with several devices."""

    def __init__(self, name: str, devices: list[Device]) -> None:
        self.name = name
        self.devices = devices
        self.peer: Peer
        """A connection on which fresh copies are asked for."""

    @classmethod
    async def come(cls, lab: Lab, number: int) -> Person:
        """Let someone come on all devices."""
        first = await lab.admit(f"person-{number}")
        others = [await lab.admit(f"person-{number}-{which}", like=first) for which in range(1, DEVICES)]
        return cls(first.name, [first, *others])

    @property
    def id(self) -> str:
        """Who it is."""
        return self.devices[0].user

    async def copy(self, room: str) -> wire.Marks | None:
        """Return what waits for them in a room, as it is stored; None if they may not know."""
        await self.peer.ask(wire.Unsub, room)
        answer = await self.peer.ask(wire.Sub, room)
        return None if isinstance(answer, wire.Err) else answer.snap.me


class House:
    """A room in which steps are done and counted."""

    def __init__(self, lab: Lab, room: str, people: list[Person]) -> None:
        self.room = room
        self.done = self.refused = self.audits = 0
        self._lab = lab
        self._people = people
        self._messages: list[int] = []

    async def do(self, step: Step) -> None:
        """Do a step on any of somebody's devices, or find it refused."""
        several = step[1:] if step[0] == "crowd" else [step]
        await asyncio.gather(*(self._try(self._as_request(each)) for each in several if each[0] != "again"))

    async def _try(self, doing: Awaitable[Any]) -> None:
        try:
            done = await doing
        except RequestRefused as refused:
            allowed = refused.code in {"not_found", "forbidden", "invalid", "banned", "not_member"}
            require(allowed, f"a step is refused: {refused}")
            self.refused += 1
            return
        self.done += 1
        if isinstance(done, wire.SendOk):
            self._messages.append(done.q)

    def _find(self, which: int) -> int:
        if which == EVERYTHING or not self._messages:
            return which
        return self._messages[which % len(self._messages)]

    def _as_request(self, step: Step) -> Awaitable[Any]:
        kind, who, *more = step
        client = self._lab.chance.choice(self._people[who].devices).client
        match kind, *more:
            case "post", mentioned, in_thread:
                thread = None if in_thread is None else self._find(in_thread)
                return client.send(self.room, self._text(mentioned), th=thread)
            case "edit", which, mentioned:
                return client.edit(self.room, self._find(which), self._text(mentioned))
            case "delete", which:
                return client.delete(self.room, self._find(which))
            case "react", which, emoji, on:
                return client.react(self.room, self._find(which), emoji, on=on)
            case "pin", which, on:
                return client.pin(self.room, self._find(which), on=on)
            case "read", which, back:
                (client.mark_unread if back else client.mark_read)(self.room, self._find(which))
                return asyncio.sleep(0)
            case ("join",):
                return client.call(wire.JoinRoom(self.room))
            case ("leave",):
                return client.call(wire.LeaveRoom(self.room))
            case (("moderator" | "owner") as role, other):
                return client.call(wire.GiveRole(self.room, self._people[other].id, role))
            case _, other:
                return client.call(_METHODS[kind](self.room, self._people[other].id))
        raise AssertionError(step)

    def _text(self, mentioned: tuple[int, ...]) -> str:
        return "hi" + "".join(f" <@{self._people[each].id}>" for each in mentioned)

    async def audit(self) -> None:
        """Compare what all have, once they have had the time to hear of everything."""
        deadline = asyncio.get_running_loop().time() + HEALING
        while wrong := await self._find_wrong():
            late = asyncio.get_running_loop().time() > deadline
            require(not late, f"{wrong} after {self.done} steps")
            await asyncio.sleep(0.02)
        self.audits += 1

    async def _find_wrong(self) -> list[str]:
        wrong = [f"counting anew differs for {user}" for user in await self._recount()]
        for person in self._people:
            stored = await person.copy(self.room)
            for device in person.devices:
                view = device.client.rooms.get(self.room)
                shown = None if view is None else view.marks
                if shown != stored:
                    wrong.append(f"{device.name} shows {shown}, and {stored} is stored")
        return wrong

    async def _recount(self) -> list[str]:
        engines = open_engines(sqlite_url(self._lab.server.folder / DATABASE))
        try:
            async with engines.reading.connect() as connection:
                return list(await marks.recount(connection, self.room))
        finally:
            await engines.dispose()
