"""What someone hears who has no WebSocket."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from contextlib import ExitStack, aclosing, asynccontextmanager, suppress

import pytest

from hubbub.actions.create_room import create_room
from hubbub.actions.invite import invite
from hubbub.actions.join_room import join_room
from hubbub.actions.leave_room import leave_room
from hubbub.actions.post_message import post_message
from hubbub.actions.read_heads import read_heads
from hubbub.actions.remove_member import kick
from hubbub.domain.errors import ChatError
from hubbub.domain.models import Position, Visibility
from hubbub.realtime import outbound
from hubbub.realtime.feeds import Feeds
from hubbub.realtime.hub import Hub

LOBBY = "r_lobby"


@pytest.fixture
def feeds(database, bus) -> Feeds:
    """Return who lets listeners in."""
    hub = Hub()
    bus.subscribe(hub.hear)
    return Feeds(database, hub)


class Listener:
    """Someone who hears a feed, frame by frame."""

    def __init__(self, feed, heard) -> None:
        self.feed = feed
        self._heard = heard
        self._frames: list[str] = []

    async def hear(self) -> dict:
        """Return the next frame."""
        while not self._frames:
            self._frames += await anext(self._heard)
        return json.loads(self._frames.pop(0))

    async def hear_all(self, count: int) -> list[dict]:
        """Return the next frames."""
        return [await self.hear() for _ in range(count)]


@pytest.fixture
def listen(feeds):
    """Return what lets a user listen, from positions on."""

    @asynccontextmanager
    async def listen(user, at=None) -> AsyncIterator[Listener]:
        with ExitStack() as stack:
            feed = stack.enter_context(feeds.open(user, "login"))
            async with aclosing(feed.listen(at or {}, 25.0)) as heard:
                yield Listener(feed, heard)

    return listen


@pytest.fixture
async def ann(guest):
    """Let Ann in."""
    return (await guest("Ann")).user


@pytest.fixture
async def bob(guest):
    """Let Bob in."""
    return (await guest("Bob")).user


@pytest.fixture
def post(database, bob):
    """Return what posts messages of Bob's, and gives the last one's number."""
    posted = iter(range(10_000))

    async def post(count: int = 1, room: str = LOBBY, text: str = "hi") -> int:
        for _ in range(count):
            q = (await post_message(database, bob, room, f"nonce-{next(posted):05}", text)).q
        return q

    return post


@pytest.fixture
def positions(database):
    """Return what tells how far a user's streams are, by the names that the user has for them."""

    async def positions(user) -> dict[str, Position]:
        heads = await read_heads(database, user)
        return {
            "me" if head.stream == user.id else head.stream: Position(head.epoch, head.q) for head in heads
        }

    return positions


async def test_newcomer_begins_at_the_heads(listen, ann, positions, post) -> None:
    """Who has nothing is told where each stream is, and then hears what happens."""
    async with listen(ann) as listener:
        resets = await listener.hear_all(2)
        q = await post()
        event = await listener.hear()
        now = listener.feed.positions

    assert {reset["t"] for reset in resets} == {"reset"}
    assert [reset["s"] for reset in resets] == [LOBBY, "me"]
    assert (event["t"], event["s"], event["q"], event["k"]) == ("ev", LOBBY, q, "msg.new")
    assert now == await positions(ann)


async def test_what_was_missed_is_heard(listen, ann, positions, post) -> None:
    """Who comes back hears every event since, and nothing of what they have."""
    at = await positions(ann)
    last = await post(3)
    async with listen(ann, at) as listener:
        missed = await listener.hear_all(3)
        last += 1
        assert await post() == last
        then = await listener.hear()

    assert [event["q"] for event in missed] == [last - 3, last - 2, last - 1]
    assert then["q"] == last


@pytest.mark.parametrize("known", [Position(1, 1), Position(1_800_000_000_000, 999)])
async def test_other_numbers_are_reset(listen, ann, positions, known) -> None:
    """Under another epoch, or beyond the end, one is told to begin anew, and from where."""
    at = await positions(ann)
    async with listen(ann, at | {LOBBY: known}) as listener:
        reset = await listener.hear()

    assert reset == {"t": "reset", "s": LOBBY, "epoch": at[LOBBY].epoch, "head": at[LOBBY].q}


