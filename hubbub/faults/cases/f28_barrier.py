"""Twenty people send to one room in the same instant, again and again.

Numbers have no holes, everybody sees the same order, and everybody's own messages are in the order in which
they were written.
"""

from __future__ import annotations

import asyncio

from faults.case import Size, require
from faults.device import Device
from faults.lab import LOBBY, Lab

SENDERS = 20


async def run(lab: Lab, size: Size) -> None:
    """Let everybody wait for everybody, then write three messages at once."""
    await lab.start_server()
    devices = await lab.admit_all(SENDERS)
    rounds = size.pick(15, 200)
    barrier = asyncio.Barrier(SENDERS)
    await asyncio.gather(*(speak(device, barrier, rounds) for device in devices))
    await lab.settle()
    posted = [entry for entry in lab.logs[LOBBY] if entry.k == "msg.new"]
    require(len(posted) == SENDERS * rounds * 3, f"{len(posted)} messages are there")
    lab.show("messages", len(posted))


async def speak(device: Device, barrier: asyncio.Barrier, rounds: int) -> None:
    """Write three messages in each round, and wait until they are stored."""
    for number in range(rounds):
        await barrier.wait()
        await asyncio.gather(*(device.say(LOBBY, f"{number} {which}") for which in "abc"))
