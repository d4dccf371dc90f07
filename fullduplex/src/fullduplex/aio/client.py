"""``connect``: a WebSocket client on asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from typing import Any, Generic, Literal, TypeAlias, TypeVar, overload

from ..exceptions import InvalidStatus, SecurityError
from ..observe.observer import ObserverOption
from ..protocol.client import ClientConnection as ClientProtocol
from ..protocol.extensions.base import ExtensionFactory
from ..protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from ..protocol.headers import Headers, HeadersLike
from ..protocol.http11 import Response
from ..protocol.limits import Limits
from ..protocol.uri import URI, parse_uri
from ..reconnect.life import called, connections, fresh_headers
from ..reconnect.policy import Reconnect, backoff, check_comes_back, process_exception
from ..transport.connection import Connection as BaseConnection
from ..transport.connection import Handshaker, Marks, Settings
from ..transport.observed import Observation
from ..version import __version__
from .connection import ClientConnection
from .negotiation import MaxSize, extension_factories, limits_with
from .opening import ProxyOption, check_ssl, open_transport
from .reconnecting import ReconnectingConnection
from .redirect import MAX_REDIRECTS, redirected

__all__ = [
    "MAX_REDIRECTS",
    "USER_AGENT",
    "ClientConnection",
    "Handshake",
    "ReconnectingConnection",
    "backoff",
    "connect",
    "open_transport",
    "process_exception",
    "unix_connect",
]

#: What ``connect`` opens: a connection, or one that comes back.
C = TypeVar("C", ClientConnection, ReconnectingConnection)
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
    create_protocol: Callable[..., ClientProtocol] = ClientProtocol,
) -> ClientProtocol:
    """Make a client's protocol that has its request ready to send.

    Raises:
        ValueError: for headers or subprotocols that can't be sent.
    """
    protocol = create_protocol(
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


class connect(Generic[C]):
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

    ``connect(uri, reconnect=True)`` gives one connection that comes back by
    itself, a ``ReconnectingConnection``.  It is there once it was open for the first
    time; until then, too, it is tried again after what may pass.

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
        reconnect: True for a connection that comes back, by the two options above, or a
            ``fullduplex.reconnect.Reconnect``, which has them and more.
        open_timeout: seconds for everything until the connection is open, redirects included; for each
            attempt.
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
        logger: is told of attempts to connect again, and at DEBUG of every frame, in place of
            "fullduplex.client".
        observer: is told what happens to the connections: a ``fullduplex.observe.Observer``, or several.
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
        ValueError: for ``sock`` with ``reconnect``, or ``ssl`` with ``ws://``.
        TypeError: for iterating with ``reconnect``, or giving a ``Reconnect`` what it has itself.
    """

    @overload
    def __init__(
        self: connect[ClientConnection],
        uri: str,
        *,
        origin: str | None = ...,
        extensions: Sequence[ExtensionFactory] | None = ...,
        subprotocols: Sequence[str] | None = ...,
        compression: str | PerMessageDeflateFactory | None = ...,
        additional_headers: HeadersLike | None = ...,
        user_agent_header: str | None = ...,
        proxy: ProxyOption = ...,
        process_exception: Callable[[Exception], Exception | None] = ...,
        reconnect_delays: Callable[[], Iterator[float]] = ...,
        reconnect: Literal[False] = ...,
        open_timeout: float | None = ...,
        ping_interval: float | None = ...,
        ping_timeout: float | None = ...,
        close_timeout: float | None = ...,
        max_size: MaxSize = ...,
        max_queue: Marks | None = ...,
        read_limit: Marks = ...,
        write_limit: Marks = ...,
        buffer_limit: int | None = ...,
        limits: Limits | None = ...,
        logger: logging.Logger | None = ...,
        observer: ObserverOption = ...,
        create_connection: Callable[..., ClientConnection] = ...,
        **options: Any,
    ) -> None: ...

    @overload
    def __init__(
        self: connect[ReconnectingConnection],
        uri: str,
        *,
        reconnect: Reconnect | Literal[True],
        **options: Any,
    ) -> None: ...

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
        reconnect: Reconnect | bool = False,
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
        observer: ObserverOption = None,
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
        self._comes_back = bool(reconnect)
        if reconnect:
            check_comes_back(options)
        self._policy = _policy(reconnect, process_exception, reconnect_delays)
        self._open_timeout = open_timeout
        self._logger = logger or logging.getLogger("fullduplex.client")
        self._observation = Observation(observer, self._logger)
        self._create_connection = create_connection
        self._options = {"proxy": proxy, **options}
        self._connection: C | None = None

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
        uri, headers = await self._target()
        for _ in range(MAX_REDIRECTS + 1):
            try:
                return await self._attempt(uri, headers, open_transport)
            except InvalidStatus as refusal:
                offered = self._handshake_options["subprotocols"]
                uri, headers = redirected(refusal, uri, headers, self._options, offered)
        raise SecurityError(f"more than {MAX_REDIRECTS} redirects")

    async def _target(self) -> tuple[URI, Headers]:
        """Return where to connect, and the headers for that."""
        uri, headers = self._uri, self._headers
        if self._policy.uri is not None:
            uri = parse_uri(await called(self._policy.uri))
            check_ssl(uri, self._options.get("ssl"))
        return uri, await fresh_headers(self._policy, headers)

    async def _attempt(self, uri: URI, headers: Headers, open_transport: Opener) -> ClientConnection:
        loop = asyncio.get_running_loop()
        protocol = make_protocol(uri, additional_headers=headers, **self._handshake_options)
        handshake = Handshake(loop)
        connection = self._create_connection(protocol, handshake, self._settings, loop)
        self._observation.begin(connection)
        try:
            await open_transport(connection, protocol, **self._options)
            await handshake.wait(protocol)
        except BaseException as error:
            connection.opening_failed(error)
            raise
        return connection

    async def _give(self) -> Any:
        """Open what was asked for: a connection, or one that comes back."""
        if not self._comes_back:
            return await self._open()
        return await ReconnectingConnection(self._open, self._policy, self._settings, self._logger).begin()

    def __await__(self) -> Generator[Any, None, C]:
        return self._give().__await__()

    async def __aenter__(self) -> C:
        self._connection = await self
        return self._connection

    async def __aexit__(self, kind: type[BaseException] | None, *details: object) -> None:
        if self._connection is not None:
            await self._connection.__aexit__(kind, *details)

    async def __aiter__(self) -> AsyncIterator[ClientConnection]:
        if self._comes_back:
            raise TypeError(
                "with reconnect there is one connection: async with connect(…), and iterate over that"
            )
        policy = dataclasses.replace(self._policy, process_close=lambda closed: None)
        each = connections(policy, self._open, self._logger)
        async with contextlib.aclosing(each):
            async for connection in each:
                try:
                    yield connection
                finally:
                    await connection.close()


