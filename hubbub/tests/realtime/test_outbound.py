"""What waits for a slow connection, and what is left out."""

from __future__ import annotations

import asyncio

import pytest

from hubbub.realtime.outbound import HIGH_WATER, QUEUE_BYTES, QUEUE_FRAMES, STALL
from hubbub.wire import BATCH_FRAMES


def names(connection) -> list[str]:
    """Take the frames that were written, by what they are."""
    heard = [frame["t"] for frame in connection.frames]
    connection.frames.clear()
    return heard


@pytest.fixture
async def clogged(outbound, connection, frame):
    """Let the connection take nothing more before it is told to."""
    connection.slow = True
    outbound.answer(frame("clog", HIGH_WATER))
    names(connection)
    return outbound


async def test_fast_connection_gets_all_at_once(outbound, connection, frame) -> None:
    """While the peer takes what it gets, nothing waits, in whatever order it comes."""
    outbound.answer(frame("a"))
    outbound.event("r_x", 1, frame("b"))
    outbound.ephemeral(frame("c"))

    assert names(connection) == ["a", "b", "c"]


async def test_order_survives_waiting(clogged, connection, frame, loop_clock) -> None:
    """What waits is written in the order in which it was given."""
    clogged.answer(frame("a"))
    clogged.event("r_x", 1, frame("b"))
    clogged.ephemeral(frame("c"))
    assert names(connection) == []

    connection.take_all()
    await loop_clock.settle()
    clogged.answer(frame("d"))

    assert names(connection) == ["a", "b", "c", "d"]


