"""Traces and metrics of connections for OpenTelemetry; needs ``fullduplex[opentelemetry]``.

It knows OpenTelemetry's interface and semantic conventions, and nothing of how
either is exported: without an SDK that is set up, nothing is.  Queries, headers and
payloads, in which secrets may be, are in no attribute.
"""

from __future__ import annotations

import http
import weakref
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, propagate, trace
from opentelemetry.propagators.textmap import Getter, Setter
from opentelemetry.trace import Span, SpanKind, StatusCode

from ..exceptions import ConnectionClosed, ConnectionClosedOK
from ..protocol.client import ClientConnection
from ..protocol.headers import Headers
from ..protocol.http11 import Request, Response
from ..protocol.redaction import shown_header
from ..version import __version__
from .observer import Kind, Observer, first_close, side_of

if TYPE_CHECKING:
    from ..transport.connection import Connection

__all__ = ["OpenTelemetryObserver"]

_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600, 86_400)
_SIZES = (64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 16_777_216)


class OpenTelemetryObserver(Observer):
    """Makes a span of each connection, from its opening handshake to its end, and measures it.

    One is enough for all servers and clients of a process.  A client's span is a child
    of the one that is current when it connects, and a server's of the one that the
    client's request tells of; a client's request tells of its own.  Metrics are
    ``fullduplex.connections``, ``fullduplex.handshake.duration``, ``fullduplex.connection.duration``,
    ``fullduplex.message.size``, ``fullduplex.wire.io`` and ``fullduplex.ping.latency``.

    Args:
        tracer_provider: makes the spans; the global one by default.
        meter_provider: makes the metrics; the global one by default.
        message_events: how many messages of a connection, at most, become events of its
            span, with kind and size; none by default.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        *,
        message_events: int = 0,
    ) -> None:
        self._tracer = trace.get_tracer("fullduplex", __version__, tracer_provider)
        self._message_events = message_events
        # With the number of messages that may still become events.  A loop that is closed with
        # connections open tells nobody of their end.
        self._spans: weakref.WeakKeyDictionary[Connection, tuple[Span, int]] = weakref.WeakKeyDictionary()
        meter = metrics.get_meter("fullduplex", __version__, meter_provider)

        def histogram(name: str, unit: str, about: str, bounds: tuple[float, ...]) -> metrics.Histogram:
            return meter.create_histogram(
                name, unit=unit, description=about, explicit_bucket_boundaries_advisory=bounds
            )

        self._connections = meter.create_up_down_counter(
            "fullduplex.connections", unit="{connection}", description="Open connections."
        )
        self._handshakes = histogram(
            "fullduplex.handshake.duration", "s", "Time until a connection opened, or failed to.", _SECONDS
        )
        self._durations = histogram(
            "fullduplex.connection.duration", "s", "How long connections were open.", _SECONDS
        )
        self._sizes = histogram("fullduplex.message.size", "By", "Sizes of messages.", _SIZES)
        self._wire = meter.create_counter(
            "fullduplex.wire.io", unit="By", description="Bytes of messages as sent, compressed or not."
        )
        self._latencies = histogram("fullduplex.ping.latency", "s", "Time from a ping to its pong.", _SECONDS)

    def span_of(self, connection: Connection) -> Span:
        """Return the span of a connection; one that records nothing if it is over.

        With ``opentelemetry.trace.use_span`` it becomes the parent of a handler's own.
        """
        entry = self._spans.get(connection)
        return trace.INVALID_SPAN if entry is None else entry[0]

    # Spans

    def handshake_started(self, connection: Connection, request: Request) -> None:
        """Begin the span, and tell the server of it."""
        is_client = isinstance(connection.codec, ClientConnection)
        context = None if is_client else propagate.extract(request.headers, getter=_GETTER)
        span = self._tracer.start_span(
            "websocket",
            context,
            kind=SpanKind.CLIENT if is_client else SpanKind.SERVER,
            attributes=_attributes_of(connection, request),
        )
        self._spans[connection] = span, self._message_events
        if is_client:
            propagate.inject(request.headers, trace.set_span_in_context(span), setter=_SETTER)

    def opened(self, connection: Connection, seconds: float) -> None:
        """Note it in the span."""
        side = side_of(connection)
        span = self.span_of(connection)
        span.set_attribute("http.response.status_code", 101)
        if connection.subprotocol is not None:
            # There are servers that choose whatever comes first, be it a token.
            shown = shown_header("Sec-WebSocket-Protocol", connection.subprotocol)
            span.set_attribute("fullduplex.subprotocol", shown)
        span.set_attributes(_peer_of(connection))
        span.add_event("open")
        self._handshakes.record(seconds, {"side": side, "http.response.status_code": 101})
        self._connections.add(1, {"side": side})

    def handshake_failed(
        self,
        connection: Connection,
        response: Response | None,
        error: BaseException | None,
        seconds: float,
    ) -> None:
        """End the span; of a server's, only the server's own failures are errors."""
        attributes: dict[str, Any] = {}
        if response is not None:
            attributes["http.response.status_code"] = response.status_code
        is_error = (
            isinstance(connection.codec, ClientConnection) or response is None or response.status_code >= 500
        )
        if is_error:
            attributes["error.type"] = _type_of(error, response)
        self._handshakes.record(seconds, {"side": side_of(connection), **attributes})
        span = self._end(connection)
        span.set_attributes(attributes)
        if is_error:
            span.set_status(StatusCode.ERROR, attributes["error.type"])
        span.end()

    def closed(self, connection: Connection, error: ConnectionClosed, seconds: float) -> None:
        """End the span, with who closed and the code."""
        by, code = first_close(error)
        closing: dict[str, Any] = {"fullduplex.close.by": by, "fullduplex.close.code": code}
        if not isinstance(error, ConnectionClosedOK):
            closing["error.type"] = str(code) if error.__cause__ is None else _type_of(error.__cause__, None)
        side = side_of(connection)
        self._connections.add(-1, {"side": side})
        self._durations.record(seconds, {"side": side, "fullduplex.close.by": by})
        span = self._end(connection)
        span.set_attributes(closing)
        if "error.type" in closing:
            span.set_status(StatusCode.ERROR, closing["error.type"])
        span.end()

    def _end(self, connection: Connection) -> Span:
        span = self.span_of(connection)
        self._spans.pop(connection, None)
        return span

    # What happens in between

    def message_received(self, connection: Connection, kind: Kind, size: int, wire_size: int) -> None:
        """Measure it."""
        self._measure(connection, "received", kind, size, wire_size)

    def message_sent(self, connection: Connection, kind: Kind, size: int, wire_size: int) -> None:
        """Measure it."""
        self._measure(connection, "sent", kind, size, wire_size)

    def _measure(self, connection: Connection, direction: str, kind: Kind, size: int, wire_size: int) -> None:
        attributes = {"side": side_of(connection), "direction": direction, "type": kind}
        self._sizes.record(size, attributes)
        self._wire.add(wire_size, attributes)
        span, events_left = self._spans.get(connection, (trace.INVALID_SPAN, 0))
        if events_left:
            self._spans[connection] = span, events_left - 1
            span.add_event(f"message {direction}", {"type": kind, "size": size})

    def ping_answered(self, connection: Connection, seconds: float) -> None:
        """Measure the latency."""
        self._latencies.record(seconds, {"side": side_of(connection)})


def _attributes_of(connection: Connection, request: Request) -> dict[str, Any]:
    """Return what the semantic conventions say of a request."""
    attributes: dict[str, Any] = {
        # The conventions' word for what isn't one; a client may say anything.
        "http.request.method": request.method if request.method in http.HTTPMethod.__members__ else "_OTHER",
        "url.path": request.path.partition("?")[0],
        "network.protocol.name": "websocket",
        "network.protocol.version": "13",
        "fullduplex.connection.id": str(connection.id),
    }
    if isinstance(connection.codec, ClientConnection):
        uri = connection.codec.uri
        attributes |= {"url.scheme": uri.scheme, "server.address": uri.host, "server.port": uri.port}
    else:
        attributes["url.scheme"] = "wss" if connection.is_secure else "ws"
        attributes |= _address("server", connection.local_address)
    return attributes | _peer_of(connection)


def _peer_of(connection: Connection) -> dict[str, Any]:
    return _address("network.peer", connection.remote_address)


def _address(name: str, address: Any) -> dict[str, Any]:
    """Return the attributes for what a socket calls an address; of a Unix socket there are none."""
    if not isinstance(address, tuple):
        return {}
    return {f"{name}.address": str(address[0]), f"{name}.port": address[1]}


def _type_of(error: BaseException | None, response: Response | None) -> str:
    """Return what kind of error it was, without what it says."""
    if response is not None:
        return str(response.status_code)
    return "_OTHER" if error is None else type(error).__qualname__


class _HeaderGetter(Getter[Headers]):
    """Reads what a request tells of its trace."""

    def get(self, carrier: Headers, key: str) -> list[str] | None:
        return carrier.get_all(key) or None

    def keys(self, carrier: Headers) -> list[str]:
        return list(carrier)


class _HeaderSetter(Setter[Headers]):
    """Writes it, in place of what was there."""

    def set(self, carrier: Headers, key: str, value: str) -> None:
        carrier.pop(key, None)
        carrier[key] = value


_GETTER = _HeaderGetter()
_SETTER = _HeaderSetter()
