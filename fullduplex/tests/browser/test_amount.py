"""What counts as buffered, as bytes are written and taken."""

from __future__ import annotations

from typing import Any

import pytest

from fullduplex import State
from fullduplex.browser.amount import Amount


class Link:
    """As much of a connection as is looked at."""

    state = State.OPEN
    was_cut = False
    bytes_written = 0
    bytes_taken = 0


def sent(*sizes: int) -> tuple[Amount, Any]:
    """Return the amount after a message of each size in a turn of its own, each with 10 bytes of framing."""
    amount = Amount()
    link: Any = Link()
    for size in sizes:
        amount.fresh += size
        link.bytes_written += size + 10
        amount.end_turn(link)
    return amount, link


def test_framing_counts_not() -> None:
    """Right after sending, and as long as nothing is taken, it is the payload that counts."""
    amount, link = sent(100, 50)
    amount.fresh += 5

    assert amount.total(link) == 155


@pytest.mark.parametrize(
    "taken, left",
    [(0, 150), (10, 150), (11, 149), (109, 51), (110, 50), (120, 50), (121, 49), (169, 1), (170, 0)],
)
def test_taken_counts_not(taken: int, left: int) -> None:
    """What is taken counts no more, framing first; what more is written before or behind changes nothing."""
    amount, link = sent(100, 50)
    link.bytes_taken = taken
    link.bytes_written += 7

    assert amount.total(link) == left
    assert amount.total(link) == left


def test_fresh_isnt_taken() -> None:
    """In its own turn, what was sent counts whole, even if it is taken already."""
    amount, link = sent(100)
    amount.fresh += 5
    link.bytes_written += 15
    link.bytes_taken = link.bytes_written

    assert amount.total(link) == 5
    amount.end_turn(link)
    assert amount.total(link) == 0


@pytest.mark.parametrize("ended", [{"was_cut": True}, {"state": State.CLOSED}], ids=str)
def test_loss_keeps_what_waits(ended: dict[str, Any]) -> None:
    """When the connection is lost, what waited, what is fresh and what comes too late stay."""
    amount, link = sent(100)
    link.bytes_taken = 60
    assert amount.total(link) == 50
    for name, value in ended.items():
        setattr(link, name, value)
    link.bytes_taken = link.bytes_written
    amount.fresh += 5
    amount.end_turn(link)
    amount.lost += 2

    assert amount.total(link) == 57
