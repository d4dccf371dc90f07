"""Connections that are observed, or whose frames are logged.

Whether one is, is decided when it is made: if so, it and its protocol become
of classes that extend their own; if not, nothing of this module is ever called
for it.  It knows when what happens; whom it tells is in ``observe``.

Invariants:

1. An observer hears of an event before the program does.
2. ``closed`` is told of every connection of which ``opened`` was, and of no other.
"""

from __future__ import annotations

import asyncio
import logging
from typing import cast

from ..observe.frame_log import FrameLog
from ..observe.observer import EVENTS, ObserverOption, Observers
from ..observe.taps import Counting, extend, tap
from ..protocol.client import ClientConnection
from ..protocol.connection import Ending
from ..protocol.events import HandOver
from ..protocol.http11 import Request, Response
from .connection import Connection

__all__ = ["Observation"]

#: Pings under way of which the time is kept.
MAX_PINGS = 16


class Observation:
    """Who is told of the connections of one server or client.

    Args:
        observer: an observer, several, or none.
        logger: what the connections tell goes there, their frames at DEBUG.

    Raises:
        TypeError: if ``observer`` isn't that.
    """

    def __init__(self, observer: ObserverOption, logger: logging.Logger) -> None:
        observers = Observers(observer, logger)
        self._logger = logger
        self._observers = observers if observers.hear(*EVENTS) else None

    def begin(self, connection: Connection) -> None:
        """Take in a connection that has neither its transport nor, as a client, sent its request."""
        connection._logger = self._logger
        observers = self._observers
        is_logged = self._logger.isEnabledFor(logging.DEBUG)
        log = FrameLog(self._logger, str(connection.id)) if is_logged else None
        counts = observers is not None and observers.hear("message_received", "message_sent")
        if log is not None or counts:
            tap(connection.codec, counts=counts, log=log)
        if observers is not None:
            extend(connection, _ObservedMessages if counts else _Observed)
            cast(_Observed, connection)._watch = _Watch(observers, connection.loop.time())
            if isinstance(connection.codec, ClientConnection):
                self._tell_request(connection, connection.codec, observers)
        if log is not None and connection.request is not None:
            log.request_sent(connection.request)

    def _tell_request(self, connection: Connection, codec: ClientConnection, observers: Observers) -> None:
        """Tell of the request that is to be sent, and send what observers made of it."""
        request = codec.request
        assert request is not None
        headers = request.headers.copy()
        observers.tell("handshake_started", connection, request)
        try:
            codec.request_changed()
        except Exception:
            # Of a header that isn't text it is a TypeError.
            self._logger.exception("an observer made a request that can't be sent; it goes out without that")
            request.headers = headers


class _Watch:
    """What an observed connection has more than others: one attribute, so that it takes no name of theirs."""

    __slots__ = ("begun_at", "has_failed", "observers", "opened_at", "pings", "received")

    def __init__(self, observers: Observers, begun_at: float) -> None:
        self.observers = observers
        self.begun_at = begun_at
        self.opened_at: float | None = None
        self.has_failed = False
        # When those went out that aren't answered yet.
        self.pings: dict[bytes, float] = {}
        # Bytes of a message that is received in pieces.
        self.received = 0

    def opening_failed(self, connection: Connection, error: BaseException | None) -> None:
        """Tell that a connection won't open, once, and unless it has."""
        if self.opened_at is not None or self.has_failed:
            return
        self.has_failed = True
        error = connection.codec.handshake_exception or error
        seconds = connection.loop.time() - self.begun_at
        self.observers.tell("handshake_failed", connection, connection.response, error, seconds)

    def message_received(self, connection: Connection, data: str | bytes, size: int) -> None:
        """Tell of a message that ends with ``data``."""
        kind = "text" if isinstance(data, str) else "binary"
        wire_size = cast(Counting, connection.codec).take_received()
        self.observers.tell("message_received", connection, kind, size, wire_size)

    def messages_sent(self, connection: Connection) -> None:
        """Tell of the messages that were sent since the last call."""
        codec = cast(Counting, connection.codec)
        messages, codec.tap.sent = codec.tap.sent, []
        for message in messages:
            self.observers.tell("message_sent", connection, *message)


class _Observed(Connection):
    """Tells of everything but messages."""

    _watch: _Watch

    # The opening handshake

    def _handshake_event(self, event: Request | Response | HandOver) -> None:
        if isinstance(event, Request):
            self._watch.observers.tell("handshake_started", self, event)
        super()._handshake_event(event)

    def opened(self) -> None:
        watch = self._watch
        watch.opened_at = self.loop.time()
        watch.observers.tell("opened", self, watch.opened_at - watch.begun_at)
        super().opened()

    def opening_failed(self, error: BaseException) -> None:
        self._watch.opening_failed(self, error)
        super().opening_failed(error)

    def _end(self, transport: asyncio.Transport, ending: Ending) -> None:
        self._watch.opening_failed(self, None)
        super()._end(transport, ending)

    # The open connection

    def send_ping(self, data: bytes) -> None:
        super().send_ping(data)
        pings = self._watch.pings
        pings[data] = self.loop.time()
        if len(pings) > MAX_PINGS:
            del pings[next(iter(pings))]

    def ping_received(self, data: bytes) -> None:
        self._watch.observers.tell("ping_received", self)
        super().ping_received(data)

    def pong_received(self, data: bytes) -> None:
        watch = self._watch
        sent_at = watch.pings.pop(data, None)
        if sent_at is not None:
            watch.observers.tell("ping_answered", self, self.loop.time() - sent_at)
        super().pong_received(data)

    def writing_paused(self) -> None:
        self._watch.observers.tell("writing_paused", self)
        super().writing_paused()

    def writing_resumed(self) -> None:
        self._watch.observers.tell("writing_resumed", self)
        super().writing_resumed()

    def closed(self, exc: Exception | None) -> None:
        watch = self._watch
        if watch.opened_at is None:
            watch.opening_failed(self, exc)
        else:
            seconds = self.loop.time() - watch.opened_at
            watch.observers.tell("closed", self, self.codec.close_exception, seconds)
        super().closed(exc)


class _ObservedMessages(_Observed):
    """Tells of messages as well."""

    def message_received(self, data: str | bytes) -> None:
        self._watch.message_received(self, data, _size_of(data))
        super().message_received(data)

    def chunk_received(self, data: str | bytes, ends_message: bool) -> None:
        watch = self._watch
        watch.received += _size_of(data)
        if ends_message:
            size, watch.received = watch.received, 0
            watch.message_received(self, data, size)
        super().chunk_received(data, ends_message)

    def _sent(self, size: int) -> None:
        super()._sent(size)
        self._watch.messages_sent(self)


def _size_of(data: str | bytes) -> int:
    """Return the size of a message in bytes."""
    return len(data) if isinstance(data, bytes) or data.isascii() else len(data.encode())
