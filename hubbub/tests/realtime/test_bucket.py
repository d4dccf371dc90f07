"""How often something may happen."""

from __future__ import annotations

import pytest

from hubbub.realtime.bucket import MOST_BUCKETS, Bucket, Buckets


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


def test_only_unused_bucket_is_full() -> None:
    """A bucket is full until something is taken, and when all of it has come back."""
    bucket = Bucket(2, 2.0, now=0.0)
    assert bucket.is_full(0.0)
    bucket.take(0.0)

    assert not bucket.is_full(0.25)
    assert bucket.is_full(0.5)


def test_each_key_has_a_bucket() -> None:
    """What one takes, another still has."""
    buckets = Buckets(2, 1.0)

    assert [buckets.take("a", 0.0) for _ in range(3)] == [0, 0, 1]
    assert [buckets.take("b", 0.0) for _ in range(3)] == [0, 0, 1]
    assert buckets.take("a", 1.0) == 0


def test_full_buckets_are_forgotten() -> None:
    """Who hasn't come for long takes no room; who has is remembered."""
    buckets = Buckets(2, 1.0)
    for number in range(100):
        buckets.take(f"early-{number}", 0.0)
    buckets.take("late", 0.5)
    buckets.take("late", 0.5)
    buckets.take("last", 1.0)

    assert len(buckets) == 2
    assert buckets.take("late", 1.0) == pytest.approx(0.5)


def test_buckets_have_an_end() -> None:
    """However many come at once, the room they take is limited; the latest are remembered."""
    buckets = Buckets(1, 1.0)
    for number in range(MOST_BUCKETS):
        buckets.take(str(number), 0.0)
    again = buckets.take("0", 0.0)
    buckets.take("one more", 0.0)

    assert len(buckets) == MOST_BUCKETS
    assert again == buckets.take("0", 0.0) == buckets.take("one more", 0.0) == 1
    assert buckets.take("1", 0.0) == 0


def test_waiting_takes_nothing() -> None:
    """How long to wait can be asked without taking a token, of whoever is known or not."""
    buckets = Buckets(1, 2.0)

    assert [buckets.wait("ann", 0.0) for _ in range(3)] == [0, 0, 0]
    assert len(buckets) == 0
    buckets.take("ann", 0.0)
    assert [buckets.wait("ann", 0.0) for _ in range(3)] == [0.5, 0.5, 0.5]
    assert buckets.wait("bob", 0.0) == 0
