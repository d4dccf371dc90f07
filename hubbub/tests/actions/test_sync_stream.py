"""Bringing a copy up to date, and that it then is what it should be."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubbub.actions.open_lobby import open_lobby
from hubbub.actions.pin_message import pin_message
from hubbub.actions.post_message import post_message
from hubbub.actions.rename import rename
from hubbub.actions.sign_in_guest import sign_in_guest
from hubbub.actions.sync_stream import Delta, InboxSnapshot, RoomSnapshot, sync_stream
from hubbub.domain.errors import ChatError
from hubbub.domain.events import Notice, StoredEvent
from hubbub.domain.models import LOBBY, Position, User
from hubbub.domain.policies import DELTA_EVENTS, SNAPSHOT_MESSAGES
from hubbub.storage.database import Database


async def post_many(database, user, count: int, text: str = "hi") -> None:
    """Post so many messages at once."""
    await asyncio.gather(*(post_message(database, user, LOBBY, f"nonce-{n:05}", text) for n in range(count)))


@pytest.fixture
async def ann(guest):
    """Let Ann in."""
    return (await guest("Ann")).user


@pytest.fixture
def at(wall_clock):
    """Return what makes positions in the epoch of this database."""
    return lambda q: Position(wall_clock.now, q)


async def test_newcomer_gets_a_snapshot(database, ann) -> None:
    """Who has nothing gets the room, its last messages and their authors."""
    await post_many(database, ann, SNAPSHOT_MESSAGES + 5)

    copy = await sync_stream(database, ann, LOBBY, None)

    assert isinstance(copy, RoomSnapshot)
    assert (copy.membership.room.id, copy.head.q) == (LOBBY, SNAPSHOT_MESSAGES + 6)
    assert [message.q for message in copy.messages] == list(range(7, SNAPSHOT_MESSAGES + 7))
    assert copy.names == {ann.id: "Ann"}
    assert copy.more


@pytest.mark.parametrize(
    "count,text,more",
    [
        (0, "", False),
        (SNAPSHOT_MESSAGES, "hi", False),
        (SNAPSHOT_MESSAGES + 1, "hi", True),
        (4, "好" * 16_000, False),
        (8, "好" * 16_000, True),
    ],
    ids=range(5),
)
async def test_snapshot_says_whether_it_is_all(database, ann, count, text, more) -> None:
    """However many messages a snapshot has, it says whether there are older ones."""
    await post_many(database, ann, count, text)

    copy = await sync_stream(database, ann, LOBBY, None)

    assert isinstance(copy, RoomSnapshot)
    assert copy.more is (len(copy.messages) < count) is more


async def test_snapshot_has_old_pins(database, people, room, say) -> None:
    """Which messages are pinned is told, though they are too old for the snapshot."""
    owner = people["owner"]
    old = [await say("owner") for _ in range(3)]
    pins = [(await pin_message(database, owner, room, f"nonce-p{q}", q, on=True)).q for q in (old[2], old[0])]
    for _ in range(SNAPSHOT_MESSAGES):
        await say("member")

    copy = await sync_stream(database, owner, room, None)

    assert isinstance(copy, RoomSnapshot)
    assert copy.messages[0].q > pins[-1]
    assert copy.pins == [(old[0], pins[1]), (old[2], pins[0])]


@pytest.mark.parametrize("missing", [0, 1, 7, DELTA_EVENTS - 1, DELTA_EVENTS])
async def test_delta_is_what_is_missing(database, ann, at, missing) -> None:
    """Who has some gets exactly the rest, up to as much as a delta may hold."""
    await post_many(database, ann, DELTA_EVENTS + 10)
    head = DELTA_EVENTS + 11

    copy = await sync_stream(database, ann, LOBBY, at(head - missing))

    assert isinstance(copy, Delta)
    assert copy.head.q == head
    assert [event.q for event in copy.events] == list(range(head - missing + 1, head + 1))
    assert copy.names == ({ann.id: "Ann"} if missing else {})


async def test_too_many_events_are_a_reset(database, ann, at) -> None:
    """One event more than a delta may hold, and there is none."""
    await post_many(database, ann, DELTA_EVENTS + 10)

    assert isinstance(await sync_stream(database, ann, LOBBY, at(10)), RoomSnapshot)


async def test_too_many_bytes_are_a_reset(database, ann, at) -> None:
    """Few events that are too long for a delta are none either."""
    await post_many(database, ann, 6, "好" * 16_000)

    assert isinstance(await sync_stream(database, ann, LOBBY, at(2)), Delta)
    assert isinstance(await sync_stream(database, ann, LOBBY, at(1)), RoomSnapshot)


@pytest.mark.parametrize("epoch,q", [(1, 1), (0, 999), (0, 3)])
async def test_strange_position_is_a_reset(database, ann, wall_clock, epoch, q) -> None:
    """A position of another epoch, or ahead of the head, is worth nothing."""
    await post_many(database, ann, 1)

    copy = await sync_stream(database, ann, LOBBY, Position(wall_clock.now + epoch, q))

    assert isinstance(copy, RoomSnapshot)


async def test_inbox_lists_rooms(database, ann, at) -> None:
    """The copy of an inbox is what its events add up to: one's rooms."""
    fresh = await sync_stream(database, ann, ann.id, None)
    delta = await sync_stream(database, ann, ann.id, at(0))

    assert isinstance(fresh, InboxSnapshot)
    assert [membership.room.id for membership in fresh.memberships] == [LOBBY]
    assert isinstance(delta, Delta)
    assert [json.loads(event.body)["room"]["id"] for event in delta.events] == [LOBBY]


