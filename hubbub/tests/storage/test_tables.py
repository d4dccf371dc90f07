"""What the tables themselves refuse."""

from __future__ import annotations

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.storage.tables import events, messages

EVENT = {
    "stream": "r_garden",
    "q": 1,
    "kind": "msg.new",
    "ts": 1,
    "author": "u_ann",
    "nonce": "nonce-01",
    "body": "{}",
    "size": 2,
    "body_hash": b"#",
}


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "nonce-02"},
        {"q": 2},
        {"q": 2, "stream": "r_attic"},
        {"q": 2, "nonce": "nonce-02", "author": "u_nobody"},
        {"q": 2, "nonce": "nonce-02", "stream": "r_nowhere"},
    ],
    ids=["same number", "same nonce", "same nonce elsewhere", "no author", "no stream"],
)
async def test_broken_event_is_refused(connection: AsyncConnection, change: dict[str, object]) -> None:
    """The tables themselves keep numbers and nonces unique, whatever a query does."""
    await connection.execute(insert(events).values(EVENT))

    with pytest.raises(IntegrityError):
        await connection.execute(insert(events).values(EVENT | change))


async def test_events_need_no_nonce(connection: AsyncConnection) -> None:
    """Events that nobody asked for by themselves have none, however many."""
    for q in (1, 2):
        await connection.execute(insert(events).values(EVENT | {"q": q, "nonce": None}))


async def test_message_needs_its_event(connection: AsyncConnection) -> None:
    """There is no message that no event tells of."""
    row = {"stream": "r_garden", "q": 1, "rev": 1, "ts": 1, "author": "u_ann", "nonce": "n", "text": "hi"}

    with pytest.raises(IntegrityError):
        await connection.execute(insert(messages).values(row))
