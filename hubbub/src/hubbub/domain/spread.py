"""How numbers are spread, told in few: as many as there are bounds, however much was counted."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate


@dataclass(slots=True)
class Spread:
    """Counts numbers by the first of the `bounds` that they aren't over."""

    bounds: tuple[float, ...]
    sum: float = 0.0
    _counts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing counted; the last count is of what is over every bound."""
        self._counts = [0] * (len(self.bounds) + 1)

    def add(self, number: float) -> None:
        """Count a number."""
        self._counts[bisect_left(self.bounds, number)] += 1
        self.sum += number

    def up_to(self) -> list[int]:
        """Return how many are up to each bound, and how many there are."""
        return list(accumulate(self._counts))
