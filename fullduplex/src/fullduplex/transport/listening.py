"""Listening sockets, and the server that the engine accepts connections for.

It makes sockets as ``loop.create_server`` does, of the same arguments.  It doesn't know what a
connection is.

Invariants:

1. Where one address can't be listened on, no socket is left open.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
import ssl as ssl_module
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .native import engine

__all__ = ["EngineServer", "can_listen", "listen"]

#: The options of ``loop.create_server`` that are understood here.
OPTIONS = {
    "backlog",
    "family",
    "flags",
    "reuse_address",
    "reuse_port",
    "ssl",
    "ssl_handshake_timeout",
    "start_serving",
}


def can_listen(sock: socket.socket | None, options: Mapping[str, Any]) -> bool:
    """Tell whether the engine can listen with these arguments of ``loop.create_server``."""
    return (
        engine is not None and options.keys() <= OPTIONS and (sock is None or sock.type == socket.SOCK_STREAM)
    )


async def listen(
    loop: asyncio.AbstractEventLoop,
    accept: Callable[[], Any],
    host: str | Sequence[str] | None,
    port: int | None,
    sock: socket.socket | None,
    *,
    ssl: ssl_module.SSLContext | None = None,
    ssl_handshake_timeout: float | None = None,
    backlog: int = 100,
    start_serving: bool = True,
    **options: Any,
) -> EngineServer:
    """Listen as ``loop.create_server`` does; ``accept`` makes a connection for each that comes.

    Raises:
        OSError: if the address can't be listened on.
        ValueError: if there is none, or one beside ``sock``.
    """
    if sock is None:
        sockets = await _make_sockets(loop, host, port, **options)
    else:
        sock.setblocking(False)
        sockets = [sock]
    make = functools.partial(
        engine.Listener, loop, accept=accept, context=ssl, handshake_timeout=ssl_handshake_timeout or 60
    )
    server = EngineServer(list(map(make, sockets)), backlog)
    if start_serving:
        try:
            await server.start_serving()
        except BaseException:
            server.close()
            raise
    return server


class EngineServer:
    """What of ``asyncio.Server`` servers use."""

    def __init__(self, listeners: list[Any], backlog: int) -> None:
        self._listeners = listeners
        self._backlog = backlog
        self._is_serving = False

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The listening sockets; none once it is closed."""
        return tuple(listener.sock for listener in self._listeners)

    def is_serving(self) -> bool:
        """Tell whether connections are accepted."""
        return self._is_serving

    async def start_serving(self) -> None:
        """Accept connections from now on; calling it again does nothing."""
        if not self._is_serving:
            self._is_serving = True
            for listener in self._listeners:
                listener.sock.listen(self._backlog)
                listener.start()

    def close(self) -> None:
        """Stop listening; calling it again does nothing."""
        self._is_serving = False
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.stop()
            listener.sock.close()


async def _make_sockets(
    loop: asyncio.AbstractEventLoop,
    host: str | Sequence[str] | None,
    port: int | None,
    *,
    family: int = socket.AF_UNSPEC,
    flags: int = socket.AI_PASSIVE,
    reuse_address: bool | None = None,
    reuse_port: bool | None = None,
) -> list[socket.socket]:
    """Return sockets that are bound to every address of the hosts.

    Raises:
        OSError: if that fails.
    """
    hosts: Sequence[str | None] = [host or None] if host is None or isinstance(host, str) else host
    found = await asyncio.gather(
        *(loop.getaddrinfo(one, port, family=family, type=socket.SOCK_STREAM, flags=flags) for one in hosts)
    )
    addresses = dict.fromkeys(address for addresses in found for address in addresses)
    with contextlib.ExitStack() as opened:
        sockets = []
        for kind, type_, protocol, _, address in addresses:
            try:
                sock = opened.enter_context(socket.socket(kind, type_, protocol))
            except OSError:
                # A family that the system knows of and doesn't have.
                continue
            _bind(sock, address, reuse_address, reuse_port)
            sockets.append(sock)
        if not sockets:
            raise OSError(f"could not bind on any address out of {[address[4] for address in addresses]!r}")
        opened.pop_all()
    return sockets


def _bind(sock: socket.socket, address: Any, reuse_address: bool | None, reuse_port: bool | None) -> None:
    sock.setblocking(False)
    if reuse_address is not False and os.name == "posix" and sys.platform != "cygwin":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    if reuse_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, True)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, True)
    try:
        sock.bind(address)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OSError(
            error.errno, f"error while attempting to bind on address {address!r}: {reason}"
        ) from None
