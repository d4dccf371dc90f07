"""The server's wall clock jumps an hour ahead and back, and years, while everybody talks.

Order goes by the numbers, and nobody is disconnected.  Who is signed in stays so for as long as a session
lasts by that clock, and no longer.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise

from faults.case import Size, require
from faults.clock import make_clock
from faults.lab import LOBBY, Lab
from faults.suite import RuleBroken, open_stage
from hubbub import wire
from hubbub.domain.policies import SESSION_LIFETIME

HOUR = 3600


async def run(lab: Lab, size: Size) -> None:
    """Jump while people talk, and sign in at each time."""
    clock = await make_clock(lab.folder)
    await lab.start_server(**clock.environment)
    devices = await lab.admit_all(4)
    talking = [lab.keep_doing(lab.talk(device, 0.05)) for device in devices]
    opened = [device.opened_at for device in devices]
    stamps: list[int] = []
    jumps = [HOUR, 0, -HOUR, 0] * size.pick(1, 10)
    for jump in jumps:
        clock.put(jump)
        stamps.append((await devices[0].say(LOBBY, f"{jump} s ahead")).ts)
        await asyncio.sleep(0.5)
        # Who comes again is still known, and so is who came at another time.
        await lab.admit(f"late-{len(lab.devices)}", like=devices[1])
        newcomer = await lab.admit(f"new-{len(lab.devices)}")
        await lab.admit(f"again-{len(lab.devices)}", like=newcomer)
    for task in talking:
        task.cancel()
    check_jumps(jumps, stamps)
    require(opened == [device.opened_at for device in devices], "somebody was disconnected")
    for seconds in (SESSION_LIFETIME - 2 * HOUR, SESSION_LIFETIME + 2 * HOUR, 0):
        clock.put(seconds)
        known = await is_known(lab, devices[0].token)
        require(known == (seconds < SESSION_LIFETIME), f"after {seconds} s a token is known: {known}")
    lab.show("jumps", len(jumps))
    await lab.settle()
    lab.show("messages", len(lab.logs[LOBBY]))


def check_jumps(jumps: list[int], stamps: list[int]) -> None:
    """See whether the clock has jumped at all: messages have the time that it tells."""
    for (before, after), (earlier, later) in zip(pairwise(jumps), pairwise(stamps), strict=True):
        jumped = (later - earlier) / 1000 - (after - before)
        require(abs(jumped) < HOUR / 2, f"the clock went on by {jumped} s more than it was put forward")


async def is_known(lab: Lab, token: str) -> bool:
    """Say whether a token lets somebody in."""
    async with open_stage(lab) as stage:
        peer = await stage.dial("somebody")
        await peer.tell(wire.Hello(wire.Client("test", "1"), token=token))
        try:
            await peer.hear(wire.Welcome)
        except RuleBroken:
            require(peer.connection.close_code == 4401, f"it is closed by {peer.connection.close_code}")
            return False
        return True
