"""The terminal client in a terminal, as a process: its keys, its bytes, its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import struct
import sys
import termios
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from fcntl import ioctl
from pathlib import Path

import pyte

from hubbub.app import run_chat
from hubbub.client import connect, sign_in_guest
from hubbub.config import Settings

from ..client.listening import hear
from ..terminal.watching import Watched
from .clients import LOBBY

ROWS, COLUMNS = 24, 90


class Terminal(Watched):
    """A terminal with `hubbub chat` in it: what is typed goes in, and what it shows can be read."""

    def __init__(self) -> None:
        super().__init__()
        self.received = b""
        self._master, self.slave = pty.openpty()
        ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        asyncio.get_running_loop().add_reader(self._master, self._read)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            arrived = os.read(self._master, 65536)
            self.received += arrived
            self._stream.feed(arrived)
        self.changed.set()

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    @property
    def text(self) -> str:
        """What is on the screen; a wide character's second place is empty."""
        rows = (self._screen.buffer[row] for row in range(ROWS))
        return "\n".join("".join(row[column].data for column in range(COLUMNS)).rstrip() for row in rows)

    def close(self) -> None:
        """Take the terminal away."""
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)


@contextlib.asynccontextmanager
async def chatting(address: str, state: Path, *arguments: str) -> AsyncIterator[tuple[Terminal, Process]]:
    """Run the client in a terminal."""
    terminal = Terminal()
    ends = dict.fromkeys(("stdin", "stdout", "stderr"), terminal.slave)
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": ":".join(filter(None, sys.path)),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "XDG_STATE_HOME": str(state),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hubbub",
        "chat",
        address,
        *arguments,
        env=environment,
        start_new_session=True,
        **ends,
    )
    os.close(terminal.slave)
    try:
        yield terminal, process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        terminal.close()


async def test_people_talk_in_a_terminal(settings: Settings, tmp_path: Path) -> None:
    """Who starts it is asked for a name, writes Chinese and several lines, and isn't commanded by anybody."""
    async with run_chat(settings) as address:
        token = (await sign_in_guest(address, "Bo")).token
        async with connect(address, token=token) as bo, chatting(address, tmp_path) as (terminal, process):
            await terminal.shows("Your name in the chat:")
            terminal.type("小林\r")
            await terminal.shows("Message lobby", "小林 · connected")
            terminal.type("你好\x1b\r世界\r")
            assert await hear(bo, 1) == ["你好\n世界"]
            await bo.send(LOBBY, "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b2Jgone?")
            await terminal.shows("你好", "\\x1b]52;c;ZXZpbA==\\x07\\x1b[2J\\x9b2Jgone?")
            assert b"\x1b]52" not in terminal.received
            assert "\x9b".encode() not in terminal.received
            terminal.type("\x11")

            assert await process.wait() == 0
            # The screen is what it was before.
            assert b"\x1b[?1049l" in terminal.received


async def test_session_is_taken_up_again(settings: Settings, tmp_path: Path) -> None:
    """The next start asks nothing, and is the same guest; Ctrl+C doesn't end it, and says what does."""
    async with run_chat(settings) as address:
        for arguments in (["--name", "Ann"], []):
            async with chatting(address, tmp_path, *arguments) as (terminal, process):
                await terminal.shows("Ann · connected")
                terminal.type("\x03")
                await terminal.shows("Ctrl+Q quits.")
                terminal.type("\x11")
                assert await process.wait() == 0
