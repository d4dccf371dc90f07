"""What Prometheus reads."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from hubbub.domain.errors import Code
from hubbub.domain.events import MessagePosted
from hubbub.domain.models import LOBBY
from hubbub.endpoints.health import Health
from hubbub.endpoints.metrics import Metrics, Sources, make_operations
from hubbub.endpoints.traffic import Traffic
from hubbub.realtime.arrivals import Arrivals
from hubbub.realtime.caller import Shared
from hubbub.realtime.gateway import Gateway
from hubbub.realtime.hub import Hub
from hubbub.realtime.presence import Presence
from hubbub.realtime.tails import Tails
from hubbub.realtime.tallies import Tallies
from hubbub.storage.posting import Post


@pytest.fixture
async def sources(database, bus, feeds, turnstile) -> Sources:
    """Make a chat that is counted."""
    hub = Hub()
    bus.subscribe(hub.hear)
    of_all = Presence(hub), Tails(database), Tallies(database), Arrivals(database), turnstile
    shared = Shared(database, bus, hub, *of_all)
    return Sources(shared, Gateway(shared), feeds, Traffic())


@pytest.fixture
async def scrape(sources, database):
    """Return what reads the metrics: each sample's value, by its name and labels."""
    application = make_operations(Metrics(sources), Health(database))
    transport = httpx.ASGITransport(application)

    async def scrape() -> dict[tuple[str, ...], float]:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9100") as client:
            text = (await client.get("/metrics")).text
        return {
            (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    return scrape


async def test_messages_are_counted(scrape, sources, database, guest, connect) -> None:
    """A message is one write in a batch, one event, and a delivery for each who hears the room."""
    ann = await guest("Ann")
    outbound = type("Deaf", (), {"event": lambda *_: None, "forget": lambda *_: None})()
    sources.shared.hub.subscribe(LOBBY, outbound, ann.user.id).go_live(0)
    before = await scrape()
    for nonce in ("nonce-01", "nonce-02", "nonce-01"):
        await database.post(Post(LOBBY, ann.user.id, MessagePosted(nonce, "s3cret")))
    after = await scrape()
    more = {key: value - before.get(key, 0) for key, value in after.items()}

    assert more["hubbub_messages_stored_total",] == 2
    assert more["hubbub_events_stored_total",] == 2
    assert more["hubbub_deliveries_total",] == 2
    assert more["hubbub_batch_writes_count",] == more["hubbub_commit_seconds_count",] == 3
    assert more["hubbub_batch_writes_sum",] == 3
    assert more["hubbub_commit_seconds_bucket", "+Inf"] == 3
    assert after["hubbub_streams_heard",] == 1
    assert after["hubbub_writes_waiting",] == 0


async def test_connections_are_counted(scrape, sources, guest, connect, loop_clock) -> None:
    """Who is there, who they are, what they are refused, and why they had to go."""
    ann = await guest("Ann")
    known, stranger = connect(), connect()
    sources.gateway.come(known, ann.token)
    sources.gateway.come(stranger, None)
    for each in (known, stranger):
        each.say("hello", client={"name": "test", "ver": "1"})
    assert (await known.hear())["t"] == "welcome"
    known.say("write", s="r_nowhere")
    known.say("hist", id=1, s="r_nowhere")
    refused = [(await known.hear_only("err"))["code"] for _ in range(2)]
    await stranger.hear()
    await stranger.ended.wait()
    await loop_clock.settle()
    there = await scrape()
    known.hang_up()
    await known.ended.wait()
    await loop_clock.settle()
    gone = await scrape()

    people = ("hubbub_connections", "hubbub_sessions", "hubbub_users")
    assert [there[name,] for name in people] == [1, 1, 1]
    assert [gone[name,] for name in people] == [0, 0, 0]
    assert there["hubbub_goodbyes_total", "4401"] == 1
    assert {code: there["hubbub_refusals_total", code, "websocket"] for code in refused} == Counter(refused)
    assert there["process_open_fds",] > 0


async def test_requests_are_shown(scrape, sources) -> None:
    """Requests by HTTP are shown by pattern, and refusals by code: every code that there is."""
    sources.traffic.count({"method": "GET", "refusal": "forbidden"}, 403, 0.2)
    shown = await scrape()

    assert shown["hubbub_http_requests_total", "GET", "none", "403"] == 1
    assert shown["hubbub_http_seconds_bucket", "0.25", "none"] == 1
    assert shown["hubbub_http_seconds_bucket", "0.1", "none"] == 0
    for code in Code:
        assert shown["hubbub_refusals_total", code.value, "http"] == (code is Code.FORBIDDEN)


async def test_labels_name_nobody(scrape, sources, database, guest) -> None:
    """No label tells of a person, a room or what was said, whatever has happened."""
    ann = await guest("Xanthippe")
    await database.post(Post(LOBBY, ann.user.id, MessagePosted("nonce-01", "s3cret")))
    values = " ".join(" ".join(key) for key in await scrape())

    assert not any(each in values for each in ("Xanthippe", ann.user.id, LOBBY, "s3cret", ann.token))
