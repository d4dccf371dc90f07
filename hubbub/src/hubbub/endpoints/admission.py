"""Lets in who sends a request and is someone, as often as they may ask and write."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import User
from hubbub.endpoints.callers import Callers
from hubbub.realtime.bucket import Buckets


class Admission:
    """Counts what each user reads and writes, from wherever they do."""

    def __init__(self, callers: Callers, reads: Buckets, writes: Buckets) -> None:
        self._callers = callers
        self._reads = reads
        self._writes = writes

    async def reader(self, request: Request) -> User:
        """Return who wants to read.

        Raises:
            ChatError: `unauthorized`, `too_many_requests`.
        """
        user, _ = await self._callers.require(request)
        _take(self._reads, user)
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
        _take(self._writes if writes else self._reads, user)
        return user


def _take(buckets: Buckets, user: User) -> None:
    wait = buckets.take(user.id, asyncio.get_running_loop().time())
    if wait > 0:
        raise ChatError(Code.TOO_MANY_REQUESTS, after=wait)
