"""The event face: the server that users of Node's ``ws`` know.

Listeners are functions or coroutine functions.  Text arrives as ``str`` and
binary as ``bytes``, each with ``is_binary``.  An exception in a listener is
logged and never ends the connection or the server.

Invariants:

1. A connection's events come in the order of what the peer sent; "close" is the last.
2. While more than the write limit waits to be written to a peer, nothing more is read from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar, overload

from .aio.connection import Message, payload_of
from .aio.negotiation import deflate_factories
from .aio.server import HTTPHandover, Server
from .close import CloseCode
from .exceptions import ConnectionClosed
from .protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from .protocol.http11 import Request, Response
from .protocol.limits import Limits
from .protocol.server import Origins, plain_response
from .protocol.server import ServerConnection as ServerProtocol
from .protocol.states import State
from .transport.connection import Connection as BaseConnection
from .transport.connection import Marks, Settings

__all__ = ["EventEmitter", "ServerWebSocket", "WebSocketServer"]

logger = logging.getLogger("fullduplex.server")

Listener = TypeVar("Listener", bound=Callable[..., Any])

#: Tasks of coroutine listeners; an event loop keeps no strong reference to them.
_running: set[asyncio.Task[Any]] = set()


class EventEmitter:
    """Keeps listeners by the name of their event, and calls them in order."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[tuple[Callable[..., Any], bool]]] = {}

    @overload
    def on(self, event: str) -> Callable[[Listener], Listener]: ...
    @overload
    def on(self, event: str, listener: Listener) -> Listener: ...
    def on(self, event: str, listener: Any = None) -> Any:
        """Call ``listener`` at each ``event``; without it, return a decorator.

        A listener that is added twice is called twice.
        """
        return self._add(event, listener, once=False)

    @overload
    def once(self, event: str) -> Callable[[Listener], Listener]: ...
    @overload
    def once(self, event: str, listener: Listener) -> Listener: ...
    def once(self, event: str, listener: Any = None) -> Any:
        """Call ``listener`` at the next ``event`` only; without it, return a decorator."""
        return self._add(event, listener, once=True)

    def _add(self, event: str, listener: Any, *, once: bool) -> Any:
        if listener is None:
            return functools.partial(self._add, event, once=once)
        if not callable(listener):
            raise TypeError(f"a listener must be callable, not {type(listener).__name__}")
        self._listeners.setdefault(event, []).append((listener, once))
        return listener

    def off(self, event: str, listener: Callable[..., Any]) -> None:
        """Call ``listener`` no more at ``event``; one that isn't there is no error."""
        listeners = self._listeners.get(event, [])
        for entry in reversed(listeners):
            if entry[0] == listener:
                listeners.remove(entry)
                break

    def emit(self, event: str, *arguments: Any) -> bool:
        """Call the listeners of ``event``; tell whether there were any.

        A coroutine that a listener returns runs as a task.  Exceptions are logged.
        """
        listeners = self._listeners.get(event)
        if not listeners:
            return False
        for entry in list(listeners):
            listener, once = entry
            if once:
                if entry not in listeners:
                    # A listener before it has emitted the same event, or taken it off.
                    continue
                listeners.remove(entry)
            try:
                result = listener(*arguments)
                if inspect.iscoroutine(result):
                    _run(result, event)
            except Exception:
                logger.exception("listener of %r failed", event)
        return True


def _run(coroutine: Any, event: str) -> None:
    async def guarded() -> None:
        try:
            await coroutine
        except Exception:
            logger.exception("listener of %r failed", event)

    task = asyncio.get_running_loop().create_task(guarded())
    _running.add(task)
    task.add_done_callback(_running.discard)


