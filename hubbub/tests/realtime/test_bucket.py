"""How often something may happen."""

from __future__ import annotations

import pytest

from hubbub.realtime.bucket import Bucket


def test_burst_passes_at_once() -> None:
    """A full bucket lets its burst through, and then says how long to wait."""
    bucket = Bucket(3, 2.0, now=10.0)

    assert [bucket.take(10.0) for _ in range(4)] == [0, 0, 0, 0.5]


def test_tokens_come_back() -> None:
    """Tokens come back at the rate, one after the other, and never more than the burst."""
    bucket = Bucket(2, 2.0, now=0.0)
    for _ in range(2):
        bucket.take(0.0)

    assert bucket.take(0.25) == pytest.approx(0.25)
    assert bucket.take(0.5) == 0
    assert bucket.take(0.5) == pytest.approx(0.5)
    assert [bucket.take(100.0) for _ in range(3)] == [0, 0, 0.5]
