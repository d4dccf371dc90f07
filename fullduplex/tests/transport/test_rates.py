"""How fast a peer may go: the bucket against what it promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.transport.rates import TokenBucket

RATES = st.floats(1, 10_000) | st.integers(1, 10_000)
STEPS = st.lists(
    st.tuples(
        st.floats(0, 5) | st.sampled_from([0, 0.5, 1, 100]),
        st.integers(0, 20_000) | st.integers(1, 5),
    ),
    max_size=30,
)


@given(rate=RATES, begin=st.floats(0, 1e6), steps=STEPS)
def test_no_window_has_more(rate: float, begin: float, steps: list[tuple[float, int]]) -> None:
    """In any stretch of time no more is let through than its share and one second's worth."""
    now = begin
    bucket = TokenBucket(rate, now)
    taken: list[tuple[float, int]] = []
    for pause, amount in steps:
        now += pause
        if bucket.take(amount, now):
            taken.append((now, amount))

    for first in range(len(taken)):
        total = 0
        for at, amount in taken[first:]:
            total += amount
            most = rate * (at - taken[first][0]) + rate
            assert total <= most * (1 + 1e-6)


@given(rate=RATES, steps=STEPS)
def test_patience_is_rewarded(rate: float, steps: list[tuple[float, int]]) -> None:
    """Whoever was refused finds a second's worth after a second, whatever was before."""
    now = 0.0
    bucket = TokenBucket(rate, now)
    for pause, amount in steps:
        now += pause
        bucket.take(amount, now)

    assert bucket.take(int(rate * 0.999), now + 1)


def test_second_comes_at_once() -> None:
    """A second's worth may be taken at once, then as much as time has passed for; a refusal costs nothing."""
    bucket = TokenBucket(10, 100.0)
    assert bucket.take(10, 100.0)
    assert not bucket.take(1, 100.0)
    assert not bucket.take(6, 100.5)
    assert bucket.take(5, 100.5)
    assert not bucket.take(11, 200.0)
    assert bucket.take(10, 200.0)
    assert not bucket.take(1, 200.0)


@pytest.mark.parametrize("before", [0, 4, 10])
def test_pause_is_made_up_for(before: int) -> None:
    """What would have come during a pause may come at once after it, beside what was left."""
    bucket = TokenBucket(10, 0.0)
    assert bucket.take(before, 0.0)
    bucket.set_paused(True, 0.0)
    bucket.set_paused(False, 30.0)

    assert not bucket.take(300 + 11 - before, 30.0)
    assert bucket.take(300 + 10 - before, 30.0)
    assert not bucket.take(1, 30.0)
    assert bucket.take(10, 31.0)


def test_pause_counts_once() -> None:
    """A pause isn't made up for twice, and what is taken within it, as what was kept, is counted."""
    bucket = TokenBucket(10, 0.0)
    assert bucket.take(10, 0.0)
    bucket.set_paused(True, 1.0)
    assert bucket.take(10, 1.0)
    assert bucket.take(15, 3.0)
    bucket.set_paused(False, 4.0)

    assert not bucket.take(16, 4.0)
    assert bucket.take(15, 4.0)
    assert not bucket.take(11, 100.0)
    assert bucket.take(10, 100.0)


def test_idleness_is_not_saved_up() -> None:
    """After however long a silence a second's worth comes at once, and no more."""
    bucket = TokenBucket(10, 0.0)

    assert bucket.take(10, 100.0)
    assert not bucket.take(1, 100.0)


def test_pause_begins_when_it_begins() -> None:
    """What is made up for is the pause, not the silence before it, and only once."""
    bucket = TokenBucket(10, 0.0)
    bucket.set_paused(True, 29.0)
    bucket.set_paused(False, 30.0)
    assert not bucket.take(21, 30.0)
    assert bucket.take(20, 30.0)
    bucket.set_paused(True, 30.0)
    bucket.set_paused(False, 30.5)
    assert not bucket.take(6, 30.5)
    assert bucket.take(5, 30.5)
