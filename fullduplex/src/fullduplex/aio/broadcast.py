"""``broadcast``: one message to many connections."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable
from typing import Literal, TypeAlias

from ..close import CloseCode
from ..exceptions import WebSocketException
from ..protocol.prepared import Prepared
from ..protocol.states import State
from ..transport.connection import Connection
from ..transport.native import not_reached
from .connection import Message, payload_of

__all__ = ["WhenSlow", "broadcast"]

logger = logging.getLogger("fullduplex")

WhenSlow: TypeAlias = Literal["drop_oldest", "conflate", "close"]


def broadcast(
    connections: Iterable[Connection],
    message: Message,
    raise_exceptions: bool = False,
    *,
    text: bool | None = None,
    compress: bool | None = None,
    when_slow: WhenSlow | None = None,
    backlog: int = 16,
    key: Hashable = None,
) -> None:
    """Send a message to every connection that is open, without waiting for any.

    The message is encoded once, and compressed once for all connections with
    the same parameters, context takeover or not.  Connections that are closing
    or closed are passed over.

    Args:
        connections: of either side and any face.
        message: text (``str``) or binary (bytes-like).
        raise_exceptions: raise an ``ExceptionGroup`` of what went wrong, after all were
            served; otherwise it is logged.
        text: True sends bytes-like as text, False sends ``str`` as binary.
        compress: whether to compress, where that is agreed; None leaves it to the size.
        when_slow: what to do with a connection whose write buffer is above its high-water mark.
            "drop_oldest" lets the message wait, and drops the oldest that was sent so while more than
            ``backlog`` wait; "conflate" lets it wait in place of the one with the same ``key``; "close"
            closes the connection with code 1013.  None lets it wait; a connection for which
            more than its buffer limit waits is cut.
        backlog: how many such messages wait for one connection at most.
        key: what "conflate" tells messages apart by.

    Raises:
        TypeError: if ``message`` is neither ``str`` nor bytes-like.
        ValueError: for a policy that isn't one, or a key with another than "conflate".
        ExceptionGroup: as said above.
    """
    if when_slow not in (None, "drop_oldest", "conflate", "close"):
        raise ValueError(f"when_slow must be drop_oldest, conflate, close or None, not {when_slow!r}")
    if (when_slow == "conflate") != (key is not None):
        raise ValueError("conflate needs a key, and only conflate has one")
    if backlog < 1:
        raise ValueError("backlog must be positive")
    opcode, data = payload_of(message, text)
    prepared = Prepared(opcode, bytes(data), compress)
    errors: list[Exception] = []
    for connection in not_reached(connections, prepared):
        if connection.state is not State.OPEN:
            continue
        try:
            if when_slow is None:
                connection.send_prepared(prepared)
            elif when_slow == "close" and connection.is_slow:
                connection.start_close(CloseCode.TRY_AGAIN_LATER, "too slow")
            else:
                connection.send_droppable(prepared, most=backlog, key=key)
        except WebSocketException as error:
            errors.append(error)
    if errors and raise_exceptions:
        raise ExceptionGroup("a broadcast didn't reach every connection", errors)
    for skipped in errors:
        logger.warning("a broadcast skipped a connection: %s", skipped)
