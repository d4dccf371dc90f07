"""Numbering events, and reading them back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.events import MemberChange, MemberChanged, MessagePosted, StoredEvent
from hubbub.domain.models import Head, User
from hubbub.storage import streams
from hubbub.storage.streams import Asked, Known, NewEvent, hash_request
from hubbub.storage.tables import events


def said(stream: str, text: str, nonce: str | None = None) -> NewEvent:
    """Make an event of Ann's."""
    asked = None if nonce is None else Asked(nonce)
    return NewEvent(stream, "u_ann", MessagePosted(nonce or f"nonce-{text}", text), asked)


async def append(connection: AsyncConnection, *new: NewEvent, now: int = 5) -> list[StoredEvent]:
    """Store events at 5 o'clock."""
    return [event for event, _ in await streams.append(connection, new, now)]


async def test_numbers_have_no_holes(connection: AsyncConnection) -> None:
    """Each stream counts for itself, from 1, in the order of the events."""
    first = await append(connection, said("r_garden", "a"), said("r_attic", "b"), said("r_garden", "c"))
    second = await append(connection, said("r_garden", "d"), now=6)

    assert [(event.stream, event.q) for event in first + second] == [
        ("r_garden", 1),
        ("r_attic", 1),
        ("r_garden", 2),
        ("r_garden", 3),
    ]
    heads = await streams.read_heads(connection, ["r_garden", "r_attic", "r_nowhere"])
    assert sorted(heads, key=lambda head: head.q) == [Head("r_attic", 7, 1), Head("r_garden", 7, 3)]


async def test_events_are_read_back(connection: AsyncConnection) -> None:
    """What is read after a number is what was stored after it."""
    stored = await append(connection, *(said("r_garden", text) for text in "abc"))

    assert stored[0] == StoredEvent("r_garden", 1, "msg.new", 5, "u_ann", '{"n":"nonce-a","text":"a"}')
    assert await streams.read_after(connection, "r_garden", 0) == stored
    assert await streams.read_after(connection, "r_garden", 2) == stored[2:]
    assert await streams.read_after(connection, "r_garden", 3) == []


async def test_size_is_measured_in_bytes(connection: AsyncConnection) -> None:
    """The measure covers the bodies as UTF-8, and what is put around them."""
    [event] = await append(connection, said("r_garden", "好" * 100))

    assert await streams.measure_after(connection, "r_garden", 0) >= len(event.body.encode()) + 100
    assert await streams.measure_after(connection, "r_garden", 1) == 0


async def test_missing_stream_takes_nothing(connection: AsyncConnection) -> None:
    """There is no numbering in a stream that isn't there."""
    with pytest.raises(LookupError, match="r_nowhere"):
        await append(connection, said("r_nowhere", "a"))


async def test_nonces_are_found(connection: AsyncConnection) -> None:
    """A nonce is its author's: it finds what that author stored under it."""
    [event] = await append(connection, said("r_garden", "a", "nonce-01"))

    found = await streams.find_nonces(
        connection, [("u_ann", "nonce-01"), ("u_bob", "nonce-01"), ("u_ann", "nonce-02")]
    )

    assert set(found) == {("u_ann", "nonce-01")}
    assert found["u_ann", "nonce-01"] == Known(
        "r_garden", event.q, 5, said("r_garden", "a", "nonce-01").body_hash()
    )


async def test_hash_tells_bodies_apart(connection: AsyncConnection) -> None:
    """Another text and another stream have another hash; the same have the same."""
    hashes = {new.body_hash() for new in (said("r_garden", "a"), said("r_garden", "b"), said("r_attic", "a"))}

    assert len(hashes) == 3
    assert said("r_garden", "a").body_hash() in hashes


async def test_request_is_what_is_hashed(connection: AsyncConnection) -> None:
    """Where the event says more than was asked for, what was asked for is what a repeat is held against."""
    hashes = {
        NewEvent(stream, "u_ann", MessagePosted("nonce-01", "hi"), Asked("nonce-01", request)).body_hash()
        for stream in ("r_garden", "r_attic")
        for request in ("make a room", "make another")
    }

    assert hashes == {hash_request("make a room"), hash_request("make another")}


