"""The list of one's rooms, with what waits in each.

Knows names and numbers; which room is on the screen it is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hubbub.terminal.themes import DARK, Palette
from hubbub.terminal.wrapping import shorten, width_of

MOST: Final = 999


@dataclass(frozen=True, slots=True)
class Row:
    """A room, and what waits there."""

    room: str
    name: str
    unread: int
    mentions: int
    is_private: bool
    is_talk: bool = False


def badge_of(row: Row) -> str:
    """Return what waits in a room, in a few characters."""
    number = row.mentions or row.unread
    shown = f"{number}" if number <= MOST else f"{MOST}+"
    return f"@{shown}" if row.mentions else shown if number else ""


def _sign_of(row: Row) -> str:
    if row.is_talk:
        return "@ "
    return "⌂ " if row.is_private else "# "


def draw_row(row: Row, width: int, palette: Palette, *, is_current: bool) -> Text:
    """Return a room's line."""
    badge = badge_of(row)
    room_for_name = width - 4 - (width_of(badge) + 2 if badge else 0)
    name = shorten(row.name, max(1, room_for_name))
    is_loud = bool(row.unread or is_current)
    style = Style(color=palette.text if is_loud else palette.quiet, bold=bool(row.unread))
    text = Text.assemble(
        ("▌" if is_current else " ", palette.accent),
        (_sign_of(row), palette.quiet),
        (name, style),
        no_wrap=True,
        end="",
    )
    if badge:
        text.append(" " * max(1, width - text.cell_len - width_of(badge) - 2))
        loud = Style(color=palette.on_accent, bgcolor=palette.accent, bold=True)
        quiet = Style(color=palette.text, bgcolor=palette.pressed)
        text.append(f" {badge} ", loud if row.mentions else quiet)
    return text


class RoomList(ScrollView):
    """The rooms, one a line."""

    DEFAULT_CSS = "RoomList { overflow-x: hidden; scrollbar-size-vertical: 1; }"

    ALLOW_SELECT = False

    class Chosen(Message):
        """Another room is wanted on the screen."""

        def __init__(self, room: str) -> None:
            super().__init__()
            self.room = room

    def __init__(self) -> None:
        super().__init__()
        self.rows: Sequence[Row] = ()
        self.current: str | None = None
        self._palette = DARK

    def show(self, rows: Sequence[Row], current: str | None, palette: Palette) -> None:
        """Show these rooms instead."""
        self.rows, self.current, self._palette = rows, current, palette
        self.virtual_size = Size(self.size.width, len(rows))
        index = next((index for index, row in enumerate(rows) if row.room == current), None)
        if index is not None and not 0 <= index - self.scroll_offset.y < max(1, self.size.height):
            self.scroll_to(y=index, animate=False, force=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen."""
        index, width = self.scroll_offset.y + y, self.size.width
        base = Style(color=self._palette.text, bgcolor=self._palette.sunken)
        if index >= len(self.rows):
            return Strip.blank(width, base)
        row = self.rows[index]
        is_current = row.room == self.current
        if is_current:
            base = Style(color=self._palette.text, bgcolor=self._palette.pressed)
        text = draw_row(row, width, self._palette, is_current=is_current)
        strip = Strip(text.render(self.app.console))
        return strip.extend_cell_length(width).crop(0, width).apply_style(base)

    def on_click(self, event: events.Click) -> None:
        """Choose the room that is clicked at."""
        index = self.scroll_offset.y + event.y
        if index < len(self.rows):
            self.post_message(self.Chosen(self.rows[index].room))
