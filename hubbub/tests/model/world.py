"""Time and chance: everything that happens is chosen here, and by the same seed the same is chosen.

Invariant: nothing happens but what was planned, one after another, and time only goes forward.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

from faults.history import Record

from .rules import Rule

Act = Callable[[], Any]


class World:
    """What everyone in the model shares."""

    def __init__(self, seed: int, removed: Rule | None = None) -> None:
        self.now = 0.0
        self.chance = Random(seed)
        self.is_calm = False
        """Whether nothing goes wrong by itself any more."""
        self.history: list[Record] = []
        self._removed = removed
        self._plans: list[tuple[float, int, Act]] = []
        self._order = count()

    def has(self, rule: Rule) -> bool:
        """Say whether a rule is kept."""
        return rule is not self._removed

    def after(self, seconds: float, act: Act) -> None:
        """Plan something."""
        heapq.heappush(self._plans, (self.now + seconds, next(self._order), act))

    def soon(self, act: Act) -> None:
        """Plan something for one of the next moments, before or after others that are planned so."""
        most = 0.3 if self.chance.random() < 0.1 else 0.05
        self.after(self.chance.uniform(0.001, most), act)

    def every(self, seconds: float, act: Act) -> None:
        """Plan something again and again."""

        def again() -> None:
            act()
            self.after(seconds, again)

        self.after(self.chance.uniform(0, seconds), again)

    def goes_wrong(self, share: float) -> bool:
        """Say whether something goes wrong, as it does in this share of cases."""
        return not self.is_calm and self.chance.random() < share

    def run(self, seconds: float) -> None:
        """Let so much time go by."""
        end = self.now + seconds
        while self._plans and self._plans[0][0] <= end:
            self.now, _, act = heapq.heappop(self._plans)
            act()
        self.now = end