class ServerWebSocket(EventEmitter, BaseConnection):
    """A connection of the event server.

    Events, with what their listeners are given: ``message(data, is_binary)``,
    ``ping(data)``, ``pong(data)``, ``close(code, reason)``, ``error(exception)``.
    """

    CONNECTING, OPEN, CLOSING, CLOSED = State

    def __init__(
        self,
        protocol: ServerProtocol,
        server: Server[ServerWebSocket],
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
        *,
        owner: WebSocketServer,
    ) -> None:
        EventEmitter.__init__(self)
        BaseConnection.__init__(self, protocol, server, settings, loop)
        self._server = server
        self._owner = owner
        self._is_paused = False

    @property
    def readyState(self) -> State:
        """The state, as ``CONNECTING``, ``OPEN``, ``CLOSING`` or ``CLOSED``."""
        return self.state

    @property
    def protocol(self) -> str:
        """The subprotocol agreed, empty without one."""
        return self.subprotocol or ""

    @property
    def bufferedAmount(self) -> int:
        """Bytes, framing included, that were sent and that the system hasn't taken yet."""
        return self.buffered_amount

    @property
    def isPaused(self) -> bool:
        """True after ``pause``, until ``resume``."""
        return self._is_paused

    def send(self, data: Message, *, compress: bool | None = None) -> None:
        """Send text (``str``) or binary (bytes-like), without ever waiting.

        After the connection began to close, nothing is sent and nothing
        raised; ``bufferedAmount`` tells how much waits for a slow peer, who is
        cut at the ``buffer_limit``.  ``compress`` tells whether to compress, if
        that is agreed; None leaves it to the size.

        Raises:
            TypeError: if ``data`` is neither ``str`` nor bytes-like.
        """
        opcode, payload = payload_of(data)
        with contextlib.suppress(ConnectionClosed):
            self.send_message(opcode, payload, compress=compress)

    def ping(self, data: Message = b"") -> None:
        """Send a ping with at most 125 bytes; the peer's answer comes as ``pong``."""
        with contextlib.suppress(ConnectionClosed):
            self.send_ping(bytes(payload_of(data)[1]))

    def pong(self, data: Message = b"") -> None:
        """Send a pong that nobody asked for, with at most 125 bytes."""
        with contextlib.suppress(ConnectionClosed):
            self.send_pong(bytes(payload_of(data)[1]))

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
        """Read nothing more from the peer until ``resume`` or ``close``."""
        self._is_paused = True
        self.pause_reading()

    def resume(self) -> None:
        """Undo ``pause``."""
        self._is_paused = False
        if not self._is_writing_paused:
            self.resume_reading()

    # What arrives

    def opened(self) -> None:
        """Tell the server's listeners."""
        self._owner.clients.add(self)
        self._owner.emit("connection", self, self.request)

    def message_received(self, data: str | bytes) -> None:
        """Emit ``message``."""
        self.emit("message", data, not isinstance(data, str))

    def ping_received(self, data: bytes) -> None:
        """Emit ``ping``."""
        self.emit("ping", data)

    def pong_received(self, data: bytes) -> None:
        """Emit ``pong``."""
        self.emit("pong", data)

    def writing_paused(self) -> None:
        """Stop reading: what a peer doesn't take must not grow by what it sends."""
        self.pause_reading()

    def writing_resumed(self) -> None:
        """Read on."""
        if not self._is_paused:
            self.resume_reading()

    def closed(self, exc: Exception | None) -> None:
        """Emit ``error`` if the transport had one, then ``close``."""
        self._owner.clients.discard(self)
        self._server.connection_closed(self)
        if self.codec.response is None or self.codec.response.status_code != 101:
            return
        if exc is not None:
            self.emit("error", exc)
        self.emit("close", self.close_code, self.close_reason)


