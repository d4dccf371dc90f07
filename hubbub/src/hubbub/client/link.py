"""When to connect, when to give a connection up, and when to stay away.

Knows times and close codes, and of what is said only the goodbye.

Invariants:

1. After a loss nobody connects before the wait is over that the server asked for, or that chance gave.
2. Nothing leaves ENDED.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from hubbub import wire
from hubbub.client.backoff import Random, wait_for
from hubbub.client.news import Ended, Lost

OPENING: Final = 15.0
"""Seconds that a server has for its welcome."""
GRACE: Final = 10.0
"""Seconds that it may be silent beyond its heartbeat."""


class State(Enum):
    """Where the connection is."""

    AWAY = auto()
    OPENING = auto()
    OPEN = auto()
    ENDED = auto()


class Link:
    """The connection, as something that comes and goes."""

    def __init__(self, random: Random) -> None:
        self.state = State.AWAY
        self.connect_at: float | None = 0.0
        """When to connect, while it is away."""
        self._random = random
        self._failures = 0
        self._patience = OPENING
        self._heard_at = 0.0
        self._bye: wire.Bye | None = None

    def connected(self, now: float) -> None:
        """Begin a connection."""
        self.state, self.connect_at = State.OPENING, None
        self._bye = None
        self._patience, self._heard_at = OPENING, now

    def opened(self, welcome: wire.Welcome) -> None:
        """Take a connection as working."""
        self.state = State.OPEN
        self._failures = 0
        self._patience = welcome.hb + GRACE

    def heard(self, now: float) -> None:
        """Note a sign of life."""
        self._heard_at = now

    def silent_at(self) -> float | None:
        """Return when the connection will be taken for dead, if nothing comes."""
        return self._heard_at + self._patience if self.state in {State.OPENING, State.OPEN} else None

    @property
    def patience(self) -> float:
        """How long an answer may take, in seconds."""
        return self._patience

    def said_goodbye(self, bye: wire.Bye) -> None:
        """Note why the connection is about to be closed."""
        self._bye = bye

    def lost(self, code: int | None, reason: str, now: float) -> Lost | Ended:
        """Decide what follows on the end of a connection, or of an attempt at one."""
        bye, self._bye = self._bye, None
        retry = wire.retry_after(code) if bye is None else bye.retry
        if retry != "resume":
            return self.end(retry, code if bye is None else bye.code, reason if bye is None else bye.why)
        self._failures += 1
        wait = wait_for(None if bye is None else bye.after, self._failures, self._random)
        self.state, self.connect_at = State.AWAY, now + wait
        return Lost(wait)

    def end(self, retry: wire.Retry, code: int | None, why: str) -> Ended:
        """Stay away from now on."""
        self.state, self.connect_at = State.ENDED, None
        return Ended(retry, code, why)
