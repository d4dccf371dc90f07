"""What the writer has done so far, counted once a batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hubbub.domain.spread import Spread

SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128)
SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@dataclass(slots=True)
class Tally:
    """How many writes were in each batch, how long each took, and what was stored."""

    sizes: Spread = field(default_factory=lambda: Spread(SIZES))
    seconds: Spread = field(default_factory=lambda: Spread(SECONDS))
    events: int = 0
    messages: int = 0
    failures: int = 0
    """Transactions that weren't committed."""

    def count(self, writes: int, seconds: float, *, events: int, messages: int) -> None:
        """Count a batch that was committed."""
        self.sizes.add(writes)
        self.seconds.add(seconds)
        self.events += events
        self.messages += messages
