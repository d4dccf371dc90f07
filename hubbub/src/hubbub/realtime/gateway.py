"""Every connection of this process: lets them in, and lets them go."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from hubbub.domain.errors import ChatError
from hubbub.domain.events import Notice, SessionExpired, SessionRevoked, UserRenamed
from hubbub.realtime.caller import Shared
from hubbub.realtime.session import EXPIRED, REPLACED, REVOKED, Connection, Goodbye, Session, crowded

RETURNS_PER_SECOND: Final = 500
"""How many clients are asked to come back in each second after a restart.

One with 20 rooms, in three of which it lacks an event, takes 1.8 ms of a processor (`bench/`, row *resume*):
so many take nine tenths of the one that there is, and more would only wait for each other.
"""


class Gateway:
    """The sessions of this process."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._sessions: set[Session] = set()
        self._devices: dict[tuple[str, str], Session] = {}
        self._draining = False
        self._emptied = asyncio.Event()

    async def converse(self, connection: Connection, token: str | None, sender: str = "") -> None:
        """Hold a conversation on an open connection, until it is closed; `sender` stands for its address."""
        session = Session(connection, token, self._shared, sender, self._arrive)
        self._sessions.add(session)
        if self._draining:
            session.end(self._restart())
        try:
            with self._count(session, sender):
                await session.run()
        finally:
            self._sessions.remove(session)
            self._leave(session)
            if not self._sessions:
                self._emptied.set()

    def _arrive(self, session: Session) -> None:
        """Let a device's new connection take the place of an older one, which may be dead without knowing."""
        if session.device is None:
            return
        older = self._devices.get((session.login, session.device))
        self._devices[session.login, session.device] = session
        if older is not None:
            older.end(REPLACED)

    def _leave(self, session: Session) -> None:
        place = (session.login, session.device or "")
        if self._devices.get(place) is session:
            del self._devices[place]

    @contextmanager
    def _count(self, session: Session, sender: str) -> Iterator[None]:
        """Count a connection as long as it is there; one too many is told so, and gone soon."""
        turnstile = self._shared.turnstile
        try:
            turnstile.come(sender)
        except ChatError as error:
            session.end(crowded(error))
            yield
            return
        try:
            yield
        finally:
            turnstile.go(sender)

    def hear(self, notice: Notice) -> None:
        """End the connections of a session that is over; let users go by the names that they have now."""
        # Of most notices, which are messages, no session has to hear here: they aren't gone through.
        match notice:
            case SessionRevoked():
                self._end(notice.session, REVOKED)
            case SessionExpired():
                self._end(notice.session, EXPIRED)
            case UserRenamed():
                for session in self._sessions:
                    session.rename(notice.user)

    def _end(self, login: str, goodbye: Goodbye) -> None:
        for session in self._sessions:
            if session.login == login:
                session.end(goodbye)

    async def drain(self) -> None:
        """Say goodbye to everyone, present and future, and wait until all have gone."""
        self._draining = True
        for session in self._sessions:
            session.end(self._restart())
        while self._sessions:
            self._emptied.clear()
            await self._emptied.wait()

    def _restart(self) -> Goodbye:
        # Spread over time, or everyone would be back in the same moment.
        spread = max(1.0, len(self._sessions) / RETURNS_PER_SECOND)
        return Goodbye(1012, "restarting", "resume", random.uniform(0, spread))