def _policy(
    reconnect: Reconnect | bool,
    process_exception: Callable[[Exception], Exception | None],
    delays: Callable[[], Iterator[float]],
) -> Reconnect:
    """Return the policy that the options stand for.

    Raises:
        TypeError: if there is one, and what it has is given beside it.
    """
    policy = Reconnect(process_exception=process_exception, delays=delays)
    if not isinstance(reconnect, Reconnect):
        return policy
    if policy != Reconnect():
        raise TypeError("give process_exception and delays to Reconnect(…), not to connect()")
    return reconnect


@overload
def unix_connect(
    path: str | os.PathLike[str] | None = ...,
    uri: str | None = ...,
    *,
    reconnect: Literal[False] = ...,
    **options: Any,
) -> connect[ClientConnection]: ...


@overload
def unix_connect(
    path: str | os.PathLike[str] | None = ...,
    uri: str | None = ...,
    *,
    reconnect: Reconnect | Literal[True],
    **options: Any,
) -> connect[ReconnectingConnection]: ...


def unix_connect(
    path: str | os.PathLike[str] | None = None, uri: str | None = None, **options: Any
) -> connect[Any]:
    """Connect to a server on a Unix socket.

    ``uri`` is what is asked for there: ``ws://localhost/`` by default, or
    ``wss://localhost/`` with ``ssl``.  ``options`` are those of ``connect``;
    with ``sock``, that is the socket, and there is no ``path``.
    """
    if uri is None:
        uri = "ws://localhost/" if options.get("ssl") is None else "wss://localhost/"
    return connect(uri, path=path, **options)
