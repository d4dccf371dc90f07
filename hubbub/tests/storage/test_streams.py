"""Numbering events, and reading them back."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.events import MessagePosted, StoredEvent
from hubbub.domain.models import Head
from hubbub.storage import streams
from hubbub.storage.streams import NewEvent


def said(stream: str, text: str, nonce: str | None = None) -> NewEvent:
    """Make an event of Ann's."""
    return NewEvent(stream, "u_ann", MessagePosted(nonce or f"nonce-{text}", text), nonce)


async def test_numbers_have_no_holes(connection: AsyncConnection) -> None:
    """Each stream counts for itself, from 1, in the order of the events."""
    first = await streams.append(
        connection, [said("r_garden", "a"), said("r_attic", "b"), said("r_garden", "c")], 5
    )
    second = await streams.append(connection, [said("r_garden", "d")], 6)

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
    stored = await streams.append(connection, [said("r_garden", text) for text in "abc"], 5)

    assert stored[0] == StoredEvent("r_garden", 1, "msg.new", 5, "u_ann", '{"n":"nonce-a","text":"a"}')
    assert await streams.read_after(connection, "r_garden", 0) == stored
    assert await streams.read_after(connection, "r_garden", 2) == stored[2:]
    assert await streams.read_after(connection, "r_garden", 3) == []


async def test_size_is_measured_in_bytes(connection: AsyncConnection) -> None:
    """The measure covers the bodies as UTF-8, and what is put around them."""
    [event] = await streams.append(connection, [said("r_garden", "好" * 100)], 5)

    assert await streams.measure_after(connection, "r_garden", 0) >= len(event.body.encode()) + 100
    assert await streams.measure_after(connection, "r_garden", 1) == 0


async def test_missing_stream_takes_nothing(connection: AsyncConnection) -> None:
    """There is no numbering in a stream that isn't there."""
    with pytest.raises(LookupError, match="r_nowhere"):
        await streams.append(connection, [said("r_nowhere", "a")], 5)


async def test_nonces_are_found(connection: AsyncConnection) -> None:
    """A nonce is its author's: it finds what that author stored under it."""
    [event] = await streams.append(connection, [said("r_garden", "a", "nonce-01")], 5)

    found = await streams.find_nonces(
        connection, [("u_ann", "nonce-01"), ("u_bob", "nonce-01"), ("u_ann", "nonce-02")]
    )

    assert set(found) == {("u_ann", "nonce-01")}
    assert (found["u_ann", "nonce-01"].q, found["u_ann", "nonce-01"].ts) == (event.q, 5)


async def test_hash_tells_bodies_apart(connection: AsyncConnection) -> None:
    """Another text and another stream have another hash; the same have the same."""
    hashes = {new.body_hash() for new in (said("r_garden", "a"), said("r_garden", "b"), said("r_attic", "a"))}

    assert len(hashes) == 3
    assert said("r_garden", "a").body_hash() in hashes


async def test_member_heads_are_ones_own(connection: AsyncConnection) -> None:
    """Someone's heads are those of their inbox and of their rooms."""
    await streams.open_stream(connection, "u_ann", 8)
    await streams.open_stream(connection, "u_bob", 8)

    heads = await streams.read_member_heads(connection, "u_ann")

    assert {head.stream for head in heads} == {"u_ann", "r_garden"}
