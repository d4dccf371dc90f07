"""Limits how often something may happen."""

from __future__ import annotations


class Bucket:
    """Holds up to `burst` tokens, and gains `rate` a second; what happens takes one."""

    def __init__(self, burst: int, rate: float, now: float) -> None:
        self._burst = burst
        self._rate = rate
        self._tokens = float(burst)
        self._filled = now

    def take(self, now: float) -> float:
        """Take a token, and return 0; or take none, and return how many seconds one is away."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return 0.0
