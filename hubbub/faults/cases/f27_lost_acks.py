"""The client is gone before it hears that its message is stored, and sends it again, 500 times.

Every message is stored once, and whoever asks again is told where.
"""

from __future__ import annotations

import asyncio

from faults.case import Size, require
from faults.lab import LOBBY, Lab
from faults.links import Network, open_network
from faults.suite import Stage, new_nonce, open_stage
from hubbub import wire

PEOPLE = 10


async def run(lab: Lab, size: Size) -> None:
    """Lose acknowledgements until there were enough."""
    await lab.start_server()
    await lab.admit("reader")
    losses = size.pick(500, 5_000)
    sides = [Forgetful(lab, f"forgetful-{number}") for number in range(PEOPLE)]
    await asyncio.gather(*(side.lose(losses // PEOPLE) for side in sides))
    await lab.settle()
    places = {nonce: q for side in sides for nonce, q in side.places.items()}
    stored = [(entry.d["n"], entry.q) for entry in lab.logs[LOBBY] if entry.k == "msg.new"]
    require(len(stored) == len(places), f"{len(stored)} messages are stored of {len(places)}")
    require(dict(stored) == places, "a message is elsewhere than was said")
    again = sum(side.found for side in sides)
    require(0 < again < len(places), f"{again} of {len(places)} were there when they were sent again")
    lab.show("lost acknowledgements", len(places))
    lab.show("stored the first time", again)


class Forgetful:
    """Someone whose connection is gone after each message."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.places: dict[str, int] = {}
        self.found = 0
        """How many were stored when they were sent again."""
        self._lab = lab
        self._name = name

    async def lose(self, times: int) -> None:
        """Send so many messages, each of them on two connections."""
        async with (
            open_network(self._lab.server.address) as network,
            open_stage(self._lab, network.address) as stage,
        ):
            for _ in range(times):
                await self._lose_one(network, stage)

    async def _lose_one(self, network: Network, stage: Stage) -> None:
        nonce, draft = new_nonce(), wire.Draft("do you hear me?")
        peer = await stage.enter(self._name)
        await peer.tell(wire.Send(1, LOBBY, nonce, draft))
        # Sometimes before the server has it, and sometimes after it has answered.
        await asyncio.sleep(self._lab.chance.choice([0.0, 0.001, 0.003, 0.01]))
        network.reset()
        again = await stage.enter(self._name)
        answer = await again.do(wire.Send, LOBBY, nonce, draft)
        self.places[nonce] = answer.q
        self.found += answer.dup
        await again.connection.close()
