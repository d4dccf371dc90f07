"""The server that ``serve`` and the event server run.

A server listens, conducts the opening handshake of every connection and runs
the handler.  The same class serves the event face, which runs no handler.

Invariants:

1. A connection that hasn't opened by the open time-out is cut.
2. An error in one handler or callback ends one connection, never the server.
3. After ``wait_closed`` nothing of the server is left: no socket, task or connection.
4. There are no more connections than ``max_connections``, but as many again that hear of it.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import logging
import os
import random
import socket
import ssl as ssl_module
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from ..close import Close, CloseCode
from ..exceptions import ConnectionClosed, LocalProtocolError
from ..observe.observer import ObserverOption
from ..protocol.http11 import Request, Response
from ..protocol.server import ServerConnection as ServerProtocol
from ..protocol.server import plain_response
from ..protocol.states import State
from ..transport.connection import Connection as BaseConnection
from ..transport.connection import Handshaker
from ..transport.listening import EngineServer, can_listen, listen
from ..transport.observed import Observation
from ..transport.streams import StreamProtocol
from ..version import __version__
from .admission import Admission
from .drain import Drain

__all__ = ["SERVER_HEADER", "HTTPHandover", "Server"]

SERVER_HEADER = f"Python/{sys.version_info.major}.{sys.version_info.minor} fullduplex/{__version__}"

#: How many connections a warning names, of those that had to be cut.
NAMED_STRAGGLERS = 20

C = TypeVar("C", bound=BaseConnection)


class HTTPHandover(Protocol):
    """Who answers the requests that don't ask for a WebSocket; ``fullduplex.asgi.http`` makes one."""

    async def startup(self, create_protocol: Callable[[], StreamProtocol]) -> None:
        """Get ready; called before the server listens.

        ``create_protocol`` makes what takes a connection back that asks for a
        WebSocket after all, in a later request.
        """

    def create_protocol(self) -> asyncio.Protocol:
        """Make the asyncio protocol for one connection.

        Its transport has the methods of ``asyncio.Transport``, but needn't be one that
        ``loop.start_tls`` and ``loop.sendfile`` take.
        """

    async def shutdown(self) -> None:
        """Finish what is under way, and end."""


