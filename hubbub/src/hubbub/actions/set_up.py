"""Making the first administrator, by a code that only who runs the server knows.

Invariants:

1. While there is an administrator, no code makes another.
2. A code makes one administrator, however many ask at once.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from pathlib import Path

from hubbub.actions.audit import note
from hubbub.actions.begin_session import SignedIn
from hubbub.actions.passwords import Passwords
from hubbub.actions.register import NewAccount, make_account
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import Deed, ServerRole, User
from hubbub.storage import users
from hubbub.storage.database import Database
from hubbub.storage.failures import StorageUnusableError
from hubbub.storage.setup_code import drop_setup_code, keep_setup_code
from hubbub.storage.transactions import Connection
from hubbub.storage.writer import Transaction

log = logging.getLogger(__name__)


class SetUp:
    """Whether an administrator is wanted, and the code by which one is made."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.code: str | None = None
        """None once nobody is wanted any more."""
        self._database = database
        self._folder = folder

    async def begin(self) -> None:
        """Look whether there is an administrator, and keep a code if there is none.

        Where none can be kept, whoever runs the server can still make one by a command.

        Raises:
            ChatError: that of a database in trouble.
        """
        if await self._database.read(users.has_administrator):
            await asyncio.to_thread(drop_setup_code, self._folder)
            return
        try:
            self.code = await asyncio.to_thread(keep_setup_code, self._folder)
        except StorageUnusableError as error:
            log.warning("%s: make an administrator by hubbub create-admin", error)

    async def make_administrator(
        self, passwords: Passwords, code: str, new: NewAccount, label: str = ""
    ) -> SignedIn:
        """Make the first administrator, and sign them in.

        Raises:
            ChatError: `forbidden` for another code, or if there is an administrator; and those of
                `make_account`.
        """
        self._check(code)

        async def check(connection: Connection) -> None:
            if await users.has_administrator(connection):
                raise _over()

        async def complete(transaction: Transaction, user: User) -> None:
            await note(transaction, user, Deed("user.setup", "user", user.id))

        made = await make_account(
            self._database, passwords, new, label, check, complete, ServerRole.ADMINISTRATOR
        )
        self.code = None
        await asyncio.to_thread(drop_setup_code, self._folder)
        return made

    def _check(self, code: str) -> None:
        if self.code is None or not hmac.compare_digest(code.encode(), self.code.encode()):
            raise _over()


def _over() -> ChatError:
    return ChatError(Code.FORBIDDEN, "This set-up address can't be used, or not any more.")
