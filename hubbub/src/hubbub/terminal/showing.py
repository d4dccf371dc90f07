"""What stands around the timeline: header, banner, who types, what is being written, and the state of things.

Makes lines of what it is given; where they are shown, it doesn't know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from textual.content import Content

from hubbub.client import RoomView
from hubbub.terminal import markdown
from hubbub.terminal.entries import author_of, room_name
from hubbub.terminal.plain import plain, plain_line
from hubbub.terminal.themes import Palette
from hubbub.terminal.words import Words
from hubbub.terminal.writing import Writing

BLIP: Final = 1.0
"""Seconds that a connection may be gone before anything is said of it."""
QUOTED: Final = 60

Part: TypeAlias = Content | str | tuple[str, str]


@dataclass(slots=True)
class Connection:
    """Whether there is a connection, since when there is none, and when it is tried again."""

    is_open: bool = True
    lost_at: float = 0.0
    next_try: float = 0.0

    def lose(self, wait: float, now: float) -> None:
        """Learn that it is gone, or couldn't be had."""
        if self.is_open:
            self.is_open, self.lost_at = False, now
        self.next_try = now + wait


def banner(connection: Connection, now: float, words: Words) -> str:
    """Return what is said while there is no connection; nothing about a blip."""
    if connection.is_open or now - connection.lost_at < BLIP:
        return ""
    wait = round(connection.next_try - now)
    what = words.lost.format(wait) if wait >= 1 else words.trying
    return f"{what} {words.lost_unsent}"


def header(view: RoomView, here: int, elsewhere: int, words: Words, palette: Palette) -> Content:
    """Return a room's line; `elsewhere` is how much waits in rooms that aren't listed on the screen."""
    topic = plain_line(view.info.topic) if view.info is not None else ""
    parts: list[Part] = [(room_name(view), f"bold {palette.accent}")]
    if here:
        parts.append((f"  {words.count(words.here_one, words.here_many, here)}", palette.quiet))
    if elsewhere:
        parts.append((f"  {words.room_keys} ({elsewhere})", palette.accent))
    if topic:
        parts.append((f"  {topic}", palette.quiet))
    return Content.assemble(*parts)


def below(newer: int, typists: Sequence[str], words: Words, palette: Palette) -> Content:
    """Return what stands under the timeline: how much is new further down, and who types."""
    parts: list[Part] = []
    if newer:
        count = words.count(words.newer_one, words.newer_many, newer)
        parts.append((f"{count}  ", f"bold {palette.accent}"))
    return Content.assemble(*parts, words.typing(typists))


def purpose(view: RoomView, writing: Writing, words: Words) -> str:
    """Return what is being written, if that is more than a new message."""
    if writing.editing is not None:
        return f"{words.editing} · {words.stop}"
    if writing.reply_to is None:
        return ""
    message = view.find(writing.reply_to)
    if message is None:
        return f"{words.replying.format('')}{words.gone} · {words.stop}"
    text = plain_line(markdown.words_of(markdown.parse(plain(message.text[: 4 * QUOTED])), view.names))
    author = author_of(view, message.by)
    return f"{words.replying.format(author)}{text[:QUOTED]} · {words.stop}"


def status(
    name: str, connection: Connection, unsent: int, over: int, width: int, words: Words, palette: Palette
) -> Content:
    """Return the last line: who one is, whether there is a connection, and the keys, if there is room.

    `over` is how many characters too many were written: that is more important than keys.
    """
    dot = ("● ", palette.ok) if connection.is_open else ("○ ", palette.danger)
    state = words.connected if connection.is_open else words.disconnected
    parts: list[Part] = [dot, f"{plain_line(name)} · {state}"]
    if unsent and not connection.is_open:
        count = words.count(words.unsent_one, words.unsent_many, unsent)
        parts.append((f" · {count}", palette.mention_ink))
    left = Content.assemble(*parts)
    if over > 0:
        complaint = Content.styled(words.too_long.format(over), palette.danger)
        return _spread(left, complaint, width) or complaint
    for keys in (words.keys, words.few_keys):
        line = _spread(left, Content(keys), width)
        if line is not None:
            return line
    return left


def _spread(left: Content, right: Content, width: int) -> Content | None:
    space = width - left.cell_length - right.cell_length
    return Content.assemble(left, " " * space, right) if space >= 2 else None
