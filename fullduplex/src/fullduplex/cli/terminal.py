"""A conversation in a terminal: what is typed is sent, what arrives is shown.

It knows what typed lines do, and refuses to know how they are edited: that is
an editor's business, of which there is a plain one here.
"""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from typing import Protocol

from ..aio.connection import ClientConnection
from ..close import Close, CloseCode
from ..exceptions import ConnectionClosed, ConnectionClosedError
from .complaints import INTERRUPTED
from .display import Display
from .talk import TalkingConnection, ended, leaving, ping, ping_regularly
from .typed import HELP, Help, Ping, Say, asks_secret, read_line

__all__ = ["AT_ONCE", "Editor", "PlainEditor", "converse"]

#: Messages that are shown together if they arrive together: drawing takes about 3 ms, however much it is.
AT_ONCE = 64


class Editor(Protocol):
    """What a conversation needs of the terminal."""

    #: What its keys do, a line each.
    keys: str

    async def read(self) -> str:
        """Wait for what is typed next.

        Raises:
            EOFError: when Ctrl-D is typed.
            KeyboardInterrupt: when Ctrl-C is.
        """

    def expect_secret(self) -> None:
        """Neither show nor keep what is being typed, or is typed next."""

    def show(self, text: str) -> None:
        """Show lines, above what is being typed."""

    async def settle(self) -> None:
        """Wait until everything is shown."""


class PlainEditor:
    """An editor that leaves the editing to the terminal itself."""

    keys = "Enter sends."

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._typed: asyncio.Queue[str] = asyncio.Queue()
        if isinstance(sys.stdin, io.TextIOWrapper):
            # What isn't text shows as such, and ends nothing.
            sys.stdin.reconfigure(errors="replace")
        # A daemon: it waits for the keyboard, and doesn't hold up the end.
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        line = "?"
        while line:
            line = sys.stdin.readline()
            try:
                self._loop.call_soon_threadsafe(self._typed.put_nowait, line)
            except RuntimeError:
                return

    async def read(self) -> str:
        """Wait for the next line."""
        line = await self._typed.get()
        if not line:
            raise EOFError
        return line.removesuffix("\n")

    def expect_secret(self) -> None:
        """Do nothing: the terminal shows what is typed, and nobody keeps it."""

    def show(self, text: str) -> None:
        """Print."""
        print(text, flush=True)

    async def settle(self) -> None:
        """Return: everything is shown."""


class _Conversation:
    """What one connection and one editor have to do with each other."""

    def __init__(self, connection: ClientConnection, editor: Editor, display: Display, form: str) -> None:
        self._connection = connection
        self._editor = editor
        self._display = display
        self._form = form
        self._pings: set[asyncio.Task[None]] = set()
        #: How the user asked to close.
        self.asked: Close | None = None
        self.is_interrupted = False

    def notice(self, text: str) -> None:
        """Show what we have to say."""
        self._editor.show(self._display.notice(text))

    async def send(self) -> None:
        """Do what is typed, until it asks for the end."""
        try:
            while True:
                line = await self._editor.read()
                try:
                    action = read_line(line, self._form)
                except ValueError as error:
                    self._editor.show(self._display.complaint(str(error)))
                    continue
                if isinstance(action, Close):
                    self._close(action)
                    return
                await self._do(action)
        except EOFError:
            self._close(Close(CloseCode.NORMAL_CLOSURE))
        except KeyboardInterrupt:
            self.is_interrupted = True
            self._close(Close(CloseCode.GOING_AWAY))
        except ConnectionClosed:
            # How it closed is told to who receives.
            pass

    async def _do(self, action: Say | Ping | Help) -> None:
        match action:
            case Say(message):
                await self._connection.send(message)
            case Ping(data):
                task = asyncio.create_task(ping(self._connection, data, self.notice))
                self._pings.add(task)
                task.add_done_callback(self._pings.discard)
            case Help():
                self._editor.show(self._display.paint("notice", f"{self._editor.keys}\n{HELP}"))

    def _close(self, close: Close) -> None:
        self.asked = close
        self._connection.start_close(close.code, close.reason)

    async def receive(self) -> None:
        """Show what arrives."""
        count = 0
        try:
            async for message in self._connection:
                if asks_secret(message):
                    self._editor.expect_secret()
                self._editor.show(self._display.message(message))
                count += 1
                if count % AT_ONCE == 0:
                    await self._editor.settle()
        except ConnectionClosedError:
            # How it closed is shown next.
            pass


async def converse(
    connection: TalkingConnection, editor: Editor, display: Display, form: str, ping_every: float | None
) -> int:
    """Talk until either side closes; return the exit status."""
    conversation = _Conversation(connection, editor, display, form)
    connection.show = conversation.notice
    async with leaving(connection):
        tasks = [asyncio.create_task(conversation.send())]
        if ping_every is not None:
            tasks.append(asyncio.create_task(ping_regularly(connection, ping_every, conversation.notice)))
        try:
            await conversation.receive()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    status, how = ended(connection, conversation.asked)
    conversation.notice(f"closed: {how}")
    await editor.settle()
    return INTERRUPTED if conversation.is_interrupted else status
