"""Metrics of connections for Prometheus; needs ``fullduplex[prometheus]``.

It knows the metrics' names, labels and buckets.  Every label has a bounded number
of values, whatever peers send: no path, address or reason is one.
"""

from __future__ import annotations

import http
import itertools
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from ..close import CloseCode
from ..exceptions import ConnectionClosed
from ..protocol.http11 import Response
from .observer import Kind, Observer, first_close, side_of

if TYPE_CHECKING:
    from ..transport.connection import Connection

__all__ = ["PrometheusObserver"]

_SIZES = (64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 16_777_216)
_DURATIONS = (1, 10, 60, 300, 900, 3600, 14_400, 86_400)
_LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SIDES = ("server", "client")
_DIRECTIONS = ("received", "sent")
_KINDS: tuple[Kind, ...] = ("text", "binary")


class _OfMessages(NamedTuple):
    """The metrics of messages, with their labels."""

    messages: Counter
    size: Counter
    wire_size: Counter
    sizes: Histogram


class PrometheusObserver(Observer):
    """Counts and measures connections, messages, closes and latencies.

    One is enough for all servers and clients of a process::

        metrics = PrometheusObserver()
        async with serve(handler, "localhost", 8765, observer=metrics):
            ...

    All have the label ``side``: server or client.

    ``fullduplex_connections``: those open now.
    ``fullduplex_handshakes_total{status}``: 101 for those that opened, "none" where nobody answered.
    ``fullduplex_handshake_duration_seconds``: of those that opened.
    ``fullduplex_messages_total``, ``fullduplex_message_bytes_total``, ``fullduplex_wire_bytes_total`` and
    ``fullduplex_message_size_bytes``, each with ``{direction,type}``: received or sent, text or
    binary. The bytes on the wire are fewer for compression.
    ``fullduplex_ping_latency_seconds``.
    ``fullduplex_writing_pauses_total``: how often a peer was slow to take what was sent.
    ``fullduplex_closes_total{by,code}``: who sent the first Close frame (local, remote, none), and the
    code in it, 1006 for none.
    ``fullduplex_connection_duration_seconds``.

    Args:
        registry: where the metrics are registered; once only, as their names are.
        namespace: what the names begin with.
        close_codes: codes of your own, from 3000 to 4999, to tell apart; others there
            are counted together, as "3xxx" and "4xxx".

    Raises:
        ValueError: if the registry has metrics of these names already.
    """

    def __init__(
        self,
        registry: CollectorRegistry = REGISTRY,
        *,
        namespace: str = "fullduplex",
        close_codes: Collection[int] = (),
    ) -> None:
        self._close_codes = frozenset(map(int, CloseCode)).union(close_codes)

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(name, about, ("side", *labels), namespace=namespace, registry=registry)

        def histogram(name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            labels = ("side", *labels)
            return Histogram(name, about, labels, namespace=namespace, registry=registry, buckets=buckets)

        self._connections = Gauge(
            "connections", "Open connections.", ("side",), namespace=namespace, registry=registry
        )
        self._handshakes = counter("handshakes", "Opening handshakes that ended.", "status")
        self._closes = counter("closes", "Connections that closed.", "by", "code")
        self._pauses = counter("writing_pauses", "Times that a peer was slow to take what was sent.")
        messages = counter("messages", "Messages.", "direction", "type")
        size = counter("message_bytes", "Bytes of messages.", "direction", "type")
        wire = counter("wire_bytes", "Bytes of messages as sent, compressed or not.", "direction", "type")
        sizes = histogram("message_size_bytes", "Sizes of messages.", _SIZES, "direction", "type")
        self._opening = histogram("handshake_duration_seconds", "Time to open a connection.", _LATENCIES)
        self._durations = histogram("connection_duration_seconds", "How long they were open.", _DURATIONS)
        self._latencies = histogram("ping_latency_seconds", "Time from a ping to its pong.", _LATENCIES)
        # Found once, as messages are many.
        self._of_messages = {
            labels: _OfMessages(
                messages.labels(*labels), size.labels(*labels), wire.labels(*labels), sizes.labels(*labels)
            )
            for labels in itertools.product(_SIDES, _DIRECTIONS, _KINDS)
        }

    def opened(self, connection: Connection, seconds: float) -> None:
        """Count it."""
        side = side_of(connection)
        self._handshakes.labels(side, "101").inc()
        self._opening.labels(side).observe(seconds)
        self._connections.labels(side).inc()

    def handshake_failed(
        self,
        connection: Connection,
        response: Response | None,
        error: BaseException | None,
        seconds: float,
    ) -> None:
        """Count it by the response's status."""
        self._handshakes.labels(side_of(connection), _status_of(response)).inc()

    def message_received(self, connection: Connection, kind: Kind, size: int, wire_size: int) -> None:
        """Count it."""
        self._count(side_of(connection), "received", kind, size, wire_size)

    def message_sent(self, connection: Connection, kind: Kind, size: int, wire_size: int) -> None:
        """Count it."""
        self._count(side_of(connection), "sent", kind, size, wire_size)

    def _count(self, side: str, direction: str, kind: Kind, size: int, wire_size: int) -> None:
        metrics = self._of_messages[side, direction, kind]
        metrics.messages.inc()
        metrics.size.inc(size)
        metrics.wire_size.inc(wire_size)
        metrics.sizes.observe(size)

    def ping_answered(self, connection: Connection, seconds: float) -> None:
        """Measure the latency."""
        self._latencies.labels(side_of(connection)).observe(seconds)

    def writing_paused(self, connection: Connection) -> None:
        """Count it."""
        self._pauses.labels(side_of(connection)).inc()

    def closed(self, connection: Connection, error: ConnectionClosed, seconds: float) -> None:
        """Count it by who closed, and the code."""
        side = side_of(connection)
        by, code = first_close(error)
        self._connections.labels(side).dec()
        self._closes.labels(side, by, self._label_of(code)).inc()
        self._durations.labels(side).observe(seconds)

    def _label_of(self, code: int) -> str:
        return str(code) if code in self._close_codes else f"{code // 1000}xxx"


def _status_of(response: Response | None) -> str:
    """Return the label for a response: a server may send any number."""
    if response is None:
        return "none"
    status = response.status_code
    return str(status) if status in set(http.HTTPStatus) else f"{status // 100}xx"
