"""Events over HTTP: page by page, waited for, and as they happen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import builds, dictionaries, from_regex, integers, text

from hubbub.actions.leave_room import leave_room
from hubbub.actions.sign_out import sign_out
from hubbub.domain.models import Position, User
from hubbub.endpoints.events import POSITIONS_BYTES, read_positions, show_frames, show_positions
from hubbub.realtime.feeds import FEEDS

EVENTS = "/v1/s/r_lobby/events"


async def say(client, n: int = 1) -> int:
    """Post a message, and return its number."""
    headers = {"Idempotency-Key": f"nonce-no-{n}"}
    return (await client.post("/v1/s/r_lobby/messages", json={"text": "hi"}, headers=headers)).json()["q"]


async def test_events_are_paged(ann) -> None:
    """Every event is read, page by page, of any age; so are those of one's own stream."""
    last = await say(ann)
    first = (await ann.get(EVENTS, params={"after": 0, "limit": 1})).json()
    rest = (await ann.get(EVENTS, params={"after": 1})).json()
    own = (await ann.get("/v1/s/me/events?after=0")).json()

    assert ([event["q"] for event in first["ev"]], first["more"], first["head"]) == ([1], True, last)
    assert ([event["q"] for event in rest["ev"]], rest["more"]) == (list(range(2, last + 1)), False)
    assert [event["k"] for event in own["ev"]] == ["room.add"]
    assert first["epoch"] == 1_800_000_000_000


async def test_next_event_is_waited_for(ann, enter, feeds, loop_clock) -> None:
    """Who has everything waits, and is answered as soon as there is more."""
    bob = await enter("Bob")
    q = await say(ann)
    waiting = asyncio.create_task(ann.get(EVENTS, params={"after": q, "wait": 25}))
    await until(lambda: len(feeds) == 1)
    await loop_clock.advance(20.0)
    assert not waiting.done()
    said = await say(bob)

    assert [event["q"] for event in (await waiting).json()["ev"]] == [said]


@pytest.mark.parametrize("wait", [10, 1000])
async def test_waiting_has_an_end(ann, feeds, loop_clock, wait) -> None:
    """If nothing happens the answer says so, after 25 seconds at most."""
    q = await say(ann)
    waiting = asyncio.create_task(ann.get(EVENTS, params={"after": q, "wait": wait}))
    await until(lambda: len(feeds) == 1)
    for _ in range(10_000):
        if waiting.done():
            break
        await loop_clock.advance(1.0)

    page = waiting.result().json()
    assert (page["ev"], page["head"], page["more"]) == ([], q, False)


async def test_wrong_position_is_not_waited_for(ann) -> None:
    """Who is beyond the end, as after numbering was broken, is told at once where it is."""
    q = await say(ann)
    page = (await ann.get(EVENTS, params={"after": q + 5, "wait": 25})).json()

    assert (page["ev"], page["head"]) == ([], q)


async def test_who_left_is_told(ann, guest, database, feeds) -> None:
    """Who leaves the room while they wait is told that they would have to join."""
    bob = await guest("Bob")
    headers = {"Authorization": f"Bearer {bob.token}"}
    q = (await ann.get(EVENTS, params={"after": 0})).json()["head"]
    waiting = asyncio.create_task(ann.get(EVENTS, params={"after": q, "wait": 25}, headers=headers))
    await until(lambda: len(feeds) == 1)
    await leave_room(database, bob.user, "r_lobby", "nonce-leave")

    answer = await waiting
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_member")


async def test_signed_out_is_told(ann, guest, database, bus, feeds, loop_clock) -> None:
    """Who signs out while they wait is told so, and at once."""
    bob = await guest("Bob")
    headers = {"Authorization": f"Bearer {bob.token}"}
    q = (await ann.get(EVENTS, params={"after": 0})).json()["head"]
    waiting = asyncio.create_task(ann.get(EVENTS, params={"after": q, "wait": 25}, headers=headers))
    await until(lambda: len(feeds) == 1)
    await loop_clock.settle()
    await sign_out(database, bus, bob.token)

    assert (await waiting).status_code == 401


