"""A terminal with a command in it, whose keys can be pressed and whose screen can be read."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import os
import pty
import struct
import termios
import unicodedata
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pyte
import pytest
from rich.console import Console
from rich.text import Text

from .commands import start

#: Seconds after which what isn't shown won't be.
PATIENCE = 20
#: Where to put pictures of the screens; none are taken without it.
PICTURES = os.environ.get("SCREENSHOTS")

SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {terminal_width} {terminal_height}">
<style>
.{unique_id}-matrix {{ font: {char_height}px Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
<rect width="{terminal_width}" height="{terminal_height}" rx="8" fill="#292929" />
<g transform="translate(9, 9)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class _Screen(pyte.Screen):
    """A screen that answers where the cursor is, and shows dim text as grey."""

    answer: Any = None

    def write_process_input(self, data: str) -> None:
        """Answer what was asked."""
        self.answer(data)

    def select_graphic_rendition(self, *attributes: int, **options: Any) -> None:
        """Choose how the next characters look."""
        super().select_graphic_rendition(*(90 if code == 2 else code for code in attributes), **options)


class Terminal:
    """A terminal: what is typed goes in, and what it shows can be read."""

    def __init__(self, rows: int, columns: int) -> None:
        self.master, self.slave = pty.openpty()
        self.screen = _Screen(columns, rows)
        self.screen.answer = self.type
        self._stream = pyte.ByteStream(self.screen)
        self._arrived = asyncio.Event()
        self._set_size(rows, columns)

    def _set_size(self, rows: int, columns: int) -> None:
        ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows: int, columns: int) -> None:
        """Drag the window's corner: the kernel tells the command."""
        self.screen.resize(rows, columns)
        self._set_size(rows, columns)

    def read(self) -> None:
        """Take what the program shows."""
        with contextlib.suppress(OSError):
            self._stream.feed(os.read(self.master, 65536))
        self._arrived.set()

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.master, text.encode())

    def paste(self, text: str) -> None:
        """Paste, as terminals tell programs of it that want to know."""
        self.type(f"\x1b[200~{text}\x1b[201~")

    @property
    def lines(self) -> list[str]:
        """What is shown, without empty lines; after a wide character there is nothing in the next place."""
        return [line for line in (line.rstrip() for line in self.screen.display) if line]

    async def shows(self, *lines: str) -> None:
        """Wait until the screen ends with these lines."""
        await self.until(lambda: self.lines[-len(lines) :] == list(lines))

    async def until(self, condition: Any) -> None:
        """Wait until something is so."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            pytest.fail("the screen shows\n" + "\n".join(self.lines))

    def take_picture(self, name: str) -> None:
        """Draw the screen into a file, if that is wanted."""
        if PICTURES is None:
            return
        rows = [self._row(number) for number in range(self.screen.lines)]
        while not rows[-1].plain.strip():
            rows.pop()
        # The margin below.
        rows.append(Text())
        console = Console(
            record=True, width=self.screen.columns + 2, file=io.StringIO(), color_system="truecolor"
        )
        for row in rows:
            console.print(row, no_wrap=True, overflow="crop")
        console.save_svg(str(Path(PICTURES) / f"{name}.svg"), title="", code_format=SVG, unique_id=name)

    def _row(self, number: int) -> Text:
        cells = [self.screen.buffer[number][column] for column in range(self.screen.columns)]
        # Each character of two columns by itself: a run's length counts characters.
        runs = itertools.groupby(
            enumerate(cells), lambda item: (_look(item[1]), _is_wide(item[1]) and item[0])
        )
        return Text.assemble(*(("".join(cell.data for _, cell in run), look) for (look, _), run in runs))


def _is_wide(cell: Any) -> bool:
    """Tell whether a cell has a character of two columns; the cell after it is empty."""
    return unicodedata.east_asian_width(cell.data or " ") in "WF"


def _look(cell: Any) -> str:
    """Return a cell's look in rich's words."""
    colour = {"brown": "yellow", "brightblack": "bright_black"}.get(cell.fg, cell.fg)
    return f"{'bold ' if cell.bold else ''}{colour}"


@contextlib.asynccontextmanager
async def terminal(
    *arguments: str, rows: int = 12, columns: int = 80, **options: Any
) -> AsyncIterator[tuple[Terminal, Process]]:
    """Run the command in a terminal."""
    screen = Terminal(rows, columns)
    ends = {"stdin": screen.slave, "stdout": screen.slave, "stderr": screen.slave, **options}
    process = await start(*arguments, start_new_session=True, **ends)
    os.close(screen.slave)
    loop = asyncio.get_running_loop()
    loop.add_reader(screen.master, screen.read)
    try:
        yield screen, process
    finally:
        loop.remove_reader(screen.master)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        os.close(screen.master)
