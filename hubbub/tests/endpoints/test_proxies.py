"""Who asks, behind proxies that are trusted and others."""

from __future__ import annotations

from ipaddress import ip_network

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from hubbub.endpoints.names import Names
from hubbub.endpoints.proxies import FOR, NOBODY, PROTO, BehindProxies, Proxies

TRUSTED = ("127.0.0.1", "10.0.0.0/8", "2001:db8::/32")
PROXIES = Proxies([ip_network(each) for each in TRUSTED])


@pytest.mark.parametrize(
    "peer,forwarded,client",
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6, 10.9.9.9, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),
        ("127.0.0.1", ["10.1.2.3, 10.3.2.1"], "10.1.2.3"),
        ("127.0.0.1", ["198.51.100.1:443"], "198.51.100.1"),
        ("127.0.0.1", ["[2001:DB9::1]:443"], "2001:db9::1"),
        ("2001:db8::7", ["2001:db9::1"], "2001:db9::1"),
        ("127.0.0.1", ["unknown"], "127.0.0.1"),
        ("127.0.0.1", ["6.6.6.6, unknown, 10.1.2.3"], "10.1.2.3"),
        ("somewhere", ["198.51.100.1"], "somewhere"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_client_is_who_nobody_vouches_for(peer: str, forwarded: list[str], client: str) -> None:
    """It is the last who isn't trusted; what they say of others isn't read."""
    assert PROXIES.find_client(peer, forwarded) == client
    assert NOBODY.find_client(peer, forwarded) in {peer, "127.0.0.1"}


@pytest.mark.parametrize(
    "peer,forwarded,scheme",
    [
        ("127.0.0.1", [], "http"),
        ("127.0.0.1", ["https"], "https"),
        ("127.0.0.1", ["wss"], "https"),
        ("127.0.0.1", ["https", "http"], "http"),
        ("127.0.0.1", ["ftp"], "http"),
        ("127.0.0.1", ["http, https"], "http"),
        ("192.0.2.1", ["https"], "http"),
        ("somewhere", ["https"], "http"),
    ],
)
def test_scheme_is_plain_unless_vouched_for(peer: str, forwarded: list[str], scheme: str) -> None:
    """Only a trusted proxy can say that it was asked by HTTPS."""
    assert PROXIES.find_scheme(peer, forwarded) == scheme


addresses = st.sampled_from(["127.0.0.1", "10.0.0.1", "10.2.3.4:80", "192.0.2.1", "6.6.6.6:1"]) | (
    st.sampled_from(["2001:db8::1", "2001:db9::1", "[2001:db8::2]:80", "[2001:db9::2]:80", "[2001:db9::3]"])
)
plain = st.sampled_from(["127.0.0.1", "10.0.0.1", "192.0.2.1", "2001:db8::1", "2001:db9::1"])


async def seen_by(middleware, peer: str, headers: list[tuple[bytes, bytes]]) -> tuple[str, str]:
    """Return what an application sees of who asks behind some middleware."""
    seen = []

    async def app(scope, receive, send):
        seen.append((scope["client"][0], scope["scheme"]))

    scope = {"type": "http", "client": (peer, 1), "scheme": "http", "headers": headers}
    await middleware(app)(scope, None, None)
    return seen[0]


@given(
    peer=plain,
    named=st.lists(st.lists(addresses, min_size=1, max_size=4).map(", ".join), max_size=3),
    protos=st.lists(st.sampled_from(["http", "https", " https "]), max_size=2),
)
async def test_uvicorn_sees_the_same(peer, named, protos) -> None:
    """Whatever addresses proxies name, the client is the one that uvicorn would take for it."""
    headers = [(FOR.lower().encode(), each.encode()) for each in named]
    headers += [(PROTO.lower().encode(), each.encode()) for each in protos]

    ours = await seen_by(lambda app: BehindProxies(app, PROXIES), peer, headers)
    theirs = await seen_by(lambda app: ProxyHeadersMiddleware(app, list(TRUSTED)), peer, headers)

    assert ours == theirs


def connect(application, peer: str) -> httpx.AsyncClient:
    """Make a browser whose requests come from an address."""
    transport = httpx.ASGITransport(application, client=(peer, 1234))
    return httpx.AsyncClient(transport=transport, base_url="http://chat.test")


async def enter(client: httpx.AsyncClient, senders: list[str], origin: str) -> list[httpx.Response]:
    """Come in as guests, behind a proxy that says who they are."""
    answers = []
    for sender in senders:
        client.cookies.clear()
        headers = {"Origin": origin, FOR: sender, PROTO: "https"}
        answers.append(await client.post("/v1/guests", json={"name": "Ann"}, headers=headers))
    return answers


async def test_trusted_proxies_are_believed(make_chat, loop_clock) -> None:
    """Behind a trusted proxy each has an address of their own, and the page and its cookie are by HTTPS."""
    application = make_chat(None, Names("chat.test", "machine", None), PROXIES)
    async with connect(application, "10.0.0.1") as client:
        [foreign] = await enter(client, ["192.0.2.1"], "http://chat.test")
        answers = await enter(client, ["192.0.2.1"] * 4 + ["192.0.2.2"], "https://chat.test")

    assert foreign.status_code == 403
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429, 201]
    assert "secure" in answers[0].headers["set-cookie"].lower()


async def test_nobody_else_is_believed(make_chat, loop_clock) -> None:
    """What anybody else says of themselves is as if it weren't said."""
    application = make_chat(None, Names("chat.test", "machine", None), PROXIES)
    async with connect(application, "192.0.2.1") as client:
        [foreign] = await enter(client, ["6.6.6.6"], "https://chat.test")
        answers = await enter(client, [f"6.6.6.{n}" for n in range(4)], "http://chat.test")

    assert foreign.status_code == 403
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert "secure" not in answers[0].headers["set-cookie"].lower()
