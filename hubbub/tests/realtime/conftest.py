"""What the tests of the WebSocket door share: a way out to a connection, frames, and people who talk."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hubbub.actions.authenticate import digest_token
from hubbub.domain.models import LOBBY
from hubbub.realtime.arrivals import Arrivals
from hubbub.realtime.caller import Caller, Shared
from hubbub.realtime.hub import Hub
from hubbub.realtime.outbound import Outbound
from hubbub.realtime.presence import Presence
from hubbub.realtime.requests import Requests
from hubbub.realtime.tails import Tails
from hubbub.realtime.tallies import Tallies
from hubbub.realtime.turnstile import Limits, Turnstile
from hubbub.wire import Frame


@pytest.fixture
def connection(connect):
    """Make a connection."""
    return connect()


@pytest.fixture
def stalls() -> list[bool]:
    """Return what grows whenever the way out has found its peer to take nothing."""
    return []


@pytest.fixture
async def outbound(connection, stalls) -> Outbound:
    """Make the way out to the connection."""
    return Outbound(connection, lambda: stalls.append(True))


@pytest.fixture
def frame():
    """Return what makes a frame of about so many bytes."""

    def make(name: str, size: int = 10) -> Frame:
        text = f'{{"t":"{name}","pad":"{"x" * size}"}}'
        return Frame(text, len(text))

    return make


@pytest.fixture
async def shared(database, bus) -> Shared:
    """Make what connections have in common."""
    hub = Hub()
    presence = Presence(hub)
    tails = Tails(database)
    for listener in (tails.hear, hub.hear, presence.hear):
        bus.subscribe(listener)
    tallies, arrivals = Tallies(database), Arrivals(database)
    return Shared(database, bus, hub, presence, tails, tallies, arrivals, Turnstile(Limits()))


class Peer:
    """A signed-in connection: the test asks, and gets the answers."""

    def __init__(self, signed_in, connection, shared, features) -> None:
        self.user = signed_in.user
        self.signed_in = signed_in
        self.shared = shared
        self.connection = connection
        self.outbound = Outbound(connection, lambda: None)
        shared.presence.connect(self.outbound, self.user)
        login = digest_token(signed_in.token)
        self.requests = Requests(Caller(self.user, login, self.outbound, features), shared)

    async def tell(self, t: str, **fields: object) -> None:
        """Send a frame that isn't answered."""
        await self.requests.take(json.dumps({"t": t} | fields))

    async def ask(self, t: str, **fields: object) -> dict[str, Any]:
        """Send a request, and wait for its answer."""
        await self.tell(t, id=1, **fields)
        return await self.connection.hear_only("ok", "err")

    async def call(self, m: str, nonce: str | None = None, **params: object) -> dict[str, Any]:
        """Call a method, and wait for its answer."""
        return await self.ask("call", m=m, p=params, **({} if nonce is None else {"n": nonce}))

    async def send(self, nonce: str, text: str = "hi", s: str = LOBBY, **more: object) -> dict[str, Any]:
        """Send a message, and wait for the answer."""
        return await self.ask("send", s=s, n=nonce, d={"text": text} | more)

    async def offer(self, *nonces: str) -> None:
        """Send messages, without waiting for answers."""
        for number, nonce in enumerate(nonces):
            await self.tell("send", id=number, s=LOBBY, n=nonce, d={"text": "hi"})

    def heard(self, t: str) -> list[dict[str, Any]]:
        """Take what was heard of one kind, and forget the rest."""
        frames = [frame for frame in self.connection.frames if frame["t"] == t]
        self.connection.frames.clear()
        return frames


@pytest.fixture
def make_peer(shared, guest, connect):
    """Return what makes signed-in connections: of someone new, or of who is signed in already."""

    async def make(name: str, signed_in=None, features=frozenset(), turnstile=None) -> Peer:
        among = shared if turnstile is None else replace(shared, turnstile=turnstile)
        return Peer(signed_in or await guest(name), connect(), among, features)

    return make


@pytest.fixture
async def ann(make_peer, loop_clock) -> Peer:
    """Let Ann in."""
    return await make_peer("Ann")


@pytest.fixture
async def bob(make_peer, loop_clock) -> Peer:
    """Let Bob in."""
    return await make_peer("Bob")
