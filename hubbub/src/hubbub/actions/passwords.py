"""Hashing passwords, which takes long on purpose, without keeping anybody else waiting.

Invariants:

1. No more than `AT_ONCE` passwords are hashed at a time, in threads: each takes 19 MiB of memory meanwhile.
2. Verifying takes the same time whether there is something to verify against or not.
"""

from __future__ import annotations

import asyncio
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from hubbub.domain.policies import PASSWORD_MAX

AT_ONCE: Final = 2


class Passwords:
    """Argon2id with 19 MiB and two passes, as OWASP has it."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._turns = asyncio.Semaphore(AT_ONCE)
        # What nobody's password is verified against.
        self._nobodys = self._hasher.hash("")

    async def hash(self, password: str) -> str:
        """Return what is stored of a password."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, _prepare(password))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Say whether this is the password of which something is stored; None is nobody's."""
        if len(password) > PASSWORD_MAX:
            password, stored = "", None
        async with self._turns:
            is_same = await asyncio.to_thread(self._verify, password, stored or self._nobodys)
        return is_same and bool(stored)

    def _verify(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, _prepare(password))
        except (Argon2Error, InvalidHashError):
            return False


def _prepare(password: str) -> bytes:
    # Keyboards differ in whether an accent is part of its letter.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
