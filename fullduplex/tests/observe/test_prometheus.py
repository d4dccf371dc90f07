"""The metrics that Prometheus reads, and that peers can't make them more."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from fullduplex.exceptions import InvalidStatus
from fullduplex.observe.prometheus import PrometheusObserver
from fullduplex.protocol.http11 import Response
from fullduplex.testing import connection_pair

from ..aio.ends import echo


@pytest.fixture
def registry() -> CollectorRegistry:
    """A registry with nothing in it."""
    return CollectorRegistry()


def values(registry: CollectorRegistry, name: str) -> dict[tuple[str, ...], float]:
    """Return the values of a metric that aren't 0, by the values of its labels in the labels' order."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == f"fullduplex_{name}" and sample.value
    }


async def test_connections_are_counted(registry: CollectorRegistry) -> None:
    """Connections are in the gauge while they are open, and in the counters afterwards."""
    metrics = PrometheusObserver(registry)
    async with connection_pair(echo, observer=metrics) as pair:
        assert values(registry, "connections") == {("client",): 1, ("server",): 1}
        pair.to_client.delay = 3
        await (await pair.client.ping())
        await pair.client.close(4000)
        await pair.server.wait_closed()

    assert values(registry, "connections") == {}
    # by, code, side
    assert values(registry, "closes_total") == {
        ("local", "4xxx", "client"): 1,
        ("remote", "4xxx", "server"): 1,
    }
    assert values(registry, "handshakes_total") == {("client", "101"): 1, ("server", "101"): 1}
    assert values(registry, "ping_latency_seconds_sum") == {("client",): 3}
    assert values(registry, "handshake_duration_seconds_count") == {("client",): 1, ("server",): 1}
    assert values(registry, "connection_duration_seconds_sum") == {("client",): 6, ("server",): 6}


async def test_messages_are_measured(registry: CollectorRegistry) -> None:
    """Messages are counted by direction, side and type, with their sizes before and after compression."""
    metrics = PrometheusObserver(registry)
    async with connection_pair(server={"observer": metrics}) as pair:
        await pair.client.send("x" * 1000, compress=True)
        await pair.client.send("é", compress=False)
        await pair.server.recv()
        await pair.server.recv()
        await pair.server.send(b"x")

    received, sent = ("received", "server", "text"), ("sent", "server", "binary")
    assert values(registry, "messages_total") == {received: 2, sent: 1}
    assert values(registry, "message_bytes_total") == {received: 1002, sent: 1}
    assert values(registry, "message_size_bytes_sum") == {received: 1002, sent: 1}
    assert values(registry, "wire_bytes_total")[received] < 100


async def test_failures_are_counted(registry: CollectorRegistry) -> None:
    """Handshakes that fail are counted by the status, and "none" where there is no answer."""
    metrics = PrometheusObserver(registry)

    async def refuse(connection: Any, request: Any) -> Any:
        return connection.respond(403, "No.\n")

    with pytest.raises(InvalidStatus):
        async with connection_pair(observer=metrics, server={"process_request": refuse}):
            pass
    with pytest.raises(TimeoutError):
        async with connection_pair(
            client={"observer": metrics}, open_timeout=1, disturb=lambda _, to_server: to_server.stall()
        ):
            pass

    assert values(registry, "handshakes_total") == {
        ("client", "403"): 1,
        ("client", "none"): 1,
        ("server", "403"): 1,
    }
    assert values(registry, "connections") == {}


async def test_slow_peers_are_counted(registry: CollectorRegistry) -> None:
    """Each time that a peer is slow to take what was sent is counted."""
    metrics = PrometheusObserver(registry)
    async with connection_pair(server={"observer": metrics}) as pair:
        pair.to_client.stall()
        pair.server.send_nowait(bytes(100_000), compress=False)
        assert values(registry, "writing_pauses_total") == {("server",): 1}


async def test_labels_are_bounded(registry: CollectorRegistry) -> None:
    """Codes and statuses that peers may choose at will make a few labels at most."""
    metrics = PrometheusObserver(registry, close_codes=[4001])
    async with connection_pair() as pair:
        for status in range(100, 600):
            metrics.handshake_failed(pair.client, Response(status), None, 0.0)
        for code in (1000, 1011, 3500, 3999, 4000, 4001, 4999):
            await closed_with(metrics, code)

    statuses = {labels[1] for labels in values(registry, "handshakes_total")}
    assert {"2xx", "5xx", "404"} <= statuses
    assert len(statuses) < 80
    assert {labels[1] for labels in values(registry, "closes_total")} == {
        *("1000", "1011", "3xxx", "4xxx", "4001"),
    }


async def closed_with(metrics: PrometheusObserver, code: int) -> None:
    """Have a connection closed by its peer with a code."""
    async with connection_pair(client={"observer": metrics}) as pair:
        await pair.server.close(code)


async def test_names_are_taken_once(registry: CollectorRegistry) -> None:
    """A registry takes the metrics once; another namespace makes others."""
    PrometheusObserver(registry)
    with pytest.raises(ValueError, match="Duplicated"):
        PrometheusObserver(registry)
    PrometheusObserver(registry, namespace="chat")

    assert b"chat_connections" in generate_latest(registry)
