"""What is known of the ends of rooms without reading them, and that it is true."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import astuple

import pytest

from hubbub.actions.delete_message import delete_message
from hubbub.actions.edit_message import edit_message
from hubbub.actions.join_room import join_room
from hubbub.actions.leave_room import leave_room
from hubbub.actions.post_message import post_message
from hubbub.actions.react import react
from hubbub.actions.rename import rename
from hubbub.actions.sync_stream import sync_stream
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import LOBBY, Position
from hubbub.realtime import tails as module
from hubbub.realtime.tails import Tails


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """Return which rooms are read, as they are."""
    rooms: list[str] = []
    real = module.read_tail

    async def read_tail(database, room, *limits):
        rooms.append(room)
        return await real(database, room, *limits)

    monkeypatch.setattr(module, "read_tail", read_tail)
    return rooms


@pytest.fixture
async def tails(shared) -> Tails:
    """Return the tails that connections resume from."""
    return shared.tails


@pytest.fixture
async def at(ann) -> Position:
    """Return where the lobby is."""
    copy = await ann.ask("sub", s=LOBBY)
    return Position(copy["epoch"], copy["head"])


async def test_crowd_reads_a_room_once(ann, make_peer, read, at) -> None:
    """However many come back at once, and again, their room is read once, and each gets what is missing."""
    crowd = [await make_peer(f"Bob {n}", ann.signed_in) for n in range(10)]
    await ann.send("nonce-01", "missed")
    asked = [peer.ask("sub", s=LOBBY, at=astuple(at)) for peer in crowd]
    answers = await asyncio.gather(*asked)
    await ann.send("nonce-02", "heard")
    answers.append(await ann.ask("sub", s=LOBBY, at=astuple(at)))

    assert read == [LOBBY]
    assert [[each["d"]["text"] for each in answer["ev"]] for answer in answers] == [
        *([["missed"]] * 10),
        ["missed", "heard"],
    ]
    assert all(answer["users"] == {ann.user.id: {"name": "Ann"}} for answer in answers)
    assert [peer.heard("ev")[-1]["d"]["text"] for peer in crowd] == ["heard"] * 10


async def test_tail_says_what_is_stored(ann, bob, tails, database, bus, at) -> None:
    """Whatever happens, what a tail gives a member is what the database would, and nobody else gets any."""
    chance = random.Random(7)
    nonces = (f"nonce-{n:05}" for n in range(1000))
    people = [ann.user, bob.user]
    given = 0

    async def act(user) -> None:
        q = chance.randint(1, at.q + 20)
        verbs: list[Callable[[], Awaitable[object]]] = [
            *[lambda: post_message(database, user, LOBBY, next(nonces), "hi")] * 4,
            lambda: edit_message(database, user, LOBBY, next(nonces), q, "ho"),
            lambda: delete_message(database, user, LOBBY, next(nonces), q),
            lambda: react(database, user, LOBBY, next(nonces), q, "👍", on=chance.random() < 0.7),
            lambda: leave_room(database, user, LOBBY, next(nonces)),
            lambda: join_room(database, user, next(nonces), LOBBY),
            lambda: rename(database, bus, user, f"name {chance.randint(1, 9)}"),
        ]
        await chance.choice(verbs)()

    async def look(user, q: int) -> bool:
        known = await tails.resume(LOBBY, user.id, Position(at.epoch, q))
        try:
            stored = await sync_stream(database, user, LOBBY, Position(at.epoch, q))
        except ChatError:
            assert known is None
            return False
        assert known is None or known == stored
        return known is not None

    for _ in range(150):
        acting = asyncio.gather(act(chance.choice(people)), return_exceptions=True)
        if chance.random() < 0.5:
            # A tail that is read meanwhile is as true.
            await tails.resume(LOBBY, ann.user.id, at)
        [outcome] = await acting
        assert outcome is None or not isinstance(outcome, Exception) or isinstance(outcome, ChatError)
        for user in people:
            given += await look(user, chance.randint(0, at.q + 60))

    assert given > 50


async def test_deleted_text_is_gone(ann, tails, at) -> None:
    """What was deleted isn't given to anyone who comes later."""
    posted = await ann.send("nonce-01", "secret")
    assert "secret" in str(await tails.resume(LOBBY, ann.user.id, at))
    await ann.ask("del", s=LOBBY, n="nonce-02", m=posted["q"])

    assert "secret" not in str(await ann.ask("sub", s=LOBBY, at=astuple(at)))


