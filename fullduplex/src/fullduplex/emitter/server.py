"""``WebSocketServer``: ws's options, events and methods, on the server that ``serve`` runs as well.

It knows when to start, whom to let in, and whom to tell.  It doesn't know the
opening handshake, which is the protocol's, nor how connections are accepted and
closed, which is ``aio``'s.

Invariants:

1. A client is asked about (``shouldHandle``, ``verifyClient``) when all else of its request is right,
   and its subprotocol is chosen (``handleProtocols``) when it is let in.
2. "close" is the last event.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any, Self, cast

from ..aio.admission import check_limit
from ..aio.listener import HTTPHandover, Server
from ..close import CloseCode
from ..observe.observer import ObserverOption
from ..protocol.http11 import Request, Response
from ..protocol.limits import Limits
from ..protocol.server import Origins, plain_response
from ..protocol.server import ServerConnection as ServerProtocol
from ..transport import native
from ..transport.connection import Marks, Settings
from ..transport.streams import StreamProtocol
from .connection import ServerWebSocket, Unanswering
from .listeners import EventEmitter
from .options import ClientInfo, Deflate, check_unavailable, extensions_of, refusal_of

__all__ = ["WebSocketServer"]


class _Unanswering(Unanswering, ServerProtocol):
    """A server's side that doesn't answer pings."""


class WebSocketServer(EventEmitter):
    """A WebSocket server that tells of everything by events.

    Made while an event loop runs, it starts listening at once, as in Node;
    otherwise ``run()`` is for scripts and ``async with`` for programs.

    Events, with what their listeners are given:

    ``listening()``: it accepts connections.
    ``headers(lines, request)``: a client is let in; ``lines`` has the response's header
    lines, which may be changed, added to and taken from.
    ``connection(ws, request)``: a connection is open.
    ``message(ws, data, is_binary)``: a message arrived on any of them, whose own listeners were
    called. One listener for all takes no memory of each.
    ``wsClientError(error, transport, request)``: a request for a WebSocket is wrong.
    Unless a listener answers on the transport and closes it, an answer is sent. For what isn't even
    HTTP, ``request`` is None, and the answer on its way already.
    ``error(exception)``: the server couldn't start.
    ``close()``: it was closed, and every connection has ended.

    Args:
        host: name or address; None for every interface.
        port: 0 takes a free one; see ``address()``.
        backlog: connections that wait to be accepted.
        noServer: don't listen at all: connections come by ``handleUpgrade``.
        path: accept only this path; any other is answered with 400, as in ws.
        verifyClient: function or coroutine function that is given a ``ClientInfo``, and returns
            whether the client is let in, or ``(False, status, body, headers)``; status is 401,
            body its phrase and headers none where they are left out.
        handleProtocols: called with the subprotocols that a client offers, in its order, and the
            request; returns one of them, or nothing. It goes before ``subprotocols``.
        clientTracking: whether ``clients`` is filled.
        maxPayload: bytes of the largest message, after decompression; None for no limit.
        perMessageDeflate: whether to compress, or a dict of ws's ``serverNoContextTakeover``,
            ``clientNoContextTakeover``, ``serverMaxWindowBits``, ``clientMaxWindowBits``,
            ``threshold`` and ``zlibDeflateOptions`` (``level``, ``memLevel``), or a
            ``PerMessageDeflateFactory``.
        autoPong: whether pings are answered without asking; if not, ``pong`` is the program's.
        skipUTF8Validation: can only be False.
        allowSynchronousEvents: can only be True.
        WebSocket: what connections are made as: ``ServerWebSocket``, or a subclass of it.

    These are ws's; the other arguments are those of ``fullduplex.serve``, ``sock`` instead of
    ``port`` among them.

    Raises:
        TypeError: unless one of ``port``, ``sock`` and ``noServer`` is given.
        ValueError: for options that make no sense.
    """

    # Where the engine finds them.
    __slots__ = ("_listeners",)

    def __init__(
        self,
        *,
        port: int | None = None,
        host: str | Sequence[str] | None = None,
        backlog: int = 511,
        noServer: bool = False,
        path: str | None = None,
        verifyClient: Callable[[ClientInfo], Any] | None = None,
        handleProtocols: Callable[[Sequence[str], Request], str | bool | None] | None = None,
        clientTracking: bool = True,
        maxPayload: int | None = 2**20,
        perMessageDeflate: Deflate = False,
        autoPong: bool = True,
        skipUTF8Validation: bool = False,
        allowSynchronousEvents: bool = True,
        WebSocket: type[ServerWebSocket] = ServerWebSocket,
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
        process_request: Callable[[ServerWebSocket, Request], Any] | None = None,
        http: HTTPHandover | None = None,
        logger: logging.Logger | None = None,
        observer: ObserverOption = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if (port is not None) + ("sock" in options) + noServer != 1:
            raise TypeError("one of port, sock and noServer must be given, and only one")
        check_unavailable(
            options, skipUTF8Validation=skipUTF8Validation, allowSynchronousEvents=allowSynchronousEvents
        )
        check_limit("max_connections", max_connections)
        check_limit("max_connections_per_host", max_connections_per_host)
        #: The connections that are open, if they are tracked; to be read, not changed.
        self.clients: set[ServerWebSocket] = set()
        self.clientTracking = clientTracking
        self._address = (host, port)
        self._listens = not noServer
        self._path = path
        self._verify_client = verifyClient
        self._handle_protocols = handleProtocols
        self._connection_class = WebSocket
        self._options = {"backlog": backlog, **options}
        self._logger = logger or logging.getLogger("fullduplex.server")
        self._settings = Settings(
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            write_limit=write_limit,
            buffer_limit=buffer_limit,
        )
        make_protocol = functools.partial(
            ServerProtocol if autoPong else _Unanswering,
            origins=origins,
            extensions=extensions_of(perMessageDeflate),
            subprotocols=subprotocols or (),
            hands_over=http is not None,
            limits=dataclasses.replace(limits or Limits(), message=maxPayload),
        )
        self._make_server = functools.partial(
            Server[ServerWebSocket],
            make_connection=self._make_connection,
            # There is no second set of them.
            connections=self.clients if clientTracking else None,
            make_protocol=make_protocol,
            process_request=process_request,
            process_response=self._process_response if verifyClient is None else self._verify_and_process,
            select_subprotocol=None if handleProtocols is None else _select_later,
            open_timeout=open_timeout,
            max_connections=max_connections,
            max_connections_per_host=max_connections_per_host,
            http=http,
            logger=self._logger,
            observer=observer,
        )
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
        """Return the address that is listened on, as the socket tells it; None when closed.

        Raises:
            RuntimeError: with ``noServer``, as in ws.
        """
        if not self._listens:
            raise RuntimeError("a server with noServer has no address")
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

    def close(self, code: int = CloseCode.GOING_AWAY, reason: str = "", *, over: float = 0) -> None:
        """Stop listening and close the connections; ``close`` is emitted when all is done.

        Unlike ws, which leaves its connections open.  With ``over``, in seconds,
        each is closed at a random moment within that time, so that not all
        clients come back at once.  Calling it again does nothing.

        Raises:
            LocalProtocolError: for a code or reason that may not be sent.
            ValueError: if ``over`` is negative.
        """
        if self._starting is not None and not self._starting.done():
            self._starting.add_done_callback(lambda _: self.close(code, reason, over=over))
        elif self._server is not None and self._closing is None:
            self._server.close(code=code, reason=reason, over=over)
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
        if not self._listens:
            self._server = self._server or self._make_server()
            return
        server = self._make_server()
        try:
            await server.listen(*self._address, **self._options)
        except Exception as error:
            if not self.emit("error", error):
                self._logger.error("%s", error)
            raise
        self._server = server
        self.emit("listening")

    def _make_connection(
        self,
        protocol: ServerProtocol,
        server: Server[ServerWebSocket],
        loop: asyncio.AbstractEventLoop,
    ) -> ServerWebSocket:
        return self._connection_class(protocol, server, self._settings, loop, owner=self)

    # Who is let in

    def shouldHandle(self, request: Request) -> bool:
        """Tell whether a request is for this server, by its path; subclasses may decide otherwise."""
        return self._path is None or request.path.partition("?")[0] == self._path

    def handleUpgrade(
        self,
        request: Request | bytes,
        transport: asyncio.Transport,
        head: bytes = b"",
        callback: Callable[[ServerWebSocket, Request], Any] | None = None,
    ) -> None:
        """Take a connection on which someone else has read a request, and answer it.

        The transport gets a new protocol, and whoever had it has nothing more to
        do with it; of ``asyncio.open_connection`` and ``start_server`` the writer
        must be kept, as it closes the transport when it goes.

        Args:
            request: the request, or its bytes, from the first to the empty line.
            transport: the connection, of this loop.
            head: what was read after the request.
            callback: called with the connection and the request when it is open, instead of
                the event "connection", which it may emit.

        Raises:
            RuntimeError: if the transport was taken already, or the server doesn't listen yet.
        """
        if isinstance(transport.get_protocol(), StreamProtocol):
            raise RuntimeError("handleUpgrade was called twice with one transport")
        if self._server is None:
            if self._listens:
                raise RuntimeError("the server doesn't listen yet")
            self._server = self._make_server()
        if self._closing is not None:
            transport.write(plain_response(503, "The server is shutting down.\n").serialize())
            transport.close()
            return
        self._take(self._server, request, transport, head, callback)

    def _take(
        self,
        server: Server[ServerWebSocket],
        request: Request | bytes,
        transport: asyncio.Transport,
        head: bytes,
        callback: Callable[[ServerWebSocket, Request], Any] | None,
    ) -> None:
        protocol = server.take_back()
        connection = cast(ServerWebSocket, protocol.connection)
        if callback is not None:
            connection.upgrade_callback = callback
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if isinstance(request, bytes):
            protocol.data_received(request + head)
        else:
            connection.codec.request = request
            protocol.data_received(head)
            connection._handshake_event(request)

    def _process_response(
        self, connection: ServerWebSocket, request: Request, response: Response
    ) -> Response:
        refusal = self._misplaced(request) if response.status_code == 101 else None
        return self._decide(connection, request, response, refusal)

    async def _verify_and_process(
        self, connection: ServerWebSocket, request: Request, response: Response
    ) -> Response:
        refusal = None
        if response.status_code == 101:
            refusal = self._misplaced(request) or await self._verify(connection, request)
        return self._decide(connection, request, response, refusal)

    def _decide(
        self, connection: ServerWebSocket, request: Request, response: Response, refusal: Response | None
    ) -> Response:
        """Decide on a request that keeps every rule; tell of one that doesn't."""
        if response.status_code == 101:
            answer = refusal
            if answer is None and self._handle_protocols is not None:
                answer = self._accept(self._handle_protocols, connection, request)
            if answer is not None and "Server" not in answer.headers:
                answer.headers["Server"] = response.headers["Server"]
            response = answer or response
        error = cast(ServerProtocol, connection.codec).handshake_exception
        if error is not None:
            connection.refused(error, request)
        elif response.status_code == 101:
            self._emit_headers(request, response)
        return response

    def _accept(
        self,
        handle_protocols: Callable[[Sequence[str], Request], str | bool | None],
        connection: ServerWebSocket,
        request: Request,
    ) -> Response:
        """Make the response once more, with the subprotocol that is chosen now."""

        def select(offered: Sequence[str]) -> str | None:
            chosen = handle_protocols(list(dict.fromkeys(offered)), request) if offered else None
            return chosen if isinstance(chosen, str) and chosen else None

        return cast(ServerProtocol, connection.codec).accept(request, select)

    def _misplaced(self, request: Request) -> Response | None:
        if self.shouldHandle(request):
            return None
        return plain_response(400, "WebSocket connections are served on another path.\n")

    async def _verify(self, connection: ServerWebSocket, request: Request) -> Response | None:
        assert self._verify_client is not None
        origins = request.headers.get_all("Origin")
        info = ClientInfo(origin=origins[0] if origins else None, req=request, secure=connection.is_secure)
        result = self._verify_client(info)
        return refusal_of(await result if inspect.isawaitable(result) else result)

    def _emit_headers(self, request: Request, response: Response) -> None:
        if not self.listenerCount("headers"):
            return
        headers = response.headers
        lines = [f"{name}: {value}" for name, value in headers.raw_items()]
        self.emit("headers", lines, request)
        headers.clear()
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise ValueError(f"a header line without a colon: {line!r}")
            headers[name] = value.strip(" \t")


def _select_later(connection: ServerWebSocket, offered: Sequence[str]) -> None:
    """Choose no subprotocol for a client that may not be let in."""


if native.engine is not None:
    native.engine.learn_server_of_events(WebSocketServer)
