"""What is being written, room by room, and when others are told that one types.

Knows texts and times that it is given; what becomes of a text that is sent, it doesn't know.

Invariants:

1. What was begun in a room is there until something else is kept for that room.
2. Others hear that one types at most every `TYPING_EVERY` seconds, and that one has stopped only after that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TYPING_EVERY: Final = 3.0


@dataclass(frozen=True, slots=True)
class Writing:
    """What is being written in a room: a new message, an answer, or another text for a message."""

    text: str = ""
    reply_to: int | None = None
    editing: int | None = None


class Writings:
    """What is being written in every room."""

    def __init__(self) -> None:
        self._kept: dict[str, Writing] = {}
        self._told_at = 0.0

    def of(self, room: str) -> Writing:
        """Return what was kept for a room; an empty message, if nothing was."""
        return self._kept.get(room, Writing())

    def keep(self, room: str, writing: Writing) -> None:
        """Keep this for a room."""
        self._kept[room] = writing

    def is_typed(self, room: str, text: str) -> bool:
        """Say whether a text is a message that is being typed, and none that was put back or is edited."""
        kept = self.of(room)
        return kept.editing is None and text != kept.text

    def typed(self, text: str, now: float) -> bool | None:
        """Learn how far a message is; return what others are to be told of it, if anything."""
        if text and now - self._told_at >= TYPING_EVERY:
            self._told_at = now
            return True
        if not text and self._told_at:
            self._told_at = 0.0
            return False
        return None

    def sent(self) -> None:
        """Learn that a message is sent, from which others know that one types no longer."""
        self._told_at = 0.0
