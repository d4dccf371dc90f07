"""``connect``: a WebSocket client on asyncio."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from typing import Any, TypeAlias

from ..exceptions import InvalidStatus, SecurityError
from ..protocol.client import ClientConnection as ClientProtocol
from ..protocol.extensions.base import ExtensionFactory
from ..protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from ..protocol.headers import Headers, HeadersLike
from ..protocol.http11 import Response
from ..protocol.limits import Limits
from ..protocol.uri import URI, parse_uri
from ..transport.connection import Connection as BaseConnection
from ..transport.connection import Handshaker, Marks, Settings
from ..version import __version__
from .connection import ClientConnection
from .negotiation import MaxSize, extension_factories, limits_with
from .opening import ProxyOption, check_ssl, open_transport
from .reconnect import Pace, backoff, process_exception
from .redirect import MAX_REDIRECTS, redirected

__all__ = [
    "MAX_REDIRECTS",
    "USER_AGENT",
    "ClientConnection",
    "Handshake",
    "backoff",
    "connect",
    "open_transport",
    "process_exception",
    "unix_connect",
]

#: Gives a connection its transport, as ``open_transport`` does.
Opener: TypeAlias = Callable[..., Awaitable[None]]

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
    uri: URI,
    *,
    origin: str | None,
    extensions: Sequence[ExtensionFactory] = (),
    subprotocols: Sequence[str] | None,
    compression: str | PerMessageDeflateFactory | None,
    additional_headers: HeadersLike | None,
    user_agent_header: str | None,
    max_size: MaxSize,
    limits: Limits | None,
) -> ClientProtocol:
    """Make a client's protocol that has its request ready to send.

    Raises:
        ValueError: for headers or subprotocols that can't be sent.
    """
    protocol = ClientProtocol(
        uri,
        origin=origin,
        extensions=extension_factories(extensions, compression),
        subprotocols=subprotocols or (),
        limits=limits_with(limits, max_size),
    )
    request = protocol.connect()
    if additional_headers is not None:
        request.headers.update(additional_headers)
    if user_agent_header is not None and "User-Agent" not in request.headers:
        request.headers["User-Agent"] = user_agent_header
    protocol.send_request(request)
    return protocol


class connect:
    """Connect to a WebSocket server.

    ``async with connect(uri) as connection`` closes the connection at the end
    of the block; ``connection = await connect(uri)`` leaves that to you.

    ``async for connection in connect(uri)`` connects again and again: each
    connection is closed when its turn of the loop ends, in the background if
    the loop ends with it.  After one that was
    lost, or that couldn't be opened for a reason that may pass, it waits, at
    random up to a second at first and up to a minute in the end, and says so
    in the log; after one that you closed it doesn't.  A connection that stayed
    open for ten seconds makes the waits short again, and a server's
    Retry-After makes them longer.  Cancelling stops at once.

    Up to ten redirects in a row are followed (301, 302, 303, 307, 308), but
    not from ``wss://`` to ``ws://``, not to another origin if ``host``,
    ``port`` or ``path`` say where the server is, and none with ``sock``.  No
    credentials go to another origin.  Each time ``uri`` is where it begins.

    Args:
        uri: ``ws://`` or ``wss://``; user name and password in it become Basic authentication.
        origin: value of the Origin header.
        extensions: factories of what to offer before compression, in order of preference.
        subprotocols: what to offer, in order of preference.
        compression: "deflate", None, or a ``PerMessageDeflateFactory``.
        additional_headers: more headers of the request.
        user_agent_header: value of User-Agent; None leaves it out.
        proxy: True for the proxy that the environment names (``wss_proxy``, ``ws_proxy``,
            ``socks_proxy``, ``https_proxy``, ``http_proxy``, ``all_proxy``, unless ``no_proxy``
            has the server), None for none, or the address of one: ``http://``, ``https://``,
            ``socks5h://``, ``socks5://``, ``socks4a://`` or ``socks4://``; of user name and
            password in it, SOCKS 4 takes the former.
        process_exception: returns None for an exception after which ``async for`` is to try again, or
            the exception to raise.
        reconnect_delays: makes the seconds to wait after each failure in a row; if they end, so do
            the attempts.
        open_timeout: seconds for everything until the connection is open, redirects included.
        ping_interval: seconds between keepalive pings.
        ping_timeout: seconds of silence after a ping that end the connection.
        close_timeout: seconds for the closing handshake.
        max_size: bytes of the largest message, after decompression, or that and bytes of the largest
            frame; None for no limit.
        max_queue: messages that wait in the connection before its reading stops, or that and from
            how many on it goes on; None for no limit.
        read_limit: bytes of messages that wait to be received before reading stops, or that and
            from how many on it goes on.
        write_limit: bytes in the write buffer from which ``send`` waits, or that and until when.
        buffer_limit: bytes that may wait for a peer that doesn't take them; a message sent on top
            of them without waiting cuts the connection; None for no limit.
        limits: the other limits; ``max_size`` goes before ``limits.message``.
        logger: is told of attempts to connect again, in place of "fullduplex.client".
        create_connection: makes the connection, in place of the class ``ClientConnection``.
        options: ``ssl``, ``server_hostname``, ``host``, ``port``, ``sock`` and whatever else
            ``loop.create_connection`` takes, ``path`` of a Unix socket, and ``proxy_ssl``,
            ``proxy_server_hostname`` and their like for TLS with an ``https://`` proxy.

    None for any time-out waits for ever.

    Raises:
        InvalidURI: if ``uri`` isn't one, or a redirect doesn't lead to one.
        InvalidProxy: if ``proxy`` isn't the address of one.
        OSError: if the transport can't be opened.
        InvalidHandshake: if the opening handshake fails; ``ProxyError`` if that of a proxy does;
            ``SecurityError`` if it leads astray.
        TimeoutError: if the connection isn't open in time.
    """

    def __init__(
        self,
        uri: str,
        *,
        origin: str | None = None,
        extensions: Sequence[ExtensionFactory] | None = None,
        subprotocols: Sequence[str] | None = None,
        compression: str | PerMessageDeflateFactory | None = "deflate",
        additional_headers: HeadersLike | None = None,
        user_agent_header: str | None = USER_AGENT,
        proxy: ProxyOption = True,
        process_exception: Callable[[Exception], Exception | None] = process_exception,
        reconnect_delays: Callable[[], Iterator[float]] = backoff,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_size: MaxSize = 2**20,
        max_queue: Marks | None = 16,
        read_limit: Marks = 2**20,
        write_limit: Marks = 32_768,
        buffer_limit: int | None = 2**26,
        limits: Limits | None = None,
        logger: logging.Logger | None = None,
        create_connection: Callable[..., ClientConnection] = ClientConnection,
        **options: Any,
    ) -> None:
        self._uri = parse_uri(uri)
        check_ssl(self._uri, options.get("ssl"))
        self._headers = Headers(additional_headers or ())
        self._handshake_options: dict[str, Any] = {
            "origin": origin,
            "extensions": extensions or (),
            "subprotocols": subprotocols,
            "compression": compression,
            "user_agent_header": user_agent_header,
            "max_size": max_size,
            "limits": limits,
        }
        self._settings = Settings(
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_queue=max_queue,
            read_limit=read_limit,
            write_limit=write_limit,
            buffer_limit=buffer_limit,
        )
        self._process_exception = process_exception
        self._reconnect_delays = reconnect_delays
        self._open_timeout = open_timeout
        self._logger = logger or logging.getLogger("fullduplex.client")
        self._create_connection = create_connection
        self._options = {"proxy": proxy, **options}
        self._connection: ClientConnection | None = None

    async def _open(self, open_transport: Opener = open_transport) -> ClientConnection:
        """Open a connection in time, wherever redirects lead."""
        deadline = asyncio.timeout(self._open_timeout)
        try:
            async with deadline:
                return await self._follow(open_transport)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            seconds = self._open_timeout
            raise TimeoutError(f"no connection to {self._uri} within {seconds} seconds") from error

    async def _follow(self, open_transport: Opener) -> ClientConnection:
        uri, headers = self._uri, self._headers
        for _ in range(MAX_REDIRECTS + 1):
            try:
                return await self._attempt(uri, headers, open_transport)
            except InvalidStatus as refusal:
                uri, headers = redirected(refusal, uri, headers, self._options)
        raise SecurityError(f"more than {MAX_REDIRECTS} redirects")

    async def _attempt(self, uri: URI, headers: Headers, open_transport: Opener) -> ClientConnection:
        loop = asyncio.get_running_loop()
        protocol = make_protocol(uri, additional_headers=headers, **self._handshake_options)
        handshake = Handshake(loop)
        connection = self._create_connection(protocol, handshake, self._settings, loop)
        try:
            await open_transport(connection, protocol, **self._options)
            await handshake.wait(protocol)
        except BaseException:
            connection.abort()
            raise
        return connection

    def __await__(self) -> Generator[Any, None, ClientConnection]:
        return self._open().__await__()

    async def __aenter__(self) -> ClientConnection:
        self._connection = await self._open()
        return self._connection

    async def __aexit__(self, kind: type[BaseException] | None, *details: object) -> None:
        if self._connection is not None:
            await self._connection.__aexit__(kind, *details)

    async def __aiter__(self) -> AsyncIterator[ClientConnection]:
        clock = asyncio.get_running_loop().time
        pace = Pace(self._reconnect_delays, self._logger)
        while True:
            try:
                connection = await self._open()
            except Exception as failure:
                fatal = self._process_exception(failure)
                if fatal is failure:
                    raise
                if fatal is not None:
                    raise fatal from failure
                await pace.wait_to_retry(failure)
                continue
            opened_at = clock()
            try:
                yield connection
            finally:
                await connection.close()
            await pace.wait_after(connection.codec.close_exception, clock() - opened_at)


def unix_connect(
    path: str | os.PathLike[str] | None = None, uri: str | None = None, **options: Any
) -> connect:
    """Connect to a server on a Unix socket.

    ``uri`` is what is asked for there: ``ws://localhost/`` by default, or
    ``wss://localhost/`` with ``ssl``.  ``options`` are those of ``connect``;
    with ``sock``, that is the socket, and there is no ``path``.
    """
    if uri is None:
        uri = "ws://localhost/" if options.get("ssl") is None else "wss://localhost/"
    return connect(uri, path=path, **options)
