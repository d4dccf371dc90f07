"""Limits how often something may happen."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

MOST_BUCKETS: Final = 10_000


class Rate(NamedTuple):
    """How much may happen at once, and how much a second after that."""

    burst: int
    per_second: float


class Bucket:
    """Holds up to `burst` tokens, and gains `rate` a second; what happens takes one."""

    __slots__ = ("_burst", "_filled", "_rate", "_tokens")

    def __init__(self, burst: int, rate: float, now: float) -> None:
        self._burst = burst
        self._rate = rate
        self._tokens = float(burst)
        self._filled = now

    def wait(self, now: float) -> float:
        """Return how many seconds a token is away."""
        self._fill(now)
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate

    def take(self, now: float) -> float:
        """Take a token, and return 0; or take none, and return how many seconds one is away."""
        wait = self.wait(now)
        if not wait:
            self._tokens -= 1
        return wait

    def is_full(self, now: float) -> bool:
        """Say whether it is as good as new."""
        self._fill(now)
        return self._tokens == self._burst

    def _fill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
        self._filled = now


class Buckets:
    """Holds a bucket for everyone who has lately taken a token, and no more than `MOST_BUCKETS`."""

    def __init__(self, burst: int, rate: float) -> None:
        self._burst = burst
        self._rate = rate
        # Whoever took last is last.
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def wait(self, key: str, now: float) -> float:
        """Return how many seconds a token of this key is away."""
        bucket = self._buckets.get(key)
        return 0.0 if bucket is None else bucket.wait(now)

    def take(self, key: str, now: float) -> float:
        """Take a token from the bucket of this key, as `Bucket.take` does."""
        bucket = self._buckets.setdefault(key, Bucket(self._burst, self._rate, now))
        self._buckets.move_to_end(key)
        wait = bucket.take(now)
        self._forget(now)
        return wait

    def _forget(self, now: float) -> None:
        """Forget what makes no difference; if that isn't enough, whoever has waited longest."""
        while len(self._buckets) > MOST_BUCKETS or next(iter(self._buckets.values())).is_full(now):
            self._buckets.popitem(last=False)
