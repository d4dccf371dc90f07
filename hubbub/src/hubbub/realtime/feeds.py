"""Everyone in this process who listens without a WebSocket: lets them in, and lets them go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import Notice, SessionBarred, SessionExpired, SessionRevoked
from hubbub.domain.models import User
from hubbub.realtime.feed import Feed
from hubbub.realtime.hub import Hub
from hubbub.storage.database import Database

FEEDS: Final = 8
"""How many a user may have at a time."""
_PAUSE: Final = 5.0


class Feeds:
    """The feeds of this process."""

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database = database
        self._hub = hub
        self._feeds: set[Feed] = set()
        self._counts: Counter[str] = Counter()
        self._draining = False

    def __len__(self) -> int:
        return len(self._feeds)

    @contextmanager
    def open(self, user: User, login: str) -> Iterator[Feed]:
        """Make a feed, which is over when the context is.

        Raises:
            ChatError: `too_many_requests` for a user who has too many.
        """
        if self._counts[user.id] >= FEEDS:
            raise ChatError(Code.TOO_MANY_REQUESTS, f"At most {FEEDS} may wait at a time.", after=_PAUSE)
        feed = Feed(user, login, self._database, self._hub)
        self._feeds.add(feed)
        self._counts[user.id] += 1
        if self._draining:
            feed.end()
        try:
            yield feed
        finally:
            feed.close()
            self._feeds.remove(feed)
            self._counts[user.id] -= 1
            if not self._counts[user.id]:
                del self._counts[user.id]

    def hear(self, notice: Notice) -> None:
        """End the feeds of a session that is over."""
        if isinstance(notice, SessionBarred | SessionExpired | SessionRevoked):
            for feed in self._feeds:
                if feed.login == notice.session:
                    feed.end()

    def drain(self) -> None:
        """End all feeds, present and future."""
        self._draining = True
        for feed in self._feeds:
            feed.end()
