"""``broadcast``: one message to many connections."""

from __future__ import annotations

from collections.abc import Iterable

from ..protocol.states import State
from ..transport.connection import Connection
from .connection import Message, payload_of

__all__ = ["broadcast"]


def broadcast(connections: Iterable[Connection], message: Message) -> None:
    """Send a message to every connection that is open, without waiting for any.

    Connections that are closing or closed are passed over.  A peer that
    doesn't keep up lets its ``buffered_amount`` grow; look at it, and close
    such a connection or skip it.

    Raises:
        TypeError: if ``message`` is neither ``str`` nor bytes-like.
    """
    opcode, data = payload_of(message)
    for connection in connections:
        if connection.state is State.OPEN:
            connection.send_message(opcode, data)