async def until(condition: Callable[[], object]) -> None:
    """Let others go on until something is so."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never is")


class Listener:
    """Who reads a stream of events, over ASGI itself: as it is written, and whether it has ended."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.has_ended = False
        self.gone = asyncio.Event()
        self.slow = False
        self.taking = asyncio.Event()
        self._text = ""
        self._more = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        """Wait until they have gone."""
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """Take what is written."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {key.decode(): value.decode() for key, value in message["headers"]}
        else:
            if self.slow:
                await self.taking.wait()
            self._text += message["body"].decode()
            self.has_ended = not message.get("more_body")
        self._more.set()

    async def hear(self) -> dict[str, str]:
        """Wait for the next event, or comment, and return its fields."""
        while "\n\n" not in self._text:
            self._more.clear()
            await self._more.wait()
        event, _, self._text = self._text.partition("\n\n")
        return dict(line.partition(": ")[::2] for line in event.split("\n"))

    async def hear_frame(self) -> dict[str, Any]:
        """Wait for the next event that says something."""
        while "data" not in (event := await self.hear()):
            pass
        return json.loads(event["data"])


@pytest.fixture
def listen(application):
    """Return what lets somebody listen by a token, from an id on."""

    @asynccontextmanager
    async def listen(token: str, last: str = "") -> AsyncIterator[Listener]:
        listener = Listener()
        headers = {"host": "chat.test", "authorization": f"Bearer {token}", "last-event-id": last}
        scope = {
            "type": "http", "method": "GET", "path": "/v1/stream", "query_string": b"", "root_path": "",
            "headers": [(key.encode(), value.encode()) for key, value in headers.items()],
        }  # fmt: skip
        serving = asyncio.create_task(application(scope, listener.receive, listener.send))
        try:
            yield listener
        finally:
            listener.gone.set()
            listener.taking.set()
            await serving

    return listen


async def test_stream_goes_on(listen, guest, ann) -> None:
    """Events come as they happen, each with an id from which one can go on without missing any."""
    bob = await guest("Bob")
    async with listen(bob.token) as listener:
        resets = [await listener.hear_frame() for _ in range(2)]
        q = await say(ann)
        while "data" not in (event := await listener.hear()):
            pass
    missed = await say(ann, 2)
    async with listen(bob.token, event["id"]) as listener:
        then = await listener.hear_frame()

    assert (listener.status, listener.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert listener.headers["cache-control"] == "no-store"
    assert [reset["t"] for reset in resets] == ["reset"] * 2
    assert json.loads(event["data"])["q"] == q
    assert then["q"] == missed


async def test_silence_has_a_heartbeat(listen, guest, loop_clock) -> None:
    """A stream on which nothing happens shows now and then that it is there."""
    bob = await guest("Bob")
    async with listen(bob.token) as listener:
        for _ in range(2):
            await listener.hear_frame()
        await loop_clock.advance(21.0)
        beat = await listener.hear()

    assert "data" not in beat


async def test_signing_out_ends_the_stream(listen, guest, database, bus) -> None:
    """Who signs out hears the end of it."""
    bob = await guest("Bob")
    async with listen(bob.token) as listener:
        await listener.hear_frame()
        await sign_out(database, bus, bob.token)
        await until(lambda: listener.has_ended)


async def test_revoked_session_hears_nothing(listen, guest, database, bus, monkeypatch) -> None:
    """Who signs out just when they have been let in doesn't stay."""
    bob = await guest("Bob")
    await sign_out(database, bus, bob.token)

    async def let_in(*_: object) -> User:
        return bob.user

    monkeypatch.setattr("hubbub.endpoints.admission.Admission.reader", let_in)
    async with listen(bob.token) as listener:
        await until(lambda: listener.status)

    assert listener.status == 401


async def test_stalled_listener_is_let_go(listen, guest, feeds, loop_clock) -> None:
    """Who takes nothing when it should end doesn't hold it up."""
    bob = await guest("Bob")
    async with listen(bob.token) as listener:
        await listener.hear_frame()
        listener.slow = True
        feeds.drain()
        for _ in range(4):
            await loop_clock.advance(1.0)
        listener.taking.set()
        await loop_clock.settle()

    assert not listener.has_ended


async def test_streams_are_counted(listen, guest, ann) -> None:
    """A user may have so many at a time; who is one too many is told so in the usual way."""
    bob = await guest("Bob")
    listeners = []

    async def open_all(count: int) -> Listener:
        async with listen(bob.token) as listener:
            await until(lambda: listener.status)
            listeners.append(listener)
            return await open_all(count - 1) if count > 1 else listener

    refused = await open_all(FEEDS + 1)
    assert [listener.status for listener in listeners] == [200] * FEEDS + [429]
    assert refused.headers["retry-after"] == "5"


async def test_stream_has_no_head(ann) -> None:
    """Who asks only for the head of an endless answer isn't kept waiting."""
    assert (await ann.head("/v1/stream")).status_code == 405


async def test_lost_database_ends_the_stream(listen, guest, monkeypatch) -> None:
    """A stream that can't go on ends, and its listener comes back."""
    bob = await guest("Bob")

    async def fail(*_: object) -> None:
        from hubbub.domain.errors import ChatError, Code

        raise ChatError(Code.UNAVAILABLE)

    monkeypatch.setattr("hubbub.realtime.feed.read_heads", fail)
    async with listen(bob.token) as listener:
        await until(lambda: listener.has_ended)


@given(
    dictionaries(
        from_regex(r"me|r_[A-Za-z0-9_-]{1,62}", fullmatch=True),
        builds(Position, integers(0, 2**53 - 1), integers(0, 2**53 - 1)),
        max_size=30,
    )
)
def test_positions_are_read_back(positions: dict[str, Position]) -> None:
    """An id is read as it was written."""
    assert read_positions(show_positions(positions)) == positions


@given(text())
def test_any_id_is_read(said: str) -> None:
    """Whatever comes back for an id, it is positions, or none."""
    read = read_positions(said)

    assert all(isinstance(position, Position) for position in read.values())
    assert read_positions("") == read_positions("me:1,:1:2,me:x:1,r_a:1:-2,r_a:1:" + "9" * 99) == {}


def test_positions_are_bounded() -> None:
    """Of too many streams those that moved last have room."""
    positions = {f"r_{n:016}": Position(1_800_000_000_000, n) for n in range(1000)}
    shown = show_positions(positions)

    assert POSITIONS_BYTES - 50 < len(shown) <= POSITIONS_BYTES
    assert next(iter(read_positions(shown))) == "r_0000000000000999"


def test_last_of_a_batch_has_the_id() -> None:
    """The id that covers them all comes with the last of several events."""
    shown = show_frames(["1", "2"], {"me": Position(7, 2)})

    assert shown == "data: 1\n\nid: me:7:2\ndata: 2\n\n"
