"""Credentials in the first message of an open connection.

For clients that can send nothing with their request, and nothing in an address.
This module knows what such a message must be, and what becomes of a connection
without it; what it says is the check's to read.

Invariants:

1. The program hears nothing of a connection before its client is let in.
2. Of one that isn't let in, no more is kept than the size of a first message and what
   comes with one read; on the event face, than the largest message.
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
    that isn't text, 1009 for one that is too large, and 1011 if the check fails.

    Args:
        handler: a handler of ``serve``, or a listener.
        check: called with the message, returns whose it is, or None; may be a coroutine
            function.
        timeout: seconds from the connection's opening to the first message; None waits
            for ever.
        max_size: bytes of the largest first message. ``serve`` keeps no more of it than
            that and 64 KiB, and ``WebSocketServer`` as much as its ``maxPayload``; there
            nothing is read while the check is asked, no pings either.
    """

    async def admit(first: _First, connection: Any, *request: Any) -> None:
        try:
            user = await ask(check, await _in_time(first.receive(max_size), timeout))
        except ConnectionClosed:
            return
        except _Refused as refusal:
            connection.start_close(refusal.code, refusal.reason)
        except Forbidden:
            connection.start_close(CloseCode.FORBIDDEN)
        except RuntimeError:
            connection.start_close(CloseCode.INTERNAL_ERROR)
            raise
        else:
            if user is None:
                connection.start_close(CloseCode.UNAUTHORIZED)
                return
            connection.user = user
            if first.go_on():
                result = handler(connection, *request)
                if inspect.isawaitable(result):
                    await result

    def authenticated(connection: Any, *request: Any) -> Coroutine[Any, Any, None]:
        # Not in the coroutine: a message that is emitted before it runs would be missed.
        first = _Streamed(connection) if hasattr(connection, "recv_streaming") else _Emitted(connection)
        return admit(first, connection, *request)

    return authenticated


class _Refused(Exception):
    """There is no first message that a check could be asked about."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class _First(Protocol):
    """The first message of a connection."""

    async def receive(self, max_size: int) -> str:
        """Wait for it; until ``go_on``, what comes after it isn't read without a limit.

        Raises:
            ConnectionClosed: if the connection closes before.
            _Refused: if it isn't text, or larger than ``max_size``.
        """

    def go_on(self) -> bool:
        """Read on as usual; tell whether the program can hear of what comes."""


class _Streamed:
    """That of the asyncio face, received piece by piece."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def receive(self, max_size: int) -> str:
        self._connection.limit_reading(max_size)
        text, room = "", max_size
        async for piece in self._connection.recv_streaming():
            room -= _size_within(room, piece)
            text += piece
        return text

    def go_on(self) -> bool:
        self._connection.limit_reading(None)
        return True


class _Emitted:
    """That of the event face."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._message: asyncio.Future[Any] = connection.loop.create_future()
        connection.once("message", self._arrived)
        connection.once("close", self._closed)

    def _arrived(self, data: Any, is_binary: bool) -> None:
        if not self._message.done():
            self._connection.pause()
            self._message.set_result(data)

    def _closed(self, code: int, reason: str) -> None:
        if not self._message.done():
            self._message.set_exception(ConnectionClosed(None, None))

    async def receive(self, max_size: int) -> str:
        text: str = await self._message
        _size_within(max_size, text)
        return text

    def go_on(self) -> bool:
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
