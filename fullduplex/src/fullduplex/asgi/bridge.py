"""uvicorn's WebSocket protocol, spoken by this library: ``--ws fullduplex.asgi:UvicornProtocol``.

uvicorn listens, reads the request and hands the transport over; from there on
the connection is one of the asyncio face, and belongs to a server of that face.
This module knows how uvicorn hands over, its options and its scope; what an
application may say is in ``conversation``.

Invariants:

1. A connection is among uvicorn's connections as long as it has its transport,
   and its application among uvicorn's tasks as long as it runs.
2. Before the application has decided, at most one read of its client is kept.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
import re
import weakref
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import unquote

import uvicorn
from uvicorn.server import ServerState

from ..aio.connection import ServerConnection
from ..aio.listener import Server
from ..aio.negotiation import extension_factories, limits_with
from ..close import CloseCode
from ..kernels.pure import ReadableBuffer
from ..observe.observer import ObserverOption
from ..protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from ..protocol.handshake import list_values
from ..protocol.http11 import Request, Response
from ..protocol.limits import Limits
from ..protocol.redaction import shown_target
from ..protocol.server import Origins
from ..protocol.server import ServerConnection as ServerProtocol
from ..protocol.states import State
from ..transport.connection import Marks, Settings
from .conversation import Conversation, Scope
from .takeover import Takeover

__all__ = ["Bridge", "BridgedConnection", "UvicornProtocol"]

#: Which origins may connect is the application's to say, as under uvicorn's own protocols.
ANY_ORIGIN: Origins = (re.compile(".*"), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What uvicorn has no options for; see ``UvicornProtocol.with_options``."""

    origins: Origins | None = ANY_ORIGIN
    compression: str | PerMessageDeflateFactory | None = "deflate"
    limits: Limits | None = None
    close_timeout: float | None = 10
    read_limit: Marks = 2**20
    write_limit: Marks = 32_768
    buffer_limit: int | None = 2**26
    observer: ObserverOption = None


class BridgedConnection(ServerConnection):
    """A connection that uvicorn handed over."""

    #: What uvicorn adds to every response at the time.
    default_headers: tuple[tuple[bytes, bytes], ...] = ()

    def data_received(self, data: ReadableBuffer) -> None:
        """Take bytes; stop reading a client that doesn't wait for the application's decision.

        Until it does so it is read, as otherwise nobody would hear of its leaving.
        """
        is_early = self.codec.lifecycle.state is State.CONNECTING and self.request is not None
        super().data_received(data)
        if is_early:
            self.pause_reading()

    def resume_reading(self) -> None:
        """Undo ``pause_reading``, once the application has decided."""
        if self.is_reading_paused and self.state is not State.CONNECTING:
            super().resume_reading()


class Bridge(Server[ServerConnection]):
    """The server of all connections that one uvicorn server has handed over.

    It doesn't listen; ``connections`` has those that are open.
    """

    def __init__(
        self, config: uvicorn.Config, tasks: set[asyncio.Task[None]], state: dict[str, Any], options: Options
    ) -> None:
        settings = Settings(
            ping_interval=_seconds(config.ws_ping_interval),
            ping_timeout=_seconds(config.ws_ping_timeout),
            close_timeout=options.close_timeout,
            max_queue=config.ws_max_queue or None,
            read_limit=options.read_limit,
            write_limit=options.write_limit,
            buffer_limit=options.buffer_limit,
        )
        compression = options.compression if config.ws_per_message_deflate else None

        def make_connection(
            protocol: ServerProtocol, server: Server[ServerConnection], loop: asyncio.AbstractEventLoop
        ) -> ServerConnection:
            return BridgedConnection(protocol, server, settings, loop)

        super().__init__(
            make_connection=make_connection,
            make_protocol=functools.partial(
                ServerProtocol,
                origins=options.origins,
                extensions=extension_factories((), compression),
                limits=limits_with(options.limits, config.ws_max_size),
            ),
            server_header=None,
            # The request is there already, and the application may take its time.
            open_timeout=None,
            max_connections=None,
            logger=logging.getLogger("uvicorn.error"),
            observer=options.observer,
        )
        self._config = config
        self._uvicorn_tasks = tasks
        self._state = state

    def take(self, default_headers: list[tuple[bytes, bytes]]) -> BridgedConnection:
        """Make the connection for a transport that is about to be handed over."""
        connection = self.new_connection()
        assert isinstance(connection, BridgedConnection)
        connection.default_headers = tuple(default_headers)
        return connection

    def end(self, connection: BridgedConnection) -> None:
        """End a connection because uvicorn shuts down: code 1012, or status 503 before it is open."""
        if connection.state is State.CONNECTING:
            self.refuse(connection, "The server is shutting down.\n")
        else:
            connection.start_close(CloseCode.SERVICE_RESTART)

    # The opening handshake

    def request_received(self, connection: ServerConnection, request: Request) -> None:
        """Run the application for a request that keeps the rules; refuse any other."""
        assert isinstance(connection, BridgedConnection)
        response = self.protocol_of(connection).accept(request)
        # That is uvicorn's to add, or not.
        response.headers.pop("Date", None)
        if response.status_code != 101:
            self._answer(connection, response)
            return
        scope = self._scope_of(connection, request)

        def answer(response: Response, more_body: bool) -> None:
            self._answer(connection, response, more_body)
            outcome = "[accepted]" if response.status_code == 101 else response.status_code
            client = ":".join(map(str, scope["client"] or ()))
            path = self._config.root_path + shown_target(request.path)
            self.logger.info('%s - "WebSocket %s" %s', client, path, outcome)

        conversation = Conversation(connection, scope, response, answer, self.logger)
        context = contextvars.Context() if self._config.reset_contextvars else None
        # It isn't cancelled when the client leaves, but told so.
        task = self.start_task(conversation.run(self._config.loaded_app), context)
        self._uvicorn_tasks.add(task)
        task.add_done_callback(self._uvicorn_tasks.discard)

    def _scope_of(self, connection: BridgedConnection, request: Request) -> Scope:
        path, _, query = request.path.partition("?")
        root_path = self._config.root_path
        return {
            "type": "websocket",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if connection.is_secure else "ws",
            "server": _server(connection.local_address),
            "client": _client(connection.remote_address),
            "root_path": root_path,
            "path": root_path + unquote(path),
            "raw_path": (root_path + path).encode("ascii"),
            "query_string": query.encode("ascii"),
            "headers": [
                (name.lower().encode("ascii"), value.encode("latin-1"))
                for name, value in request.headers.raw_items()
            ],
            "subprotocols": list_values(request.headers, "Sec-WebSocket-Protocol"),
            "state": self._state.copy(),
            "extensions": {"websocket.http.response": {}, "fullduplex": {"connection": connection}},
        }

    def _answer(self, connection: BridgedConnection, response: Response, more_body: bool = False) -> None:
        """Send a response, with uvicorn's headers; its body's rest may be sent later.

        Raises:
            ValueError: for headers that would break it apart; nothing is sent then.
        """
        own = set(response.headers)
        for name, value in connection.default_headers:
            if name.decode("latin-1").lower() not in own:
                response.headers[name.decode("latin-1")] = value.decode("latin-1")
        self.protocol_of(connection).send_response(response, more_body=more_body)
        connection.flush()
        if connection.state is State.OPEN:
            self.opened(connection)


