"""``bufferedAmount``: the payload that was sent and that the network hasn't taken yet.

It knows how many bytes a connection has written and the network has taken.  It
doesn't know what was sent, or when a turn of the loop ends.

Invariants:

1. What was sent in this turn counts whole, whatever is on its way already.
2. What earlier turns sent only falls, and is gone when the network has taken
   as many bytes as were written by the end of their turn.
3. When the connection is lost, what waited when it was last looked at waits for ever.
"""

from __future__ import annotations

from collections import deque

from ..protocol.states import State
from ..transport.connection import Connection

__all__ = ["Amount"]


class Amount:
    """Bytes of payload: ``fresh`` of this turn, older that wait, and ``lost`` that won't ever go out."""

    def __init__(self) -> None:
        self.fresh = 0
        self.lost = 0
        self._older = 0
        self._batches: deque[tuple[int, int]] = deque()
        self._batched = 0

    def total(self, link: Connection | None) -> int:
        """Return the sum; None for a link that there isn't yet."""
        return self.fresh + self.older(link) + self.lost

    def older(self, link: Connection | None) -> int:
        """Return how much of what earlier turns sent still waits, or did when the connection was lost."""
        if not self._batches:
            return self._older
        if link is None or link.was_cut or link.state is State.CLOSED:
            return self._older
        taken = link.bytes_taken
        while self._batches and self._batches[0][0] <= taken:
            self._batched -= self._batches.popleft()[1]
        self._older = self._batched
        if self._batches:
            end, size = self._batches[0]
            self._older -= max(0, size - (end - taken))
        return self._older

    def end_turn(self, link: Connection) -> None:
        """Let what was sent in this turn, and is written now, count as far as it waits."""
        self._batches.append((link.bytes_written, self.fresh))
        self._batched += self.fresh
        if link.was_cut or link.state is State.CLOSED:
            self._older += self.fresh
        self.fresh = 0
        self.older(link)
