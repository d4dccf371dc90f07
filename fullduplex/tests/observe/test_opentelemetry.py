"""The spans and metrics that OpenTelemetry exports, across client and server."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from fullduplex.aio.client import unix_connect
from fullduplex.aio.connection import ClientConnection
from fullduplex.aio.server import serve
from fullduplex.exceptions import InvalidStatus
from fullduplex.observe.opentelemetry import OpenTelemetryObserver
from fullduplex.protocol.client import ClientConnection as ClientProtocol
from fullduplex.protocol.uri import parse_uri
from fullduplex.testing import connection_pair
from fullduplex.transport.connection import Handshaker, Settings
from fullduplex.transport.observed import Observation

from ..aio.ends import REQUEST, echo, plain_client


class Telemetry:
    """Providers that keep everything in memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader])

    def observer(self, **options: Any) -> OpenTelemetryObserver:
        """Return an observer that tells us."""
        return OpenTelemetryObserver(self.tracers, self.meters, **options)

    def span(self, kind: SpanKind) -> ReadableSpan:
        """Return the only span of a kind that is over."""
        [span] = [span for span in self._exporter.get_finished_spans() if span.kind is kind]
        return span

    def points(self, name: str) -> list[Any]:
        """Return the points of a metric."""
        exported = self._reader.get_metrics_data()
        assert exported is not None
        return [
            point
            for resource in exported.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Telemetry that is shut down at the end."""
    telemetry = Telemetry()
    yield telemetry
    telemetry.tracers.shutdown()
    telemetry.meters.shutdown()


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """Return a span's attributes."""
    return dict(span.attributes or {})


async def test_span_lasts_for_connection(telemetry: Telemetry) -> None:
    """Each side has one span, from the handshake to the end, with what the conventions say of it."""
    async with connection_pair(
        echo, uri="ws://localhost/chat?token=secret", observer=telemetry.observer(), subprotocols=["a"]
    ) as pair:
        await pair.client.close()
        await pair.server.wait_closed()

    client, server = telemetry.span(SpanKind.CLIENT), telemetry.span(SpanKind.SERVER)
    common = {
        "http.request.method": "GET",
        "url.path": "/chat",
        "url.scheme": "ws",
        "network.protocol.name": "websocket",
        "network.protocol.version": "13",
        "http.response.status_code": 101,
        "fullduplex.subprotocol": "a",
        "fullduplex.close.code": 1000,
    }
    assert attributes(client) == common | {
        "server.address": "localhost",
        "server.port": 80,
        "network.peer.address": "server",
        "network.peer.port": 1,
        "fullduplex.connection.id": str(pair.client.id),
        "fullduplex.close.by": "local",
    }
    assert attributes(server) == common | {
        "server.address": "server",
        "server.port": 1,
        "network.peer.address": "client",
        "network.peer.port": 1,
        "fullduplex.connection.id": str(pair.server.id),
        "fullduplex.close.by": "remote",
    }
    assert client.name == server.name == "websocket"
    assert [event.name for event in client.events] == ["open"]
    assert client.status.status_code is StatusCode.UNSET


async def test_trace_crosses_the_handshake(telemetry: Telemetry) -> None:
    """The server's span is a child of the client's, and that of the one that was current."""
    tracer = telemetry.tracers.get_tracer("test")
    with tracer.start_as_current_span("caller") as caller:
        async with connection_pair(observer=telemetry.observer()) as pair:
            assert pair.server.request is not None
            assert len(pair.server.request.headers.get_all("traceparent")) == 1

    client, server = telemetry.span(SpanKind.CLIENT), telemetry.span(SpanKind.SERVER)
    assert client.parent is not None
    assert server.parent is not None
    assert client.parent.span_id == caller.get_span_context().span_id
    assert server.parent.span_id == client.context.span_id
    assert server.context.trace_id == caller.get_span_context().trace_id


async def test_given_trace_is_replaced(telemetry: Telemetry) -> None:
    """A request that names a trace already, names that of its own span and no other."""
    given = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}
    async with connection_pair(
        client={"observer": telemetry.observer(), "additional_headers": given}
    ) as pair:
        assert pair.server.request is not None
        [sent] = pair.server.request.headers.get_all("traceparent")

    assert sent.split("-")[2] == f"{telemetry.span(SpanKind.CLIENT).context.span_id:016x}"


async def test_handlers_spans_have_parent(telemetry: Telemetry) -> None:
    """A handler may make its own spans children of its connection's."""
    observer = telemetry.observer()

    async def handler(connection: Any) -> None:
        with trace.use_span(observer.span_of(connection)):
            telemetry.tracers.get_tracer("test").start_span("work").end()

    async with connection_pair(handler, server={"observer": observer}) as pair:
        await pair.client.wait_closed()
        await pair.server.wait_closed()

    work, server = telemetry.span(SpanKind.INTERNAL), telemetry.span(SpanKind.SERVER)
    assert work.parent is not None
    assert work.parent.span_id == server.context.span_id
    assert observer.span_of(pair.server) is trace.INVALID_SPAN


async def refused(telemetry: Telemetry, status: int) -> None:
    """Have a handshake refused."""

    async def refuse(connection: Any, request: Any) -> Any:
        return connection.respond(status, "secret")

    with contextlib.suppress(InvalidStatus):
        async with connection_pair(observer=telemetry.observer(), server={"process_request": refuse}):
            pass


