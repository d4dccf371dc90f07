"""Events are lost, doubled and exchanged on their way to half of the clients, behind the server's back.

Each asks for what it lacks, and has everything in its order once that is over.
"""

from __future__ import annotations

import asyncio

from faults.case import Size, require
from faults.frames import Mangle
from faults.hasty import hasty
from faults.lab import LOBBY, Lab
from faults.suite import breaking

# What follows the last event that was lost is the next heartbeat.
TIMES = {"realtime.session:HEARTBEAT": 1.0, "realtime.session:HEARTBEAT_GRACE": 10.0}


async def run(lab: Lab, size: Size) -> None:
    """Mangle more and more, then nothing."""
    await lab.start_server(*hasty(TIMES if size is Size.SHORT else {}))
    mangle = Mangle(0.1, lab.seed)
    async with breaking(lab.server.address.replace("http", "ws", 1), mangle) as mangled:
        healthy = await lab.admit_all(4)
        ill = [await lab.admit(f"ill-{number}", via=mangled) for number in range(4)]
        talking = [lab.keep_doing(lab.talk(device, 0.08)) for device in (*healthy, *ill)]
        await asyncio.sleep(size.pick(6, 120))
        for task in talking:
            task.cancel()
        mangle.calm()
        for what, figure in mangle.done.items():
            lab.show(what, figure)
            require(figure, f"no event was to {what}")
        await lab.settle(most=size.pick(5.0, 30.0))
        lab.show("messages", len(lab.logs[LOBBY]))
        # The proxy goes first, and they have nowhere to return to.
        await asyncio.gather(*(device.leave() for device in ill))
