"""What the benchmark's clients have in common: when they count, and what they tell; none is known here."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import uvloop


class Task(NamedTuple):
    """What the client is to do."""

    port: int
    connections: int
    size: int
    warm: float
    seconds: float


class Echoes:
    """The messages that have come back."""

    def __init__(self, size: int) -> None:
        self.payload = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
        self.count = 0

    def add(self, payload: bytes) -> None:
        """Take a message, which must be what was sent."""
        if payload != self.payload:
            raise SystemExit("what came back isn't what was sent")
        self.count += 1


def run(connect: Callable[[str, Echoes], Awaitable[Any]]) -> None:
    """Open connections, measure for a while what they do by themselves then, and tell the figures."""
    task = Task(**json.loads(sys.argv[1]))
    echoes = Echoes(task.size)

    async def main() -> None:
        kept = [await connect(f"ws://127.0.0.1:{task.port}/", echoes) for _ in range(task.connections)]
        await asyncio.sleep(task.warm)
        count, cpu = echoes.count, time.process_time()
        await asyncio.sleep(task.seconds)
        print(json.dumps({"count": echoes.count - count, "cpu": time.process_time() - cpu}), flush=True)
        # The rest would be how it is closed.
        await asyncio.Event().wait()
        del kept

    uvloop.run(main())
