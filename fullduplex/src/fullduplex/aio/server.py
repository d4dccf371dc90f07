"""``serve``: a WebSocket server on asyncio.

This module knows the options, and what they stand for; ``listener`` has the
server that they make.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import socket
import ssl as ssl_module
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any

from ..auth.basic import basic_auth
from ..observe.observer import ObserverOption
from ..protocol.extensions.base import ExtensionFactory
from ..protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from ..protocol.headers import is_token
from ..protocol.http11 import Request, Response
from ..protocol.limits import Limits
from ..protocol.server import Origins
from ..protocol.server import ServerConnection as ServerProtocol
from ..transport.connection import Marks, Settings
from .admission import check_limit
from .connection import ServerConnection
from .listener import SERVER_HEADER, HTTPHandover, Server
from .negotiation import MaxSize, extension_factories, limits_with

__all__ = [
    "SERVER_HEADER",
    "HTTPHandover",
    "Server",
    "ServerConnection",
    "basic_auth",
    "serve",
    "unix_serve",
]


def _check_subprotocols(subprotocols: Sequence[str]) -> None:
    """See that subprotocols are a list of tokens.

    Raises:
        TypeError: if they are one string.
        ValueError: if one of them can't be in a header.
    """
    if isinstance(subprotocols, str):
        raise TypeError("subprotocols must be a list, not a string")
    for subprotocol in subprotocols:
        if not is_token(subprotocol):
            raise ValueError(f"invalid subprotocol: {subprotocol!r}")


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
            connect, but a foreign one not with cookies, nor with credentials that
            a browser sends by itself.
        extensions: what may be agreed, in order of preference, before what
            ``compression`` stands for, or instead of it; one of them is.
        subprotocols: what is spoken, in order of preference; a client that
            offers none of them is refused.
        select_subprotocol: called with the connection and the subprotocols
            offered; returns one of them or None, or raises ``NegotiationError``
            to refuse the client with status 400.
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
        max_connections: connections open or opening at a time; those beyond are
            refused with status 503, and those beyond twice as many are cut. What
            ``http`` was given isn't counted, nor is who hasn't finished TLS.
            None for no limit.
        max_connections_per_host: the same, of one remote address.
        max_size: bytes of the largest message, after decompression, or that and bytes of the largest
            frame; None for no limit.
        max_queue: messages that wait in a connection before its reading stops, or that and from
            how many on it goes on; None for no limit.
        read_limit: bytes of messages that wait to be received before reading stops, or that and
            from how many on it goes on.
        write_limit: bytes in the write buffer from which ``send`` waits, or that and until when.
        buffer_limit: bytes that may wait for a peer that doesn't take them; a message sent on top
            of them without waiting cuts the connection; None for no limit.
        limits: the other limits; ``max_size`` goes before ``limits.message``.
        logger: where errors in handlers are told, and at DEBUG every frame, in place of "fullduplex.server".
        observer: is told what happens to connections: a ``fullduplex.observe.Observer``, or several.
        create_connection: makes a connection of its protocol, server, settings
            and loop: ``ServerConnection``, or a subclass of it.
        ssl: TLS context.
        sock: a listening socket, instead of host and port.
        options: passed to ``loop.create_server``: ``reuse_port``, ``backlog``,
            ``start_serving`` …

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
        extensions: Sequence[ExtensionFactory] | None = None,
        subprotocols: Sequence[str] | None = None,
        select_subprotocol: Callable[[ServerConnection, Sequence[str]], str | None] | None = None,
        compression: str | PerMessageDeflateFactory | None = "deflate",
        process_request: Callable[[ServerConnection, Request], Any] | None = None,
        process_response: Callable[[ServerConnection, Request, Response], Any] | None = None,
        server_header: str | None = SERVER_HEADER,
        http: HTTPHandover | None = None,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_connections: int | None = 65_536,
        max_connections_per_host: int | None = None,
        max_size: MaxSize = 2**20,
        max_queue: Marks | None = 16,
        read_limit: Marks = 2**20,
        write_limit: Marks = 32_768,
        buffer_limit: int | None = 2**26,
        limits: Limits | None = None,
        logger: logging.Logger | None = None,
        observer: ObserverOption = None,
        create_connection: Callable[..., ServerConnection] | None = None,
        ssl: ssl_module.SSLContext | None = None,
        sock: socket.socket | None = None,
        **options: Any,
    ) -> None:
        check_limit("max_connections", max_connections)
        check_limit("max_connections_per_host", max_connections_per_host)
        _check_subprotocols(subprotocols or ())
        settings = Settings(
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_queue=max_queue,
            read_limit=read_limit,
            write_limit=write_limit,
            buffer_limit=buffer_limit,
        )
        make_protocol = functools.partial(
            ServerProtocol,
            origins=origins,
            extensions=extension_factories(extensions or (), compression),
            subprotocols=subprotocols or (),
            hands_over=http is not None,
            limits=limits_with(limits, max_size),
        )

        def make_connection(
            protocol: ServerProtocol,
            server: Server[ServerConnection],
            loop: asyncio.AbstractEventLoop,
        ) -> ServerConnection:
            return (create_connection or ServerConnection)(protocol, server, settings, loop)

        self._make_server = functools.partial(
            Server[ServerConnection],
            make_connection=make_connection,
            make_protocol=make_protocol,
            handler=handler,
            process_request=process_request,
            process_response=process_response,
            select_subprotocol=select_subprotocol,
            server_header=server_header,
            open_timeout=open_timeout,
            max_connections=max_connections,
            max_connections_per_host=max_connections_per_host,
            http=http,
            logger=logger,
            observer=observer,
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


def unix_serve(
    handler: Callable[[ServerConnection], Awaitable[None]],
    path: str | os.PathLike[str] | None = None,
    **options: Any,
) -> serve:
    """Serve WebSocket connections on a Unix socket.

    Args:
        handler: as with ``serve``.
        path: where the socket is made; one that is left over from before is replaced.
            asyncio removes it at the end from Python 3.13 on.
        options: those of ``serve``; ``sock`` may be given instead of ``path``.

    Raises:
        ValueError: unless either ``path`` or ``sock`` is given.
    """
    if (path is None) == (options.get("sock") is None):
        raise ValueError("either path or sock must be given")
    return serve(handler, path=path, **options)
