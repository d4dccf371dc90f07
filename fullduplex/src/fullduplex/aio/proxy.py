"""Proxies on asyncio: which one the environment names, and a transport through it.

It knows nothing of WebSocket: what it opens is a transport, in whose other
end the server is.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from typing import Any

from ..exceptions import InvalidProxyMessage, ProxyError
from ..protocol.limits import Limits
from ..protocol.proxy import HTTPTunnel, Proxy, Tunnel
from ..protocol.socks import SOCKSTunnel

__all__ = ["open_tunnel", "proxy_from_environment"]

# 4.1 prefers SOCKS, and the proxy for HTTPS to the one for HTTP, which may not let us through.
_SECURE = ("wss", "socks", "https", "all")
_PLAIN = ("ws", "socks", "https", "http", "all")


def proxy_from_environment(host: str, port: int, *, secure: bool) -> str | None:
    """Return the address of the proxy that the environment, or the system, has for a server.

    ``no_proxy`` and its like are as ``urllib.request`` understands them.
    """
    is_variable_only = sys.platform not in ("darwin", "win32")
    if is_variable_only and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    # Slow to import, and seldom needed.
    import urllib.request

    proxies = urllib.request.getproxies()
    kind = next((kind for kind in (_SECURE if secure else _PLAIN) if kind in proxies), None)
    if kind is None or urllib.request.proxy_bypass(f"{host}:{port}"):
        return None
    proxy = proxies[kind]
    if "://" not in proxy:
        return f"http://{proxy}"
    # Some systems name SOCKS proxies so.
    return f"socks5h://{proxy[7:]}" if kind == "socks" and proxy.startswith("http://") else proxy


async def open_tunnel(
    proxy: Proxy, host: str, port: int, *, user_agent: str | None, limits: Limits, **options: Any
) -> asyncio.Transport:
    """Connect to a proxy, have it connect to a server, and return a transport that is paused.

    The transport's protocol is to be replaced.  ``options`` are those of
    ``loop.create_connection`` for the way to the proxy.  Cancelling closes it.

    Raises:
        OSError: if the proxy can't be reached.
        ProxyError: if the proxy doesn't connect us.
    """
    loop = asyncio.get_running_loop()
    if proxy.scheme in ("socks4", "socks5"):
        host = await _resolve(host, port, socket.AF_INET if proxy.scheme == "socks4" else socket.AF_UNSPEC)
    tunnel: Tunnel
    if proxy.scheme.startswith("socks"):
        tunnel = SOCKSTunnel(proxy, host, port)
    else:
        tunnel = HTTPTunnel(proxy, host, port, user_agent, limits)
    transport, digging = await loop.create_connection(
        lambda: _Digging(tunnel, loop), proxy.host, proxy.port, **options
    )
    try:
        await digging.ended
    except BaseException:
        transport.abort()
        raise
    return transport


async def _resolve(host: str, port: int, family: int) -> str:
    """Return the first address of a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    return str(found[0][4][0])


class _Digging(asyncio.Protocol):
    """Moves the bytes of a tunnel that isn't open yet."""

    def __init__(self, tunnel: Tunnel, loop: asyncio.AbstractEventLoop) -> None:
        self._tunnel = tunnel
        self._transport: Any = None
        self.ended: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask the proxy."""
        self._transport = transport
        self._transport.write(self._tunnel.data_to_send())

    def data_received(self, data: bytes) -> None:
        """Hear what it answers."""
        try:
            self._tunnel.receive_data(data)
        except ProxyError as error:
            self._fail(error)
            return
        output = self._tunnel.data_to_send()
        if output:
            self._transport.write(output)
        if self._tunnel.is_open and not self.ended.done():
            # What comes next is for another protocol.
            self._transport.pause_reading()
            self.ended.set_result(None)

    def eof_received(self) -> None:
        """Give up, unless it is open; asyncio then closes."""
        if not self.ended.done():
            try:
                self._tunnel.receive_eof()
            except InvalidProxyMessage as error:
                self._fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up."""
        if exc is not None:
            self._fail(exc)
        self.eof_received()

    def _fail(self, error: Exception) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)
