"""Messages that wait until their connection can send them.

They wait for the end of a message that is being sent in fragments, or, where
the sender allows for it, for a peer that is slow.

Invariants:

1. What waits is sent in the order in which it came; a message that replaces
   another takes its place.
2. Nothing is dropped that wasn't added as droppable or with a key.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict, deque
from collections.abc import Hashable

from ..protocol.prepared import Prepared

__all__ = ["Outbox"]


class Outbox:
    """The messages that wait on one connection."""

    __slots__ = ("_droppable", "_numbers", "_waiting", "size")

    def __init__(self) -> None:
        self._waiting: OrderedDict[Hashable, Prepared] = OrderedDict()
        self._numbers = itertools.count()
        # The numbers of those that may be dropped, the oldest first.
        self._droppable: deque[int] = deque()
        #: Bytes of payload that wait.
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, message: Prepared) -> int:
        """Let a message wait; return its number."""
        number = next(self._numbers)
        self._waiting[number] = message
        self.size += len(message.data)
        return number

    def add_droppable(self, message: Prepared, most: int) -> None:
        """Let a message wait, and drop the oldest that was added so while more than ``most`` of them do."""
        self._droppable.append(self.add(message))
        while len(self._droppable) > most:
            self._forget(self._waiting.pop(self._droppable.popleft()))

    def replace(self, message: Prepared, key: Hashable) -> None:
        """Let a message wait, in place of the one with the same key if there is one."""
        # A tuple is no number.
        replaced = self._waiting.get((key,))
        if replaced is not None:
            self._forget(replaced)
        self._waiting[(key,)] = message
        self.size += len(message.data)

    def pop(self) -> Prepared:
        """Take the message that is the next to be sent."""
        number, message = self._waiting.popitem(last=False)
        if self._droppable and self._droppable[0] == number:
            self._droppable.popleft()
        self._forget(message)
        return message

    def _forget(self, message: Prepared) -> None:
        self.size -= len(message.data)
