"""A twentieth of the clients reads 1 KB/s in a room with 200 messages a second.

The others get theirs as fast as before, the server's memory stays bounded, and who is slow is told of the gap
and has everything once the link is better.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from statistics import median, quantiles

from faults.bytewise import Bytewise, reach
from faults.case import Size, require
from faults.lab import LOBBY, Lab
from faults.links import Conditions, open_network
from faults.process import MIB, memory
from faults.suite import new_nonce
from hubbub import wire

PACE = 200
GROWTH = 48 * MIB
WORSE = 1.1
"""How much slower the others' messages may be."""
JITTER = 0.02
"""Seconds by which two measurements differ on a machine that does something else, too."""
WINDOW = 4096
# The system alone keeps 3 MiB for a connection before the server knows that it is slow.
FILLING = "x" * 6000


async def run(lab: Lab, size: Size) -> None:
    """Measure without the slow ones, then with them."""
    await lab.start_server()
    ann = await lab.admit("ann")
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(open_network(lab.server.address, window=WINDOW))
        others = Listeners(lab)
        for _ in range(18):
            await others.add(await stack.enter_async_context(reach(lab.server.address)), ann.token)
        slow = await lab.admit("slow", via=network.address, like=ann)
        before = await others.measure(size.pick(1, 10))
        start, times, grown = memory(lab.server.pid), [], 0
        for _ in range(size.pick(1, 12)):
            # Who is slow for longer hears of no gap: as one who takes nothing, they are cut off.
            network.become(down=Conditions(rate=1024.0))
            times.append(await others.measure(5))
            grown = max(grown, memory(lab.server.pid) - start)
            network.become()
            await lab.settle()
        during = median(times)
        others.end()
        await slow.leave()
    lab.show("slow", f"1 of {len(others.tasks) + 2}")
    lab.show("p99 before, ms", before * 1000)
    lab.show("p99 then, ms", during * 1000)
    if during > before * WORSE + JITTER:
        lab.late.append(f"the others' p99 went from {before * 1000:.0f} to {during * 1000:.0f} ms")
    lab.show("gaps", slow.gaps)
    lab.show("memory grew by, MiB", grown / MIB)
    require(slow.gaps, "nobody was so slow that anything was left out")
    require(grown <= GROWTH, f"memory grew by {grown / MIB:.0f} MiB")


class Listeners:
    """Those who hear everything and note how long it took; the first is the one who speaks."""

    def __init__(self, lab: Lab) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self._lab = lab
        self._connections: list[Bytewise] = []
        self._sent: list[float] = []
        self._took: list[float] = []
        self._may_write = asyncio.Semaphore(wire.REQUESTS)

    async def add(self, connection: Bytewise, token: str) -> None:
        """Let one more come to the lobby."""
        await connection.shake(self._lab.server.address)
        await connection.say(wire.Hello(wire.Client("listener", "1"), token=token))
        await connection.say(wire.Sub(1, LOBBY))
        self._connections.append(connection)
        self.tasks.append(self._lab.keep_doing(self._listen(connection)))

    def end(self) -> None:
        """Listen no more."""
        for task in self.tasks:
            task.cancel()

    async def measure(self, seconds: int) -> float:
        """Let messages be written at an even pace; return in how many seconds 99 of 100 arrived."""
        loop = asyncio.get_running_loop()
        self._took.clear()
        start, count = loop.time(), seconds * PACE
        for number in range(count):
            await asyncio.sleep(start + number / PACE - loop.time())
            await self._may_write.acquire()
            draft = wire.Draft(f"{len(self._sent):08} {FILLING}")
            self._sent.append(loop.time())
            await self._connections[0].say(wire.Send(number, LOBBY, new_nonce(), draft))
        await self._lab.until(lambda: len(self._took) >= count * len(self.tasks), "all has arrived")
        return quantiles(self._took, n=100)[-1]

    async def _listen(self, connection: Bytewise) -> None:
        while True:
            _, said = await connection.hear()
            if said.startswith(b'{"t":"ping"'):
                await connection.say(wire.Pong())
            elif said.startswith(b'{"t":"ok"') and b'"mode"' not in said:
                self._may_write.release()
            elif said.startswith(b'{"t":"ev"') and (place := said.find(b'"text":"')) >= 0:
                number = int(said[place + 8 : place + 16])
                self._took.append(asyncio.get_running_loop().time() - self._sent[number])
