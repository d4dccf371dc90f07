"""``connect``: a WebSocket client on asyncio."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import ssl as ssl_module
import sys
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any

from ..protocol.client import ClientConnection as ClientProtocol
from ..protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from ..protocol.headers import HeadersLike
from ..protocol.http11 import Response
from ..protocol.limits import Limits
from ..protocol.uri import parse_uri
from ..transport.connection import Connection as BaseConnection
from ..transport.connection import Handshaker, Settings
from ..transport.streams import StreamProtocol
from ..version import __version__
from .connection import ClientConnection
from .negotiation import deflate_factories

__all__ = ["USER_AGENT", "Handshake", "connect", "open_transport"]

USER_AGENT = f"Python/{sys.version_info.major}.{sys.version_info.minor} fullduplex/{__version__}"


class Handshake(Handshaker):
    """The client's opening handshake, as something to wait for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._ended: asyncio.Future[None] = loop.create_future()

    def handshake_ended(self, connection: BaseConnection, response: Response | None) -> None:
        """Note the server's answer, or that there is none."""
        if not self._ended.done():
            self._ended.set_result(None)

    async def wait(self, protocol: ClientProtocol) -> None:
        """Wait for the end.

        Raises:
            InvalidHandshake: if the connection didn't open.
        """
        await self._ended
        if protocol.handshake_exception is not None:
            raise protocol.handshake_exception


def make_protocol(
    uri: str,
    *,
    origin: str | None,
    subprotocols: Sequence[str] | None,
    compression: str | PerMessageDeflateFactory | None,
    additional_headers: HeadersLike | None,
    user_agent_header: str | None,
    max_size: int | None,
    limits: Limits | None,
) -> ClientProtocol:
    """Make a client's protocol that has its request ready to send.

    Raises:
        InvalidURI: if ``uri`` isn't one.
        ValueError: for headers or subprotocols that can't be sent.
    """
    protocol = ClientProtocol(
        parse_uri(uri),
        origin=origin,
        extensions=deflate_factories(compression),
        subprotocols=subprotocols or (),
        limits=dataclasses.replace(limits or Limits(), message=max_size),
    )
    request = protocol.connect()
    if additional_headers is not None:
        request.headers.update(additional_headers)
    if user_agent_header is not None and "User-Agent" not in request.headers:
        request.headers["User-Agent"] = user_agent_header
    protocol.send_request(request)
    return protocol


async def open_transport(
    connection: BaseConnection,
    protocol: ClientProtocol,
    *,
    ssl: ssl_module.SSLContext | None = None,
    server_hostname: str | None = None,
    host: str | None = None,
    port: int | None = None,
    sock: socket.socket | None = None,
    **options: Any,
) -> None:
    """Connect a connection to where its URI says, or to ``host``, ``port`` or ``sock`` instead.

    Raises:
        OSError: if that fails.
        ValueError: if ``ssl`` is given for a ``ws://`` URI.
    """
    uri = protocol.uri
    if uri.secure:
        options["ssl"] = ssl_module.create_default_context() if ssl is None else ssl
        options["server_hostname"] = server_hostname or uri.host
    elif ssl is not None:
        raise ValueError("ssl is for wss:// URIs")
    if sock is None:
        options["host"] = host or uri.host
        options["port"] = port or uri.port
    else:
        options["sock"] = sock
    await connection.loop.create_connection(lambda: StreamProtocol(connection), **options)


class connect:
    """Connect to a WebSocket server.

    ``async with connect(uri) as connection`` closes the connection at the end
    of the block; ``connection = await connect(uri)`` leaves that to you.

    Args:
        uri: ``ws://`` or ``wss://``; user name and password in it become Basic authentication.
        origin: value of the Origin header.
        subprotocols: what to offer, in order of preference.
        compression: "deflate", None, or a ``PerMessageDeflateFactory``.
        additional_headers: more headers of the request.
        user_agent_header: value of User-Agent; None leaves it out.
        open_timeout: seconds for everything until the connection is open.
        ping_interval: seconds between keepalive pings.
        ping_timeout: seconds of silence after a ping that end the connection.
        close_timeout: seconds for the closing handshake.
        max_size: bytes of the largest message, after decompression; None for no limit.
        max_queue: messages that wait in the connection before its reading stops; None for no limit.
        write_limit: bytes in the write buffer from which ``send`` waits.
        limits: the other limits; ``max_size`` goes before ``limits.message``.
        create_connection: makes the connection, in place of the class ``ClientConnection``.
        options: ``ssl``, ``server_hostname``, ``host``, ``port``, ``sock`` and whatever else
            ``loop.create_connection`` takes.

    None for any time-out waits for ever.

    Raises:
        InvalidURI: if ``uri`` isn't one.
        OSError: if the transport can't be opened.
        InvalidHandshake: if the opening handshake fails.
        TimeoutError: if the connection isn't open in time.
    """

    def __init__(
        self,
        uri: str,
        *,
        origin: str | None = None,
        subprotocols: Sequence[str] | None = None,
        compression: str | PerMessageDeflateFactory | None = "deflate",
        additional_headers: HeadersLike | None = None,
        user_agent_header: str | None = USER_AGENT,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_size: int | None = 2**20,
        max_queue: int | None = 16,
        write_limit: int = 32_768,
        limits: Limits | None = None,
        create_connection: Callable[..., ClientConnection] = ClientConnection,
        **options: Any,
    ) -> None:
        self._uri = uri
        self._handshake_options: dict[str, Any] = {
            "origin": origin,
            "subprotocols": subprotocols,
            "compression": compression,
            "additional_headers": additional_headers,
            "user_agent_header": user_agent_header,
            "max_size": max_size,
            "limits": limits,
        }
        self._settings = Settings(
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            write_limit=write_limit,
        )
        self._open_timeout = open_timeout
        self._max_queue = max_queue
        self._create_connection = create_connection
        self._options = options
        self._connection: ClientConnection | None = None

    async def _open(
        self, open_transport: Callable[..., Awaitable[None]] = open_transport
    ) -> ClientConnection:
        loop = asyncio.get_running_loop()
        protocol = make_protocol(self._uri, **self._handshake_options)
        handshake = Handshake(loop)
        connection = self._create_connection(
            protocol, handshake, self._settings, loop, max_queue=self._max_queue
        )
        try:
            async with asyncio.timeout(self._open_timeout) as deadline:
                await open_transport(connection, protocol, **self._options)
                await handshake.wait(protocol)
        except BaseException as error:
            connection.abort()
            if deadline.expired():
                seconds = self._open_timeout
                raise TimeoutError(f"no connection to {self._uri} within {seconds} seconds") from error
            raise
        self._connection = connection
        return connection

    def __await__(self) -> Generator[Any, None, ClientConnection]:
        return self._open().__await__()

    async def __aenter__(self) -> ClientConnection:
        return await self._open()

    async def __aexit__(self, kind: type[BaseException] | None, *details: object) -> None:
        if self._connection is not None:
            await self._connection.__aexit__(kind, *details)
