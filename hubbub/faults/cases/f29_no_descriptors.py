"""So many connect that the server has no descriptors left, and stay.

Who is there goes on as before, the server doesn't spin, and newcomers are let in once others have gone.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack

from faults.case import Size, require
from faults.lab import LOBBY, Lab
from faults.process import busy_seconds, descriptors

LIMIT = 80
CROWD = 150
BUSY = 0.25
"""The share of a processor that waiting for a descriptor may cost, beside the talk of those who are there."""


async def run(lab: Lab, size: Size) -> None:
    """Take every descriptor, and give them back."""
    seconds = size.pick(3, 30)
    await lab.start_server("prlimit", f"--nofile={LIMIT}")
    ann, bob = await lab.admit("ann"), await lab.admit("bob")
    with ExitStack() as crowd:
        url = lab.server.address.rpartition(":")[2]
        for _ in range(CROWD):
            reached = crowd.enter_context(socket.socket())
            reached.setblocking(False)
            await asyncio.get_running_loop().sock_connect(reached, ("127.0.0.1", int(url)))
        await lab.until(lambda: descriptors(lab.server.pid) >= LIMIT - 1, "no descriptor is left")
        worked = busy_seconds(lab.server.pid)
        for number in range(seconds):
            await ann.say(LOBBY, f"still here {number}")
            await bob.say(LOBBY, f"I too {number}")
            await asyncio.sleep(1)
        share = (busy_seconds(lab.server.pid) - worked) / seconds
    lab.show("share of a processor", share)
    require(share < BUSY, f"waiting for a descriptor costs {share:.0%} of a processor")
    carl = await lab.admit("carl")
    await carl.say(LOBBY, "at last")
    said = lab.server.output
    # Without the library's native part it is asyncio that accepts, and says that it can't.
    surprises = said.count("Traceback") - said.count("socket.accept() out of system resource")
    require(surprises == 0, f"it was surprised: {said[-2000:]}")
    await lab.settle()
