"""Who is typing, for as long as that is true.

Knows times that it is given; has no clock.
"""

from __future__ import annotations

from typing import Final

TTL: Final = 6.0


class Typists:
    """Those who type in one room."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def heard(self, user: str, now: float, ttl: float | None, *, on: bool) -> None:
        """Learn that someone types, or has stopped."""
        if on:
            self._until[user] = now + (TTL if ttl is None else ttl)
        else:
            self._until.pop(user, None)

    def current(self, now: float) -> list[str]:
        """Return who types at this moment, in the order in which they began."""
        self._until = {user: until for user, until in self._until.items() if until > now}
        return list(self._until)
