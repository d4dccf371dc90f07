"""``serve``: a WebSocket server on asyncio.

A server listens, conducts the opening handshake of every connection and runs
the handler.  The same class serves the event face, which runs no handler.

Invariants:

1. A connection that hasn't opened by the open time-out is cut.
2. An error in one handler or callback ends one connection, never the server.
3. After ``wait_closed`` nothing of the server is left: no socket, task or connection.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import inspect
import logging
import socket
import ssl as ssl_module
import sys
from collections.abc import Awaitable, Callable, Generator, Sequence
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from ..close import Close, CloseCode
from ..exceptions import ConnectionClosed, LocalProtocolError
from ..protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from ..protocol.http11 import Request, Response
from ..protocol.limits import Limits
from ..protocol.server import Origins, SubprotocolSelector, plain_response
from ..protocol.server import ServerConnection as ServerProtocol
from ..protocol.states import State
from ..transport.connection import Connection as BaseConnection
from ..transport.connection import Handshaker, Settings
from ..transport.streams import StreamProtocol
from ..version import __version__
from .connection import ServerConnection
from .negotiation import deflate_factories

__all__ = ["HTTPHandover", "Server", "serve"]

SERVER_HEADER = f"Python/{sys.version_info.major}.{sys.version_info.minor} fullduplex/{__version__}"

C = TypeVar("C", bound=BaseConnection)


class HTTPHandover(Protocol):
    """Who answers the requests that don't ask for a WebSocket; ``fullduplex.asgi.http`` makes one."""

    async def startup(self, create_protocol: Callable[[], asyncio.BaseProtocol]) -> None:
        """Get ready; called before the server listens.

        ``create_protocol`` makes what takes a connection back that asks for a
        WebSocket after all, in a later request.
        """

    def create_protocol(self) -> asyncio.Protocol:
        """Make the asyncio protocol for one connection."""

    async def shutdown(self) -> None:
        """Finish what is under way, and end."""


