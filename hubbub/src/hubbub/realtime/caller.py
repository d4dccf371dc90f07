"""Who speaks on a connection, and what there is for everyone who does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hubbub import wire
from hubbub.bus.base import Bus
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import User
from hubbub.realtime.arrivals import Arrivals
from hubbub.realtime.hub import Hub
from hubbub.realtime.outbound import Outbound
from hubbub.realtime.presence import Presence
from hubbub.realtime.tails import Tails
from hubbub.realtime.tallies import Tallies
from hubbub.realtime.turnstile import Turnstile
from hubbub.storage.database import Database


@dataclass(frozen=True, slots=True)
class Shared:
    """What all connections of this process have in common."""

    database: Database
    bus: Bus
    hub: Hub
    presence: Presence
    tails: Tails
    tallies: Tallies
    arrivals: Arrivals
    turnstile: Turnstile
    refusals: Counter[str] = field(default_factory=Counter)
    """How many requests were refused, by the code."""


@dataclass(slots=True, eq=False)
class Caller:
    """A user on one connection; `login` is the digest of the token by which they are known there.

    `features` are those that client and server agreed on; `sender` stands for the address that it comes from.
    `refusals` counts those of everyone.
    """

    user: User
    login: bytes
    outbound: Outbound
    features: frozenset[str] = frozenset()
    sender: str = ""
    refusals: Counter[str] = field(default_factory=Counter)

    def answer(self, reply: wire.Reply) -> None:
        """Give a frame that must not be left out."""
        if isinstance(reply, wire.Err):
            self.refusals[reply.code] += 1
        self.outbound.answer(wire.encode(reply))

    def stream(self, name: str) -> str:
        """Return the stream that this connection calls so.

        Raises:
            ChatError: `not_found`, for what is no room's name.
        """
        if name == wire.ME:
            return self.user.id
        if not name.startswith("r_"):
            raise ChatError(Code.NOT_FOUND)
        return name
