"""Where one writes: several lines, sent by Enter.

Knows keys and text.  What becomes of it, it doesn't know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.binding import Binding, BindingType
from textual.keys import Keys
from textual.message import Message
from textual.widgets import TextArea

from hubbub.terminal import mentions
from hubbub.terminal.plain import plain

_NEW_LINE: Final = frozenset({"ctrl+j", "alt+enter", "shift+enter"})

# Terminals that know no better protocol send Alt+Enter as Esc and Enter, and Textual would take it for Enter.
assert isinstance(ANSI_SEQUENCES_KEYS, dict)
ANSI_SEQUENCES_KEYS["\x1b\r"] = (Keys.ControlJ,)


class Composer(TextArea):
    """A text that grows with what is written; `names` gives those who can be spoken of."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "stop", show=False)]

    class Submitted(Message):
        """What was written is to be sent."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class EditLast(Message):
        """One's last message is to be edited."""

    class Stopped(Message):
        """What was begun with another message isn't to be done."""

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        super().__init__(compact=True, highlight_cursor_line=False)
        self._names = names
        self._offered: list[str] = []
        """The names that Tab goes through, the next first."""

    def fill(self, text: str) -> None:
        """Begin with a text."""
        self.load_text(plain(text))
        self.move_cursor(self.document.end)

    async def _on_key(self, event: events.Key) -> None:
        if event.key != "tab":
            self._offered = []
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Submitted(self.text))
        elif event.key in _NEW_LINE:
            event.stop()
            event.prevent_default()
            self.insert("\n")
        elif event.key == "tab" and self._complete():
            event.stop()
            event.prevent_default()
        else:
            await super()._on_key(event)

    async def _on_paste(self, event: events.Paste) -> None:
        # What is pasted may come from anywhere, and would be shown as it is.
        event.stop()
        event.prevent_default()
        await super()._on_paste(events.Paste(plain(event.text.replace("\r\n", "\n").replace("\r", "\n"))))

    def action_stop(self) -> None:
        """Give up editing or replying."""
        self.post_message(self.Stopped())

    def action_cursor_up(self, select: bool = False) -> None:
        """Go up; where nothing is written, to one's last message."""
        if self.text:
            super().action_cursor_up(select)
        else:
            self.post_message(self.EditLast())

    def _complete(self) -> bool:
        """Complete the name before the cursor, or replace it by the next one; say whether there is any."""
        row, column = self.cursor_location
        line = self.document.get_line(row)[:column]
        begun = mentions.begun(line.removesuffix(" ")) if self._offered else mentions.begun(line)
        if begun is None and not self._offered:
            return False
        if not self._offered:
            self._offered = mentions.matching(begun or "", self._names())
            self._start = (row, column - len(begun or ""))
        if not self._offered:
            return False
        name = self._offered.pop(0)
        self._offered.append(name)
        self.replace(f"{name} ", self._start, (row, column))
        return True
