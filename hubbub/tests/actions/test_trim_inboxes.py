"""Forgetting what inboxes said long ago, and that nothing else changes."""

from __future__ import annotations

import pytest

from hubbub.actions import sync_stream as sync_module
from hubbub.actions import trim_inboxes as module
from hubbub.actions.read_log import read_log
from hubbub.actions.sync_stream import Delta, InboxSnapshot, sync_stream
from hubbub.actions.trim_inboxes import trim_inboxes
from hubbub.domain.events import Mentioned
from hubbub.domain.models import LOBBY, Position
from hubbub.domain.policies import INBOX_AGE
from hubbub.storage import streams
from hubbub.storage.streams import NewEvent


@pytest.fixture
async def ann(guest):
    """Let Ann in."""
    return (await guest("Ann")).user


@pytest.fixture
def fill(database, ann, monkeypatch):
    """Let inboxes keep 4 events at least and 8 at most; return what puts so many into Ann's."""
    monkeypatch.setattr(module, "DELTA_EVENTS", 4)
    monkeypatch.setattr(module, "INBOX_EVENTS", 8)
    monkeypatch.setattr(sync_module, "DELTA_EVENTS", 4)

    async def fill(count: int) -> None:
        new = [NewEvent(ann.id, ann.id, Mentioned(LOBBY, n)) for n in range(count)]
        await database.write(lambda transaction: transaction.append_all(new))

    return fill


async def log(database, user):
    """Return what is left of a user's inbox: the numbers, and up to which they are gone."""
    page = await read_log(database, user, user.id, 0)
    return [event.q for event in page.events], page.gone


# Letting her in was the first event.
@pytest.mark.parametrize(
    "old,new,left",
    [
        (0, 3, [1, 2, 3, 4]),
        (0, 7, [2, 3, 4, 5, 6, 7, 8]),
        (0, 8, [2, 3, 4, 5, 6, 7, 8, 9]),
        (3, 0, [1, 2, 3, 4]),
        (9, 0, [7, 8, 9, 10]),
        (5, 2, [5, 6, 7, 8]),
        (5, 5, [7, 8, 9, 10, 11]),
        (5, 9, [8, 9, 10, 11, 12, 13, 14, 15]),
    ],
)
@pytest.mark.parametrize("piece", [1, 3, 1000])
async def test_old_and_many_are_forgotten(
    database, ann, fill, wall_clock, monkeypatch, old, new, left, piece
) -> None:
    """What is kept is what a delta can hold, and of the rest what is neither old nor too much."""
    monkeypatch.setattr(module, "_PIECE", piece)
    await fill(old)
    wall_clock.now += INBOX_AGE * 1000 + 1
    if new:
        await fill(new)

    assert await trim_inboxes(database) == left[0] - 1
    assert await log(database, ann) == (left, left[0] - 1)
    assert await trim_inboxes(database) == 0


async def test_forgotten_part_is_no_delta(database, ann, fill, monkeypatch) -> None:
    """From within what is left a delta is complete; from before, it is a reset, in the same epoch."""
    await fill(12)
    [head] = await _heads(database, ann)
    await trim_inboxes(database)
    monkeypatch.setattr(sync_module, "DELTA_EVENTS", 1000)

    copies = {q: await sync_stream(database, ann, ann.id, Position(head.epoch, q)) for q in range(head.q + 1)}

    assert head.q == 13
    assert [q for q, copy in copies.items() if isinstance(copy, InboxSnapshot)] == [0, 1, 2, 3, 4]
    for q, copy in copies.items():
        assert copy.head == head
        if isinstance(copy, Delta):
            assert [event.q for event in copy.events] == list(range(q + 1, head.q + 1))


async def test_numbers_go_on(database, ann, fill) -> None:
    """What comes afterwards has the next number, and the stream is as a backup wants it."""
    await fill(12)
    await trim_inboxes(database)
    await fill(2)

    numbers, gone = await log(database, ann)
    assert (numbers, gone) == (list(range(6, 16)), 5)
    assert await database.read(lambda connection: connection.scalar(streams.select_broken())) is None


async def test_rooms_forget_nothing(database, people, room, say, fill) -> None:
    """Rooms keep every event, however many."""
    for _ in range(10):
        await say("owner")

    await trim_inboxes(database)

    page = await read_log(database, people["owner"], room, 0)
    assert [event.q for event in page.events] == list(range(1, page.head.q + 1))
    assert page.gone == 0


async def test_every_inbox_is_looked_at(database, guest, fill, ann, monkeypatch) -> None:
    """However many inboxes there are, each is looked at once."""
    monkeypatch.setattr(streams, "PAGE", 1)
    bob = (await guest("Bob")).user
    await fill(12)
    new = [NewEvent(bob.id, bob.id, Mentioned(LOBBY, n)) for n in range(12)]
    await database.write(lambda transaction: transaction.append_all(new))

    assert await trim_inboxes(database) == 10


async def _heads(database, user):
    return await database.read(lambda connection: streams.read_heads(connection, [user.id]))
