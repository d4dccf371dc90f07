"""How often one may come in: for each sender, and for each password that could be guessed."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.names import fold_username
from hubbub.endpoints.sender import sender_of
from hubbub.realtime.bucket import Buckets


class Throttle:
    """Counts newcomers for each sender, and guesses for each sender and each password."""

    def __init__(self, newcomers: Buckets, senders: Buckets, passwords: Buckets) -> None:
        self._newcomers = newcomers
        self._senders = senders
        self._passwords = passwords

    def count_newcomer(self, request: Request) -> None:
        """Refuse one newcomer too many.

        Raises:
            ChatError: `too_many_requests`.
        """
        _take(self._newcomers, sender_of(request))

    def count_login(self, request: Request, username: str) -> None:
        """Refuse one attempt too many, whether of one password or from one sender.

        Raises:
            ChatError: `too_many_requests`.
        """
        try:
            key = fold_username(username)
        except ChatError:
            # What is no username is nobody's.
            key = ""
        self._count(request, key)

    def count_try(self, request: Request) -> None:
        """Refuse one attempt too many from one sender, at what nobody can guess.

        Raises:
            ChatError: `too_many_requests`.
        """
        _take(self._senders, sender_of(request))

    def count_guess(self, request: Request, user_id: str) -> None:
        """Refuse one guess too many at the password of who is signed in.

        Raises:
            ChatError: `too_many_requests`.
        """
        self._count(request, user_id)

    def _count(self, request: Request, key: str) -> None:
        _take(self._senders, sender_of(request))
        _take(self._passwords, key)


def _take(buckets: Buckets, key: str) -> None:
    wait = buckets.take(key, asyncio.get_running_loop().time())
    if wait > 0:
        raise ChatError(Code.TOO_MANY_REQUESTS, after=wait)
