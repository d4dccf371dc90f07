"""A connection of the event face: ws's words for one connection, of either side.

It knows which event tells what, and what ws's methods are here.  It doesn't
know how it came to be open: that is the server's, and the client's.

Invariants:

1. A connection's events come in the order of what the peer sent; "close" is the last.
2. While more than the write limit waits to be written to a client, nothing more is read from it.
3. There is one "error" at most, before "close".
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from ..aio.connection import Message, payload_of
from ..aio.listener import Server
from ..auth.visitor import Visitor
from ..close import CloseCode
from ..exceptions import ConnectionClosed, LocalProtocolError, without_frames
from ..protocol.connection import Ending
from ..protocol.http11 import Request
from ..protocol.server import ServerConnection as ServerProtocol
from ..protocol.states import State
from ..transport import native
from ..transport.connection import Connection as BaseConnection
from ..transport.connection import Settings
from .listeners import call, finish, report, run
from .targets import EventTarget

if TYPE_CHECKING:
    from .server import WebSocketServer

__all__ = ["EventConnection", "ServerWebSocket", "Unanswering"]

#: Called with None, or with what kept the data from being sent.
Callback: TypeAlias = Callable[[ConnectionClosed | None], Any]


class Unanswering:
    """What a protocol begins with that leaves the answer to a ping to the program (``autoPong=False``)."""

    def _answer_ping(self, payload: bytes) -> None:
        pass


class EventConnection(EventTarget, BaseConnection):
    """A connection of the event face, of either side.

    Events, with what their listeners are given: ``message(data, is_binary)``,
    ``ping(data)``, ``pong(data)``, ``error(exception)`` if the transport broke,
    the peer broke a rule or the ``buffer_limit`` cut it, ``close(code, reason)``.
    """

    __slots__ = ("_has_failed", "_is_paused", "_listeners", "_owner", "_stage")

    CONNECTING, OPEN, CLOSING, CLOSED = State

    def __init__(self, owner: WebSocketServer | None = None) -> None:
        EventTarget.__init__(self)
        # The server, which hears of messages too.
        self._owner = owner
        #: What it is as long as it isn't open, for the program; None counts from then on.
        self._stage: State | None = None
        self._is_paused = False
        self._has_failed = False

    @property
    def readyState(self) -> State:
        """The state, as ``CONNECTING``, ``OPEN``, ``CLOSING`` or ``CLOSED``."""
        return self.state if self._stage is None else self._stage

    @property
    def binaryType(self) -> Literal["nodebuffer"]:
        """ws's word for what binary arrives as; here it is ``bytes``, and can't be anything else."""
        return "nodebuffer"

    @property
    def url(self) -> str:
        """The address of the server; of a server's connections it is empty."""
        return ""

    @property
    def protocol(self) -> str:
        """The subprotocol agreed, empty without one."""
        return self.subprotocol or ""

    @property
    def extensions(self) -> str:
        """The name of the extension agreed, empty without one."""
        return "" if self.codec.extension is None else self.codec.extension.name

    @property
    def bufferedAmount(self) -> int:
        """Bytes, framing included, that were sent and that the system hasn't taken yet."""
        return self.buffered_amount

    @property
    def isPaused(self) -> bool:
        """True after ``pause``, until ``resume``."""
        return self._is_paused

    @native.natively("accelerate_send")
    def send(
        self,
        data: Message,
        callback: Callback | None = None,
        *,
        binary: bool | None = None,
        compress: bool | None = None,
        fin: bool = True,
    ) -> None:
        """Send text (``str``) or binary (bytes-like), without ever waiting.

        A client's connection has to be open.  After it began to close, nothing is
        sent and nothing raised; ``bufferedAmount`` tells how much waits for a slow
        peer, who is cut at the ``buffer_limit``.

        Args:
            data: the message, or a part of it.
            callback: function or coroutine function that is called with None in a later turn
                of the loop, when the data was written and no more than the write limit waits,
                or with a ``ConnectionClosed`` if it can't be sent any more.
            binary: whether it is sent as binary; None leaves it to the type. Bytes that are sent
                as text have to be UTF-8.
            compress: whether to compress, if that is agreed; None leaves it to the size.
            fin: False for all parts of a message but the last. Until that is sent, whatever is
                sent continues the message; ``binary`` and ``compress`` count for the first part.

        Raises:
            TypeError: if ``data`` is neither ``str`` nor bytes-like.
            LocalProtocolError: if the connection isn't open yet.
        """
        self._check_begun()
        opcode, payload = payload_of(data, None if binary is None else not binary)
        try:
            if fin and not self.codec.is_sending_fragments:
                self.send_message(opcode, payload, compress=compress)
            else:
                # Who sends without waiting has no more than the buffer limit, in parts as well.
                self._check_room()
                self.send_fragment(opcode, payload, fin=fin, compress=compress)
        except ConnectionClosed as error:
            self._tell_sender(callback, error)
        else:
            self._tell_sender(callback, None)

    def ping(self, data: Message = b"", callback: Callback | None = None) -> None:
        """Send a ping with at most 125 bytes; the peer's answer comes as ``pong``.

        ``callback`` is as with ``send``.

        Raises:
            LocalProtocolError: if ``data`` is too long, or the connection isn't open yet.
        """
        self._send_control(self.send_ping, data, callback)

    def pong(self, data: Message = b"", callback: Callback | None = None) -> None:
        """Send a pong with at most 125 bytes, one that nobody asked for unless ``autoPong`` is off.

        ``callback`` and what is raised are as with ``ping``.
        """
        self._send_control(self.send_pong, data, callback)

    def _check_begun(self) -> None:
        if self._stage is State.CONNECTING:
            raise LocalProtocolError("the connection isn't open yet")

    def _send_control(self, send: Callable[[bytes], None], data: Message, callback: Callback | None) -> None:
        self._check_begun()
        try:
            send(bytes(payload_of(data)[1]))
        except ConnectionClosed as error:
            self._tell_sender(callback, error)
        else:
            self._tell_sender(callback, None)

    def _tell_sender(self, callback: Callback | None, error: ConnectionClosed | None) -> None:
        if callback is None:
            return
        if error is not None:
            # They hold what was to be sent.
            without_frames(error)
        run(self._logger, "send", self._call_back(callback, error))

    async def _call_back(self, callback: Callback, error: ConnectionClosed | None) -> None:
        # Tasks may be eager: what was sent is written at the end of this turn.
        await asyncio.sleep(0)
        if error is None:
            try:
                await self.drain()
            except ConnectionClosed as closed:
                without_frames(closed)
                error = closed
        result = callback(error)
        if inspect.isawaitable(result):
            await result

    def close(self, code: int = CloseCode.NO_STATUS_RCVD, reason: str = "") -> None:
        """Begin to close the connection; ``close`` is emitted when it is done.

        Raises:
            LocalProtocolError: for a code or reason that may not be sent.
        """
        self.start_close(code, reason)

    def terminate(self) -> None:
        """Cut the connection without a closing handshake."""
        self.abort()

    def pause(self) -> None:
        """Read nothing more from the peer until ``resume`` or ``close``.

        Before the connection is open, and once it is closed, it does nothing.
        """
        if self.readyState in (State.OPEN, State.CLOSING):
            self._is_paused = True
            self.pause_reading()

    def resume(self) -> None:
        """Undo ``pause``, and do nothing when that would."""
        if self.readyState in (State.OPEN, State.CLOSING):
            self._is_paused = False
            self.resume_reading()

    # What arrives

    def message_received(self, data: str | bytes) -> None:
        """Emit ``message``, here and then on the server that it is a connection of."""
        is_binary = not isinstance(data, str)
        self.emit("message", data, is_binary)
        if self._owner is not None:
            self._owner.emit("message", self, data, is_binary)

    def chunk_received(self, data: str | bytes, ends_message: bool) -> None:
        """Emit ``chunk``, for who has asked the protocol for the next message in pieces."""
        self.emit("chunk", data, ends_message)

    def ping_received(self, data: bytes) -> None:
        """Emit ``ping``."""
        self.emit("ping", data)

    def pong_received(self, data: bytes) -> None:
        """Emit ``pong``."""
        self.emit("pong", data)

    def rule_broken(self, code: int, reason: str) -> None:
        """Fail the connection, and emit ``error``."""
        super().rule_broken(code, reason)
        self._emit_error()

    def _emit_end(self) -> None:
        """Emit ``error`` if there was a cause that wasn't told yet, then ``close``."""
        self._emit_error()
        self.emit("close", self.close_code, self.close_reason)

    def _emit_error(self) -> None:
        """Tell what the connection ends by, unless that is a closing handshake, or was told."""
        cause = self.codec.lifecycle.cause
        if cause is None or self._has_failed:
            return
        self._has_failed = True
        if not self.emit("error", cause):
            self.logger.debug("connection failed: %s", cause)


