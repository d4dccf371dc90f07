"""The server dies right before the commit of a message, between commit and publishing, or before the ack.

Its author, who is sure of nothing, says it again to the next server and is told the same place, as a `dup` if
it was stored; the others have it within 2 s of their return, and of its author's, who may come last.
"""

from __future__ import annotations

import asyncio

from faults.case import Size, require
from faults.device import Device
from faults.failing import TRIP
from faults.lab import LOBBY, Lab
from hubbub import wire

# Whether the message is stored when the server dies there.
POINTS = {"before_commit": False, "before_publish": True, "before_ack": True}
HEARD = 2.0


async def run(lab: Lab, size: Size) -> None:
    """Let it die at each of the points."""
    server = await lab.start_server()
    ann, bo = await lab.admit("ann"), await lab.admit("bo")
    rounds = size.pick(1, 10)
    slowest = 0.0
    for number in range(rounds):
        for point, is_stored in POINTS.items():
            await lab.restart(point)
            text = f"{TRIP} {point} {number}"
            posting = asyncio.ensure_future(ann.say(LOBBY, text))
            await server.wait_ended()
            require(not posting.done(), f"{point}: the author was told something")
            await lab.restart()
            answer = await posting
            require(answer.dup is is_stored, f"{point}: dup is {answer.dup}")
            slowest = max(slowest, await hear(lab, bo, ann, text, answer))
    lab.show("deaths", rounds * len(POINTS))
    lab.time("others heard it after", slowest, HEARD)
    await lab.settle()


async def hear(lab: Lab, device: Device, author: Device, text: str, answer: wire.SendOk) -> float:
    """Wait until someone has a message where its author was told it is; return how long after both came."""

    def has_it() -> bool:
        message = device.client.rooms[LOBBY].find(answer.q)
        return message is not None and message.text == text

    await lab.until(has_it, f"{device.name} has {text!r}")
    return asyncio.get_running_loop().time() - max(device.opened_at, author.opened_at)
