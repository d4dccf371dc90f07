"""Credentials in the first message of an open connection.

For clients that can send nothing with their request, and nothing in an address.
This module knows what such a message must be, and what becomes of a connection
without it; what it says is the check's to read.

Invariants:

1. The program hears nothing of a connection before its client is let in.
2. Of one that isn't let in, no more is kept than the size of a first message and what
   comes with one read.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ..close import CloseCode
from ..exceptions import ConnectionClosed
from ..protocol.states import State
from .checks import Check, Forbidden, ask

__all__ = ["first_message_auth"]


def first_message_auth(
    handler: Callable[..., Any], check: Check, *, timeout: float | None = 5.0, max_size: int = 4096
) -> Callable[..., Coroutine[Any, Any, None]]:
    """Make a handler that runs ``handler`` for who says in the first message who they are.

    It is for ``serve``, and for ``WebSocketServer`` as its listener of "connection".
    ``handler`` gets the connection, with its ``user`` set, and the messages after the
    first.  Any other connection is closed: with code 3000 if the check knows nobody,
    3003 if it raises ``Forbidden``, 3008 if nothing came in time, 1003 for a message
    that isn't text, 1009 for one that is too large, and 1011 if the check fails; nothing
    more is read of it.  The log of frames shows this message as any other.

    Args:
        handler: a handler of ``serve``, or a listener.
        check: called with the message, returns whose it is, or None; may be a coroutine
            function.
        timeout: seconds from the connection's opening to the first message; None waits
            for ever.
        max_size: bytes of the largest first message. No more is kept of any than that and
            64 KiB. While the check is asked, ``WebSocketServer`` reads nothing, no pings either.
    """

    async def admit(first: _First, connection: Any, *request: Any) -> None:
        try:
            user = await ask(check, await _in_time(first.receive(), timeout))
        except ConnectionClosed:
            return
        except _Refused as refusal:
            connection.fail(refusal.code, refusal.reason)
        except Forbidden:
            connection.fail(CloseCode.FORBIDDEN)
        except BaseException:
            connection.fail(CloseCode.INTERNAL_ERROR)
            raise
        else:
            if user is None:
                connection.fail(CloseCode.UNAUTHORIZED)
                return
            connection.user = user
            if first.go_on():
                result = handler(connection, *request)
                if inspect.isawaitable(result):
                    await result

    def authenticated(connection: Any, *request: Any) -> Coroutine[Any, Any, None]:
        # Not in the coroutine: a message that is emitted before it runs would be missed.
        kind = _Streamed if hasattr(connection, "recv_streaming") else _Emitted
        return admit(kind(connection, max_size), connection, *request)

    return authenticated


class _Refused(Exception):
    """There is no first message that a check could be asked about."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class _First(Protocol):
    """The first message of a connection."""

    async def receive(self) -> str:
        """Wait for it; until ``go_on``, what comes after it isn't read without a limit.

        Raises:
            ConnectionClosed: if the connection closes before.
            _Refused: if it isn't text, or too large.
        """

    def go_on(self) -> bool:
        """Read on as usual; tell whether the program can hear of what comes."""


class _Streamed:
    """That of the asyncio face, received piece by piece."""

    def __init__(self, connection: Any, max_size: int) -> None:
        self._connection = connection
        self._max_size = max_size

    async def receive(self) -> str:
        self._connection.limit_reading(self._max_size)
        text, room = "", self._max_size
        async for piece in self._connection.recv_streaming():
            room -= _size_within(room, piece)
            text += piece
        return text

    def go_on(self) -> bool:
        self._connection.limit_reading(None)
        return True


class _Emitted:
    """That of the event face, which emits it piece by piece."""

    def __init__(self, connection: Any, max_size: int) -> None:
        self._connection = connection
        self._text, self._room = "", max_size
        self._message: asyncio.Future[str] = connection.loop.create_future()
        connection.codec.start_streaming()
        connection.on("chunk", self._arrived)
        connection.once("close", self._closed)

    def _arrived(self, piece: Any, ends_message: bool) -> None:
        if self._message.done():
            return
        try:
            self._room -= _size_within(self._room, piece)
        except _Refused as refusal:
            self._message.set_exception(refusal)
        else:
            self._text += piece
            if ends_message:
                self._message.set_result(self._text)
        if self._message.done():
            self._connection.pause()

    def _closed(self, code: int, reason: str) -> None:
        if not self._message.done():
            self._message.set_exception(ConnectionClosed(None, None))

    async def receive(self) -> str:
        return await self._message

    def go_on(self) -> bool:
        self._connection.off("chunk", self._arrived)
        self._connection.off("close", self._closed)
        self._connection.resume()
        return self._connection.state is not State.CLOSED


def _size_within(room: int, message: str | bytes) -> int:
    """Return the bytes of a message, or of a piece of one.

    Raises:
        _Refused: if it isn't text, or has more than ``room``.
    """
    if not isinstance(message, str):
        raise _Refused(CloseCode.UNSUPPORTED_DATA, "the first message must be text")
    size = len(message.encode())
    if size > room:
        raise _Refused(CloseCode.MESSAGE_TOO_BIG, "the first message is too large")
    return size


async def _in_time(message: Coroutine[Any, Any, str], seconds: float | None) -> str:
    try:
        async with asyncio.timeout(seconds):
            return await message
    except TimeoutError:
        raise _Refused(CloseCode.TIMEOUT, f"no credentials within {seconds} seconds") from None
