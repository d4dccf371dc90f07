"""Where the native engine comes in, if there is one.

It knows what the engine can take: a stream socket of its own, on Linux, to which it may speak TLS
itself.  Everything else stays with asyncio's transports, and nobody above can tell but by ``transport_kind``.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import socket
import ssl as ssl_module
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast

from ..kernels import NATIVE, do_without
from ..protocol.states import Side
from .streams import StreamProtocol

if TYPE_CHECKING:
    from ..protocol.prepared import Prepared
    from .connection import Connection

engine: Any = None
if NATIVE and sys.platform == "linux":
    try:
        from . import engine
    except ImportError as error:
        do_without(error)

__all__ = [
    "TransportKind",
    "begin",
    "can_begin",
    "engine",
    "give_kept",
    "kind_of",
    "move",
    "natively",
    "not_reached",
    "take",
    "written",
]

#: Seconds for TLS's handshake, as with asyncio.
HANDSHAKE_TIMEOUT = 60.0

#: What can move the bytes of a connection: the engine, or a transport of the loop.
TransportKind: TypeAlias = Literal["engine", "asyncio"]

C = TypeVar("C")
F = TypeVar("F", bound=Callable[..., Any])


def natively(name: str) -> Callable[[F], F]:
    """Let the engine do what it can of a method; the method itself is the definition, and does the rest."""

    def accelerate(definition: F) -> F:
        if engine is None:
            return definition
        accelerated = functools.update_wrapper(getattr(engine, name)(definition), definition)
        if sys.version_info >= (3, 12) and inspect.iscoroutinefunction(definition):
            inspect.markcoroutinefunction(accelerated)
        return cast(F, accelerated)

    return accelerate


def move(connection: Connection, transport: asyncio.Transport, *, is_paused: bool) -> asyncio.Transport:
    """Let the engine read and write what a connection's transport does if it can; return who does now."""
    if kind_of(transport) == "engine":
        cast(Any, transport).serve(connection)
        return transport
    protocol = transport.get_protocol()
    # Who hands a transport over may put the connection's protocol in its place after this, and drop ours so.
    if engine is None or getattr(protocol, "connection", None) is not connection or not _can_move(transport):
        return transport
    low, high = transport.get_write_buffer_limits()
    is_masked = connection.codec.side is Side.SERVER
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


def kind_of(transport: object) -> TransportKind:
    """Tell whether a transport is the engine's or a loop's."""
    return "engine" if engine is not None and isinstance(transport, engine.Transport) else "asyncio"


def not_reached(connections: Iterable[C], message: Prepared) -> Iterable[C]:
    """Let the engine send a message for many to whom it can; give the other connections.

    They may change meanwhile: who is there at first counts.
    """
    if engine is None:
        return list(connections)
    return cast(Iterable[C], engine.broadcast(connections, message))


def give_kept(transport: Any) -> None:
    """Let the protocol see what the engine keeps of a message that isn't whole, if it keeps something."""
    if kind_of(transport) == "engine":
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


def written(transport: object) -> int:
    """Tell how many bytes the engine has written of a connection's without ``write`` of its transport."""
    return cast(Any, transport).written if kind_of(transport) == "engine" else 0


def _can_move(transport: asyncio.Transport) -> bool:
    sock = transport.get_extra_info("socket")
    return (
        sock is not None
        and sock.type == socket.SOCK_STREAM
        and transport.get_extra_info("sslcontext") is None
        and not transport.is_closing()
        and transport.get_write_buffer_size() == 0
    )
