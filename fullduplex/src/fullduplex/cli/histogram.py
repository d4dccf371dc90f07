"""How many took how long: a histogram of durations whose size doesn't grow.

Durations are nanoseconds.  Each is kept to within 1/64 of itself.
"""

from __future__ import annotations

import math

from .plots import fit

__all__ = ["Histogram"]

#: Buckets for each doubling, as bits.
BITS = 6
#: Longer ones, of over 36 minutes, count as this.
LONGEST = 2**41 - 1


def _index(duration: int) -> int:
    shift = max(duration.bit_length() - BITS - 1, 0)
    return (shift << BITS) + (duration >> shift)


def _upper(index: int) -> int:
    """Return the longest duration that is counted at an index."""
    shift = max((index >> BITS) - 1, 0)
    return ((index - (shift << BITS) + 1) << shift) - 1


class Histogram:
    """Counts durations."""

    def __init__(self) -> None:
        self._counts = [0] * (_index(LONGEST) + 1)
        self.count = 0
        self.total = 0
        self.least = 0
        self.most = 0

    def record(self, duration: int) -> None:
        """Count a duration."""
        duration = min(max(duration, 0), LONGEST)
        self._counts[_index(duration)] += 1
        if not self.count or duration < self.least:
            self.least = duration
        self.count += 1
        self.total += duration
        if duration > self.most:
            self.most = duration

    @property
    def mean(self) -> float:
        """The mean; 0 of none."""
        return self.total / self.count if self.count else 0.0

    def percentile(self, percent: float) -> int:
        """Return a duration that so many percent of all don't exceed; 0 of none."""
        wanted = math.ceil(self.count * percent / 100)
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if seen >= wanted and seen:
                return min(_upper(index), self.most)
        return 0

    def columns(self, most: int) -> list[float]:
        """Return how dense durations are in at most ``most`` ranges, from the least to the longest.

        Each range is longer than the one before by about the same factor.
        """
        counts = self._counts[_index(self.least) : _index(self.most) + 1]
        return fit(counts, min(most, len(counts)))
