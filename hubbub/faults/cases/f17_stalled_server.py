"""The server's event loop stands still, and then its process (`SIGSTOP`), while everybody writes.

Nobody is disconnected for it, neither by the clients nor by the server, to which all are silent meanwhile;
all that was said is stored within 5 s.
"""

from __future__ import annotations

import asyncio

from faults.case import Size, require
from faults.failing import STALL, TRIP
from faults.lab import LOBBY, Lab


async def run(lab: Lab, size: Size) -> None:
    """Let it stand still in both ways."""
    pause = size.pick(6.0, 20.0)
    await lab.start_server(failpoint="stall")
    devices = await lab.admit_all(size.pick(6, 12))
    opened = {device.name: device.opened_at for device in devices}
    talking = [lab.keep_doing(lab.talk(device, 0.3)) for device in devices]
    for _ in range(size.pick(1, 3)):
        await asyncio.sleep(1.0)
        devices[0].write(LOBBY, TRIP)
        await asyncio.sleep(STALL)
        await asyncio.sleep(1.0)
        lab.server.pause()
        await asyncio.sleep(pause)
        lab.server.resume()
    await asyncio.sleep(1.0)
    for task in talking:
        task.cancel()
    await lab.settle()
    gone = [device.name for device in devices if device.opened_at != opened[device.name]]
    require(not gone, f"these were disconnected: {gone}")
    lab.show("the loop stood still for, s", STALL)
    lab.show("the process for, s", pause)
    lab.show("messages", len(lab.logs[LOBBY]))
