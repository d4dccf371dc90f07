"""What observers of connections are told.

This module knows the events, and how to tell several observers without harm to
the connection.  It doesn't know where the events come from, which is
``transport.observed``, or what an observer makes of them.

Invariants:

1. What an observer raises is logged, and goes no further.
2. An observer is told only what it overrides.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..close import CloseCode
from ..exceptions import ConnectionClosed
from ..protocol.http11 import Request, Response
from ..protocol.states import Side

if TYPE_CHECKING:
    from ..transport.connection import Connection

__all__ = ["EVENTS", "Kind", "Observer", "ObserverOption", "Observers", "first_close", "side_of"]

#: Of a message.
Kind: TypeAlias = Literal["text", "binary"]


class Observer:
    """Is told what happens to connections; override what is of interest.

    One observer may be given to many servers and clients.  Its methods are
    called on the event loop, between two steps of the connection: they must
    neither wait nor block.  What they raise is logged.  What isn't overridden
    costs nothing.

    Of a connection the order is: ``handshake_started``, then
    ``handshake_failed`` or ``opened``, then anything of the others, and
    ``closed`` at the end.  Sizes are bytes: ``size`` of the message, ``wire_size`` of the
    payloads that it was cut into, which is less if it was compressed.
    """

    def handshake_started(self, connection: Connection, request: Request) -> None:
        """A server has read a request, or a client is about to connect and send one.

        A client's request may be given more headers here.  The program may
        refuse a server's.
        """

    def handshake_failed(
        self,
        connection: Connection,
        response: Response | None,
        error: BaseException | None,
        seconds: float,
    ) -> None:
        """The connection won't open, ``seconds`` after it was accepted or begun.

        ``response`` is what the server answered, None if it didn't; ``error`` is
        why, None if a server's program refused or a client went away, and a
        ``CancelledError`` if a client's attempt was cancelled, as by its time-out.  There was no
        ``handshake_started`` if a server couldn't make sense of a request, or got none.
        """

    def opened(self, connection: Connection, seconds: float) -> None:
        """The connection is open, ``seconds`` after it was accepted or begun."""

    def message_received(self, connection: Connection, kind: Kind, size: int, wire_size: int) -> None:
        """A whole message was read, and is about to be handed to the program."""

    def message_sent(self, connection: Connection, kind: Kind, size: int, wire_size: int) -> None:
        """The last of a message was given to the transport, or soon is.

        A message that was dropped, or replaced by a newer one, isn't told of.
        """

    def ping_received(self, connection: Connection) -> None:
        """The peer has sent a ping."""

    def ping_answered(self, connection: Connection, seconds: float) -> None:
        """The pong for a ping of ours, or of keepalive, came back ``seconds`` after it."""

    def writing_paused(self, connection: Connection) -> None:
        """More waits for the peer than the write limit allows."""

    def writing_resumed(self, connection: Connection) -> None:
        """The peer has taken enough of it."""

    def closed(self, connection: Connection, error: ConnectionClosed, seconds: float) -> None:
        """The connection is over, ``seconds`` after it opened.

        ``error`` has the Close frames of both sides, who was first, and in
        ``__cause__`` what ended it if that wasn't a closing handshake.
        """


#: An observer, several, or none.
ObserverOption: TypeAlias = Observer | Sequence[Observer] | None

#: What an observer can be told.
EVENTS = tuple(name for name in vars(Observer) if not name.startswith("_"))


class Observers:
    """Those who observe the connections of one server or client.

    Args:
        option: an observer, several, or none.
        logger: where it is told what one of them raises.

    Raises:
        TypeError: if it is something else.
    """

    def __init__(self, option: ObserverOption, logger: logging.Logger) -> None:
        observers = tuple(option) if isinstance(option, Sequence) else () if option is None else (option,)
        for observer in observers:
            if not isinstance(observer, Observer):
                raise TypeError(f"observer must be an Observer, or several in a list, not {observer!r}")
        self._logger = logger
        self._methods = {event: _overridden(observers, event) for event in EVENTS}

    def hear(self, *events: str) -> bool:
        """Return whether anyone wants to be told any of these."""
        return any(self._methods[event] for event in events)

    def tell(self, event: str, connection: Connection, *details: Any) -> None:
        """Tell everyone who wants to know."""
        for method in self._methods[event]:
            try:
                method(connection, *details)
            # The latter as well: of a future that it asks, it isn't this task that was cancelled.
            except (Exception, asyncio.CancelledError):
                self._logger.exception("an observer failed at %s", event)


def _overridden(observers: Sequence[Observer], event: str) -> list[Callable[..., None]]:
    methods = [getattr(observer, event) for observer in observers]
    return [method for method in methods if getattr(method, "__func__", None) is not vars(Observer)[event]]


def side_of(connection: Connection) -> Literal["server", "client"]:
    """Return which side of a connection is ours."""
    return "server" if connection.codec.side is Side.SERVER else "client"


def first_close(error: ConnectionClosed) -> tuple[Literal["local", "remote", "none"], int]:
    """Return who sent the first Close frame, and its code; 1006 if nobody did."""
    if error.sent is not None and not error.received_first:
        return "local", int(error.sent.code)
    if error.received is not None:
        return "remote", int(error.received.code)
    return "none", int(CloseCode.ABNORMAL_CLOSURE)