@pytest.mark.parametrize("status, server_fails", [(403, False), (503, True)])
async def test_refusal_ends_span(telemetry: Telemetry, status: int, server_fails: bool) -> None:
    """A refusal is an error of the client's span, and of the server's if it is the server's fault."""
    await refused(telemetry, status)

    for kind, is_error in ((SpanKind.CLIENT, True), (SpanKind.SERVER, server_fails)):
        span = telemetry.span(kind)
        assert attributes(span)["http.response.status_code"] == status
        assert (span.status.status_code is StatusCode.ERROR) is is_error
        assert attributes(span).get("error.type") == (str(status) if is_error else None)
    assert len(telemetry.points("fullduplex.handshake.duration")) == 2
    assert telemetry.points("fullduplex.connections") == []


async def test_lost_connection_is_an_error(telemetry: Telemetry) -> None:
    """A connection that was lost is told by the kind of error, without its words."""
    async with connection_pair(server={"observer": telemetry.observer()}) as pair:
        pair.cut()
        await pair.server.wait_closed()

    span = telemetry.span(SpanKind.SERVER)
    assert span.status.status_code is StatusCode.ERROR
    assert attributes(span)["error.type"] == "ConnectionResetError"
    assert "cut by a test" not in span.to_json()


async def test_unanswered_attempt_ends_span(telemetry: Telemetry) -> None:
    """An attempt that gets no answer ends its span with the kind of error; a Unix socket has no address."""
    with pytest.raises(FileNotFoundError):
        await unix_connect("/nowhere/at/all", observer=telemetry.observer())

    span = telemetry.span(SpanKind.CLIENT)
    assert attributes(span)["error.type"] == "FileNotFoundError"
    assert "network.peer.address" not in attributes(span)
    assert span.status.status_code is StatusCode.ERROR


async def test_methods_are_known(telemetry: Telemetry) -> None:
    """What a client makes up as a method is in no span."""
    async with (
        serve(echo, "localhost", 0, observer=telemetry.observer()) as server,
        plain_client(server) as (reader, writer),
    ):
        writer.write(REQUEST.replace(b"GET", b"SECRET") + b"\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 405 ")

    assert attributes(telemetry.span(SpanKind.SERVER))["http.request.method"] == "_OTHER"


async def test_chosen_tokens_are_hidden(telemetry: Telemetry) -> None:
    """A server that chooses the token's subprotocol doesn't get it into the client's span."""
    token = "bearer.c2VjcmV0"
    async with connection_pair(client={"observer": telemetry.observer()}, subprotocols=[token]) as pair:
        assert pair.client.subprotocol == token

    assert attributes(telemetry.span(SpanKind.CLIENT))["fullduplex.subprotocol"] == "bearer.[hidden]"


async def test_forgotten_connections_are_dropped(telemetry: Telemetry) -> None:
    """A connection of which nobody tells the end, as its loop was closed, isn't kept by its observer."""
    observer = telemetry.observer()
    protocol = ClientProtocol(parse_uri("ws://localhost/"))
    protocol.send_request(protocol.connect())
    connection = ClientConnection(protocol, Handshaker(), Settings(), asyncio.get_running_loop())
    Observation(observer, logging.getLogger("fullduplex.test")).begin(connection)
    assert observer.span_of(connection) is not trace.INVALID_SPAN

    kept = weakref.ref(connection)
    del connection, protocol
    gc.collect()
    assert kept() is None
    assert len(observer._spans) == 0


async def test_error_codes_are_errors(telemetry: Telemetry) -> None:
    """A close code that tells of an error is the kind of error."""
    async with connection_pair(client={"observer": telemetry.observer()}) as pair:
        await pair.server.close(1011, "secret")
        await pair.client.wait_closed()

    span = telemetry.span(SpanKind.CLIENT)
    assert attributes(span)["error.type"] == "1011"
    assert "secret" not in span.to_json()


@pytest.mark.parametrize("count", [0, 2])
async def test_message_events_are_bounded(telemetry: Telemetry, count: int) -> None:
    """Messages are events only if that is wanted, and only the first of them."""
    observer = telemetry.observer(message_events=count)
    async with connection_pair(echo, client={"observer": observer}) as pair:
        for _ in range(3):
            await pair.client.send("secret")
            await pair.client.recv()

    events = [(event.name, dict(event.attributes or {})) for event in telemetry.span(SpanKind.CLIENT).events]
    size = {"type": "text", "size": 6}
    assert events == [("open", {}), ("message sent", size), ("message received", size)][: 1 + count]


async def test_metrics_are_exported(telemetry: Telemetry) -> None:
    """Connections, messages, bytes and latencies are measured, by side, direction and type."""
    async with connection_pair(server={"observer": telemetry.observer()}) as pair:
        await pair.client.send("x" * 1000, compress=True)
        await pair.server.recv()
        pair.to_server.delay = 2
        await (await pair.server.ping())
        [connections] = telemetry.points("fullduplex.connections")
        assert (connections.value, dict(connections.attributes)) == (1, {"side": "server"})
        await pair.client.close()
        await pair.server.wait_closed()

    [size], [wire] = telemetry.points("fullduplex.message.size"), telemetry.points("fullduplex.wire.io")
    assert dict(size.attributes) == {"side": "server", "direction": "received", "type": "text"}
    assert (size.count, size.sum) == (1, 1000)
    assert 0 < wire.value < 100
    assert [point.sum for point in telemetry.points("fullduplex.ping.latency")] == [2]
    assert [point.value for point in telemetry.points("fullduplex.connections")] == [0]
    assert [point.sum for point in telemetry.points("fullduplex.connection.duration")] == [4]


async def test_global_providers_are_default() -> None:
    """Without an SDK everything works, and nothing is exported."""
    async with connection_pair(echo, observer=OpenTelemetryObserver()) as pair:
        await pair.client.send("Hello")
        assert await pair.client.recv() == "Hello"
