"""Where the native engine comes in, if there is one.

It knows what the engine can take: a stream socket of its own, on Linux, without TLS.  Everything
else stays with asyncio's transports, and nobody above can tell but by ``transport_kind``.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..kernels import NATIVE
from ..protocol.states import Side
from .streams import StreamProtocol

if TYPE_CHECKING:
    from ..protocol.prepared import Prepared
    from .connection import Connection

engine: Any = None
if NATIVE and sys.platform == "linux":
    with contextlib.suppress(ImportError):
        from . import engine

__all__ = ["engine", "move", "natively", "not_reached"]

C = TypeVar("C")
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


def not_reached(connections: Iterable[C], message: Prepared) -> Iterable[C]:
    """Let the engine send a message for many to whom it can; give the other connections.

    They may change meanwhile: who is there at first counts.
    """
    if engine is None:
        return list(connections)
    return cast(Iterable[C], engine.broadcast(connections, message))


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