async def test_other_streams_are_not_found(database, ann, guest) -> None:
    """Someone else's inbox, and what isn't there, look alike."""
    bob = await guest("Bob")

    for stream in (bob.user.id, "r_nowhere", "u_nobody", ""):
        with pytest.raises(ChatError) as caught:
            await sync_stream(database, ann, stream, None)

        assert caught.value.code == "not_found"


@dataclass
class Follower:
    """A client's copy of the lobby: a snapshot, and what was announced since."""

    q: int = 0
    messages: dict[int, tuple[str, str, str, int | None]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def start(self, copy: RoomSnapshot) -> None:
        """Begin with a snapshot."""
        self.q = copy.head.q
        self.names.update(copy.names)
        for message in copy.messages:
            self.messages[message.q] = (message.author, message.nonce, message.text, message.reply_to)

    def hear(self, notice: Notice) -> None:
        """Apply an event of the lobby."""
        if not isinstance(notice, StoredEvent) or notice.stream != LOBBY:
            return
        assert notice.q == self.q + 1, "numbers are contiguous"
        self.q = notice.q
        body = json.loads(notice.body)
        if notice.kind == "msg.new":
            self.messages[notice.q] = (notice.author, body["n"], body["text"], body.get("re"))
        else:
            self.names[body["user"]["id"]] = body["user"]["name"]


guests = st.integers(0, 2)
steps = st.one_of(
    st.tuples(st.just("join")),
    st.tuples(
        st.just("post"), guests, st.integers(0, 5), st.sampled_from("ab"), st.none() | st.integers(1, 9)
    ),
    st.tuples(st.just("rename"), guests, st.sampled_from(["Ann", "Bob", "小林"])),
)


@given(before=st.lists(steps, max_size=6), after=st.lists(steps, min_size=1, max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_events_add_up_to_fresh_copy(new_database, before, after) -> None:
    """Whatever happens, a snapshot and what is announced since are what a fresh snapshot says."""
    announced: list[StoredEvent] = []
    refused: set[str] = set()
    times = iter(range(1, 10_000))
    users: list[User] = []

    async def do(database: Database, step) -> None:
        try:
            match step:
                case ("join",):
                    users.append((await sign_in_guest(database, "Joe")).user)
                case ("post", who, nonce, text, reply_to):
                    author = users[who % len(users)]
                    await post_message(database, author, LOBBY, f"nonce-{nonce:03}", text, reply_to)
                case ("rename", who, name):
                    index = who % len(users)
                    users[index] = await rename(database, Silence(), users[index], name)
        except ChatError as error:
            refused.add(error.code.value)

    async with new_database(announced.extend, lambda: next(times)) as database:
        await open_lobby(database)
        users.append((await sign_in_guest(database, "Eve")).user)
        for step in before:
            await do(database, step)
        follower, newcomer = Follower(), Follower()
        follower.start(await sync_stream(database, users[0], LOBBY, None))
        announced.clear()
        for step in after:
            await do(database, step)
        for event in announced:
            follower.hear(event)
        newcomer.start(await sync_stream(database, users[0], LOBBY, None))

    assert refused <= {"nonce_reuse", "invalid"}
    assert (follower.q, follower.messages) == (newcomer.q, newcomer.messages)
    assert newcomer.names.items() <= (follower.names | {user.id: user.name for user in users}).items()
    assert all(follower.names.get(user.id, user.name) == user.name for user in users)


class Silence:
    """A bus that tells nobody."""

    def publish(self, notice: Notice) -> None:
        """Do nothing."""

    def subscribe(self, listener: object) -> None:
        """Do nothing."""