class Server(Handshaker, Generic[C]):
    """A running WebSocket server; ``serve`` makes one.

    Args:
        make_connection: makes a connection of its protocol, for this server.
        make_protocol: makes the protocol of a new connection.
        handler: runs for each open connection; when it returns, the connection is closed.
            Without one, connections live until they are closed.
        process_request: sees a request first; a response that it returns is sent instead.
        process_response: sees the response before it is sent, and may change or replace it.
        server_header: value of the Server header; None leaves it out.
        open_timeout: seconds from accepting a connection to its opening; None waits for ever.
        http: who answers requests that don't ask for a WebSocket.
        logger: where errors in handlers and callbacks are told.
    """

    def __init__(
        self,
        *,
        make_connection: Callable[[ServerProtocol, Server[C], asyncio.AbstractEventLoop], C],
        make_protocol: Callable[[], ServerProtocol],
        handler: Callable[[C], Awaitable[None]] | None = None,
        process_request: Callable[[C, Request], Any] | None = None,
        process_response: Callable[[C, Request, Response], Any] | None = None,
        server_header: str | None = SERVER_HEADER,
        open_timeout: float | None = 10,
        http: HTTPHandover | None = None,
        logger: logging.Logger | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.logger = logger or logging.getLogger("fullduplex.server")
        self.http = http
        self._make_connection = make_connection
        self._make_protocol = make_protocol
        self._handler = handler
        self._process_request = process_request
        self._process_response = process_response
        self._server_header = server_header
        self._open_timeout = open_timeout
        self._server: asyncio.Server | None = None
        self._open: set[C] = set()
        # With the task that answers the request, once there is one.
        self._opening: dict[C, asyncio.Task[None] | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._close_called: asyncio.Future[asyncio.Task[None]] = self.loop.create_future()

    # Listening

    async def listen(
        self,
        host: str | Sequence[str] | None,
        port: int | None,
        *,
        sock: socket.socket | None = None,
        ssl: ssl_module.SSLContext | None = None,
        **options: Any,
    ) -> None:
        """Start listening; the arguments are those of ``loop.create_server``.

        Raises:
            OSError: if the address can't be listened on.
        """
        if ssl is not None and self._open_timeout is not None:
            options.setdefault("ssl_handshake_timeout", self._open_timeout)
        if self.http is not None:
            await self.http.startup(self.create_protocol)
        try:
            # asyncio wants either an address or a socket.
            where: dict[str, Any] = {"host": host, "port": port} if sock is None else {"sock": sock}
            self._server = await self.loop.create_server(self.create_protocol, ssl=ssl, **where, **options)
        except BaseException:
            if self.http is not None:
                await self.http.shutdown()
            raise

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The listening sockets; none once the server is closed."""
        return () if self._server is None else tuple(self._server.sockets)

    @property
    def connections(self) -> set[C]:
        """The connections that are open now."""
        return {connection for connection in self._open if connection.state is State.OPEN}

    def is_serving(self) -> bool:
        """Tell whether new connections are accepted."""
        return self._server is not None and self._server.is_serving()

    async def serve_forever(self) -> None:
        """Serve until closed or cancelled, and wait until everything is closed."""
        try:
            await self.wait_closed()
        finally:
            self.close()
            await self.wait_closed()

    def create_protocol(self) -> asyncio.BufferedProtocol:
        """Make the asyncio protocol of a new connection."""
        connection = self._make_connection(self._make_protocol(), self, self.loop)
        if self._open_timeout is not None:
            connection.limit_opening(self._open_timeout)
        return StreamProtocol(connection)

    # Closing

    def close(
        self,
        close_connections: bool = True,
        *,
        code: int = CloseCode.GOING_AWAY,
        reason: str = "",
    ) -> None:
        """Stop listening, and close the connections unless told to let them end by themselves.

        Handshakes under way are refused with status 503.  Calling it again
        does nothing.

        Raises:
            LocalProtocolError: for a code or reason that may not be sent.
        """
        if self._close_called.done():
            return
        try:
            Close(code, reason).serialize()
        except ValueError as error:
            raise LocalProtocolError(str(error)) from error
        self._close_called.set_result(self.loop.create_task(self._close(close_connections, code, reason)))

    async def wait_closed(self) -> None:
        """Wait until ``close`` was called, and every connection and handler has ended."""
        closing = await asyncio.shield(self._close_called)
        await asyncio.shield(closing)

    async def _close(self, close_connections: bool, code: int, reason: str) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._opening):
            self._refuse(connection)
        if close_connections:
            for connection in self.connections:
                connection.start_close(code, reason)
        if self.http is not None:
            await self.http.shutdown()
        while self._open or self._opening or self._tasks:
            self._ended.clear()
            await self._ended.wait()

    # The opening handshake

    def connected(self, connection: C) -> None:
        """Note a connection; before it has its transport, it may end without a word."""
        self._opening[connection] = None
        if self._close_called.done():
            connection.abort()

    def request_received(self, connection: C, request: Request) -> None:
        """Answer a request, in a task of its own; nothing more is read meanwhile."""
        connection.pause_reading()
        task = self.loop.create_task(self._serve(connection, request))
        self._opening[connection] = task
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)

    def handed_over(self, connection: C, data: bytes) -> None:
        """Give a connection to the HTTP server, with what it has said so far."""
        assert self.http is not None
        self._opening.pop(connection, None)
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
        except Exception:
            self.logger.exception("opening handshake failed")
            response = plain_response(500, "Failed to open a WebSocket connection.\n")
        if connection.state is not State.CONNECTING:
            return
        if self._close_called.done():
            self._refuse(connection)
            return
        if not self._send(connection, response):
            return
        self._opening.pop(connection, None)
        self._open.add(connection)
        connection.start()
        if self._handler is not None:
            await self._run(self._handler, connection)

    async def _make_response(self, connection: C, request: Request) -> Response:
        response: Response | None = None
        if self._process_request is not None:
            response = await _result(self._process_request(connection, request))
        if response is None:
            response = self._protocol_of(connection).accept(request)
        if self._server_header is not None and "Server" not in response.headers:
            response.headers["Server"] = self._server_header
        if self._process_response is not None:
            response = await _result(self._process_response(connection, request, response)) or response
        return response

    def _send(self, connection: C, response: Response) -> bool:
        """Send a response; tell whether the connection is open now."""
        protocol = self._protocol_of(connection)
        try:
            protocol.send_response(response)
        except Exception:
            self.logger.exception("invalid response to an opening handshake")
            protocol.send_response(plain_response(500, "Failed to open a WebSocket connection.\n"))
        connection.flush()
        return connection.state is not State.CLOSED

    def _refuse(self, connection: C) -> None:
        """Turn away a connection that isn't open yet."""
        protocol = self._protocol_of(connection)
        if protocol.request is None or protocol.response is not None:
            connection.abort()
            return
        response = plain_response(503, "The server is shutting down.\n")
        response.headers["Retry-After"] = "1"
        self._send(connection, response)

    def _protocol_of(self, connection: C) -> ServerProtocol:
        protocol = connection.codec
        assert isinstance(protocol, ServerProtocol)
        return protocol

    # The open connection

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
        self._open.discard(connection)
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


class serve:
    """Serve WebSocket connections on a host and port.

    ``async with serve(handler, host, port) as server`` serves until the block
    ends; ``server = await serve(handler, host, port)`` until ``server.close()``.

    Args:
        handler: coroutine function that gets each open connection; when it
            returns, the connection is closed with code 1000, when it raises,
            the exception is logged and the code is 1011.
        host: name or address, a sequence of them, or None for every interface.
        port: 0 takes a free one.
        origins: accepted values of Origin: strings, compiled patterns for the
            whole value, and None for "no Origin". Without it every origin may
            connect, but a foreign one not with cookies.
        subprotocols: what is spoken, in order of preference; a client that
            offers none of them is refused.
        select_subprotocol: called with the connection's protocol and the
            subprotocols offered; returns one of them or None.
        compression: "deflate", None, or a ``PerMessageDeflateFactory``.
        process_request: called with connection and request before anything
            is checked; a ``Response`` from ``connection.respond`` ends it there.
            May be a coroutine function.
        process_response: called with connection, request and response; may
            change the response, or return another. May be a coroutine function.
        server_header: value of Server; None leaves it out.
        http: from ``fullduplex.asgi.http(app)``: who answers on the same port
            what doesn't ask for a WebSocket.
        open_timeout: seconds from accepting a connection to its opening.
        ping_interval: seconds between keepalive pings.
        ping_timeout: seconds of silence after a ping that end a connection.
        close_timeout: seconds for the closing handshake.
        max_size: bytes of the largest message, after decompression; None for no limit.
        max_queue: messages that wait in a connection before its reading stops; None for no limit.
        write_limit: bytes in the write buffer from which ``send`` waits.
        limits: the other limits; ``max_size`` goes before ``limits.message``.
        logger: where errors in handlers are told.
        ssl: TLS context.
        sock: a listening socket, instead of host and port.
        options: passed to ``loop.create_server``.

    None for any time-out waits for ever.

    Raises:
        OSError: if the address can't be listened on.
        ValueError: for options that make no sense.
    """

    def __init__(
        self,
        handler: Callable[[ServerConnection], Awaitable[None]],
        host: str | Sequence[str] | None = None,
        port: int | None = None,
        *,
        origins: Origins | None = None,
        subprotocols: Sequence[str] | None = None,
        select_subprotocol: SubprotocolSelector | None = None,
        compression: str | PerMessageDeflateFactory | None = "deflate",
        process_request: Callable[[ServerConnection, Request], Any] | None = None,
        process_response: Callable[[ServerConnection, Request, Response], Any] | None = None,
        server_header: str | None = SERVER_HEADER,
        http: HTTPHandover | None = None,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_size: int | None = 2**20,
        max_queue: int | None = 16,
        write_limit: int = 32_768,
        limits: Limits | None = None,
        logger: logging.Logger | None = None,
        ssl: ssl_module.SSLContext | None = None,
        sock: socket.socket | None = None,
        **options: Any,
    ) -> None:
        settings = Settings(
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            write_limit=write_limit,
        )
        make_protocol = functools.partial(
            ServerProtocol,
            origins=origins,
            extensions=deflate_factories(compression),
            subprotocols=subprotocols or (),
            select_subprotocol=select_subprotocol,
            hands_over=http is not None,
            limits=dataclasses.replace(limits or Limits(), message=max_size),
        )

        def make_connection(
            protocol: ServerProtocol,
            server: Server[ServerConnection],
            loop: asyncio.AbstractEventLoop,
        ) -> ServerConnection:
            return ServerConnection(protocol, server, settings, loop, max_queue=max_queue)

        self._make_server = functools.partial(
            Server[ServerConnection],
            make_connection=make_connection,
            make_protocol=make_protocol,
            handler=handler,
            process_request=process_request,
            process_response=process_response,
            server_header=server_header,
            open_timeout=open_timeout,
            http=http,
            logger=logger,
        )
        self._address = (host, port, sock)
        self._ssl = ssl
        self._options = options
        self._server: Server[ServerConnection] | None = None

    async def _start(self) -> Server[ServerConnection]:
        server = self._server = self._make_server()
        host, port, sock = self._address
        await server.listen(host, port, sock=sock, ssl=self._ssl, **self._options)
        return server

    def __await__(self) -> Generator[Any, None, Server[ServerConnection]]:
        return self._start().__await__()

    async def __aenter__(self) -> Server[ServerConnection]:
        return await self._start()

    async def __aexit__(self, *details: object) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