async def test_connection_gets_little_at_a_time(clogged, connection, frame, loop_clock) -> None:
    """Only about HIGH_WATER bytes are given to the connection; the rest can still be left out."""
    for q in range(1, 11):
        clogged.event("r_x", q, frame("ev", HIGH_WATER // 4))

    connection.take_some(connection.buffered_amount)
    await loop_clock.settle()

    assert len(names(connection)) == 4
    assert HIGH_WATER < connection.buffered_amount < 2 * HIGH_WATER


async def test_ephemerals_are_left_out_first(clogged, connection, frame, loop_clock) -> None:
    """When too much waits, ephemerals go, and durable frames stay."""
    for q in range(1, QUEUE_FRAMES // 2):
        clogged.event("r_x", q, frame("ev"))
        clogged.ephemeral(frame("eph"))
    for q in range(QUEUE_FRAMES // 2, QUEUE_FRAMES):
        clogged.event("r_x", q, frame("ev"))

    connection.take_all()
    await loop_clock.settle()

    assert names(connection) == ["ev"] * (QUEUE_FRAMES - 1)


@pytest.mark.parametrize("size", [10, 2 * QUEUE_BYTES // QUEUE_FRAMES])
async def test_busy_stream_becomes_a_gap(clogged, connection, frame, loop_clock, size) -> None:
    """When too much waits still, the busiest stream becomes one gap; the others go on."""
    clogged.event("r_quiet", 1, frame("quiet"))
    clogged.answer(frame("before"))
    for q in range(1, QUEUE_FRAMES + 5):
        clogged.event("r_busy", q, frame("busy", size))
    clogged.answer(frame("after"))
    clogged.event("r_quiet", 2, frame("quiet"))

    connection.take_all()
    await loop_clock.settle()

    [gap] = (heard for heard in connection.frames if heard["t"] == "gap")
    assert gap == {"t": "gap", "s": "r_busy", "head": QUEUE_FRAMES + 4}
    assert names(connection) == ["quiet", "before", "gap", "after", "quiet"]


async def test_nothing_follows_a_gap(clogged, connection, frame, loop_clock) -> None:
    """After its gap a stream is silent until it is subscribed to anew."""
    for q in range(1, QUEUE_FRAMES + 5):
        clogged.event("r_busy", q, frame("busy"))
    connection.take_all()
    await loop_clock.settle()
    assert names(connection) == ["gap"]

    clogged.event("r_busy", 2000, frame("busy"))
    assert names(connection) == []

    clogged.forget("r_busy")
    clogged.event("r_busy", 2001, frame("busy"))
    assert names(connection) == ["busy"]


async def test_forgotten_stream_is_left_out(clogged, connection, frame, loop_clock) -> None:
    """What waits of a stream that is forgotten, gap or event, is never written."""
    for q in range(1, QUEUE_FRAMES + 5):
        clogged.event("r_busy", q, frame("busy"))
    clogged.event("r_quiet", 1, frame("quiet"))
    clogged.answer(frame("answer"))

    clogged.forget("r_busy")
    clogged.forget("r_quiet")
    connection.take_all()
    await loop_clock.settle()

    assert names(connection) == ["answer"]


async def test_answers_are_never_left_out(clogged, connection, frame, loop_clock) -> None:
    """However much waits, answers stay; whoever asks is told to wait."""
    for _ in range(QUEUE_FRAMES + 5):
        clogged.answer(frame("answer"))
    clogged.ephemeral(frame("eph"))
    clogged.event("r_x", 1, frame("ev"))
    waiting = asyncio.ensure_future(clogged.wait_for_room())
    await loop_clock.settle()

    assert clogged.is_full
    assert not waiting.done()

    connection.take_all()
    await loop_clock.settle()

    assert waiting.done()
    assert names(connection) == ["answer"] * (QUEUE_FRAMES + 5) + ["gap"]


async def test_stalled_peer_is_noticed(clogged, stalls, loop_clock) -> None:
    """A peer that takes nothing for so long is told of, whether or not more waits."""
    await loop_clock.settle()
    await loop_clock.advance(STALL - 1)
    assert stalls == []

    await loop_clock.advance(1)
    assert stalls == [True]


async def test_slow_peer_is_no_stalled_one(clogged, connection, stalls, loop_clock) -> None:
    """A peer that takes a little now and then is only slow."""
    await loop_clock.settle()
    for _ in range(10):
        connection.take_some(10)
        await loop_clock.advance(STALL)

    assert stalls == []


async def test_last_frame_goes_out_at_once(clogged, connection, frame, loop_clock) -> None:
    """What waits is left out for the last frame, and nothing follows it."""
    clogged.answer(frame("waits"))
    clogged.finish(frame("bye"))
    clogged.answer(frame("late"))
    clogged.finish(frame("later"))
    connection.take_all()
    await loop_clock.settle()

    assert names(connection) == ["bye"]


async def test_closed_connection_is_no_error(outbound, connection, frame) -> None:
    """Frames for a connection that has closed are gone."""
    connection.hang_up()

    outbound.answer(frame("a"))
    outbound.event("r_x", 1, frame("b"))
    await outbound.wait_for_room()

    assert names(connection) == []


async def test_close_while_waiting_ends_it(clogged, connection, frame, loop_clock) -> None:
    """A connection that closes while frames wait takes them along."""
    clogged.answer(frame("a"))
    await loop_clock.settle()
    connection.hang_up()
    connection.take_all()
    await loop_clock.settle()

    assert names(connection) == []
    assert not clogged.is_full


async def test_turn_is_written_as_one(outbound, connection, frame, loop_clock) -> None:
    """Frames that are given in one turn of the loop become one, where that was agreed; one alone stays."""
    outbound.gather()
    for name in "abc":
        outbound.answer(frame(name))
    assert not connection.frames

    await loop_clock.settle()
    outbound.answer(frame("d"))
    await loop_clock.settle()
    first, second = connection.frames
    assert [each["t"] for each in first] == ["a", "b", "c"]
    assert second["t"] == "d"


async def test_batch_is_limited(outbound, connection, frame, loop_clock) -> None:
    """No more frames than allowed become one, and a long one doesn't wait."""
    outbound.gather()
    for n in range(BATCH_FRAMES + 1):
        outbound.answer(frame(str(n)))
    outbound.answer(frame("long", HIGH_WATER))

    assert [len(each) for each in connection.frames] == [BATCH_FRAMES, 2]


async def test_gathered_frames_count_as_waiting(outbound, connection, frame, loop_clock) -> None:
    """A slow peer isn't given more because it is given it together, and gets all of it in order."""
    outbound.gather()
    connection.slow = True
    for q in range(1, 101):
        outbound.event("r_x", q, frame(str(q), HIGH_WATER // 10))
    await loop_clock.settle()
    assert connection.buffered_amount < 2 * HIGH_WATER

    connection.take_all()
    await loop_clock.settle()
    heard = [
        each["t"] for batch in connection.frames for each in (batch if isinstance(batch, list) else [batch])
    ]
    assert heard == [str(q) for q in range(1, 101)]


async def test_goodbye_follows_gathered_frames(outbound, connection, frame, loop_clock) -> None:
    """What was written before the end goes ahead of it, and nothing comes behind."""
    outbound.gather()
    outbound.answer(frame("a"))
    outbound.finish(frame("bye"))
    outbound.answer(frame("b"))
    await loop_clock.settle()

    [batch] = connection.frames
    assert [each["t"] for each in batch] == ["a", "bye"]


async def test_closing_leaves_gathered_frames(outbound, connection, frame, loop_clock) -> None:
    """Nothing is written to who has hung up."""
    outbound.gather()
    outbound.answer(frame("a"))
    outbound.close()
    await loop_clock.settle()

    assert not connection.frames
