"""How a client's bytes get to the server: by TCP, a Unix socket or a given one, with TLS, through a proxy.

This module knows the options of ``connect`` that tell the way.  It doesn't
know the handshake that comes after it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl as ssl_module
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias, cast

from ..protocol.client import ClientConnection as ClientProtocol
from ..protocol.proxy import Proxy, parse_proxy
from ..protocol.uri import URI
from ..transport import native
from ..transport.connection import Connection
from ..transport.streams import StreamProtocol
from .proxy import open_tunnel, proxy_from_environment

__all__ = ["ProxyOption", "check_ssl", "open_transport"]

#: True for the proxy that the environment names, None for none, or an address.
ProxyOption: TypeAlias = str | Literal[True] | None
#: True for a context that trusts what the system trusts.
TLSOption: TypeAlias = ssl_module.SSLContext | Literal[True] | None


def check_ssl(uri: URI, ssl: TLSOption) -> None:
    """See that ``ssl`` is given for ``wss://`` only.

    Raises:
        ValueError: if it isn't.
    """
    if ssl is not None and not uri.secure:
        raise ValueError("ssl is for wss:// URIs")


async def open_transport(
    connection: Connection,
    protocol: ClientProtocol,
    *,
    ssl: TLSOption = None,
    server_hostname: str | None = None,
    host: str | None = None,
    port: int | None = None,
    sock: socket.socket | None = None,
    path: str | os.PathLike[str] | None = None,
    proxy: ProxyOption = None,
    **options: Any,
) -> None:
    """Connect a connection to where its URI says, or to ``host``, ``port``, ``sock`` or ``path`` instead.

    Options whose names begin with ``proxy_`` are for TLS with an ``https://``
    proxy.  With ``sock`` or ``path`` there is no proxy.

    Raises:
        OSError: if that fails.
        ProxyError: if the proxy doesn't connect us.
        InvalidProxy: if ``proxy`` isn't the address of one.
        ValueError: if ``ssl`` is given for a ``ws://`` URI, or ``proxy_ssl`` for an ``http://`` proxy.
    """
    uri, loop = protocol.uri, connection.loop
    check_ssl(uri, ssl)
    tls = {name: options.pop(name) for name in list(options) if name.startswith("ssl_")}
    if uri.secure:
        tls["ssl"] = _context(ssl)
        tls["server_hostname"] = server_hostname or uri.server_name
    proxy_tls = {
        name.removeprefix("proxy_"): options.pop(name) for name in list(options) if name.startswith("proxy_")
    }

    if path is not None:
        await _open(connection, tls, loop.create_unix_connection, os.fspath(path), **options)
        return
    if sock is not None:
        if not options and native.can_begin(tls, sock):
            await native.begin(connection, sock, tls)
        else:
            await loop.create_connection(lambda: StreamProtocol(connection), sock=sock, **tls, **options)
        return
    port = port or uri.port
    if proxy is True:
        proxy = proxy_from_environment(host or uri.server_name, port, secure=uri.secure)
    if proxy is None:
        await _open(connection, tls, loop.create_connection, host or uri.host, port, **options)
        return
    parsed = parse_proxy(proxy)
    options |= _tls_with(parsed, proxy_tls)
    await _open_through(parsed, connection, protocol, (host or uri.server_name, port), tls, options)


def _context(ssl: TLSOption) -> ssl_module.SSLContext:
    return ssl_module.create_default_context() if ssl is None or ssl is True else ssl


def _tls_with(proxy: Proxy, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options for TLS with a proxy.

    Raises:
        ValueError: if ``proxy_ssl`` is given for one without TLS.
    """
    if proxy.scheme == "https":
        return {"server_hostname": proxy.host, **options, "ssl": _context(options.get("ssl"))}
    if options.get("ssl") is not None:
        raise ValueError("proxy_ssl is for https:// proxies")
    return {}


async def _open_through(
    proxy: Proxy,
    connection: Connection,
    protocol: ClientProtocol,
    target: tuple[str, int],
    tls: dict[str, Any],
    options: dict[str, Any],
) -> None:
    """Connect a connection through a proxy to ``target``."""
    assert protocol.request is not None
    transport = await open_tunnel(
        proxy,
        *target,
        user_agent=protocol.request.headers.get("User-Agent"),
        limits=protocol.limits,
        **options,
    )
    await _give(connection, transport, tls)


class _Waiting(asyncio.Protocol):
    """Reads nothing: the transport is for somebody else."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Stop the transport."""
        cast(asyncio.Transport, transport).pause_reading()


async def _open(
    connection: Connection,
    tls: dict[str, Any],
    connect: Callable[..., Awaitable[Any]],
    *place: Any,
    **options: Any,
) -> None:
    """Connect a connection by one of its loop's methods; the engine goes on from there if it can."""
    if native.can_begin(tls):
        transport, _ = await connect(_Waiting, *place, **options)
        await _give(connection, transport, tls)
    else:
        await connect(lambda: StreamProtocol(connection), *place, **tls, **options)


async def _give(connection: Connection, transport: asyncio.Transport, tls: dict[str, Any]) -> None:
    """Give a connection a transport that is paused, or what has its socket, with TLS on top."""
    if await native.take(connection, transport, tls):
        return
    face = StreamProtocol(connection)
    context = tls.pop("ssl", None)
    if context is None:
        transport.set_protocol(face)
    else:
        # Where this fails, or is cancelled, it closes the transport.
        upgraded = await connection.loop.start_tls(transport, face, context, **tls)
        assert upgraded is not None
        transport = upgraded
    connection.connection_made(transport)
    transport.resume_reading()
