"""Where the native engine comes in, if there is one.

It knows what the engine can take: a stream socket of its own, on Linux, without TLS.  Everything
else stays with asyncio's transports, and nobody above can tell but by ``transport_kind``.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import socket
import sys
from collections.abc import Callable, Iterable
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

__all__ = ["TransportKind", "engine", "give_kept", "kind_of", "move", "natively", "not_reached"]

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


def kind_of(transport: object) -> TransportKind:
    """Tell whether a transport is the engine's or a loop's."""
    return "engine" if engine is not None and isinstance(transport, engine.Transport) else "asyncio"


def not_reached(connections: Iterable[C], message: Prepared) -> Iterable[C]:
    """Let the engine send a message for many to whom it can; give the other connections."""
    return connections if engine is None else cast(Iterable[C], engine.broadcast(connections, message))


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


def _can_move(transport: asyncio.Transport) -> bool:
    sock = transport.get_extra_info("socket")
    return (
        sock is not None
        and sock.type == socket.SOCK_STREAM
        and transport.get_extra_info("sslcontext") is None
        and not transport.is_closing()
        and transport.get_write_buffer_size() == 0
    )
