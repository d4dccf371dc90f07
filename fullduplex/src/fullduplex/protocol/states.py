"""The states of a connection and what may happen in each.

Every change of state is in this module; other modules ask, and never
assign.  It doesn't know whether we are the client or the server.

Invariants:

1. At most one close frame is sent.
2. No data frame follows a close frame that we sent.
3. Nothing leaves CLOSED.
"""

from __future__ import annotations

import enum

from ..close import Close, CloseCode
from ..exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK, LocalProtocolError

__all__ = ["Lifecycle", "Side", "State"]


class Side(enum.IntEnum):
    """Which end of the connection we are."""

    SERVER = 0
    CLIENT = 1


class State(enum.IntEnum):
    """The states of a connection, numbered as in the browser's ``readyState``."""

    CONNECTING = 0
    OPEN = 1
    CLOSING = 2
    CLOSED = 3


OK_CODES = frozenset({CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RCVD})


class _End:
    """How a connection ends."""

    __slots__ = ("cause", "failed", "received", "received_first", "sent")

    def __init__(self) -> None:
        self.received: Close | None = None
        self.sent: Close | None = None
        self.received_first: bool | None = None
        self.failed = False
        self.cause: BaseException | None = None


class Lifecycle:
    """Where one connection stands between CONNECTING and CLOSED."""

    __slots__ = ("_end", "state")

    def __init__(self) -> None:
        self.state = State.CONNECTING
        # Most of its time a connection isn't at its end.
        self._end: _End | None = None

    def _begin_end(self) -> _End:
        if self._end is None:
            self._end = _End()
        return self._end

    @property
    def received(self) -> Close | None:
        """The peer's Close frame."""
        return None if self._end is None else self._end.received

    @property
    def sent(self) -> Close | None:
        """Our Close frame."""
        return None if self._end is None else self._end.sent

    @property
    def received_first(self) -> bool | None:
        """Whether the peer's came first, once both are there."""
        return None if self._end is None else self._end.received_first

    @property
    def failed(self) -> bool:
        """True once the connection is broken."""
        return self._end is not None and self._end.failed

    @property
    def cause(self) -> BaseException | None:
        """What ended the connection, if it wasn't a closing handshake."""
        return None if self._end is None else self._end.cause

    @cause.setter
    def cause(self, cause: BaseException | None) -> None:
        if cause is not None or self._end is not None:
            self._begin_end().cause = cause

    def opened(self) -> None:
        """The opening handshake succeeded."""
        if self.state is not State.CONNECTING:
            raise LocalProtocolError(f"cannot open a connection that is {self.state.name}")
        self.state = State.OPEN

    def close_sent(self, close: Close) -> None:
        """Our Close frame is on the way."""
        if self.state not in (State.OPEN, State.CLOSING) or self.sent is not None:
            raise LocalProtocolError(f"cannot send a close frame while {self.state.name}")
        end = self._begin_end()
        end.sent = close
        if end.received is not None:
            end.received_first = True
        self.state = State.CLOSING

    def close_received(self, close: Close) -> None:
        """The peer's Close frame arrived."""
        if self.state not in (State.OPEN, State.CLOSING) or self.received is not None:
            raise LocalProtocolError(f"cannot receive a close frame while {self.state.name}")
        end = self._begin_end()
        end.received = close
        if end.sent is not None:
            end.received_first = False
        self.state = State.CLOSING

    def fail(self, cause: BaseException | None = None) -> None:
        """The connection is broken beyond repair; nothing more is read (7.1.7)."""
        self._begin_end().failed = True
        if self.cause is None:
            self.cause = cause
        if self.state is State.OPEN:
            self.state = State.CLOSING

    def lost(self, cause: Exception | None = None) -> None:
        """The transport is gone, by ``cause`` if it wasn't by itself."""
        self.state = State.CLOSED
        if self.cause is None and not self.is_complete:
            self.cause = cause

    @property
    def is_complete(self) -> bool:
        """True once both sides have sent their Close frames (7.1.4)."""
        return self.sent is not None and self.received is not None

    @property
    def is_reading(self) -> bool:
        """True while bytes from the peer still mean something."""
        end = self._end
        return self.state is not State.CLOSED and (end is None or (end.received is None and not end.failed))

    def may_send_data(self) -> None:
        """Pass while data frames may be sent.

        Raises:
            ConnectionClosed: if a Close frame was sent or received, or the transport is gone.
            LocalProtocolError: if the connection isn't open yet.
        """
        if self.state is State.OPEN:
            return
        if self.state is State.CONNECTING:
            raise LocalProtocolError("the connection isn't open yet")
        raise self.exception()

    def exception(self) -> ConnectionClosed:
        """Return an exception that tells how the connection closed; its cause is what ended it."""
        kind: type[ConnectionClosed] = ConnectionClosedError
        if (
            self.sent is not None
            and self.received is not None
            and self.sent.code in OK_CODES
            and self.received.code in OK_CODES
        ):
            kind = ConnectionClosedOK
        error = kind(self.received, self.sent, self.received_first)
        error.__cause__ = self.cause
        return error