if native.engine is not None:
    native.engine.learn_events(EventConnection, finish, report)


class ServerWebSocket(Visitor, EventConnection):
    """A connection of the event server; its events are those of ``EventConnection``."""

    __slots__ = ("_server",)

    _owner: WebSocketServer
    #: Called with the connection and its request when it opens, instead of "connection".
    upgrade_callback: Callable[[ServerWebSocket, Request], Any] | None = None

    def __init__(
        self,
        protocol: ServerProtocol,
        server: Server[ServerWebSocket],
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
        *,
        owner: WebSocketServer,
    ) -> None:
        EventConnection.__init__(self, owner)
        BaseConnection.__init__(self, protocol, server, settings, loop)
        self._server = server

    def resume(self) -> None:
        """Undo ``pause``, as far as the client takes what waits for it."""
        super().resume()
        if self._is_writing_paused:
            self.pause_reading()

    def refused(self, error: Exception, request: Request) -> None:
        """Emit the server's ``wsClientError``; a listener that closes the transport has answered it."""
        transport = self._transport
        assert transport is not None
        self._owner.emit("wsClientError", error, transport, request)
        if transport.is_closing():
            self._is_ending = True

    def _end(self, transport: asyncio.Transport, ending: Ending) -> None:
        """Emit ``wsClientError`` for what wasn't HTTP: the protocol has answered it by itself."""
        if self.request is None:
            error = cast(ServerProtocol, self.codec).handshake_exception
            self._owner.emit("wsClientError", error, transport, None)
        super()._end(transport, ending)

    def opened(self) -> None:
        """Tell the server's listeners."""
        if self.upgrade_callback is None:
            self._owner.emit("connection", self, self.request)
        else:
            call(self._logger, "connection", self.upgrade_callback, self, self.request)

    def writing_paused(self) -> None:
        """Stop reading: what a peer doesn't take must not grow by what it sends."""
        self.pause_reading()

    def writing_resumed(self) -> None:
        """Read on."""
        if not self._is_paused:
            self.resume_reading()

    def closed(self, exc: Exception | None) -> None:
        """Tell the server, and the listeners if they knew of the connection."""
        self._server.connection_closed(self)
        if self.codec.response is None or self.codec.response.status_code != 101:
            return
        self._emit_end()
