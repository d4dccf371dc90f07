"""Links are reset, go silent in one or both directions, lose 30 % of segments, take 2 s, or are half open.

Whoever's link is dead finds out within the heartbeat and its grace, which is 35 s: the client, and the server
as well.  In the short set both are 7 s.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

from faults.case import Size
from faults.device import Device
from faults.hasty import hasty
from faults.lab import LOBBY, Lab
from faults.links import CLEAR, LOST, Conditions, Network, Side, open_network
from hubbub.client import link

HEARTBEAT: Final = 2.0
GRACE: Final = 5.0
SLACK: Final = 0.5
"""Seconds that a busy machine may be late; ..."""
GOODBYE: Final = 2.5
"""... and those for which a server that gives a connection up waits for an answer to its goodbye.

Where it alone hears nothing, its goodbye may be what the client hears of it first.
"""

LISTENERS: Final = {"silence", "client deceived"}

Fault = Callable[[Lab, Network, Device], Awaitable[None]]


async def run(lab: Lab, size: Size) -> None:
    """Give each fault a link and a client of its own, all at once, while everybody talks."""
    times = {"realtime.session:HEARTBEAT": HEARTBEAT, "realtime.session:HEARTBEAT_GRACE": GRACE}
    await lab.start_server(*hasty(times if size is Size.SHORT else {}))
    most = size.pick(HEARTBEAT + GRACE, 35.0) + SLACK
    async with patience(size), AsyncExitStack() as stack:
        await lab.admit_all(2)
        faults: dict[str, Fault] = {
            "reset": reset_often,
            "silence": partial(lose, most=most, up=LOST, down=LOST),
            "nothing up": partial(lose, most=most + GOODBYE, up=LOST, down=CLEAR),
            "nothing down": partial(lose, most=most, up=CLEAR, down=LOST),
            "30 % loss": partial(worsen, seconds=size.pick(6, 120), to=Conditions(delay=0.02, loss=0.3)),
            "2 s": partial(worsen, seconds=size.pick(6, 120), to=Conditions(delay=2.0)),
            "client deceived": partial(deceive, most=most, side=Side.CLIENT),
            "server deceived": partial(deceive, most=most + GOODBYE, side=Side.SERVER),
        }
        links = []
        for name in faults:
            network = await stack.enter_async_context(open_network(lab.server.address, lab.seed))
            links.append((network, await lab.admit(name, via=network.address)))
        # Who only listens finds out by the heartbeat alone, others by what isn't answered as well.
        talkers = [device for name, device in lab.devices.items() if name not in LISTENERS]
        talking = [lab.keep_doing(lab.talk(device, 0.3)) for device in talkers]
        await asyncio.gather(
            *(fault(lab, *where) for fault, where in zip(faults.values(), links, strict=True))
        )
        for task in talking:
            task.cancel()
        await lab.settle()
        lab.show("messages", len(lab.logs[LOBBY]))
        await asyncio.gather(*(device.leave() for _, device in links))


@asynccontextmanager
async def patience(size: Size) -> AsyncIterator[None]:
    """Let clients be as patient as the server is."""
    before = link.GRACE
    link.GRACE = size.pick(GRACE, before)  # type: ignore[misc]
    try:
        yield
    finally:
        link.GRACE = before  # type: ignore[misc]


async def reset_often(lab: Lab, network: Network, device: Device) -> None:
    """Reset the link again and again, also in the middle of what the server says."""
    for number in range(4):
        since, carried = asyncio.get_running_loop().time(), network.carried
        # The next connection may not get far.
        network.reset_after(lab.chance.randrange(1, 5_000) if number % 2 else math.inf)
        network.reset()
        await lab.until(lambda carried=carried: network.carried > carried, "it tries again")  # type: ignore[misc]
        network.reset_after(math.inf)
        await lab.until_back(device, since)


async def lose(
    lab: Lab, network: Network, device: Device, most: float, up: Conditions, down: Conditions
) -> None:
    """Lose what is said until the client finds out."""
    network.become(up=up, down=down)
    took = await lab.until_lost(device)
    network.become()
    lab.time(f"{device.name} is found by the client after", took, most)
    await lab.until(lambda: network.open == 1, "the server has let go of the old connection")


async def worsen(lab: Lab, network: Network, device: Device, seconds: float, to: Conditions) -> None:
    """Talk under bad conditions for a while; if that ends the connection, another begins."""
    network.become(up=to, down=to)
    await asyncio.sleep(seconds)
    network.become()
    lab.show(f"connections at {device.name}", network.carried)


async def deceive(lab: Lab, network: Network, device: Device, most: float, side: Side) -> None:
    """End the connection without one end's knowledge; it finds out by itself."""
    network.forget(side)
    start = asyncio.get_running_loop().time()
    if side is Side.CLIENT:
        took = await lab.until_lost(device)
    else:
        await lab.until(lambda: device.opened_at > start and network.open == 1, "the server has found out")
        took = asyncio.get_running_loop().time() - start
    lab.time(f"{device.name} finds out after", took, most)
