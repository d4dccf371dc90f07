"""Every connection of this process: lets them in, and lets them go."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Final

from hubbub.domain.errors import ChatError
from hubbub.domain.events import Notice, SessionBarred, SessionExpired, SessionRevoked, UserRenamed
from hubbub.realtime.caller import Shared
from hubbub.realtime.session import (
    DISABLED,
    EXPIRED,
    REPLACED,
    REVOKED,
    Connection,
    Goodbye,
    Session,
    Times,
    crowded,
)

RETURNS_PER_SECOND: Final = 500
"""How many clients are asked to come back in each second after a restart.

One with 20 rooms, in three of which it lacks an event, takes 1.8 ms of a processor (`bench/`, row *resume*):
so many take nine tenths of the one that there is, and more would only wait for each other.
"""


class Gateway:
    """The sessions of this process."""

    def __init__(self, shared: Shared) -> None:
        self.times = Times()
        self._shared = shared
        self._sessions: set[Session] = set()
        # Those that are one too many of their address.
        self._uncounted: set[Session] = set()
        self._devices: dict[tuple[bytes, str], Session] = {}
        self._draining = False
        self.goodbyes: Counter[int] = Counter()
        """How many sessions were ended here, by the code."""
        self._emptied = asyncio.Event()

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._sessions)

    def count_waiting(self) -> tuple[int, int]:
        """Return for how many connections frames wait, and how many frames."""
        waiting = [count for session in self._sessions if (count := session.waiting)]
        return len(waiting), sum(waiting)

    def come(self, connection: Connection, token: str | None, sender: str = "") -> None:
        """Begin a session on an open connection; `sender` stands for its address."""
        session = Session(connection, token, self._shared, self, sender)
        self._sessions.add(session)
        if self._draining:
            session.end(self._restart())
        try:
            self._shared.turnstile.come(sender)
        except ChatError as error:
            self._uncounted.add(session)
            session.end(crowded(error))

    def arrive(self, session: Session) -> None:
        """Let a device's new connection take the place of an older one, which may be dead without knowing."""
        if session.device is None:
            return
        older = self._devices.get((session.login, session.device))
        self._devices[session.login, session.device] = session
        if older is not None:
            older.end(REPLACED)

    def leave(self, session: Session) -> None:
        """Forget a session that is over."""
        self._sessions.remove(session)
        if session.goodbye is not None:
            self.goodbyes[session.goodbye.code] += 1
        if session in self._uncounted:
            self._uncounted.remove(session)
        else:
            self._shared.turnstile.go(session.sender)
        self._leave_device(session)
        if not self._sessions:
            self._emptied.set()

    def _leave_device(self, session: Session) -> None:
        place = (session.login, session.device or "")
        if self._devices.get(place) is session:
            del self._devices[place]

    def hear(self, notice: Notice) -> None:
        """End the connections of a session that is over; let users go by the names that they have now."""
        # Of most notices, which are messages, no session has to hear here: they aren't gone through.
        match notice:
            case SessionRevoked():
                self._end(notice.session, REVOKED)
            case SessionExpired():
                self._end(notice.session, EXPIRED)
            case SessionBarred():
                self._end(notice.session, DISABLED)
            case UserRenamed():
                for session in self._sessions:
                    session.rename(notice.user)

    def _end(self, digest: str, goodbye: Goodbye) -> None:
        login = bytes.fromhex(digest)
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
