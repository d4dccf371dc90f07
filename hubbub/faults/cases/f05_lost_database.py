"""PostgreSQL is stopped as by a cut of power, and stands still (`SIGSTOP`), while everybody writes.

Nobody is disconnected; what can't be stored is refused for now or waits, and within 5 s of the database's
return messages are stored again, in the end all of them, once and in order.  How long somebody waits who was
refused is a matter of chance, and the longer the more often they were.
"""

from __future__ import annotations

import asyncio

from faults.case import Size, require
from faults.lab import HEALING, LOBBY, LONG_WAIT, Lab


async def run(lab: Lab, size: Size) -> None:
    """Take the database away in both ways, again and again."""
    rounds = size.pick(1, 4)
    async with lab.start_postgresql() as postgresql:
        await lab.start_server(HUBBUB_DATABASE=postgresql.address("chat"))
        devices = await lab.admit_all(size.pick(5, 12))
        opened = {device.name: device.opened_at for device in devices}
        talking = [lab.keep_doing(lab.talk(device, size.pick(0.1, 0.5))) for device in devices]
        for _ in range(rounds):
            await asyncio.sleep(lab.chance.uniform(0.5, 1.5))
            await asyncio.to_thread(postgresql.stop)
            await asyncio.sleep(size.pick(1.0, 10.0))
            await asyncio.to_thread(postgresql.start)
            await see_stored(lab, "stopped")
            await asyncio.sleep(lab.chance.uniform(0.5, 1.5))
            postgresql.pause()
            await asyncio.sleep(size.pick(3.0, 20.0))
            postgresql.resume()
            await see_stored(lab, "stalled")
        for task in talking:
            task.cancel()
        await lab.settle(most=LONG_WAIT)
        lab.show("stops and stalls", 2 * rounds)
        lab.show("messages", len(lab.logs[LOBBY]))
        gone = [device.name for device in devices if device.opened_at != opened[device.name]]
        require(not gone, f"these were disconnected: {gone}")
        codes = {error.code for device in devices for error in device.errors}
        require(codes <= {"unavailable"}, f"without a database, messages were refused as {codes}")
        await lab.server.stop()


async def see_stored(lab: Lab, what: str) -> None:
    """Wait until anybody's message is stored."""

    def count() -> int:
        return sum(len(device.answers) for device in lab.devices.values())

    before = count()
    took = await lab.until(lambda: count() > before, "a message is stored")
    lab.time(f"once it was {what}, messages are stored after", took, HEALING)
