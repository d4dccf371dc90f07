"""How fast a peer may go.

A bucket knows its rate and what was taken of it.  It doesn't know the clock,
or what happens to who takes too much.
"""

from __future__ import annotations

__all__ = ["TokenBucket"]


class TokenBucket:
    """Lets ``rate`` a second through, and as much as a second's worth at once.

    What it would have let through while it was paused comes on top.
    """

    __slots__ = ("_at", "_is_paused", "_left", "rate")

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self._left = rate
        self._at = now
        self._is_paused = False

    def take(self, amount: int, now: float) -> bool:
        """Take ``amount`` at the time ``now``, in seconds; tell whether there was that much."""
        self._fill(now)
        if amount > self._left:
            return False
        self._left -= amount
        return True

    def set_paused(self, is_paused: bool, now: float) -> None:
        """Begin a pause at the time ``now``, or end it."""
        self._fill(now)
        self._is_paused = is_paused

    def _fill(self, now: float) -> None:
        filled = self._left + (now - self._at) * self.rate
        # What a pause has added isn't taken away.
        self._left = filled if self._is_paused else max(self._left, min(filled, self.rate))
        self._at = now
