"""A connection that loses, doubles and exchanges what the server says, as no network does that keeps order.

The proxy is that of the conformance suite; this is one more of its ways.
"""

from __future__ import annotations

from random import Random
from typing import Any

from faults.suite import Ends, Frame, Way
from hubbub import wire

_FATES = ("pass", "lose", "double", "keep")


class Mangle(Way):
    """Lose, double and exchange events, each with this chance, until told to be `calm`."""

    def __init__(self, chance: float, seed: int) -> None:
        self.is_calm = False
        self.done = dict.fromkeys(_FATES, 0)
        """How many events had each fate."""
        self._random = Random(seed)
        self._weights = (1 - 3 * chance, chance, chance, chance)

    def calm(self) -> None:
        """Pass on everything from now on; what is kept is lost."""
        self.is_calm = True

    def asked(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Have frames sent one by one."""
        if frame.get("t") == "hello":
            frame["feat"] = [each for each in frame.get("feat", ()) if each != wire.BATCH]
        return [frame]

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Decide what becomes of an event; one that is kept comes after later ones."""
        if frame["t"] != "ev" or self.is_calm:
            return [frame]
        [fate] = self._random.choices(_FATES, self._weights)
        self.done[fate] += 1
        kept: list[Any] = ends.notes.setdefault("kept", [])
        if fate == "keep":
            kept.append(frame)
            return []
        after, kept[:] = kept[::-1], []
        return {"lose": [], "double": [frame, frame], "pass": [frame]}[fate] + after
