"""Lets in who sends a request and is someone, as often as they may ask and write."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import User
from hubbub.endpoints.callers import Callers
from hubbub.endpoints.sender import sender_of
from hubbub.realtime.bucket import Buckets
from hubbub.realtime.turnstile import Turnstile


class Admission:
    """Counts what each user reads and writes, from wherever they do.

    What is written counts at the turnstile as well, where a user and an address have one limit for all ways.
    """

    def __init__(self, callers: Callers, reads: Buckets, writes: Buckets, turnstile: Turnstile) -> None:
        self._callers = callers
        self._reads = reads
        self._writes = writes
        self._turnstile = turnstile

    async def reader(self, request: Request) -> User:
        """Return who wants to read.

        Raises:
            ChatError: `unauthorized`, `too_many_requests`.
        """
        user, _ = await self._callers.require(request)
        self._count_read(user)
        return user

    async def again(self, request: Request) -> User:
        """Return who has waited, if they are still let in; it isn't counted.

        Raises:
            ChatError: `unauthorized`.
        """
        user, _ = await self._callers.require(request)
        return user

    async def writer(self, request: Request) -> User:
        """Return who wants to write.

        Raises:
            ChatError: `unauthorized`, `forbidden` for another page's script, `too_many_requests`.
        """
        return await self.caller(request, writes=True)

    async def caller(self, request: Request, *, writes: bool) -> User:
        """Return who wants to call what may change something, and is counted as a write if it `writes`.

        Raises:
            ChatError: those of `writer`.
        """
        self._callers.check_origin(request)
        user, _ = await self._callers.require(request)
        if writes:
            self.count_write(request, user)
        else:
            self._count_read(user)
        return user

    def count_write(self, request: Request, user: User) -> None:
        """Count what somebody is about to write.

        Raises:
            ChatError: `too_many_requests`; then it isn't counted.
        """
        now = _now()
        _refuse(self._writes.wait(user.id, now) or self._turnstile.count_write(user.id, sender_of(request)))
        self._writes.take(user.id, now)

    def _count_read(self, user: User) -> None:
        _refuse(self._reads.take(user.id, _now()))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _refuse(wait: float) -> None:
    if wait > 0:
        raise ChatError(Code.TOO_MANY_REQUESTS, after=wait)
