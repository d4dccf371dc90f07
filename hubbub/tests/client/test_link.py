"""When to connect, and when to stay away."""

from __future__ import annotations

import pytest

from hubbub import wire
from hubbub.client.link import GRACE, OPENING, Link, State
from hubbub.client.news import Ended, Lost

LIMITS = wire.Limits(262144, 16000, 8, 64)
WELCOME = wire.Welcome("s", wire.MeInfo("u_ann", "Ann", "guest"), 0, 25, LIMITS, {})


def opened(now: float = 0.0) -> Link:
    """Return a link that works."""
    link = Link(lambda: 0.5)
    link.connected(now)
    link.opened(WELCOME)
    return link


def test_first_attempt_is_at_once() -> None:
    """Who starts has lost nobody, and needn't wait."""
    assert Link(lambda: 0.5).connect_at == 0.0


def test_waits_grow_until_welcome() -> None:
    """Each failure doubles the bound of the wait; a welcome makes it short again."""
    link = Link(lambda: 0.5)
    waits = [link.lost(None, "", 0.0) for _ in range(3)]
    link.connected(0.0)
    link.opened(WELCOME)

    assert waits == [Lost(0.5), Lost(1.0), Lost(2.0)]
    assert link.lost(1006, "", 7.0) == Lost(0.5)
    assert (link.state, link.connect_at) == (State.AWAY, 7.5)


def test_goodbye_says_how_long() -> None:
    """What the server asks for is waited for, once."""
    link = opened()
    link.said_goodbye(wire.Bye(4001, "drained", "resume", 12_000))

    assert link.lost(4001, "", 1.0) == Lost(12.0)
    link.connected(13.0)
    assert link.lost(None, "", 13.0) == Lost(1.0)


def test_goodbye_beats_code() -> None:
    """What the goodbye says is right, whatever the code of the close."""
    link = opened()
    link.said_goodbye(wire.Bye(4777, "come back later", "never"))

    assert link.lost(1006, "", 0.0) == Ended("never", 4777, "come back later")


@pytest.mark.parametrize(
    "code, retry", [(4100, "reauth"), (4101, "reauth"), (4190, "reauth"), (4403, "never"), (1009, "never")]
)
def test_some_codes_end_it(code: int, retry: wire.Retry) -> None:
    """After these nobody connects again."""
    link = opened()

    assert link.lost(code, "why", 0.0) == Ended(retry, code, "why")
    assert (link.state, link.connect_at) == (State.ENDED, None)


def test_silence_has_an_end() -> None:
    """A server has some time for its welcome, and then its heartbeat and a grace."""
    link = Link(lambda: 0.5)
    assert link.silent_at() is None
    link.connected(100.0)
    assert link.silent_at() == 100.0 + OPENING
    link.opened(WELCOME)
    link.heard(110.0)
    assert link.silent_at() == 110.0 + 25 + GRACE
