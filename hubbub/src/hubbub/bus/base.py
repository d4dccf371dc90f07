"""What a bus is: fire and forget.

It is a wake-up, never the truth.  Whoever listens must be able to tell from the numbers of events that it
missed some, and must know where to read them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hubbub.domain.events import Notice

Listener = Callable[[Notice], None]


class Bus(Protocol):
    """Carries notices from where something was committed to everyone who listens."""

    def publish(self, notice: Notice) -> None:
        """Tell everyone, without waiting for anyone; never raises."""

    def subscribe(self, listener: Listener) -> None:
        """Call the listener with every notice from now on, in the order in which they were published."""
