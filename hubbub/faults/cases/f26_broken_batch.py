"""The server dies amid the statements of a batch; a batch has a message that the database won't have.

Of the first, nothing is stored, and all of it once it is said again.  Of the second, all but that message:
what its author said after it waits, so that the order is kept, and is stored when the database has it after
all.  A message that nothing can be made of is refused alone.
"""

from __future__ import annotations

import asyncio
import re

from faults.case import Size, require
from faults.device import Device
from faults.failing import SLOWLY, TRIP
from faults.lab import LOBBY, Lab

BURST = 12
NOWHERE = 1_000_000
"""No message is there that one could reply to."""


async def run(lab: Lab, size: Size) -> None:
    """Break a batch in each way."""
    await lab.start_server()
    devices = await lab.admit_all(size.pick(4, 10))
    rounds = size.pick(1, 6)
    sizes = [await die_amid(lab, devices) for _ in range(rounds)]
    for _ in range(rounds):
        await hold_one(lab, devices)
        await refuse_one(lab, devices)
    lab.show("deaths", rounds)
    lab.show("messages in those batches", " ".join(map(str, sizes)))
    await lab.settle()


async def die_amid(lab: Lab, devices: list[Device]) -> int:
    """Let the server die amid a batch, and come back; return how many messages the batch had."""
    await lab.restart("amid_statements")
    before = len(lab.server.output)
    burst(lab, devices, TRIP)
    await lab.server.wait_ended()
    await lab.restart()
    await lab.settle()
    return max(batches(lab, before))


def batches(lab: Lab, before: int) -> list[int]:
    """Return how many messages the batches had that failed since the server had said so much."""
    return [int(count) for count in re.findall(r"a batch of (\d+)", lab.server.output[before:])]


async def hold_one(lab: Lab, devices: list[Device]) -> None:
    """Have the database not take a message among many, and then take it."""
    await lab.restart("bad_statement")
    for device in devices:
        device.errors.clear()
    before = len(lab.server.output)
    author = burst(lab, devices, TRIP)
    others = [device for device in devices if device is not author]
    while max(batches(lab, before), default=0) < 2:
        # It waits for others beside it.
        await asyncio.sleep(SLOWLY)
        for device in others:
            device.write(LOBBY, f"{device.name} goes on")
    await lab.until(lambda: not any(device.waiting for device in others), "all others are answered")
    refused = [device.name for device in others if device.errors]
    require(not refused, f"with a message that the database doesn't take, others were refused: {refused}")
    require(author.waiting, "the message was stored that the database doesn't take")
    await lab.restart()
    await lab.settle()


async def refuse_one(lab: Lab, devices: list[Device]) -> None:
    """Say something senseless among much else, and see that it alone is refused."""
    before = {device.name: len(device.refused) for device in devices}
    author = burst(lab, devices, "senseless", NOWHERE)
    await lab.settle()
    refused = {device.name: len(device.refused) - before[device.name] for device in devices}
    require(
        refused == {device.name: int(device is author) for device in devices},
        f"with one senseless message so many were refused: {refused}",
    )


def burst(lab: Lab, devices: list[Device], text: str, re: int | None = None) -> Device:
    """Let everybody write much at once, and one of them this among it; return who."""
    author = lab.chance.choice(devices)
    place = lab.chance.randrange(BURST // 2)
    for count in range(BURST):
        for device in devices:
            if device is author and count == place:
                device.write(LOBBY, text, re)
            else:
                device.write(LOBBY, f"{device.name} says {count}")
    return author
