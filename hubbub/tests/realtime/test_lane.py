"""The order of one author's writes, in spite of refusals."""

from __future__ import annotations

import asyncio
import functools

import pytest

from hubbub import wire
from hubbub.domain.errors import ChatError, Code
from hubbub.realtime.lane import Lane, Write

BUSY = ChatError(Code.UNAVAILABLE)
LIMIT = ChatError(Code.TOO_MANY_REQUESTS, after=1.0)
WRONG = ChatError(Code.INVALID)


class Room:
    """Where a lane's writes go; the test says what becomes of each."""

    def __init__(self, *, holds_up: bool = True) -> None:
        self.idled = 0
        self.lane = Lane(self._answer, holds_up=holds_up, idled=self._idle)
        self.begun: list[str] = []
        self.answers: list[tuple[str, str]] = []
        self._outcomes: dict[str, asyncio.Future[wire.Reply]] = {}

    def offer(self, *nonces: str, refusal: ChatError | None = None) -> None:
        """Offer writes, at once."""
        for nonce in nonces:
            write = Write(ord(nonce), nonce, functools.partial(self._write, nonce))
            self.lane.offer(write, lambda: refusal)

    async def end(self, nonce: str, outcome: Exception | None = None) -> None:
        """Let the write that is under way end, and what follows begin."""
        future = self._outcomes.pop(nonce)
        if outcome is None:
            future.set_result(wire.Ok(ord(nonce)))
        else:
            future.set_exception(outcome)
        await self.settle()

    def _idle(self) -> None:
        assert self.lane.is_idle
        self.idled += 1

    async def settle(self) -> None:
        """Let what can, go on."""
        for _ in range(10):
            await asyncio.sleep(0)

    async def _write(self, nonce: str) -> wire.Reply:
        self.begun.append(nonce)
        self._outcomes[nonce] = asyncio.get_running_loop().create_future()
        return await self._outcomes[nonce]

    def _answer(self, reply: wire.Reply) -> None:
        self.answers.append((chr(reply.id), reply.code if isinstance(reply, wire.Err) else "ok"))


@pytest.fixture
async def room() -> Room:
    """Make a room with a lane."""
    return Room()


async def test_writes_go_one_by_one(room) -> None:
    """A write begins when the one before it has ended, and is answered then."""
    room.offer("a", "b", "c")
    await room.settle()
    assert (room.begun, room.answers, room.lane.unanswered) == (["a"], [], 3)

    await room.end("a")
    assert (room.begun, room.answers) == (["a", "b"], [("a", "ok")])

    await room.end("b")
    await room.end("c")
    assert room.answers == [("a", "ok"), ("b", "ok"), ("c", "ok")]
    assert room.lane.is_idle
    assert room.lane.unanswered == 0


async def test_final_refusal_stops_nobody(room) -> None:
    """After a write that can never be done, the others go on."""
    room.offer("a", "b")
    await room.settle()
    await room.end("a", WRONG)
    await room.end("b")

    assert room.answers == [("a", "invalid"), ("b", "ok")]


async def test_passing_refusal_stops_all(room) -> None:
    """After a write that may be done later, every later one is refused for the same reason."""
    room.offer("a", "b", "c")
    await room.settle()
    await room.end("a", BUSY)
    room.offer("d")
    await room.settle()

    assert room.begun == ["a"]
    assert room.answers == [(nonce, "unavailable") for nonce in "abcd"]
    assert not room.lane.is_idle


async def test_idle_lane_is_told(room) -> None:
    """When nothing is under way any longer, it is said; but not while something is held up."""
    room.offer("a", "b")
    await room.settle()
    await room.end("a")
    assert room.idled == 0
    await room.end("b")
    assert room.idled == 1

    room.offer("c")
    await room.settle()
    await room.end("c", BUSY)
    assert room.idled == 1
    room.lane.skip("c")
    assert room.idled == 2


async def test_lane_can_hold_nothing_up(loop_clock) -> None:
    """Where no write goes before another for its author, each is refused for itself."""
    room = Room(holds_up=False)
    room.offer("a", "b")
    room.offer("c", refusal=LIMIT)
    await room.settle()
    await room.end("a", BUSY)
    await room.end("b")

    assert room.answers == [("c", "too_many_requests"), ("a", "unavailable"), ("b", "ok")]
    assert room.lane.is_idle


async def test_refused_write_comes_first(room) -> None:
    """The refused write is sent again before any other is taken, and then all go on."""
    room.offer("a", "b")
    await room.settle()
    await room.end("a", BUSY)
    room.offer("b", "a", "b")
    await room.settle()
    await room.end("a")
    await room.end("b")

    assert room.answers[2:] == [("b", "unavailable"), ("a", "ok"), ("b", "ok")]
    assert room.begun == ["a", "a", "b"]


async def test_skipped_write_stops_nobody(room) -> None:
    """Giving the refused write up lets the others go on; giving up another changes nothing."""
    room.offer("a")
    await room.settle()
    await room.end("a", BUSY)
    room.lane.skip("b")
    room.offer("b")
    room.lane.skip("a")
    room.offer("b")
    await room.settle()
    await room.end("b")

    assert room.answers == [("a", "unavailable"), ("b", "unavailable"), ("b", "ok")]


async def test_limit_refuses_behind_what_was_taken(room) -> None:
    """A write over the limit is refused with all that follow it; those before it go on."""
    room.offer("a", "b")
    room.offer("c", refusal=LIMIT)
    room.offer("d")
    await room.settle()
    await room.end("a")
    await room.end("b")

    assert room.answers == [
        ("c", "too_many_requests"),
        ("d", "too_many_requests"),
        ("a", "ok"),
        ("b", "ok"),
    ]


async def test_earlier_refusal_outranks_later(room) -> None:
    """When a write fails that came before one over the limit, that one has to be sent again first."""
    room.offer("a", "b")
    room.offer("c", refusal=LIMIT)
    await room.settle()
    await room.end("a", BUSY)
    room.offer("c", "a", "b", "c")
    await room.settle()
    for nonce in "abc":
        await room.end(nonce)

    assert room.answers == [
        ("c", "too_many_requests"),
        ("a", "unavailable"),
        ("b", "unavailable"),
        ("c", "unavailable"),
        ("a", "ok"),
        ("b", "ok"),
        ("c", "ok"),
    ]
    assert room.begun == ["a", "a", "b", "c"]


async def test_broken_write_is_answered(room, caplog) -> None:
    """A mistake of ours is told as one that may pass."""
    room.offer("a")
    await room.settle()
    await room.end("a", RuntimeError("a bug"))

    assert room.answers == [("a", "internal")]
    assert "a bug" in caplog.text


async def test_settled_lane_has_answered(room) -> None:
    """Settling waits for everything that was taken; an idle lane is settled."""
    await room.lane.settle()
    room.offer("a", "b")
    settling = asyncio.ensure_future(room.lane.settle())
    await room.settle()
    await room.end("a")
    assert not settling.done()

    await room.end("b")
    assert settling.done()


async def test_cancelled_lane_begins_nothing(room) -> None:
    """What waits in a lane that is cancelled is neither done nor answered."""
    room.offer("a", "b")
    await room.settle()
    room.lane.cancel()
    await room.settle()

    assert (room.begun, room.answers) == (["a"], [])
    assert room.lane.unanswered == 0