class WebSocketServer(EventEmitter):
    """A WebSocket server that tells of everything by events.

    Made while an event loop runs, it starts listening at once, as in Node;
    otherwise ``run()`` is for scripts and ``async with`` for programs.

    Events, with what their listeners are given: ``listening()``,
    ``connection(ws, request)``, ``error(exception)``, ``close()``.

    Args:
        host: name or address; None for every interface.
        port: 0 takes a free one; see ``address()``.
        path: accept only this path; any other is answered with 400, as in ws.
        maxPayload: bytes of the largest message, after decompression; None for no limit.
        perMessageDeflate: whether to compress, or a ``PerMessageDeflateFactory``.

    These are ws's; the other arguments are those of ``fullduplex.serve``.
    """

    def __init__(
        self,
        *,
        port: int,
        host: str | Sequence[str] | None = None,
        path: str | None = None,
        maxPayload: int | None = 2**20,
        perMessageDeflate: bool | PerMessageDeflateFactory = False,
        origins: Origins | None = None,
        subprotocols: Sequence[str] | None = None,
        limits: Limits | None = None,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        write_limit: Marks = 32_768,
        buffer_limit: int | None = 2**26,
        max_connections: int | None = 65_536,
        max_connections_per_host: int | None = None,
        http: HTTPHandover | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        #: The connections that are open.
        self.clients: set[ServerWebSocket] = set()
        self._address = (host, port)
        self._path = path
        self._options = options
        self._settings = Settings(
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            write_limit=write_limit,
            buffer_limit=buffer_limit,
        )
        self._make_protocol = functools.partial(
            ServerProtocol,
            origins=origins,
            extensions=deflate_factories(
                "deflate" if perMessageDeflate is True else perMessageDeflate or None
            ),
            subprotocols=subprotocols or (),
            hands_over=http is not None,
            limits=dataclasses.replace(limits or Limits(), message=maxPayload),
        )
        self._serving_options: dict[str, Any] = {
            "open_timeout": open_timeout,
            "max_connections": max_connections,
            "max_connections_per_host": max_connections_per_host,
            "http": http,
        }
        self._server: Server[ServerWebSocket] | None = None
        self._starting: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        with contextlib.suppress(RuntimeError):
            self._starting = self._begin(asyncio.get_running_loop())

    def _begin(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
        starting = loop.create_task(self._start())
        # A failure was told by the "error" event, or logged.
        starting.add_done_callback(lambda task: task.cancelled() or task.exception())
        return starting

    def address(self) -> Any:
        """Return the address that is listened on, as the socket tells it; None when closed."""
        if self._server is None or not self._server.sockets:
            return None
        return self._server.sockets[0].getsockname()

    def run(self) -> None:
        """Serve until closed, or the process is interrupted; for scripts.

        Raises:
            OSError: if the address can't be listened on.
        """
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(self.serve_forever())

    async def serve_forever(self) -> None:
        """Serve until closed or cancelled, and wait until everything is closed."""
        async with self:
            await self.wait_closed()

    async def wait_listening(self) -> None:
        """Wait until the server listens.

        Raises:
            OSError: if the address can't be listened on.
        """
        if self._starting is None:
            self._starting = self._begin(asyncio.get_running_loop())
        await asyncio.shield(self._starting)

    def close(self, code: int = CloseCode.GOING_AWAY, reason: str = "") -> None:
        """Stop listening and close the connections; ``close`` is emitted when all is done.

        Unlike ws, which leaves its connections open.  Calling it again does nothing.

        Raises:
            LocalProtocolError: for a code or reason that may not be sent.
        """
        if self._starting is not None and not self._starting.done():
            self._starting.add_done_callback(lambda _: self.close(code, reason))
        elif self._server is not None and self._closing is None:
            self._server.close(code=code, reason=reason)
            self._closing = self._server.loop.create_task(self._emit_close(self._server))

    async def _emit_close(self, server: Server[ServerWebSocket]) -> None:
        await server.wait_closed()
        self.emit("close")

    async def wait_closed(self) -> None:
        """Wait until the server was closed, every connection has ended, and ``close`` was emitted."""
        if self._starting is not None:
            await asyncio.wait([self._starting])
        if self._server is not None:
            await self._server.wait_closed()
        if self._closing is not None:
            await asyncio.shield(self._closing)

    async def __aenter__(self) -> Self:
        await self.wait_listening()
        return self

    async def __aexit__(self, *details: object) -> None:
        self.close()
        await self.wait_closed()

    async def _start(self) -> None:
        """Listen; a failure is told to listeners of ``error``, and to whoever waits."""
        server = Server[ServerWebSocket](
            make_connection=self._make_connection,
            make_protocol=self._make_protocol,
            process_request=self._process_request,
            **self._serving_options,
        )
        try:
            await server.listen(*self._address, **self._options)
        except Exception as error:
            if not self.emit("error", error):
                logger.error("%s", error)
            raise
        self._server = server
        self.emit("listening")

    def _make_connection(
        self,
        protocol: ServerProtocol,
        server: Server[ServerWebSocket],
        loop: asyncio.AbstractEventLoop,
    ) -> ServerWebSocket:
        return ServerWebSocket(protocol, server, self._settings, loop, owner=self)

    def _process_request(self, connection: ServerWebSocket, request: Request) -> Response | None:
        if self._path is None or request.path.partition("?")[0] == self._path:
            return None
        return plain_response(400, "WebSocket connections are served on another path.\n")
