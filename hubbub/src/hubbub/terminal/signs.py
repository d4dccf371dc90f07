"""Lines around the timeline, drawn again only when they say something else."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

EMPTY = Content()


class Sign(Static):
    """A line; it has the class `said` while there is something in it."""

    DEFAULT_CSS = "Sign { width: 1fr; }"

    _shown = EMPTY

    def say(self, content: Content | str) -> None:
        """Show this from now on; what looks like markup is text."""
        said = Content(content) if isinstance(content, str) else content
        # Equal contents may differ in their colours.
        if (said.plain, said.spans) != (self._shown.plain, self._shown.spans):
            self._shown = said
            self.set_class(bool(said.plain), "said")
            self.update(said)
