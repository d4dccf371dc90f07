"""What is counted for one user and one address, and what is too much."""

from __future__ import annotations

import pytest

from hubbub.domain.errors import ChatError, Code
from hubbub.realtime.bucket import Rate
from hubbub.realtime.turnstile import CROWD_PAUSE, HELLO_SPREAD, Limits, Turnstile


def refused(doing) -> float | None:
    """Return how long something is refused for, if it is."""
    try:
        doing()
    except ChatError as error:
        return error.after if error.code is Code.TOO_MANY_REQUESTS else -1
    return None


async def test_only_so_many_come(loop_clock) -> None:
    """Connections of an address are counted while they are there; a refused one isn't."""
    turnstile = Turnstile(Limits(address_connections=2))
    waits = [refused(lambda: turnstile.come("a")) for _ in range(4)]
    assert waits == [None, None, CROWD_PAUSE, CROWD_PAUSE]
    assert refused(lambda: turnstile.come("b")) is None

    turnstile.go("a")
    assert [refused(lambda: turnstile.come("a")) for _ in range(2)] == [None, CROWD_PAUSE]


async def test_only_so_many_sign_in(loop_clock) -> None:
    """Connections of a user are counted while they are there; a refused one isn't."""
    turnstile = Turnstile(Limits(user_connections=1))
    assert [refused(lambda: turnstile.sign_in("u_a")) for _ in range(2)] == [None, CROWD_PAUSE]
    assert refused(lambda: turnstile.sign_in("u_b")) is None

    turnstile.sign_out("u_a")
    assert refused(lambda: turnstile.sign_in("u_a")) is None


async def test_nobody_comes_too_fast(loop_clock) -> None:
    """Who comes too fast waits, each a time of their own, and isn't counted."""
    turnstile = Turnstile(Limits(hellos=Rate(2, 0.01)))
    waits = [refused(lambda: turnstile.come("a")) for _ in range(12)]

    assert waits[:2] == [None, None]
    assert all(90 < wait <= 100 + HELLO_SPREAD for wait in waits[2:])
    assert len(set(waits[2:])) == 10
    assert turnstile._senders["a"] == 2


async def test_refused_write_costs_nothing(loop_clock) -> None:
    """What is refused for a user isn't counted for their address, and the other way round."""
    turnstile = Turnstile(Limits(user_writes=Rate(1, 0.01), address_writes=Rate(2, 0.01)))
    assert turnstile.count_write("u_a", "x") == 0
    for _ in range(5):
        assert turnstile.count_write("u_a", "x") == pytest.approx(100, abs=10)
    assert turnstile.count_write("u_b", "x") == 0
    for _ in range(5):
        assert turnstile.count_write("u_c", "x") == pytest.approx(100, abs=10)

    assert turnstile.count_write("u_c", "y") == 0


async def test_nothing_is_kept_of_who_has_gone(loop_clock) -> None:
    """Whoever is no longer there takes no memory."""
    turnstile = Turnstile(Limits())
    turnstile.come("a")
    turnstile.sign_in("u_a")
    turnstile.sign_out("u_a")
    turnstile.go("a")

    assert not turnstile._users
    assert not turnstile._senders
