"""Counts what one user, and one address, does on all connections together, and says when it is too much.

What one connection may do, `lanes` counts.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Final, NamedTuple

from hubbub import wire
from hubbub.domain import policies
from hubbub.domain.errors import ChatError, Code
from hubbub.realtime.bucket import Buckets, Rate

CROWD_PAUSE: Final = 30.0
"""Seconds after which one connection too many may try again."""
HELLO_SPREAD: Final = 5.0
"""Seconds over which those are spread who come too fast, or they would all be back in the same moment."""
MARK_SPREAD: Final = 2.0
"""The same for marks, of which those of one address wait for each other."""


class Limits(NamedTuple):
    """How much is too much; `writes` is for one connection, `hellos` for one address.

    `file_bytes` is for one file, and counted elsewhere.
    """

    writes: Rate = Rate(wire.WRITE_BURST, wire.WRITES_PER_SECOND)
    user_writes: Rate = Rate(policies.USER_WRITE_BURST, policies.USER_WRITES_PER_SECOND)
    address_writes: Rate = Rate(policies.ADDRESS_WRITE_BURST, policies.ADDRESS_WRITES_PER_SECOND)
    hellos: Rate = Rate(policies.HELLO_BURST, policies.HELLOS_PER_SECOND)
    user_connections: int = policies.USER_CONNECTIONS
    address_connections: int = policies.ADDRESS_CONNECTIONS
    file_bytes: int = policies.FILE_BYTES


class Turnstile:
    """What everyone who is here does; a `sender` stands for an address."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._user_writes = Buckets(*limits.user_writes)
        self._sender_writes = Buckets(*limits.address_writes)
        self._reads = Buckets(policies.READ_BURST, policies.READS_PER_SECOND)
        self._subscriptions = Buckets(policies.SUBSCRIPTION_BURST, policies.SUBSCRIPTIONS_PER_SECOND)
        self._typings = Buckets(policies.TYPING_BURST, policies.TYPINGS_PER_SECOND)
        self._user_marks = Buckets(policies.MARK_BURST, policies.MARKS_PER_SECOND)
        self._sender_marks = Buckets(*limits.address_writes)
        self._hellos = Buckets(*limits.hellos)
        self._users: Counter[str] = Counter()
        self._senders: Counter[str] = Counter()

    def come(self, sender: str) -> None:
        """Count a connection, which has to `go`; one that is refused isn't counted.

        Raises:
            ChatError: `too_many_requests`, for one too many of an address, or too soon.
        """
        if self._senders[sender] >= self.limits.address_connections:
            raise ChatError(Code.TOO_MANY_REQUESTS, after=CROWD_PAUSE)
        if wait := self._hellos.take(sender, _now()):
            raise ChatError(Code.TOO_MANY_REQUESTS, after=wait + random.uniform(0, HELLO_SPREAD))
        self._senders[sender] += 1

    def go(self, sender: str) -> None:
        """Count a connection no longer."""
        _decrease(self._senders, sender)

    def sign_in(self, user_id: str) -> None:
        """Count a connection as a user's, which has to `sign_out`; one that is refused isn't counted.

        Raises:
            ChatError: `too_many_requests`, for one too many.
        """
        if self._users[user_id] >= self.limits.user_connections:
            raise ChatError(Code.TOO_MANY_REQUESTS, after=CROWD_PAUSE)
        self._users[user_id] += 1

    def sign_out(self, user_id: str) -> None:
        """Count a connection as a user's no longer."""
        _decrease(self._users, user_id)

    @property
    def signed_in(self) -> int:
        """How many connections have a user."""
        return self._users.total()

    @property
    def users(self) -> int:
        """How many users have a connection."""
        return len(self._users)

    def count_write(self, user_id: str, sender: str) -> float:
        """Count a write, and return 0; or don't, and return in how many seconds it may be tried again."""
        now = _now()
        if wait := max(self._user_writes.wait(user_id, now), self._sender_writes.wait(sender, now)):
            return wait
        self._user_writes.take(user_id, now)
        self._sender_writes.take(sender, now)
        return 0.0

    def count_read(self, user_id: str) -> float:
        """Count what a user asks to be read, as `count_write` does."""
        return self._reads.take(user_id, _now())

    def count_subscription(self, user_id: str) -> float:
        """Count that a user asks for a stream, as `count_write` does."""
        return self._subscriptions.take(user_id, _now())

    def count_typing(self, user_id: str) -> float:
        """Count that a room is told of a user's typing, as `count_write` does."""
        return self._typings.take(user_id, _now())

    def count_mark(self, user_id: str, sender: str) -> float:
        """Count that it is stored how far a room was read; as `count_write` does."""
        now = _now()
        if wait := self._user_marks.wait(user_id, now):
            return wait
        if wait := self._sender_marks.wait(sender, now):
            return wait + random.uniform(0, MARK_SPREAD)
        self._user_marks.take(user_id, now)
        self._sender_marks.take(sender, now)
        return 0.0


def _now() -> float:
    return asyncio.get_running_loop().time()


def _decrease(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
