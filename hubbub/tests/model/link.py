"""A connection between two ends.

Invariants:

1. What arrives in a direction arrives in the order in which it was sent.
2. After its end nothing arrives.
3. Each end hears of the end once, unless the link has gone silent: then it hears of nothing.
"""

from __future__ import annotations

from typing import Protocol

from .world import World


class End(Protocol):
    """Who takes what a link brings."""

    def received(self, text: str) -> None:
        """Take a frame."""

    def closed(self) -> None:
        """Learn that the link is gone."""


class Link:
    """The client's frames go up, the server's down."""

    def __init__(self, world: World) -> None:
        self.is_open = True
        self.is_silent = False
        self.is_stalled = False
        """Whether the client takes nothing for now."""
        self._world = world
        self._free = {True: 0.0, False: 0.0}

    def join(self, client: End, server: End) -> None:
        """Set the ends."""
        self._ends = {True: server, False: client}

    def send(self, text: str, *, up: bool, loss: float = 0.0) -> None:
        """Let a frame travel, which in bad times is lost in this share of cases, as none is in reality."""
        if self._world.goes_wrong(loss):
            return
        delay = self._world.chance.uniform(0.001, 0.08)
        self._free[up] = max(self._free[up] + 1e-9, self._world.now + delay)
        self._world.after(self._free[up] - self._world.now, lambda: self._arrive(text, up))

    def _arrive(self, text: str, up: bool) -> None:
        if self.is_open and not self.is_silent:
            self._ends[up].received(text)
            if not up and self.is_open and self._world.goes_wrong(0.004):
                self._ends[up].received(text)

    def cut(self) -> None:
        """End the link."""
        if self.is_open:
            self.is_open = False
            for end in self._ends.values():
                if not self.is_silent:
                    self._world.soon(end.closed)

    def leave(self, *, up: bool) -> None:
        """End the link, as the end at this side does."""
        if self.is_open:
            self.is_open = False
            if not self.is_silent:
                self._world.soon(self._ends[not up].closed)
