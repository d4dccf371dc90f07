"""A screen that a test looks at, until it shows what it should."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

#: Seconds after which what isn't shown won't be.
PATIENCE = 20


class Watched:
    """Shows a text, and is told when it may have changed."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()

    @property
    def text(self) -> str:
        """What is on the screen, in one piece."""
        raise NotImplementedError

    async def settle(self) -> None:
        """Let be shown what is under way."""

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    self.changed.clear()
                    await self.changed.wait()
                    await self.settle()
        except TimeoutError:
            pytest.fail(f"the screen shows\n{self.text}")

    async def shows(self, *texts: str) -> None:
        """Wait until all of this is on the screen."""
        await self.until(lambda: all(text in self.text for text in texts))
