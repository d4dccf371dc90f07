"""One's own messages that aren't in the room yet: on their way, or refused.

Knows nothing of how they are sent.

Invariants:

1. A message is here from when it was written until the room shows it, or its author gives it up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hubbub import wire


@dataclass(frozen=True, slots=True)
class Draft:
    """A message on its way; `refused` has the code by which it won't be stored."""

    nonce: str
    room: str
    text: str
    re: int | None = None
    refused: str | None = None


class Outgoing:
    """The messages of all rooms, in the order in which they were written."""

    def __init__(self) -> None:
        self._drafts: dict[str, Draft] = {}
        self._stored: dict[str, tuple[str, int]] = {}

    def add(self, draft: Draft) -> None:
        """Take a message that is on its way from now on."""
        self._drafts[draft.nonce] = draft

    def adopt(self, unsent: Iterable[wire.Send]) -> None:
        """Take what an earlier run left."""
        for request in unsent:
            self.add(Draft(request.n, request.s, request.d.text, request.d.re))

    def stored(self, nonce: str, q: int) -> None:
        """Learn the number by which the room will show a message."""
        if nonce in self._drafts:
            self._stored[nonce] = (self._drafts[nonce].room, q)

    def refused(self, nonce: str, code: str) -> None:
        """Learn that a message won't be stored."""
        if nonce in self._drafts:
            self._drafts[nonce] = replace(self._drafts[nonce], refused=code)

    def shown(self, nonce: str) -> None:
        """Learn that a message is in its room."""
        self._drafts.pop(nonce, None)
        self._stored.pop(nonce, None)

    def reached(self, room: str, q: int) -> None:
        """Learn that a room is shown up to a number, with every message before it."""
        for nonce, (where, number) in list(self._stored.items()):
            if where == room and number <= q:
                self.shown(nonce)

    def give_up(self, nonce: str) -> Draft | None:
        """Forget a message that was refused, and return it; nothing, if it is on its way."""
        draft = self._drafts.get(nonce)
        if draft is None or draft.refused is None:
            return None
        self.shown(nonce)
        return draft

    def of(self, room: str) -> list[Draft]:
        """Return what isn't in a room yet."""
        return [draft for draft in self._drafts.values() if draft.room == room]

    def __len__(self) -> int:
        return sum(draft.refused is None for draft in self._drafts.values())
