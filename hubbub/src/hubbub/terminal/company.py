"""Who else is in the rooms: how many, and who types.

Knows what is said of people in passing, and times that it is given; has no clock.
"""

from __future__ import annotations

from collections import defaultdict

from hubbub import wire
from hubbub.client import RoomView
from hubbub.terminal.typists import Typists


class Company:
    """The others, room by room."""

    def __init__(self) -> None:
        self._typists: defaultdict[str, Typists] = defaultdict(Typists)
        self._counts: dict[str, int] = {}

    def overheard(self, room: str, body: wire.EphemeralBody, ttl: float | None, now: float) -> None:
        """Learn what is said in passing."""
        match body:
            case wire.TypingInfo(user=user, on=on):
                self._typists[room].heard(user.id, now, ttl, on=on)
            case wire.PresenceList(users=users, count=count):
                self._counts[room] = 0 if users else count

    def posted(self, room: str, user: str, now: float) -> None:
        """Learn that someone has written, and so types no longer."""
        self._typists[room].heard(user, now, None, on=False)

    def typing(self, room: str, now: float) -> list[str]:
        """Return who types in a room, in the order in which they began."""
        return self._typists[room].current(now)

    def count(self, view: RoomView) -> int:
        """Return how many are there; in a large room the server says only that."""
        return self._counts.get(view.id) or len(view.present)
