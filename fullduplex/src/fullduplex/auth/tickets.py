"""Tickets: secrets that let one connection in, soon, and once.

A page that is signed in by other means asks for one, and opens its connection
with it in the query.  That it may be read in logs doesn't matter: by then it is
used up.  This module issues tickets and redeems them; it knows users by what the
program gives for them, and keeps nothing beyond this process.

Invariants:

1. A ticket is redeemed once at most, and not after its lifetime.
2. No more tickets are kept than the capacity says; the oldest make room.
3. What is kept of a ticket can't be used as one.
"""

from __future__ import annotations

import functools
import secrets
import threading
import time
import urllib.parse
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ..protocol.http11 import Request, Response
from ..protocol.server import plain_response
from .checks import Check, ProcessRequest, admit, digest

__all__ = ["Tickets", "ticket_auth"]

#: A ticket has 256 bits.
TICKET_BYTES = 32

U = TypeVar("U")


class Tickets(Generic[U]):
    """The tickets of one process; its methods may be called in any thread.

    Args:
        lifetime: seconds in which a ticket can be redeemed.
        capacity: tickets that wait to be redeemed; beyond it the oldest expire early.
        clock: gives the time in seconds.

    Raises:
        ValueError: unless lifetime and capacity are positive.
    """

    def __init__(
        self, lifetime: float = 30.0, *, capacity: int = 65_536, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if lifetime <= 0 or capacity < 1:
            raise ValueError("lifetime and capacity must be positive")
        self._lifetime = lifetime
        self._capacity = capacity
        self._clock = clock
        # By digest, with when each expires; the oldest is the first.
        self._issued: dict[bytes, tuple[float, U]] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self._issued)} of {self._capacity} issued>"

    def issue(self, user: U) -> str:
        """Return a new ticket for a user; it may stand in a URL as it is.

        Raises:
            ValueError: if ``user`` is what is false, as that lets nobody in.
        """
        if not user:
            raise ValueError("a ticket must be for someone")
        ticket = secrets.token_urlsafe(TICKET_BYTES)
        now = self._clock()
        with self._lock:
            self._make_room(now)
            self._issued[digest(ticket)] = now + self._lifetime, user
        return ticket

    def redeem(self, ticket: str) -> U | None:
        """Use a ticket up; return whom it was issued for, or None if it isn't valid, or not any more."""
        with self._lock:
            expiry, user = self._issued.pop(digest(ticket), (0.0, None))
        return user if self._clock() < expiry else None

    def _make_room(self, now: float) -> None:
        """Forget what has expired, and the oldest if there is no place for one more."""
        while self._issued:
            oldest = next(iter(self._issued))
            if self._issued[oldest][0] > now and len(self._issued) < self._capacity:
                return
            del self._issued[oldest]


def ticket_auth(redeem: Check, *, parameter: str = "ticket") -> ProcessRequest:
    """Make a ``process_request`` that lets in who has a ticket in the query.

    It sets the connection's ``user``, and takes the ticket out of the request's ``path``.
    Anyone else is answered with 403.  As a ticket is used up when its request comes,
    each attempt to connect needs a new one.

    Args:
        redeem: ``redeem`` of ``Tickets``, or of what several processes share: called with
            the ticket, uses it up and returns whom it was issued for, or None; may be a
            coroutine function. What it raises is status 500, and ``Forbidden`` 403.
        parameter: its name in the query; the log of frames hides what is called like a secret, as
            ``ticket`` and ``token`` are, and no other.
    """
    refuse = functools.partial(plain_response, 403, "A valid ticket is needed.\n")

    async def process_request(connection: Any, request: Request) -> Response | None:
        tickets = _take(request, parameter)
        if len(tickets) != 1:
            return refuse()
        return await admit(connection, refuse, redeem, tickets[0])

    return process_request


def _take(request: Request, parameter: str) -> list[str]:
    """Take the values of a parameter out of the query, and return them; all else stays as it was."""
    path, _, query = request.path.partition("?")
    kept: list[str] = []
    taken: list[str] = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if urllib.parse.unquote_plus(name) == parameter:
            taken.append(urllib.parse.unquote_plus(value))
        else:
            kept.append(part)
    if taken:
        request.path = f"{path}?{'&'.join(kept)}" if kept else path
    return taken
