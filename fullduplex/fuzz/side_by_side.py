"""One input, played to the native engine and to its definition: the same must come of it.

The engine is a part of a server with real sockets, so that this is slow beside the other targets.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import random
import sys
from pathlib import Path
from typing import Any

from checks import Choices, split_input

# The conversations are those that the tests have.
sys.path.append(str(Path(__file__).resolve().parents[1]))
from tests.transport import twins

#: What listeners and handlers do; without what is a matter of how much is read at once.
ACTIONS = ("send", "fragments", "ping", "pause", "raise", "broadcast", "listen", "hear", "leave")
STEPS = (
    "recv",
    "decode",
    "next",
    "wait_for",
    "time out",
    "cancel",
    "shield",
    "pieces",
    "piece",
    "send",
    "sleep",
)
MAX_SIZE = 70_000


def fuzz_engine(data: bytes) -> None:
    """Give any bytes to a server's open connection, on both builds."""
    choices, stream = split_input(data)
    native, pure = (
        asyncio.run(converse(choices, stream, twins.build(native=native))) for native in (True, False)
    )
    if choices.has(0):
        twins.check_alike(native, pure)
    else:
        assert native == pure, f"the engine differs:\n{native}\n{pure}"


async def converse(choices: Choices, stream: bytes, used: twins.Build) -> twins.Outcome:
    """Have the conversation that an input stands for."""
    chance = random.Random(choices.seed)
    places = sorted(chance.randrange(len(stream) + 1) for _ in range(choices.seed % 4))
    edges = [0, *places, len(stream)]
    steps = [stream[start:stop] for start, stop in itertools.pairwise(edges)]
    prepare, options = (coroutines if choices.has(0) else events)(choices, chance, used)
    offer = "permessage-deflate; client_max_window_bits" if choices.has(1) else ""
    return await twins.converse(used, prepare, steps, options, extensions=offer)


def events(choices: Choices, chance: random.Random, used: twins.Build) -> tuple[Any, dict[str, Any]]:
    """Return who serves with the event face, and the options."""
    script = {number: chance.choice(ACTIONS) for number in range(1, 9) if choices.has(2)}
    options = {"perMessageDeflate": {"threshold": 0}, "maxPayload": MAX_SIZE}
    return functools.partial(twins.events, script), options


def coroutines(choices: Choices, chance: random.Random, used: twins.Build) -> tuple[Any, dict[str, Any]]:
    """Return who serves with the asyncio face, and the options."""
    script = chance.choices(STEPS, k=8) if choices.has(2) else []
    options = {
        "compression": used.PerMessageDeflateFactory(threshold=0),
        "max_queue": 1 + choices.has(3),
        "read_limit": 100 if choices.has(4) else 2**20,
        "max_size": MAX_SIZE,
    }
    return functools.partial(twins.coroutines, functools.partial(twins.follow, script)), options
