"""Numbers told in few."""

from __future__ import annotations

from hubbub.domain.spread import Spread


def test_numbers_are_counted_by_bounds() -> None:
    """A number that is a bound is up to it; what is over all bounds counts in the whole alone."""
    spread = Spread((1, 2, 4))
    for number in (0, 1, 1.5, 4, 5):
        spread.add(number)

    assert spread.up_to() == [2, 3, 4, 5]
    assert spread.sum == 11.5
