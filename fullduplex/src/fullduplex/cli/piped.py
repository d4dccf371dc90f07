"""A conversation in a script: messages from standard input, messages to standard output.

Threads read and write, as files and pipes may have them wait, and the
connection goes on meanwhile.  They are daemons and hold no lock of Python's
streams, so that neither a silent input nor a full output holds up the end.

Invariants:

1. Standard output gets messages and what ends them, and nothing else.
2. What was read and not sent is limited; what wasn't written stops the receiving.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import queue
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator

from ..aio.connection import ClientConnection
from ..exceptions import ConnectionClosed, ConnectionClosedError
from .complaints import ABNORMAL, Complaint, reason
from .display import Display, json_pieces
from .talk import Silence, ended, leaving, ping_regularly
from .typed import read_hex

__all__ = ["converse", "split"]

CHUNK = 2**16
#: Messages that are read ahead of those that were sent.
AHEAD = 16
#: Seconds without an arrival after which the input has been answered.
QUIET = 1.0


def _chunks(descriptor: int) -> Iterator[bytes]:
    # A terminal that is gone, or that we may not read, has no more.
    with contextlib.suppress(OSError):
        yield from iter(lambda: os.read(descriptor, CHUNK), b"")


def split(chunks: Iterable[bytes], delimiter: bytes) -> Iterator[bytes]:
    """Yield what is between delimiters; after the last one, only if there is something."""
    rest = bytearray()
    for chunk in chunks:
        begin = max(len(rest) - len(delimiter) + 1, 0)
        rest += chunk
        while (end := rest.find(delimiter, begin)) >= 0:
            yield bytes(rest[:end])
            del rest[: end + len(delimiter)]
            begin = 0
    if rest:
        yield bytes(rest)


class _Input:
    """Items that a thread takes from somewhere, a few of them ahead."""

    def __init__(self, items: Iterable[bytes]) -> None:
        self._items = items
        self._loop = asyncio.get_running_loop()
        self._taken: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._room = threading.Semaphore(AHEAD)
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        # The loop may be closed already.
        with contextlib.suppress(RuntimeError):
            for item in itertools.chain(self._items, [None]):
                self._room.acquire()
                self._loop.call_soon_threadsafe(self._taken.put_nowait, item)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (item := await self._taken.get()) is not None:
            self._room.release()
            yield item


class _Output:
    """Writes to a descriptor in a thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]]] = queue.SimpleQueue()
        threading.Thread(target=self._write, daemon=True).start()

    async def write(self, data: bytes) -> None:
        """Write, and wait until the system has taken it.

        Raises:
            BrokenPipeError: if nobody reads it any more.
            Complaint: if it can't be written.
        """
        written: asyncio.Future[None] = self._loop.create_future()
        self._waiting.put((data, written))
        try:
            await written
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Complaint(f"can't write what arrives: {reason(error)}.") from error

    def _write(self) -> None:
        # The loop may be closed already.
        with contextlib.suppress(RuntimeError):
            while True:
                data, written = self._waiting.get()
                error = _write_all(self._descriptor, data)
                self._loop.call_soon_threadsafe(_settle, written, error)


def _write_all(descriptor: int, data: bytes) -> OSError | None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        return error
    return None


def _settle(future: asyncio.Future[None], error: OSError | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def say(sentence: str) -> None:
    """Tell the user something that is no message."""
    with contextlib.suppress(OSError):
        print(f"fullduplex: {sentence}", file=sys.stderr, flush=True)


class _Script:
    """The conversation of one connection."""

    def __init__(
        self, connection: ClientConnection, options: argparse.Namespace, display: Display | None
    ) -> None:
        self._connection = connection
        self._options = options
        self._encode = _encoder(options, display)
        self._silence = Silence(getattr(options, "wait", QUIET if options.count is None else None))
        self._arrived = 0

    async def send(self) -> None:
        """Send the input; when all of it has been answered, close."""
        options = self._options
        chunks = _chunks(sys.stdin.fileno())
        items = iter([b"".join(chunks)]) if options.whole else split(chunks, options.delimiter)
        try:
            with contextlib.suppress(ConnectionClosed):
                number = 0
                async for item in _Input(items):
                    number += 1
                    await self._connection.send(_message(item, options.form, number))
                await self._silence.wait()
        except Complaint:
            self._connection.start_close()
            raise
        self._connection.start_close()

    async def receive(self) -> None:
        """Write what arrives, as much of it as is wanted."""
        output = _Output(sys.stdout.fileno())
        with contextlib.suppress(ConnectionClosedError, BrokenPipeError):
            async for message in self._connection:
                self._arrived += 1
                self._silence.broken()
                await output.write(self._encode(message))
                if self._arrived == self._options.count:
                    break

    @property
    def status(self) -> int:
        """The exit status, once the connection is closed; what is wrong is said."""
        status, how = ended(self._connection)
        missing = (self._options.count or 0) - self._arrived
        if status:
            say(f"closed: {how}.")
        elif missing > 0:
            say(f"closed, and {missing} of the messages that --count wants had not arrived.")
            return ABNORMAL
        return status


async def converse(connection: ClientConnection, options: argparse.Namespace, display: Display | None) -> int:
    """Send standard input, write what arrives, and return the exit status.

    ``display`` is for an output that is a terminal.

    Raises:
        Complaint: if something in the input can't be sent.
    """
    script = _Script(connection, options, display)
    async with leaving(connection):
        tasks = [asyncio.create_task(script.send())]
        if options.ping is not None:
            tasks.append(asyncio.create_task(ping_regularly(connection, options.ping, say)))
        try:
            await script.receive()
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
    return script.status


def _message(item: bytes, form: str, number: int) -> str | bytes:
    """Return what to send for a part of the input."""
    if form == "binary":
        return item
    # What isn't text goes out as such, and ends nothing.
    text = item.decode(errors="replace")
    if form == "text":
        return text
    try:
        return read_hex(text)
    except ValueError as error:
        raise Complaint(f"message {number} of the input can't be sent: {error}.") from error


def _encoder(options: argparse.Namespace, display: Display | None) -> Callable[[str | bytes], bytes]:
    """Return what makes bytes for the output of a message."""
    delimiter: bytes = options.delimiter

    def plain(message: str | bytes) -> bytes:
        if isinstance(message, bytes):
            return (message.hex(" ").encode() if options.form == "hex" else message) + delimiter
        pieces = json_pieces(message) if options.json else None
        text = message if pieces is None else "".join(piece for _, piece in pieces)
        return text.encode() + delimiter

    def shown(message: str | bytes) -> bytes:
        assert display is not None
        return display.content(message).encode() + b"\n"

    return plain if display is None else shown