class Server(Handshaker, Generic[C]):
    """A running WebSocket server; ``serve`` makes one.

    Args:
        make_connection: makes a connection of its protocol, for this server.
        make_protocol: makes the protocol of a new connection; given ``hands_over=False``, one that
            gives nothing to ``http``.
        handler: runs for each open connection; when it returns, the connection is closed.
            Without one, connections live until they are closed.
        process_request: sees a request first; a response that it returns is sent instead.
        process_response: sees the response before it is sent, and may change or replace it.
        select_subprotocol: chooses among a client's subprotocols, or none of them.
        server_header: value of the Server header; None leaves it out.
        open_timeout: seconds from accepting a connection to its opening; None waits for ever.
        max_connections: connections open or opening at a time; others are refused with status 503.
        max_connections_per_host: the same, of one remote address.
        http: who answers requests that don't ask for a WebSocket.
        logger: where errors in handlers and callbacks are told, and at DEBUG every frame.
        observer: is told what happens to connections: an ``Observer``, or several.
        connections: where those are kept that are open, for someone else to read as well.
    """

    def __init__(
        self,
        *,
        make_connection: Callable[[ServerProtocol, Server[C], asyncio.AbstractEventLoop], C],
        make_protocol: Callable[..., ServerProtocol],
        handler: Callable[[C], Awaitable[None]] | None = None,
        process_request: Callable[[C, Request], Any] | None = None,
        process_response: Callable[[C, Request, Response], Any] | None = None,
        select_subprotocol: Callable[[C, Sequence[str]], str | None] | None = None,
        server_header: str | None = SERVER_HEADER,
        open_timeout: float | None = 10,
        max_connections: int | None = 65_536,
        max_connections_per_host: int | None = None,
        http: HTTPHandover | None = None,
        logger: logging.Logger | None = None,
        observer: ObserverOption = None,
        connections: set[C] | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.logger = logger or logging.getLogger("fullduplex.server")
        self._observation = Observation(observer, self.logger)
        self.http = http
        self._make_connection = make_connection
        self._make_protocol = make_protocol
        self._handler = handler
        self._process_request = process_request
        self._process_response = process_response
        self._select_subprotocol = select_subprotocol
        # Programs' hooks may wait, and share a task with the handler: what they set there, it finds.
        self._answers_in_task = (
            process_request is not None
            or inspect.iscoroutinefunction(process_response)
            or (handler is not None and (process_response is not None or select_subprotocol is not None))
        )
        self._server_header = server_header
        self._open_timeout = open_timeout
        self._server: asyncio.Server | EngineServer | None = None
        self._admission = Admission(max_connections, max_connections_per_host)
        self._drain: Drain[C] = Drain(self.loop)
        self._open: set[C] = set() if connections is None else connections
        # With the task that answers the request, once there is one.
        self._opening: dict[C, asyncio.Task[None] | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._close_called: asyncio.Future[asyncio.Task[None]] = self.loop.create_future()

    # Listening

    async def listen(
        self,
        host: str | Sequence[str] | None = None,
        port: int | None = None,
        *,
        path: str | os.PathLike[str] | None = None,
        sock: socket.socket | None = None,
        ssl: ssl_module.SSLContext | None = None,
        **options: Any,
    ) -> None:
        """Start listening; the arguments are those of ``loop.create_server`` and ``create_unix_server``.

        ``path`` is that of a Unix socket, instead of host and port.

        Raises:
            OSError: if the address can't be listened on.
        """
        if ssl is not None and self._open_timeout is not None:
            options.setdefault("ssl_handshake_timeout", self._open_timeout)
        if self.http is not None:
            await self.http.startup(self.take_back)
        try:
            self._server = await self._create_server(host, port, path, sock, ssl=ssl, **options)
        except BaseException:
            if self.http is not None:
                await self.http.shutdown()
            raise

    async def _create_server(
        self,
        host: str | Sequence[str] | None,
        port: int | None,
        path: str | os.PathLike[str] | None,
        sock: socket.socket | None,
        **options: Any,
    ) -> asyncio.Server | EngineServer:
        create: Callable[..., Awaitable[asyncio.Server]]
        # asyncio wants either an address or a socket.
        if path is not None:
            create = functools.partial(self.loop.create_unix_server, self.create_protocol, path)
        elif sock is not None:
            create = functools.partial(self.loop.create_server, self.create_protocol, sock=sock)
        else:
            create = functools.partial(self.loop.create_server, self.create_protocol, host, port)
        return await (listen(create, self._accept, **options) if can_listen(options) else create(**options))

    async def start_serving(self) -> None:
        """Accept connections from now on, if the server was made with ``start_serving=False``.

        Calling it again does nothing.

        Raises:
            RuntimeError: if the server is closed, or doesn't listen.
        """
        if self._server is None or self._close_called.done():
            raise RuntimeError("the server doesn't listen, or is closed")
        await self._server.start_serving()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop that the server lives on."""
        return self.loop

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The listening sockets; none once the server is closed."""
        return () if self._server is None else tuple(self._server.sockets)

    @property
    def connections(self) -> set[C]:
        """The connections that are open now."""
        return {connection for connection in self._open if connection.state is State.OPEN}

    @property
    def stragglers(self) -> list[C]:
        """The connections that ``close`` had to cut, as their closing handshake took too long."""
        return list(self._drain.stragglers)

    def is_serving(self) -> bool:
        """Tell whether new connections are accepted."""
        return self._server is not None and self._server.is_serving()

    async def serve_forever(self) -> None:
        """Serve until closed or cancelled, and wait until everything is closed."""
        try:
            if self._server is not None and not self._close_called.done():
                await self.start_serving()
            await self.wait_closed()
        finally:
            self.close()
            await self.wait_closed()

    def create_protocol(self) -> StreamProtocol:
        """Make the asyncio protocol of a new connection."""
        return StreamProtocol(self._accept())

    def take_back(self) -> StreamProtocol:
        """Make the asyncio protocol of a connection that was handed over, and asks for a WebSocket now.

        It isn't handed over again, whatever is wrong with it.
        """
        return StreamProtocol(self._accept(hands_over=False))

    def new_connection(self, **options: bool) -> C:
        """Make a connection that has no transport yet; the options are those of ``make_protocol``."""
        connection = self._make_connection(self._make_protocol(**options), self, self.loop)
        self._observation.begin(connection)
        return connection

    def _accept(self, **options: bool) -> C:
        connection = self.new_connection(**options)
        if self._open_timeout is not None:
            connection.limit_opening(self._open_timeout)
        return connection

    # Closing

    def close(
        self,
        close_connections: bool = True,
        code: int = CloseCode.GOING_AWAY,
        reason: str = "",
        *,
        over: float = 0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Stop listening, and close the connections unless told to let them end by themselves.

        With ``over``, in seconds, each connection is closed at a random moment
        within that time, so that not all clients come back at once; until then
        its handler goes on.  ``jitter`` gives the random numbers, from 0 to 1.
        Handshakes under way are refused with status 503.  Connections that
        don't finish the closing handshake within their close time-out are cut,
        told of in one warning, and kept in ``stragglers``.  Calling it again
        does nothing.

        Raises:
            LocalProtocolError: for a code or reason that may not be sent.
            ValueError: if ``over`` is negative.
        """
        if self._close_called.done():
            return
        if over < 0:
            raise ValueError("over must not be negative")
        try:
            Close(code, reason).serialize()
        except ValueError as error:
            raise LocalProtocolError(str(error)) from error
        tell = functools.partial(_start_close, code=code, reason=reason) if close_connections else None
        self._close_called.set_result(self.loop.create_task(self._close(tell, over, jitter)))

    async def wait_closed(self) -> None:
        """Wait until ``close`` was called, and every connection and handler has ended."""
        closing = await asyncio.shield(self._close_called)
        await asyncio.shield(closing)

    async def _close(
        self, tell: Callable[[C], None] | None, over: float, jitter: Callable[[], float]
    ) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._opening):
            self.refuse(connection, "The server is shutting down.\n")
        if tell is not None:
            self._drain.begin(set(self._open), tell, over, jitter)
        if self.http is not None:
            await self.http.shutdown()
        while self._open or self._opening or self._tasks:
            self._ended.clear()
            await self._ended.wait()
        if self.stragglers:
            self._report_stragglers()

    def _report_stragglers(self) -> None:
        named = self.stragglers[:NAMED_STRAGGLERS]
        addresses = [str(connection.remote_address or "a Unix socket") for connection in named]
        if len(self.stragglers) > NAMED_STRAGGLERS:
            addresses.append("and others")
        self.logger.warning(
            "cut %d connection(s) that didn't finish the closing handshake in time: %s",
            len(self.stragglers),
            ", ".join(addresses),
        )

    # The opening handshake

    def connected(self, connection: C) -> None:
        """Note a connection; before it has its transport, it may end without a word."""
        self._opening[connection] = None
        address = connection.remote_address if self._admission.counts_hosts else None
        # Of a Unix socket it is a path, or nothing.
        host = address[0] if isinstance(address, tuple) else None
        if not self._admission.enter(connection, host) or self._close_called.done():
            connection.abort()

    def request_received(self, connection: C, request: Request) -> None:
        """Answer a request, at once or in a task of its own; nothing more is read meanwhile."""
        if not self._admission.take_place(connection):
            self.refuse(connection, "There are too many connections.\n")
            return
        if self._answers_in_task:
            connection.pause_reading()
            self._opening[connection] = self.start_task(self._serve(connection, request))
            return
        try:
            response = self._accept_request(connection, request)
            if self._process_response is not None:
                response = self._process_response(connection, request, response) or response
        except Exception as error:
            response = self._failure(error)
        if self._conclude(connection, response) and self._handler is not None:
            _ = self.start_task(self._run(self._handler, connection))

    def start_task(
        self, work: Coroutine[Any, Any, None], context: contextvars.Context | None = None
    ) -> asyncio.Task[None]:
        """Run a coroutine as a task of the server, which ends after it."""
        task = self.loop.create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)
        return task

    def handed_over(self, connection: C, data: bytes) -> None:
        """Give a connection to the HTTP server, with what it has said so far."""
        assert self.http is not None
        self._opening.pop(connection, None)
        self._admission.leave(connection)
        self._ended.set()
        transport = connection.detach()
        protocol = self.http.create_protocol()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(data)

    def handshake_ended(self, connection: C, response: Response | None) -> None:
        """Forget a connection that was lost before it was open, and answer it no more."""
        task = self._opening.pop(connection, None)
        if task is not None:
            task.cancel()
        self._ended.set()

    async def _serve(self, connection: C, request: Request) -> None:
        try:
            response = await self._make_response(connection, request)
        except Exception as error:
            response = self._failure(error)
        if self._conclude(connection, response) and self._handler is not None:
            await self._run(self._handler, connection)

    async def _make_response(self, connection: C, request: Request) -> Response:
        response: Response | None = None
        if self._process_request is not None:
            response = await _result(self._process_request(connection, request))
        if response is None:
            response = self._accept_request(connection, request)
        elif self._server_header is not None and "Server" not in response.headers:
            response.headers["Server"] = self._server_header
        if self._process_response is not None:
            response = await _result(self._process_response(connection, request, response)) or response
        return response

    def _accept_request(self, connection: C, request: Request) -> Response:
        """Make the protocol's response."""
        select = self._select_subprotocol
        response = self.protocol_of(connection).accept(
            request, None if select is None else functools.partial(select, connection)
        )
        if self._server_header is not None:
            response.headers["Server"] = self._server_header
        return response

    def _failure(self, error: Exception) -> Response:
        """Log what a hook has raised, and make the response to its request."""
        self.logger.error("opening handshake failed", exc_info=error)
        return plain_response(500, "Failed to open a WebSocket connection.\n")

    def _conclude(self, connection: C, response: Response) -> bool:
        """Send a response if it is still wanted; tell whether the connection is open now."""
        if connection.state is not State.CONNECTING:
            return False
        if self._close_called.done():
            self.refuse(connection, "The server is shutting down.\n")
            return False
        is_open = self._send(connection, response)
        if is_open:
            self.opened(connection)
        return is_open

    def _send(self, connection: C, response: Response) -> bool:
        """Send a response; tell whether the connection is open now."""
        protocol = self.protocol_of(connection)
        try:
            protocol.send_response(response)
        except Exception:
            self.logger.exception("invalid response to an opening handshake")
            protocol.send_response(plain_response(500, "Failed to open a WebSocket connection.\n"))
        connection.flush()
        return connection.state is not State.CLOSED

    def refuse(self, connection: C, why: str) -> None:
        """Turn away a connection that isn't open yet, for the time being."""
        protocol = self.protocol_of(connection)
        if protocol.request is None or protocol.response is not None:
            connection.abort()
            return
        response = plain_response(503, why)
        response.headers["Retry-After"] = "1"
        self._send(connection, response)

    def protocol_of(self, connection: C) -> ServerProtocol:
        """Return the protocol below a connection."""
        protocol = connection.codec
        assert isinstance(protocol, ServerProtocol)
        return protocol

    # The open connection

    def opened(self, connection: C) -> None:
        """Begin the life of a connection that was accepted."""
        self._opening.pop(connection, None)
        self._open.add(connection)
        self._admission.settle(connection)
        connection.start()

    async def _run(self, handler: Callable[[C], Awaitable[None]], connection: C) -> None:
        code = CloseCode.INTERNAL_ERROR
        try:
            await handler(connection)
            code = CloseCode.NORMAL_CLOSURE
        except ConnectionClosed:
            self.logger.debug("handler ended because its connection closed", exc_info=True)
        except Exception:
            self.logger.exception("connection handler failed")
        finally:
            connection.start_close(code)

    def connection_closed(self, connection: C) -> None:
        """Forget a connection that was open; connections tell this themselves."""
        self._admission.leave(connection, is_settled=connection in self._open)
        self._open.discard(connection)
        self._drain.ended(connection)
        self._ended.set()

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._ended.set()
        if not task.cancelled() and task.exception() is not None:
            self.logger.error("serving a connection failed", exc_info=task.exception())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        await self.wait_closed()


async def _result(value: Any) -> Any:
    """Return what a callback gives, whether it is a coroutine function or not."""
    return await value if inspect.isawaitable(value) else value


def _start_close(connection: BaseConnection, code: int, reason: str) -> None:
    connection.start_close(code, reason)