async def test_too_much_is_reset(listen, ann, positions, post, monkeypatch) -> None:
    """What isn't given whole isn't given in part."""
    at = await positions(ann)
    last = await post(4)
    monkeypatch.setattr("hubbub.actions.sync_stream.DELTA_EVENTS", 3)
    async with listen(ann, at) as listener:
        reset = await listener.hear()

    assert (reset["t"], reset["head"]) == ("reset", last)


async def test_slow_listener_misses_nothing(listen, ann, post, monkeypatch) -> None:
    """What was left out while they took nothing is read for them; little waits meanwhile."""
    monkeypatch.setattr(outbound, "QUEUE_FRAMES", 5)
    monkeypatch.setattr(outbound, "HIGH_WATER", 1000)
    async with listen(ann) as listener:
        resets = await listener.hear_all(2)
        [head] = [reset["head"] for reset in resets if reset["s"] == LOBBY]
        last = await post(50)
        heard = [(await listener.hear())["q"] for _ in range(50)]

    assert heard == list(range(head + 1, last + 1))


async def test_rooms_come_and_go(listen, ann, bob, database, post) -> None:
    """A room that one is asked into is heard from then on, and not after one was put out."""
    async with listen(ann) as listener:
        await listener.hear_all(2)
        room = (await create_room(database, bob, "nonce-room", "tea", "", Visibility.PRIVATE)).room.id
        await invite(database, bob, room, "nonce-invite", ann.id)
        added, reset = await listener.hear_all(2)
        said = await post(room=room)
        event = await listener.hear()
        await kick(database, bob, room, "nonce-kick", ann.id)
        await post(room=room)
        await post()
        last = await listener.hear_all(3)

    assert (added["s"], added["k"], reset["t"], reset["s"]) == ("me", "room.add", "reset", room)
    assert (event["s"], event["q"]) == (room, said)
    assert [(each["s"], each["k"]) for each in last] == [
        (room, "member"), ("me", "room.rm"), (LOBBY, "msg.new")
    ]  # fmt: skip
    assert listener.feed.positions.keys() == {"me", LOBBY}


async def test_quick_return_is_heard_once(listen, ann, database, post) -> None:
    """What was said in a room before its reset doesn't come after it, though it waited there."""
    async with listen(ann) as listener:
        await listener.hear_all(2)
        await leave_room(database, ann, LOBBY, "nonce-leave")
        await join_room(database, ann, "nonce-join", LOBBY)
        head = await post()
        heard = await listener.hear_all(4)
        q = await post()
        then = await listener.hear()

    assert [each.get("k", each["t"]) for each in heard] == ["member", "room.rm", "room.add", "reset"]
    assert (heard[-1]["head"], then["q"]) == (head, q)


async def test_lost_rooms_are_not_heard(listen, ann, positions, database, post) -> None:
    """Who left while away is told so by their own stream, and hears nothing of the room."""
    at = await positions(ann)
    await leave_room(database, ann, LOBBY, "nonce-leave")
    await post()
    async with listen(ann, at) as listener:
        left = await listener.hear()

    assert (left["s"], left["k"]) == ("me", "room.rm")
    assert listener.feed.positions.keys() == {"me"}


async def test_return_while_away_is_heard_once(listen, ann, positions, database, post) -> None:
    """Who left and came back while away hears that, is told where the room goes on, and then hears it."""
    at = await positions(ann)
    await leave_room(database, ann, LOBBY, "nonce-leave")
    await join_room(database, ann, "nonce-join", LOBBY)
    async with listen(ann, at) as listener:
        heard = await listener.hear_all(5)
        q = await post()
        then = await listener.hear()

    assert [(each["s"], each.get("k", each["t"])) for each in heard] == [
        (LOBBY, "member"), (LOBBY, "member"), ("me", "room.rm"), ("me", "room.add"), (LOBBY, "reset")
    ]  # fmt: skip
    assert (then["q"], heard[-1]["head"]) == (q, q - 1)


