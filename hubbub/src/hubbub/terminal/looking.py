"""Where one is in the room on the screen: what could be read there, and what is new.

Knows numbers of messages, and what the screen says of itself; neither rooms nor what they say.

Invariants:

1. What is seen was on the screen: coming into a room, nothing is.
2. Where what is new begins stays where it is, until one writes, looks away at the end, or goes elsewhere.
"""

from __future__ import annotations

from hubbub import wire


class Looking:
    """How one looks at one room after the other."""

    def __init__(self) -> None:
        self.seen: int | None = None
        """The last message that was on the screen."""
        self.at_end = True
        self.below = 0
        """How many messages have come further down than one looks."""
        self.fresh_after: int | None = None
        """The message after which what is new begins, if anything is."""
        self._is_arriving = False
        self._is_here = False

    def come(self, marks: wire.Marks) -> None:
        """Look at another room, in which so much waits."""
        self.seen, self.below, self._is_arriving = None, 0, True
        self.fresh_after = marks.read if marks.unread else None

    def arrived(self) -> None:
        """Learn that what is said in the room is here."""
        self._is_here = True

    def opens(self) -> bool:
        """Say whether to go to where what is new begins; asked each time that the room is shown."""
        is_arriving = self._is_arriving
        self._is_arriving = is_arriving and not self._is_here
        self._is_here = False
        return is_arriving

    def moved(self, last: int | None, *, at_end: bool) -> None:
        """Learn what is on the screen now."""
        self.seen, self.at_end = last, at_end
        if at_end:
            self.below = 0

    def posted(self) -> None:
        """Learn that someone else has written."""
        self.below += not self.at_end

    def wrote(self) -> None:
        """Learn that one has written: nothing above is new any more."""
        self.fresh_after = None

    def looked_away(self, last: int | None) -> None:
        """Learn that one looks elsewhere, where `last` was the last message: what comes now will be new."""
        if self.at_end and last is not None:
            self.fresh_after = last