class UvicornProtocol(Takeover):
    """What uvicorn hands WebSocket connections to.

    Give it to uvicorn: ``uvicorn app:app --ws fullduplex.asgi:UvicornProtocol``, or
    ``uvicorn.run(app, ws=UvicornProtocol)``.  It obeys uvicorn's ``ws_max_size``,
    ``ws_max_queue``, ``ws_ping_interval``, ``ws_ping_timeout`` and
    ``ws_per_message_deflate``.
    """

    __slots__ = ("_bridge", "_bridged", "_connections")

    _options: ClassVar[Options] = Options()
    # By uvicorn's servers.
    _bridges: ClassVar[weakref.WeakKeyDictionary[ServerState, Bridge]] = weakref.WeakKeyDictionary()

    @classmethod
    def with_options(
        cls,
        *,
        origins: Origins | None = ANY_ORIGIN,
        compression: str | PerMessageDeflateFactory | None = "deflate",
        limits: Limits | None = None,
        close_timeout: float | None = 10,
        read_limit: Marks = 2**20,
        write_limit: Marks = 32_768,
        buffer_limit: int | None = 2**26,
        observer: ObserverOption = None,
    ) -> type[UvicornProtocol]:
        """Return a protocol with other options than the default ones; they are those of ``serve``.

        Without ``origins`` any may connect; set to None it is the default of
        ``serve``.  uvicorn's ``ws_max_size`` goes before ``limits.message``, and its
        ``ws_per_message_deflate``, if it is false, before ``compression``.
        """
        options = Options(
            origins=origins,
            compression=compression,
            limits=limits,
            close_timeout=close_timeout,
            read_limit=read_limit,
            write_limit=write_limit,
            buffer_limit=buffer_limit,
            observer=observer,
        )
        return type(cls.__name__, (cls,), {"__slots__": (), "_options": options})

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        bridge = self._bridges.get(server_state)
        if bridge is None:
            bridge = Bridge(config, server_state.tasks, app_state, self._options)
            self._bridges[server_state] = bridge
        self._bridge = bridge
        self._bridged = bridge.take(server_state.default_headers)
        self._connections: set[Any] = server_state.connections
        super().__init__(self._bridged)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport, if it is free to be taken."""
        super().connection_made(transport)
        if not self.is_refused:
            self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on that the transport is gone."""
        self._connections.discard(self)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End the connection; uvicorn calls this when it shuts down, and waits for ``connection_lost``."""
        self._bridge.end(self._bridged)


def _seconds(option: float | None) -> float | None:
    """Return one of uvicorn's intervals, which it takes for none if it isn't positive."""
    return None if option is None or option <= 0 else option


def _server(address: Any) -> tuple[str, int | None] | None:
    """Return the scope's ``server``: host and port, or the path of a Unix socket."""
    return (address, None) if isinstance(address, str) else _client(address)


def _client(address: Any) -> tuple[str, int] | None:
    """Return the scope's ``client``: host and port, or None."""
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else None
