"""A connection that comes back by itself, for coroutines.

It makes one of several: it receives from the present one, or what a lost one
left, and sends to the present one, or keeps it for the next.  When to come back
is judged by ``reconnect``.

Invariants:

1. Messages are given out once and in their order, those of a lost connection
   before those of the next.
2. A message is handed to one connection at most.
3. Messages are handed over in the order in which they were given, those that were kept first.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Self

from ..close import CloseCode
from ..exceptions import ConcurrencyError, ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from ..protocol.prepared import Prepared
from ..protocol.states import State
from ..reconnect.life import Life
from ..reconnect.policy import Reconnect, ReconnectState, Stopped
from ..transport.connection import Settings
from .connection import ClientConnection, Message, _decoder, payload_of
from .inbox import Inbox

__all__ = ["ReconnectingConnection"]


class ReconnectingConnection:
    """A client's connection that comes back by itself; ``connect(…, reconnect=…)`` makes it.

    Iterating and ``recv`` go on from one connection to the next.  What else can
    be asked of a connection is asked of ``connection``, the present one.

    Nothing that arrived is dropped: while ``read_limit`` bytes of lost connections
    wait to be received, the next one isn't opened, and a warning in the log says so.
    Hence a program that only sends has to receive as well.
    """

    def __init__(
        self,
        open_connection: Callable[[], Awaitable[ClientConnection]],
        policy: Reconnect,
        settings: Settings,
        logger: logging.Logger,
    ) -> None:
        self._open = open_connection
        self._life: Life[ClientConnection] = Life(policy, logger, self._changed)
        self._outbox = self._life.outbox
        # What lost connections had received; greetings of many don't fill it soon.
        self._left = Inbox(dataclasses.replace(settings, max_queue=None))
        self._logger = logger
        self._is_receiving = False
        self._change: asyncio.Future[None] | None = None
        self._task = asyncio.create_task(self._live())

    # What there is to know

    @property
    def status(self) -> ReconnectState:
        """``Connecting``, ``Connected``, ``Waiting`` or ``Stopped``, with what there is to say of each."""
        return self._life.status

    @property
    def connection(self) -> ClientConnection | None:
        """The present connection; None while there is none."""
        return self._life.connection

    @property
    def state(self) -> State:
        """OPEN, CONNECTING while it is away, CLOSING once the program closes it, and CLOSED in the end."""
        if isinstance(self.status, Stopped):
            return State.CLOSED
        if self._life.is_closing:
            return State.CLOSING
        return State.CONNECTING if self._life.connection is None else State.OPEN

    @property
    def buffered_amount(self) -> int:
        """Bytes that are kept, and those that the present connection has sent and nobody has taken."""
        kept = 0 if self._outbox is None else self._outbox.size
        return kept + (0 if self._life.connection is None else self._life.connection.buffered_amount)

    async def wait_connected(self) -> ClientConnection:
        """Wait until there is a connection, and return it; at once if there is one.

        Raises:
            ConnectionClosed: if there won't be another.
        """
        while self._life.connection is None:
            self._check_not_over()
            await self._wait_for_change()
        return self._life.connection

    # Receiving

    async def recv(self, decode: bool | None = None) -> str | bytes:
        """Wait for the next message, on whichever connection; ``decode`` is that of a plain ``recv``.

        Cancelling loses no message.

        Raises:
            ConnectionClosed: when there won't be another connection and nothing is left.
            ConcurrencyError: if another task is in ``recv`` already.
            UnicodeDecodeError: if ``decode`` is True and a binary message isn't UTF-8.
        """
        if self._is_receiving:
            raise ConcurrencyError("another task is waiting in recv() on this connection")
        self._is_receiving = True
        try:
            return await self._receive(decode)
        finally:
            self._is_receiving = False

    async def _receive(self, decode: bool | None) -> str | bytes:
        while True:
            if self._left.has_message:
                message = self._left.take_message()
                self._changed()
                return message if decode is None else _decoder(decode)(message, True)
            connection = self._life.connection
            if connection is not None:
                with contextlib.suppress(ConnectionClosed):
                    return await connection.recv(decode)
            if connection is self._life.connection:
                self._check_not_over()
                await self._wait_for_change()

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        try:
            while True:
                yield await self.recv()
        except ConnectionClosedOK:
            return

    # Sending

    async def send(
        self,
        message: Message | Iterable[Message] | AsyncIterable[Message],
        text: bool | None = None,
        *,
        compress: bool | None = None,
    ) -> None:
        """Send a message; the arguments are those of a plain ``send``.

        Without an outbox this is a plain ``send`` on the present connection.

        With one, a message that finds no connection is kept for the next.  This
        waits for room in the outbox, and as a plain ``send`` does.  Who is
        cancelled while waiting for room doesn't have it sent.  A message in
        fragments isn't kept.

        What was handed to a connection that is lost then may have arrived or
        not, and isn't sent again.

        Raises:
            ConnectionClosed: without an outbox, or for a message in fragments, if there is no
                connection or it closes meanwhile, with what closed it; otherwise if there won't be
                another.
            TypeError: if ``message`` is none of these, or its items are of both kinds.
        """
        if self._outbox is None or not isinstance(message, str | bytes | bytearray | memoryview):
            await self._present().send(message, text, compress=compress)
            return
        opcode, data = payload_of(message, text)
        while (connection := self._clear()) is not None:
            await connection._wait_for_fragments()
            if connection is self._clear():
                connection.send_message(opcode, data, compress=compress, waits=True)
                with contextlib.suppress(ConnectionClosed):
                    await connection.drain()
                return
        await self._check_open()
        await self._outbox.put(Prepared(opcode, bytes(data), compress))

    def send_nowait(
        self, message: Message, text: bool | None = None, *, compress: bool | None = None
    ) -> None:
        """Send a message without ever waiting, or keep it.

        Raises:
            BufferError: if there is no room for it in the outbox.
            ConnectionClosed: without an outbox, if there is no connection; with one, if there won't
                be another.
            TypeError: if ``message`` is neither ``str`` nor bytes-like.
        """
        connection = self._present() if self._outbox is None else self._clear()
        if connection is not None:
            connection.send_nowait(message, text, compress=compress)
            return
        assert self._outbox is not None
        if self._life.is_closing:
            raise self._closed()
        self._check_not_over()
        opcode, data = payload_of(message, text)
        self._outbox.add(Prepared(opcode, bytes(data), compress))

    def _present(self) -> ClientConnection:
        if self._life.connection is None:
            raise self._closed()
        return self._life.connection

    def _clear(self) -> ClientConnection | None:
        """Return the present connection, if it can be sent to and nothing that was kept comes first."""
        connection = self._life.connection
        if connection is None or self._outbox or connection.state is not State.OPEN:
            return None
        return connection

    async def _check_open(self) -> None:
        """See that what is kept will have a connection."""
        if self._life.is_closing:
            await self.wait_closed()
        self._check_not_over()

    # Closing

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close it for good, and wait until it is closed.

        What was sent or kept goes out first, if there is a connection; if there
        is none, what was kept is dropped.  Messages that arrived can still be
        received.  Calling it again waits, and changes nothing.  Cancelling leaves
        the closing to end by itself.

        Raises:
            LocalProtocolError: for a code that may not be sent (7.4), or a reason over 123 bytes, if
                there is a connection.
        """
        connection = self._life.connection
        if connection is not None:
            self._hand_over_all(connection)
            connection.start_close(code, reason)
        else:
            self._task.cancel()
        self._life.is_closing = True
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Wait until it is closed for good; returns at once if it is."""
        await asyncio.wait([self._task])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *details: object) -> None:
        await self.close(CloseCode.NORMAL_CLOSURE if kind is None else CloseCode.INTERNAL_ERROR)

    # Its life

    async def begin(self) -> Self:
        """Wait for the first connection; cancelling ends it.

        Raises:
            Exception: what kept it from opening, if that isn't to pass.
        """
        try:
            await self._wait_begun()
        except asyncio.CancelledError:
            await self.close()
            raise
        if isinstance(self.status, Stopped) and self._life.lost is None and self.status.cause is not None:
            raise self.status.cause
        return self

    async def _wait_begun(self) -> None:
        while self._life.connection is None and not isinstance(self.status, Stopped):
            await self._wait_for_change()

    async def _live(self) -> None:
        try:
            await self._life.run(self._resumed, self._stay)
        finally:
            if self._outbox is not None:
                self._outbox.give_up(self._closed)

    async def _resumed(self) -> ClientConnection:
        """Open a connection, and let the program resume on it."""
        await self._wait_for_room()
        connection = await self._open()
        with _cut_if_cancelled(connection):
            try:
                await self._life.resume(connection)
            except Exception:
                await connection.close(CloseCode.INTERNAL_ERROR)
                raise
        return connection

    async def _wait_for_room(self) -> None:
        """Wait until the program has received enough of what lost connections left."""
        if self._left.is_full:
            self._logger.warning("not connecting again before the program receives what had arrived")
        while self._left.is_full:
            await self._wait_for_change()

    async def _stay(self, connection: ClientConnection) -> None:
        """Send what was kept, wait for the end, and keep what arrived and wasn't received."""
        with _cut_if_cancelled(connection):
            with contextlib.suppress(ConnectionClosed):
                await self._send_kept(connection)
            await connection.wait_closed()
        with contextlib.suppress(ConnectionClosed):
            while True:
                self._left.add(await connection.recv())

    async def _send_kept(self, connection: ClientConnection) -> None:
        while self._outbox:
            self._hand_over(connection)
            await connection.drain()

    def _hand_over(self, connection: ClientConnection) -> None:
        assert self._outbox is not None
        message = self._outbox.first()
        connection.send_message(message.opcode, message.data, compress=message.compress, waits=True)
        self._outbox.pop()

    def _hand_over_all(self, connection: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while self._outbox:
                self._hand_over(connection)

    def _changed(self, state: ReconnectState | None = None) -> None:
        change, self._change = self._change, None
        if change is not None:
            change.set_result(None)

    async def _wait_for_change(self) -> None:
        if self._change is None:
            self._change = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._change)

    def _check_not_over(self) -> None:
        if isinstance(self.status, Stopped):
            raise self._closed()

    def _closed(self) -> ConnectionClosed:
        """Return an exception that says why there is no connection."""
        lost = self._life.lost
        cause = self.status.cause if isinstance(self.status, Stopped) else lost
        if cause is None:
            return ConnectionClosedOK(None, None)
        if isinstance(cause, ConnectionClosed):
            error = type(cause)(cause.received, cause.sent, cause.received_first)
            error.__cause__ = cause.__cause__
            return error
        error = ConnectionClosedError(*(lost.args if lost is not None else (None, None)))
        error.__cause__ = cause
        return error


@contextlib.contextmanager
def _cut_if_cancelled(connection: ClientConnection) -> Iterator[None]:
    try:
        yield
    except asyncio.CancelledError:
        connection.abort()
        raise
