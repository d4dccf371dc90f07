"""The connection below a ``WebSocket``, and how it is opened.

It makes one event a turn of what arrives.  What the events are, and in which
states they are told, is the face's.

Invariants:

1. Each event has its own turn of the loop, in the order of what arrived.
2. No more than ``EVENTS_AHEAD`` events wait; then nothing is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections import deque
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..aio.client import USER_AGENT, Handshake, make_protocol, open_transport
from ..close import CloseCode
from ..exceptions import NegotiationError
from ..protocol.client import ClientConnection as ClientProtocol
from ..protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from ..protocol.headers import Headers, build_extensions, parse_extensions
from ..protocol.states import State
from ..protocol.uri import URI
from ..transport.connection import Connection as BaseConnection
from ..transport.connection import Settings
from ..transport.observed import Observation
from .amount import Amount

__all__ = ["EVENTS_AHEAD", "UNOPENED", "Face", "Link", "Way"]

#: Events that may wait for their turn before reading stops.
EVENTS_AHEAD = 64
UNOPENED = "closed before the connection was open"


class Face(Protocol):
    """What a link knows of the ``WebSocket`` above it: what to tell it."""

    _amount: Amount
    _loop: asyncio.AbstractEventLoop

    def _opened(self) -> None: ...

    def _received(self, data: str | bytes) -> None: ...

    def _closing(self) -> None: ...

    def _closed(self, code: int, reason: str, error: BaseException | None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a ``WebSocket`` is opened: its options."""

    subprotocols: Sequence[str]
    headers: Headers
    origin: str | None
    compression: str | PerMessageDeflateFactory | None
    max_size: int | None
    blocked_ports: Container[int]
    open_timeout: float | None
    settings: Settings
    observation: Observation
    options: dict[str, Any]

    def protocol(self, uri: URI, headers: Headers) -> ClientProtocol:
        """Make a protocol that has its request ready to send.

        Raises:
            ValueError: for headers that can't be sent.
        """
        return make_protocol(
            uri,
            origin=self.origin,
            subprotocols=self.subprotocols,
            compression=self.compression,
            additional_headers=headers,
            user_agent_header=USER_AGENT,
            max_size=self.max_size,
            limits=None,
        )


class Link(BaseConnection):
    """The connection below a ``WebSocket``."""

    def __init__(self, protocol: ClientProtocol, way: Way, face: Face) -> None:
        self._opening = Handshake(face._loop)
        super().__init__(protocol, self._opening, way.settings, face._loop)
        #: Done when the last event was heard.
        self.over: asyncio.Future[None] = self.loop.create_future()
        #: The face, as long as somebody could hear of something.
        self.keeps: Face | None = face
        self._face = weakref.ref(face, self._forsaken)
        self._protocol = protocol
        self._way = way
        self._turns: deque[Callable[[Face], None]] = deque()
        self._is_over = False
        self._is_cut_short = False

    def agreed_extensions(self) -> str:
        """Return the extensions agreed, as in the response's header."""
        if self.response is None or self.codec.extension is None:
            return ""
        return build_extensions(parse_extensions(self.response.headers["Sec-WebSocket-Extensions"]))

    async def live(self) -> None:
        """Connect, and be there until the end; whatever goes wrong ends in the events."""
        try:
            async with asyncio.timeout(self._way.open_timeout):
                await self.open()
        except asyncio.CancelledError:
            self.give_up(ConnectionAbortedError(UNOPENED))
            raise
        except Exception as error:
            self.give_up(error)
        await self.stay()

    async def open(self) -> None:
        """Connect, and shake hands.

        Raises:
            Exception: whatever goes wrong.
        """
        self._way.observation.begin(self)
        port = self._protocol.uri.port
        if port in self._way.blocked_ports:
            raise PermissionError(f"port {port} is blocked")
        await open_transport(self, self._protocol, **self._way.options)
        await self._opening.wait(self._protocol)

    async def stay(self) -> None:
        """Wait for the end; who is cancelled meanwhile leaves."""
        try:
            await asyncio.shield(self.over)
        except asyncio.CancelledError:
            self.leave()
            raise

    def leave(self) -> None:
        """Say that we are going away, and don't wait for an answer."""
        if self.state is State.OPEN:
            self.start_close(CloseCode.GOING_AWAY)
        if self._transport is not None:
            self._transport.close()

    def _forsaken(self, _: object) -> None:
        # Whoever collects garbage may be another thread, and the loop may be closed.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._close_forsaken)

    def _close_forsaken(self) -> None:
        if self.state is State.OPEN:
            self.start_close(CloseCode.NO_STATUS_RCVD)

    def give_up(self, error: BaseException) -> None:
        """The connection won't open."""
        self.opening_failed(error)
        self._finish(CloseCode.ABNORMAL_CLOSURE, "", error)

    def abort(self) -> None:
        """Cut the transport at once; what wasn't written is lost."""
        face = self._face()
        if face is not None and not self.was_cut:
            face._amount.older(self)
        self._is_cut_short = self._is_cut_short or self.bytes_waiting > 0
        super().abort()

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take the transport; it is to tell when everything was taken."""
        super().connection_made(transport)
        # TLS of asyncio would never go on below a high-water mark of 0.
        transport.set_write_buffer_limits(high=1, low=0)

    def writing_resumed(self) -> None:
        """Note that the network has taken everything."""
        face = self._face()
        if face is not None:
            face._amount.older(self)

    def opened(self) -> None:
        """Let ``open`` have its turn, unless the server spoke none of the subprotocols offered."""
        if self._way.subprotocols and self.subprotocol is None:
            self.give_up(NegotiationError("the server chose none of the subprotocols offered"))
        else:
            self._let_open()

    def _let_open(self) -> None:
        self._add_turn(lambda face: face._opened())

    def message_received(self, data: str | bytes) -> None:
        """Let ``message`` have its turn."""
        self._add_turn(lambda face: face._received(data))

    def closing(self) -> None:
        """Let CLOSING be seen for a turn."""
        self._add_turn(lambda face: face._closing())

    def closed(self, exc: Exception | None) -> None:
        """Let ``close`` have its turn, and ``error`` if there was one."""
        if self.response is None or self.response.status_code != 101:
            return
        exception = self.codec.close_exception
        is_clean = (
            self.codec.lifecycle.is_complete and not self.codec.lifecycle.failed and not self._is_cut_short
        )
        self._finish(exception.code, exception.reason, None if is_clean else (exc or exception))

    def _finish(self, code: int, reason: str, error: BaseException | None) -> None:
        self._add_turn(lambda face: face._closed(code, reason, error))
        self._is_over = True

    def _add_turn(self, action: Callable[[Any], None]) -> None:
        if self._is_over:
            return
        if not self._turns:
            self.loop.call_soon(self._take_turn)
        self._turns.append(action)
        if len(self._turns) >= EVENTS_AHEAD:
            self.pause_reading()

    def _take_turn(self) -> None:
        action = self._turns[0]
        face = self._face()
        try:
            if face is not None:
                action(face)
        finally:
            del face
            self._turns.popleft()
            if self._turns:
                self.loop.call_soon(self._take_turn)
            elif self._is_over:
                self.over.set_result(None)
            elif self.is_reading_paused:
                self.resume_reading()
