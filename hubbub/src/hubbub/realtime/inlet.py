"""The end of a way out (`outbound`) behind which there is no connection, but somebody who takes frames.

Knows no frame but that an ephemeral isn't for those who listen.  How much may wait, the way out sees to.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

# How an ephemeral begins.
_EPHEMERAL: Final = '{"t":"eph"'


class Inlet:
    """Keeps what is written until it is taken."""

    def __init__(self) -> None:
        self.buffered_amount = 0
        self._frames: deque[str] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    def send(self, message: str, /) -> None:
        """Take a frame; an ephemeral is let go."""
        if not message.startswith(_EPHEMERAL):
            self._frames.append(message)
            self.buffered_amount += len(message)
            self._filled.set()

    async def drain(self) -> None:
        """Wait until all is taken."""
        self._emptied.clear()
        while self.buffered_amount:
            await self._emptied.wait()

    def wake(self) -> None:
        """Let nobody wait for a frame any longer."""
        self._filled.set()

    async def take(self, patience: float) -> list[str]:
        """Wait for frames, and take them; there may be none after so many seconds, or when woken."""
        try:
            async with asyncio.timeout(patience):
                await self._filled.wait()
        except TimeoutError:
            pass
        frames = list(self._frames)
        self._frames.clear()
        self._filled.clear()
        self.buffered_amount = 0
        self._emptied.set()
        return frames
