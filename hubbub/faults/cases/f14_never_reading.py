"""A client subscribes to a busy room, and never reads again.

Once nothing could be written to it for 30 s, which are 3 s in the short set, it is closed by 4003, and until
then the server keeps no more for it than its bounds.
"""

from __future__ import annotations

import asyncio
from typing import Final

from faults.case import Size, require
from faults.device import Device
from faults.hasty import hasty
from faults.lab import LOBBY, Lab
from faults.links import HELD, open_network
from faults.process import MIB, memory
from faults.suite import Peer, open_stage
from hubbub import wire

STALL: Final = 3.0
SLACK: Final = 12.0
"""Seconds in which what the system keeps for a connection is filled: until then it can be written to."""
PAUSE: Final = 0.02
GROWTH: Final = 24 * MIB
# What is said at the end has to wait until we look, or nobody would ever see it.
TIMES: Final = {"app:CLOSE_TIMEOUT": 30.0}


async def run(lab: Lab, size: Size) -> None:
    """Don't read until it must be over; what is read then tells whether it was."""
    times = {"realtime.outbound:STALL": STALL} if size is Size.SHORT else {}
    await lab.start_server(*hasty(TIMES | times))
    ann = await lab.admit("ann")
    async with (
        open_network(lab.server.address, window=4096) as network,
        open_stage(lab, network.address) as stage,
    ):
        deaf = await stage.enter("deaf")
        await deaf.sub(LOBBY)
        before = memory(lab.server.pid)
        network.become(down=HELD)
        talking, living = lab.keep_doing(keep_saying(ann)), lab.keep_doing(keep_alive(deaf))
        await asyncio.sleep(size.pick(STALL, 30.0) + SLACK)
        grown = memory(lab.server.pid) - before
        living.cancel()
        network.become()
        bye, code = await deaf.wait_closed()
        talking.cancel()
    await asyncio.wait([talking])
    require(bye is not None and bye.code == 4003, f"the last word is {bye}")
    require(code == 4003, f"it is closed by {code}")
    require(grown <= GROWTH, f"memory grew by {grown / MIB:.0f} MiB")
    lab.show("closed by", code)
    lab.show("within, s", size.pick(STALL, 30.0) + SLACK)
    lab.show("memory grew by, MiB", grown / MIB)
    await lab.settle()


async def keep_alive(peer: Peer) -> None:
    """Give signs of life: otherwise the silence may be found first, which is another reason to close."""
    while True:
        await peer.tell(wire.ClientPing())
        await asyncio.sleep(1.0)


async def keep_saying(device: Device) -> None:
    """Write long messages, no more than can be read again in the end."""
    while True:
        await device.say(LOBBY, "x" * 15_000)
        await asyncio.sleep(PAUSE)
