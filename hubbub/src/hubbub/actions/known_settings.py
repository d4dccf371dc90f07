"""What administrators have decided, as this process knows it.

Invariants:

1. The database is asked once, and again only after something was changed, whoever changed it.
2. What was read while something was changed is kept by nobody.
"""

from __future__ import annotations

from hubbub.domain.events import Notice, SettingsChanged
from hubbub.domain.settings import ServerSettings
from hubbub.storage import settings
from hubbub.storage.database import Database


class KnownSettings:
    """The settings, for whoever asks often; what must be exact is read in the transaction that needs it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: ServerSettings | None = None
        self._changes = 0

    async def get(self) -> ServerSettings:
        """Return the settings.

        Raises:
            ChatError: that of a database in trouble.
        """
        if self._known is not None:
            return self._known
        changes = self._changes
        found = await self._database.read(settings.find)
        if changes == self._changes:
            self._known = found
        return found

    def hear(self, notice: Notice) -> None:
        """Forget what is known, if it is no longer so."""
        if isinstance(notice, SettingsChanged):
            self._known = None
            self._changes += 1
