"""What the conformance suite lends: connections on which anything can be said, and proxies that change it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

# The suite's scripts know each other by their plain names.
sys.path.append(str(Path(__file__).resolve().parents[1] / "conformance"))

from breaker import breaking
from rules import BrokenError as RuleBroken
from stage import House, Peer, Stage, new_nonce, websocket_address
from ways import Ends, Frame, Way

from faults.case import BrokenError

if TYPE_CHECKING:
    from faults.lab import Lab

__all__ = ["Ends", "Frame", "Peer", "RuleBroken", "Stage", "Way", "breaking", "new_nonce", "open_stage"]


@asynccontextmanager
async def open_stage(lab: Lab, via: str | None = None) -> AsyncIterator[Stage]:
    """Let guests in whose connections say and hear single frames, as long as the context lasts.

    `via` is the address of what stands before the server.

    Raises:
        BrokenError: if one of them finds a rule of the protocol broken.
    """
    address = lab.server.address
    house = House(websocket_address((via or address).replace("http", "ws", 1)), address)
    try:
        async with Stage(house) as stage:
            yield stage
    except RuleBroken as error:
        raise BrokenError(f"{error}: {' | '.join(stage.transcript.lines()[-4:])}") from error