async def test_messages_that_count_are_counted(connection: AsyncConnection) -> None:
    """Each event knows how many messages there are by then that count, whatever else has happened."""
    threaded = NewEvent("r_garden", "u_ann", MessagePosted("nonce-00", "b", thread=1))
    joined = NewEvent("r_garden", "u_ann", MemberChanged(MemberChange.JOIN, User("u_ann", "Ann", "guest")))

    first = await streams.append(
        connection, [said("r_garden", "a"), threaded, joined, said("r_attic", "b"), said("r_garden", "c")], 5
    )
    second = await streams.append(connection, [said("r_garden", "d"), threaded], 5)

    assert [ord_ for _, ord_ in first + second] == [1, 1, 1, 1, 2, 3, 3]


async def test_log_is_read_in_pages(connection: AsyncConnection) -> None:
    """A page has so many events, or as many as fit, but one at least; pages join without a seam."""
    await append(connection, *(said("r_garden", "好" * 100) for _ in range(5)))
    sizes = {0: 1, 1000: 1, 1700: 2, 100_000: 3}

    for size, fit in sizes.items():
        page, more = await streams.read_page(connection, "r_garden", 1, 3, size)
        assert ([event.q for event in page], more) == (list(range(2, fit + 2)), True)
    page, more = await streams.read_page(connection, "r_garden", 1, 4, 100_000)
    assert ([event.q for event in page], more) == ([2, 3, 4, 5], False)
    assert await streams.read_page(connection, "r_garden", 5, 4, 100_000) == ([], False)


async def test_bodies_are_forgotten(connection: AsyncConnection) -> None:
    """Of a forgotten event the body goes, and nothing else."""
    [event] = await append(connection, said("r_garden", "secret", "nonce-01"))
    size = await streams.measure_after(connection, "r_garden", 0)
    known = await streams.find_nonces(connection, [("u_ann", "nonce-01")])

    await streams.forget_bodies(connection, events.c.q == event.q)

    assert await streams.read_after(connection, "r_garden", 0) == [replace(event, body="{}")]
    assert await streams.find_nonces(connection, [("u_ann", "nonce-01")]) == known
    assert await streams.measure_after(connection, "r_garden", 0) < size


async def test_member_heads_are_ones_own(connection: AsyncConnection) -> None:
    """Someone's heads are those of their inbox and of their rooms."""
    heads = await streams.read_member_heads(connection, "u_ann")

    assert {head.stream for head in heads} == {"u_ann", "r_garden"}


async def test_missing_events_are_found(connection: AsyncConnection) -> None:
    """A stream whose events don't end where its head says, or have a hole, is told; others aren't."""
    await append(connection, *(said(stream, text) for stream in ("r_garden", "r_attic") for text in "abc"))
    before = list(await connection.scalars(streams.select_broken()))
    await connection.execute(delete(events).where(events.c.stream == "r_garden", events.c.q == 2))
    await connection.execute(delete(events).where(events.c.stream == "r_attic", events.c.q == 3))

    assert before == []
    assert sorted(await connection.scalars(streams.select_broken())) == ["r_attic", "r_garden"]


async def test_only_inboxes_may_begin_late(connection: AsyncConnection) -> None:
    """An inbox whose first events were forgotten is whole; a room is not, nor what has a hole."""
    await append(
        connection, *(said(stream, text) for stream in ("r_garden", "u_ann", "u_bob") for text in "abc")
    )
    for stream in ("r_garden", "u_ann", "u_bob"):
        await streams.forget_up_to(connection, stream, 1)
    forgotten = list(await connection.scalars(streams.select_broken()))
    await connection.execute(delete(events).where(events.c.stream == "u_bob"))

    assert forgotten == ["r_garden"]
    assert sorted(await connection.scalars(streams.select_broken())) == ["r_garden", "u_bob"]


@pytest.mark.parametrize("least,epoch", [(5, 8), (7, 8), (8, 8), (9, 9)])
async def test_epochs_are_renewed(connection: AsyncConnection, least: int, epoch: int) -> None:
    """Every stream gets an epoch that none of them has had."""
    await connection.execute(streams.renew_epochs(least))

    heads = await streams.read_heads(connection, ["r_garden", "r_attic", "u_ann", "u_bob"])
    assert [head.epoch for head in heads] == [epoch] * 4
