"""The timeline: a room's entries, to be scrolled through and selected from.

Knows lines and where they are.  What entries say, and what is done with the selected one, it doesn't know.

Invariants:

1. While its end is on the screen, it stays at the end.  Otherwise the first line on the screen stays where
   it is, whatever comes above and below.
2. At most one entry is selected, and it is a message.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar, Final

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hubbub.terminal.drawing import draw
from hubbub.terminal.entries import Entry, Fresh, Key, Post
from hubbub.terminal.themes import DARK, Palette

NEAR_TOP: Final = 1.5
"""How many screens from the top older messages are wanted."""


class Timeline(ScrollView, can_focus=True):
    """Entries from top to bottom; a short room stands at the bottom."""

    DEFAULT_CSS = """
    Timeline {
        overflow-x: hidden; overflow-y: scroll; scrollbar-gutter: stable; scrollbar-size-vertical: 1;
    }
    """

    ALLOW_SELECT = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "select(-1)", show=False),
        Binding("down,j", "select(1)", show=False),
        Binding("home,g", "select_edge(-1)", show=False),
        Binding("end,G", "select_edge(1)", show=False),
    ]

    class NearTop(Message):
        """Older messages are wanted."""

    class Moved(Message):
        """Something else is on the screen; `last` is the last message that is there whole."""

        def __init__(self, last: int | None, *, at_end: bool) -> None:
            super().__init__()
            self.last = last
            self.at_end = at_end

    def __init__(self) -> None:
        super().__init__()
        self.entries: Sequence[Entry] = ()
        self.selected: Key | None = None
        self._palette = DARK
        self._drawn: dict[Entry, list[Text]] = {}
        self._lines: list[tuple[Entry, Text]] = []
        self._starts: list[int] = []
        self._blank = 0
        """Lines above the first entry, so that a short room stands at the bottom."""
        self._sticks = True
        self._width = 0

    # What is shown

    def show(self, entries: Sequence[Entry], palette: Palette) -> None:
        """Show these entries instead."""
        if palette is not self._palette:
            self._palette, self._drawn = palette, {}
        anchor = self._anchor()
        self.entries = entries
        if self.selected is not None and self.selected_post is None:
            self.selected = None
        self._lay_out()
        self._restore(anchor)

    def open_at_fresh(self) -> None:
        """Go to where what is new begins, or to the end."""
        for entry, start in zip(self.entries, self._starts, strict=True):
            if isinstance(entry, Fresh):
                self._sticks = False
                self._go_to(start - self.size.height // 3)
                return
        self.go_to_end()

    def go_to_end(self) -> None:
        """Go to the latest message, and stay there."""
        self._sticks = True
        self._go_to(self.max_scroll_y)

    @property
    def is_at_end(self) -> bool:
        """Whether the latest message is on the screen."""
        return self.scroll_offset.y >= self.max_scroll_y

    @property
    def selected_post(self) -> Post | None:
        """The message that is selected."""
        return next((post for post in self._posts() if post.key == self.selected), None)

    # Layout

    def _lay_out(self) -> None:
        self._width = self.size.width
        drawn = {
            entry: self._drawn.get(entry) or draw(entry, self._width, self._palette) for entry in self.entries
        }
        self._drawn = drawn
        height = sum(len(drawn[entry]) for entry in self.entries)
        self._blank = max(0, self.size.height - height)
        self._lines, self._starts = [], []
        for entry in self.entries:
            self._starts.append(self._blank + len(self._lines))
            self._lines += ((entry, line) for line in drawn[entry])
        self.virtual_size = Size(self._width, self._blank + len(self._lines))
        self.refresh()

    def _anchor(self) -> tuple[Key, int] | None:
        """Return the first entry on the screen that will be there again, and how far down it is."""
        top = self.scroll_offset.y
        first = bisect_right(self._starts, top) - 1
        for index in range(max(0, first), len(self.entries)):
            if isinstance(self.entries[index], Post):
                return self.entries[index].key, self._starts[index] - top
        return None

    def _restore(self, anchor: tuple[Key, int] | None) -> None:
        if self._sticks or anchor is None:
            self._go_to(self.max_scroll_y)
            return
        key, below = anchor
        for entry, start in zip(self.entries, self._starts, strict=True):
            if entry.key == key:
                self._go_to(start - below)
                return
        self._go_to(self.scroll_offset.y)

    def _go_to(self, y: int) -> None:
        self.scroll_to(y=max(0, min(y, self.max_scroll_y)), animate=False, force=True)
        self._tell()

    def on_resize(self) -> None:
        """Break lines anew, for another width."""
        if self.entries:
            anchor = self._anchor()
            self._lay_out()
            self._restore(anchor)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Notice what is on the screen now."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._sticks = self.is_at_end
            self._tell()

    def _tell(self) -> None:
        if self.size.height and self.scroll_offset.y < NEAR_TOP * self.size.height:
            self.post_message(self.NearTop())
        bottom = self.scroll_offset.y + self.size.height
        last = None
        for entry, start in zip(self.entries, self._starts, strict=True):
            if start + len(self._drawn[entry]) > bottom:
                break
            if isinstance(entry, Post) and entry.q is not None:
                last = entry.q
        self.post_message(self.Moved(last, at_end=self.is_at_end))

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen."""
        base = Style(color=self._palette.text, bgcolor=self._palette.surface)
        index = self.scroll_offset.y + y - self._blank
        if not 0 <= index < len(self._lines):
            return Strip.blank(self._width, base)
        entry, text = self._lines[index]
        if self.selected is not None and entry.key == self.selected and self._is_body(entry, index):
            base = Style(color=self._palette.text, bgcolor=self._palette.pressed)
            text = Text.assemble(("▌", self._palette.accent), text[1:], end="")
        console = self.app.console
        # A text without spans renders without its own style.
        strip = Strip(text.render(console)).apply_style(console.get_style(text.style))
        return strip.extend_cell_length(self._width).crop(0, self._width).apply_style(base)

    def _is_body(self, entry: Entry, index: int) -> bool:
        """Say whether a line is more than the space above a message."""
        is_first = index == 0 or self._lines[index - 1][0] is not entry
        return not (is_first and isinstance(entry, Post) and entry.opens)

    # Selecting

    def _posts(self) -> list[Post]:
        return [entry for entry in self.entries if isinstance(entry, Post)]

    def select(self, key: Key | None) -> None:
        """Select a message, or none, and let it be seen."""
        self.selected = key
        self.refresh()
        for entry, start in zip(self.entries, self._starts, strict=True):
            if key is not None and entry.key == key:
                self._show_lines(start, len(self._drawn[entry]))

    def _show_lines(self, start: int, count: int) -> None:
        top, height = self.scroll_offset.y, self.size.height
        if start < top or count >= height:
            self._go_to(start)
        elif start + count > top + height:
            self._go_to(start + count - height)

    def action_select(self, step: int) -> None:
        """Select the message above or below."""
        keys = [post.key for post in self._posts()]
        if not keys:
            return
        if self.selected not in keys:
            self.select(keys[-1])
        else:
            self.select(keys[max(0, min(len(keys) - 1, keys.index(self.selected) + step))])

    def action_select_edge(self, edge: int) -> None:
        """Select the first message that is here, or the last."""
        posts = self._posts()
        if posts:
            self.select(posts[0 if edge < 0 else -1].key)
        if edge > 0:
            self.go_to_end()

    def on_focus(self) -> None:
        """Begin with the latest message."""
        if self.selected_post is None:
            self.action_select(0)

    def on_blur(self) -> None:
        """Select nothing while something else is worked with."""
        self.select(None)

    def on_click(self, event: events.Click) -> None:
        """Select what is clicked at."""
        index = self.scroll_offset.y + event.y - self._blank
        if 0 <= index < len(self._lines) and isinstance(self._lines[index][0], Post):
            self.select(self._lines[index][0].key)