@pytest.mark.parametrize("happens,reads", [("post", 1), ("join", 2), ("rename", 2)])
async def test_what_happens_meanwhile_counts(
    ann, bob, guest, tails, database, bus, monkeypatch, at, happens, reads
) -> None:
    """What happens while a tail is read is in it; if it can't be, the room is read again."""
    verbs = {
        "post": lambda: post_message(database, ann.user, LOBBY, "nonce-01", "hi"),
        "join": lambda: guest("Cleo"),
        "rename": lambda: rename(database, bus, ann.user, "Anna"),
    }
    real, attempts = module.read_tail, []

    async def read_slowly(*args):
        attempts.append(args)
        tail = await real(*args)
        if len(attempts) == 1:
            await verbs[happens]()
        return tail

    await ann.send("nonce-00")
    monkeypatch.setattr(module, "read_tail", read_slowly)
    delta = await tails.resume(LOBBY, bob.user.id, at)

    assert delta is not None
    assert delta == await sync_stream(database, bob.user, LOBBY, at)
    assert len(attempts) == reads


async def test_what_it_lacks_is_read(ann, tails, monkeypatch, at) -> None:
    """Other positions than those that it has all after, it leaves to the database."""
    monkeypatch.setattr(module, "EVENTS", 3)
    for n in range(2):
        await ann.send(f"nonce-{n}0000")
    assert await tails.resume(LOBBY, ann.user.id, at) is not None
    for n in range(2, 5):
        await ann.send(f"nonce-{n}0000")
    head = at.q + 5

    for epoch, q, known in [
        (at.epoch, head - 3, True),
        (at.epoch, head, True),
        (at.epoch, head - 4, False),
        (at.epoch, head + 1, False),
        (at.epoch + 1, head, False),
    ]:
        assert (await tails.resume(LOBBY, ann.user.id, Position(epoch, q)) is not None) is known
    assert len((await ann.ask("sub", s=LOBBY, at=astuple(at)))["ev"]) == 5


async def test_tail_has_few_bytes(ann, tails, monkeypatch, at) -> None:
    """Of long events only the last are known, read or heard."""
    monkeypatch.setattr(module, "BYTES", 1_000)
    for n in range(3):
        await ann.send(f"nonce-{n}0000", "x" * 500)
    assert await tails.resume(LOBBY, ann.user.id, Position(at.epoch, at.q + 1)) is None
    assert await tails.resume(LOBBY, ann.user.id, Position(at.epoch, at.q + 2)) is not None
    await ann.send("nonce-more", "x" * 500)

    assert await tails.resume(LOBBY, ann.user.id, Position(at.epoch, at.q + 2)) is None
    assert await tails.resume(LOBBY, ann.user.id, Position(at.epoch, at.q + 3)) is not None


async def test_large_rooms_have_none(ann, bob, tails, monkeypatch, read, at) -> None:
    """A room that too many belong to is looked at once, and then read by each for themselves."""
    monkeypatch.setattr(module, "MEMBERS", 1)
    for peer in (ann, bob, ann):
        assert (await peer.ask("sub", s=LOBBY, at=astuple(at)))["mode"] == "delta"

    assert read == [LOBBY]


@pytest.mark.parametrize("bound,most", [("TAILS", 1), ("SIZE", 100)])
async def test_tails_are_forgotten(ann, tails, monkeypatch, read, at, loop_clock, bound, most) -> None:
    """A tail is kept as long as it is asked for now and then, and not if there are too many."""
    garden = (await ann.call("room.create", "nonce-01", name="garden"))["r"]["room"]["id"]
    for room in (LOBBY, garden, LOBBY):
        await tails.resume(room, ann.user.id, at)
    assert read == [LOBBY, garden]

    for _ in range(2):
        await loop_clock.advance(module.LIFE)
        assert read == [LOBBY, garden]
        await tails.resume(LOBBY, ann.user.id, at)
    for _ in range(2):
        await loop_clock.advance(module.LIFE)
    read.clear()
    monkeypatch.setattr(module, bound, most)
    for room in (LOBBY, garden, LOBBY):
        await tails.resume(room, ann.user.id, at)
    assert read == [LOBBY, garden, LOBBY]
    await ann.send("nonce-02")
    for _ in range(2):
        await loop_clock.advance(module.LIFE)
    assert tails._size == 0


async def test_failing_database_is_told(ann, monkeypatch, at) -> None:
    """Who can't be told from a tail what is missing learns why."""

    async def fail(*_args):
        raise ChatError(Code.UNAVAILABLE)

    monkeypatch.setattr(module, "read_tail", fail)
    assert (await ann.ask("sub", s=LOBBY, at=astuple(at)))["mode"] == "delta"
    monkeypatch.setattr("hubbub.realtime.subscriptions.sync_stream", fail)
    assert (await ann.ask("sub", s=LOBBY, at=astuple(at)))["code"] == "unavailable"