async def test_reset_of_own_stream_finds_rooms(listen, ann, bob, database, monkeypatch) -> None:
    """Who has lost their own stream, and so what became of their rooms, still hears those that they have."""
    monkeypatch.setattr(outbound, "QUEUE_FRAMES", 1)
    monkeypatch.setattr(outbound, "HIGH_WATER", 1)
    monkeypatch.setattr("hubbub.actions.sync_stream.DELTA_EVENTS", 0)
    async with listen(ann) as listener:
        await listener.hear_all(2)
        rooms = {
            (await create_room(database, ann, f"nonce-{n:05}", "tea", "", Visibility.PUBLIC)).room.id
            for n in range(5)
        }
        await leave_room(database, ann, LOBBY, "nonce-leave")
        while listener.feed.positions.keys() != rooms | {"me"}:
            await listener.hear()


@pytest.mark.parametrize("seed", range(6))
async def test_streams_are_whole(listen, ann, bob, database, post, positions, monkeypatch, seed) -> None:
    """Whatever happens and however slowly it is taken, each stream goes on by one, or is reset."""
    monkeypatch.setattr(outbound, "QUEUE_FRAMES", 3)
    monkeypatch.setattr(outbound, "HIGH_WATER", 600)
    monkeypatch.setattr("hubbub.actions.sync_stream.DELTA_EVENTS", 6)
    chance = random.Random(seed)
    room = (await create_room(database, bob, "nonce-room", "tea", "", Visibility.PRIVATE)).room.id
    heard: dict[str, int] = {}

    def take(frame: dict) -> None:
        s, q = frame["s"], frame.get("q")
        assert frame["t"] == "reset" or heard[s] + 1 == q, frame
        heard[s] = frame["head"] if q is None else q
        if frame.get("k") == "room.rm":
            # Whatever comes of it now would find no number.
            heard.pop(frame["d"]["room"], None)

    async with listen(ann) as listener:
        for step in range(60):
            match chance.randrange(6):
                case 0:
                    await invite(database, bob, room, f"nonce-in-{step:03}", ann.id)
                case 1:
                    with suppress(ChatError):
                        await kick(database, bob, room, f"nonce-out-{step:03}", ann.id)
                case 2:
                    await post(chance.randrange(1, 9), text="x" * chance.randrange(1, 300))
                case 3:
                    await post(chance.randrange(1, 9), room)
                case _:
                    while heard != {name: at.q for name, at in (await positions(ann)).items()}:
                        take(await listener.hear())

        while heard != {name: at.q for name, at in (await positions(ann)).items()}:
            take(await listener.hear())


async def test_silence_is_told(listen, ann, feeds, loop_clock) -> None:
    """When nothing happens for long, nothing is heard, but it is heard in time."""
    with feeds.open(ann, "login") as feed:
        async with aclosing(feed.listen({}, 0.0)) as heard:
            frames = [await anext(heard) for _ in range(3)]

    assert [len(each) for each in frames] == [1, 1, 0]


async def test_ended_feed_is_over(feeds, ann) -> None:
    """A feed that is ended says nothing more, and takes nobody's place."""
    with feeds.open(ann, "login") as feed:
        feed.end()
        assert [frames async for frames in feed.listen({}, 25.0)] == []


async def test_nothing_is_heard_after_the_end(listen, ann, post) -> None:
    """What waits for a slow listener when the feed is ended, isn't given any more."""
    async with listen(ann) as begun, listen(ann) as listener:
        await begun.hear()
        await listener.hear_all(2)
        await post(150)
        begun.feed.end()
        await listener.hear()
        await post()
        listener.feed.end()
        rest = []
        for each in (begun, listener):
            with suppress(StopAsyncIteration):
                while True:
                    rest.append(await each.hear())

    # What was given at once with the first is in the listener's hands.
    assert len(rest) == 99


async def test_watch_wakes(feeds, ann, bob, database, post) -> None:
    """Who waits for one stream is woken by what happens there, even before they wait."""
    with feeds.open(ann, "login") as feed:
        feed.watch(LOBBY)
        await post()
        await feed.wait(25.0)
