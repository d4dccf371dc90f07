"""The server is killed (`kill -9`) at random moments while everybody writes, and started again.

Half of all are back within 3 s of the moment at which it can be reached again.  How long somebody waits
before an attempt is a matter of chance, so that not all come at once, and the longer it was away the longer.
"""

from __future__ import annotations

import asyncio
from statistics import median

from faults.case import Size
from faults.device import Device
from faults.lab import LOBBY, Lab

BACK = 3.0
ENOUGH = 400.0
"""Seconds after which the server is killed no more, however often it was; a kill takes 3 s and more."""


async def run(lab: Lab, size: Size) -> None:
    """Kill the server again and again."""
    most, kills, loop = size.pick(4, 100), 0, asyncio.get_running_loop()
    await lab.start_server()
    devices = await lab.admit_all(size.pick(8, 12))
    talking = [lab.keep_doing(lab.talk(device, 1 / size.pick(12, 8))) for device in devices]
    waits: list[float] = []
    end = loop.time() + ENOUGH
    while kills < most and loop.time() < end:
        await asyncio.sleep(lab.chance.uniform(0.1, 1.0))
        await lab.server.stop(kill=True)
        await lab.server.start()
        waits += await come_back(lab, devices)
        kills += 1
    for task in talking:
        task.cancel()
    lab.show("kills", kills)
    if kills < most:
        lab.late.append(f"in {ENOUGH:g} s there was time for {kills} of {most} kills")
    lab.time("half are back after", median(waits), BACK)
    lab.show("the last after, s", max(waits))
    await lab.settle()
    lab.show("messages", len(lab.logs[LOBBY]))


async def come_back(lab: Lab, devices: list[Device]) -> list[float]:
    """Wait until everybody has a session again; return how long that took each."""
    since = asyncio.get_running_loop().time()
    await lab.until(lambda: all(device.opened_at > since for device in devices), "everybody is back")
    return [device.opened_at - since for device in devices]
