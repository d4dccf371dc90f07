"""What is counted of batches."""

from __future__ import annotations

from hubbub.domain.tally import SIZES, Tally


def test_batches_add_up() -> None:
    """Each batch is counted by its size, and what it stored is added."""
    tally = Tally()
    tally.count(3, 0.002, events=4, messages=2)
    tally.count(128, 0.2, events=128, messages=128)

    assert dict(zip(SIZES, tally.sizes.up_to(), strict=False))[4] == 1
    assert tally.sizes.up_to()[-1] == tally.seconds.up_to()[-1] == 2
    assert (tally.events, tally.messages, tally.failures) == (132, 130, 0)
