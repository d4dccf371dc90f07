"""Hashing passwords, which takes long on purpose, without keeping anybody else waiting.

Invariants:

1. No more than `AT_ONCE` passwords are hashed at a time, in threads: each takes 19 MiB of memory meanwhile.
2. Verifying takes the same time whether there is something to verify against or not.
3. No more than `WAITING` wait for their turn: whoever comes then is told so at once.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.policies import PASSWORD_MAX

AT_ONCE: Final = 2
WAITING: Final = 100
"""Passwords that are hashed in two or three seconds."""
PAUSE: Final = 5.0


class Passwords:
    """Argon2id with 19 MiB and two passes, as OWASP has it."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._count = 0
        # What nobody's password is verified against.
        self._nobodys = self._hasher.hash("")

    async def hash(self, password: str) -> str:
        """Return what is stored of a password.

        Raises:
            ChatError: `too_many_requests`, where too many wait already.
        """
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, _prepare(password))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Say whether this is the password of which something is stored; None is nobody's.

        Raises:
            ChatError: as `hash` does.
        """
        if len(password) > PASSWORD_MAX:
            password, stored = "", None
        async with self._turn():
            is_same = await asyncio.to_thread(self._verify, password, stored or self._nobodys)
        return is_same and bool(stored)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._count >= AT_ONCE + WAITING:
            raise ChatError(Code.TOO_MANY_REQUESTS, after=PAUSE)
        self._count += 1
        try:
            async with self._turns:
                yield
        finally:
            self._count -= 1

    def _verify(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, _prepare(password))
        except (Argon2Error, InvalidHashError):
            return False


def _prepare(password: str) -> bytes:
    # Keyboards differ in whether an accent is part of its letter.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
