"""Where the native engine comes in, if there is one.

It knows what the engine can take: a stream socket of its own, on Linux, to which it may speak TLS
itself.  Everything else stays with asyncio's transports, and nobody above can tell but by ``transport_kind``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl as ssl_module
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..kernels import NATIVE
from ..protocol.states import Side
from .streams import StreamProtocol

if TYPE_CHECKING:
    from .connection import Connection

engine: Any = None
if NATIVE and sys.platform == "linux":
    with contextlib.suppress(ImportError):
        from . import engine

__all__ = ["begin", "can_begin", "engine", "move", "natively", "take"]

#: Seconds for TLS's handshake, as with asyncio.
HANDSHAKE_TIMEOUT = 60.0

F = TypeVar("F", bound=Callable[..., Any])


def natively(name: str) -> Callable[[F], F]:
    """Let the engine do what it can of a method; the method itself is the definition, and does the rest."""

    def accelerate(definition: F) -> F:
        if engine is None:
            return definition
        return cast(F, getattr(engine, name)(definition))

    return accelerate


def move(connection: Connection, transport: asyncio.Transport, *, is_paused: bool) -> asyncio.Transport:
    """Let the engine read and write what a connection's transport does if it can; return who does now."""
    if engine is None or not _can_move(transport):
        return transport
    low, high = transport.get_write_buffer_limits()
    is_masked = connection.codec.side is Side.SERVER
    protocol = transport.get_protocol()
    if not is_paused:
        transport.pause_reading()
    moved = engine.move(connection, protocol, transport, high, low, is_masked, is_paused)
    transport.set_protocol(_Below(moved))
    return cast(asyncio.Transport, moved)


def can_begin(tls: Mapping[str, Any], sock: socket.socket | None = None) -> bool:
    """Tell whether the engine can open a client's connection with these options for TLS, on this socket."""
    if sock is not None and (sock.type != socket.SOCK_STREAM or isinstance(sock, ssl_module.SSLSocket)):
        return False
    if engine is None or not tls:
        return engine is not None
    timeout = tls.get("ssl_handshake_timeout")
    return (
        tls.keys() <= {"ssl", "server_hostname", "ssl_handshake_timeout"}
        and isinstance(tls.get("ssl"), ssl_module.SSLContext)
        and (timeout is None or timeout > 0)
    )


async def take(connection: Connection, transport: asyncio.Transport, tls: Mapping[str, Any]) -> bool:
    """Open a client's connection on the socket of a transport that is paused; tell whether that was possible.

    Raises:
        OSError: if TLS fails.
    """
    if not can_begin(tls) or not _can_move(transport):
        return False
    try:
        # Closing the other descriptor doesn't end what this one is for.
        sock = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
    finally:
        transport.abort()
    await begin(connection, sock, tls)
    return True


async def begin(connection: Connection, sock: socket.socket, tls: Mapping[str, Any]) -> None:
    """Open a client's connection on a connected socket, which is the connection's from now on.

    Raises:
        OSError: if TLS fails.
    """
    try:
        sock.setblocking(False)
        transport, opened = engine.begin(
            connection,
            sock,
            tls.get("ssl"),
            tls.get("server_hostname"),
            tls.get("ssl_handshake_timeout") or HANDSHAKE_TIMEOUT,
        )
    except BaseException:
        sock.close()
        raise
    if opened is not None:
        try:
            await opened
        except BaseException:
            transport.abort()
            raise


def give_kept(transport: object) -> None:
    """Let the protocol see what the engine keeps of a message that isn't whole, if it keeps something."""
    if engine is not None and isinstance(transport, engine.Transport):
        transport.give_kept()


class _Below(StreamProtocol):
    """What a transport is left with whose socket the engine reads and writes: it tells of its end."""

    __slots__ = ("_moved",)

    def __init__(self, moved: Any) -> None:
        self._moved = moved

    def eof_received(self) -> None:
        """Nothing is read here."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Somebody has closed this transport, if it wasn't the engine."""
        self._moved.below_lost(exc)


def _can_move(transport: asyncio.Transport) -> bool:
    if isinstance(transport, engine.Transport):
        return False
    sock = transport.get_extra_info("socket")
    return (
        sock is not None
        and sock.type == socket.SOCK_STREAM
        and transport.get_extra_info("sslcontext") is None
        and not transport.is_closing()
        and transport.get_write_buffer_size() == 0
    )
