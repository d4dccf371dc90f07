"""The line editor of a conversation: history, search, several lines, all by prompt-toolkit.

The only module that knows it; it comes with the extra ``cli``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.filters import Condition, is_searching
from prompt_toolkit.history import History
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from .history import HistoryFile

__all__ = ["LineEditor"]


class _History(History):
    """What was typed, newest first; kept in a file if there is one."""

    def __init__(self, file: HistoryFile | None) -> None:
        super().__init__()
        self._file = file
        #: True while what is typed is to be forgotten.
        self.is_secret = False

    def load_history_strings(self) -> Iterable[str]:
        """Give the file's entries."""
        return reversed(self._file.load()) if self._file is not None else ()

    def append_string(self, string: str) -> None:
        """Keep an entry, unless it is a secret or begins with a space."""
        if not self.is_secret and not string.startswith(" "):
            super().append_string(string)

    def store_string(self, string: str) -> None:
        """Write an entry to the file."""
        if self._file is not None:
            self._file.append(string)


class LineEditor:
    """Edits what is typed on the last lines of the terminal, and shows the rest above them.

    Args:
        file: keeps what was typed; None forgets it at the end.
    """

    keys = """\
Enter sends; Alt-Enter, or Esc Enter, begins a new line of the same message.
What is pasted is one message, however many lines it has.
Ctrl-R searches what was typed before; a line that begins with a space isn't kept."""

    def __init__(self, file: HistoryFile | None) -> None:
        self._history = _History(file)
        self._session: PromptSession[str] = PromptSession(
            "> ",
            history=self._history,
            multiline=True,
            prompt_continuation="… ",
            key_bindings=_bindings(),
            is_password=Condition(lambda: self._history.is_secret),
            search_ignore_case=True,
            reserve_space_for_menu=0,
        )
        self._unshown: list[str] = []
        self._showing: asyncio.Task[None] | None = None

    async def read(self) -> str:
        """Let the user type; see ``Editor``."""
        typed = await self._session.prompt_async()
        self._history.is_secret = False
        return typed

    def expect_secret(self) -> None:
        """Show stars for what is being typed, and forget it."""
        self._history.is_secret = True

    def show(self, text: str) -> None:
        """Show lines soon."""
        self._unshown.append(text)
        if self._showing is None or self._showing.done():
            self._showing = asyncio.create_task(self._show())

    async def _show(self) -> None:
        while self._unshown:
            await run_in_terminal(self._print)

    def _print(self) -> None:
        lines, self._unshown = self._unshown, []
        print("\n".join(lines), flush=True)

    async def settle(self) -> None:
        """Wait until everything is shown."""
        if self._showing is not None:
            await self._showing


def _bindings() -> KeyBindings:
    """Return what the keys do that differ from the usual editor of several lines."""
    bindings = KeyBindings()

    @bindings.add("enter", filter=~is_searching)
    def send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @bindings.add("escape", "enter", filter=~is_searching)
    def begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings
