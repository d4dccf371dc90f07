"""What the chat has done and does, as Prometheus reads it.

Nothing is counted for it on the way of a message: what is shown is read, when somebody asks, from what is
counted anyway.  Every label has few values, whatever people do: none names a room, a user or an address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubbub import wire
from hubbub.domain.errors import Code
from hubbub.domain.spread import Spread
from hubbub.endpoints.health import Health
from hubbub.endpoints.traffic import Traffic
from hubbub.realtime.caller import Shared
from hubbub.realtime.feeds import Feeds
from hubbub.realtime.gateway import Gateway

PATH: Final = "/metrics"
_REQUESTS: Final = ("method", "route", "status")


class Sources(NamedTuple):
    """Who has counted."""

    shared: Shared
    gateway: Gateway
    feeds: Feeds
    traffic: Traffic


class Metrics(Collector):
    """The endpoint that gives everything that is counted."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def show(self, _request: Request) -> Response:
        """Give everything, in Prometheus' text."""
        return Response(generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    def routes(self) -> list[Route]:
        """Return where this endpoint is."""
        return [Route(PATH, self.show, methods=["GET"])]

    def collect(self) -> Iterator[Metric]:
        """Read what was counted."""
        yield from self._people()
        yield from self._storage()
        yield from self._delivery()
        yield from self._refusals()
        yield from self._http()

    def _people(self) -> Iterator[Metric]:
        turnstile, gateway = self._sources.shared.turnstile, self._sources.gateway
        yield _gauge("connections", "WebSocket connections.", gateway.connections)
        yield _gauge("sessions", "Connections that have a user.", turnstile.signed_in)
        yield _gauge("users", "Users who have a connection.", turnstile.users)
        yield _gauge("feeds", "Requests that listen or wait for events.", len(self._sources.feeds))
        yield _counter("goodbyes", "Connections that the server ended.", ("code",), _known(gateway.goodbyes))

    def _storage(self) -> Iterator[Metric]:
        database = self._sources.shared.database
        tally = database.tally
        yield _gauge("writes_waiting", "Writes that wait for the next commit.", database.waiting)
        yield _counter("messages_stored", "Messages that were posted.", (), [((), tally.messages)])
        yield _counter("events_stored", "Events that were stored.", (), [((), tally.events)])
        yield _counter("commit_failures", "Transactions that failed.", (), [((), tally.failures)])
        yield _histogram("batch_writes", "Writes in a commit.", (), [((), tally.sizes)])
        yield _histogram("commit_seconds", "Time of a transaction that writes.", (), [((), tally.seconds)])

    def _delivery(self) -> Iterator[Metric]:
        hub = self._sources.shared.hub
        connections, frames = self._sources.gateway.count_waiting()
        yield _gauge("streams_heard", "Streams that somebody hears.", hub.heard_streams)
        yield _counter("deliveries", "Events given to connections.", (), [((), hub.delivered)])
        yield _gauge("connections_behind", "Connections that frames wait for.", connections)
        yield _gauge("frames_waiting", "Frames that wait for slow peers.", frames)

    def _refusals(self) -> Iterator[Metric]:
        by_way = {"websocket": self._sources.shared.refusals, "http": self._sources.traffic.refusals}
        counted = [((way, code), counts[code]) for way, counts in by_way.items() for code in Code]
        yield _counter("refusals", "Requests that were refused.", ("way", "code"), counted)

    def _http(self) -> Iterator[Metric]:
        traffic = self._sources.traffic
        requests = [
            ((method, route, str(n)), count) for (method, route, n), count in traffic.requests.items()
        ]
        seconds = [((route,), spread) for route, spread in traffic.seconds.items()]
        yield _counter("http_requests", "Requests by HTTP.", _REQUESTS, requests)
        yield _histogram("http_seconds", "Time until an answer was given.", ("route",), seconds)


def make_operations(metrics: Metrics, health: Health) -> Starlette:
    """Make the application that only those who run the server ask."""
    return Starlette(routes=[*metrics.routes(), *health.routes()])


def _known(goodbyes: dict[int, int]) -> Iterator[tuple[tuple[str], int]]:
    return (((str(code),), goodbyes.get(code, 0)) for code in wire.CLOSINGS)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"hubbub_{name}", about, value)


def _counter(
    name: str, about: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    family = CounterMetricFamily(f"hubbub_{name}", about, labels=labels)
    for of, value in values:
        family.add_metric(of, value)
    return family


def _histogram(
    name: str, about: str, labels: tuple[str, ...], spreads: Iterable[tuple[tuple[str, ...], Spread]]
) -> Metric:
    family = HistogramMetricFamily(f"hubbub_{name}", about, labels=labels)
    for of, spread in spreads:
        bounds = [*map(str, spread.bounds), "+Inf"]
        family.add_metric(of, list(zip(bounds, spread.up_to(), strict=True)), spread.sum)
    return family
