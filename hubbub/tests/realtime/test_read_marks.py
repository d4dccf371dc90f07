"""What becomes of the word that something was read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub import wire
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import LOBBY, Marks
from hubbub.domain.policies import MARK_BURST, MARKS_PER_SECOND
from hubbub.realtime import read_marks as module
from hubbub.realtime.bucket import Rate
from hubbub.realtime.caller import Caller
from hubbub.realtime.read_marks import PAUSE, ReadMarks
from hubbub.realtime.turnstile import MARK_SPREAD, Limits, Turnstile


@pytest.fixture
async def inbox(ann):
    """Let Ann hear of herself."""
    await ann.ask("sub", s="me")
    return ann


@pytest.fixture
def stored(monkeypatch) -> list[tuple[str, int, bool]]:
    """Return what would have been stored."""
    stored = []

    async def store(_database, _user, stream: str, q: int, *, back: bool) -> Marks:
        stored.append((stream, q, back))
        return Marks(q, 0, 0)

    monkeypatch.setattr(module, "mark_read", store)
    return stored


@pytest.fixture
async def make_marks(ann, database):
    """Return what makes what takes marks, of Ann's, on a connection from somewhere."""
    turnstile = Turnstile(Limits(address_writes=Rate(MARK_BURST + 1, 1.0)))

    def make(sender: str = "there") -> ReadMarks:
        return ReadMarks(Caller(ann.user, b"", ann.outbound, sender=sender), database, turnstile)

    return make


@pytest.fixture
def marks(make_marks) -> ReadMarks:
    """Make what takes marks."""
    return make_marks()


async def test_mark_is_told_on_me(inbox, bob) -> None:
    """Who has read is told so on their own stream, with what waits there, and not answered."""
    posted = [await bob.send(f"nonce-{n:03}") for n in range(3)]
    await inbox.tell("read", s=LOBBY, q=posted[1]["q"])
    await inbox.requests.settle()

    assert not [frame for frame in inbox.connection.frames if frame["t"] in {"ok", "err"}][1:]
    [event] = inbox.heard("ev")
    assert (event["s"], event["k"]) == ("me", "read")
    asof = posted[2]["q"]
    assert event["d"] == {"s": LOBBY, "q": posted[1]["q"], "unread": 1, "mentions": 0, "asof": asof}


async def test_marks_come_with_copies(ann, bob) -> None:
    """A copy of a room, and of one's own stream, says how far one has read."""
    q = (await bob.send("nonce-01"))["q"]
    # Ann came first, and Bob's coming is no message.
    waiting = {"read": 1, "unread": 1, "mentions": 0}
    assert (await ann.ask("sub", s=LOBBY))["snap"]["me"] == waiting
    assert (await ann.ask("sub", s="me"))["snap"]["marks"] == {LOBBY: waiting | {"asof": q}}

    await ann.tell("read", s=LOBBY, q=q)
    await ann.requests.settle()
    assert (await ann.ask("sub", s=LOBBY))["snap"]["me"] == {"read": q, "unread": 0, "mentions": 0}


async def test_mark_goes_back_when_asked(inbox, bob) -> None:
    """Less than before is read only by who says so."""
    q = (await bob.send("nonce-01"))["q"]
    for fields in ({"q": q}, {"q": q - 1}, {"q": q - 1, "back": True}):
        await inbox.tell("read", s=LOBBY, **fields)
        await inbox.requests.settle()

    assert [event["d"]["unread"] for event in inbox.heard("ev")] == [0, 1]


async def test_marks_of_a_room_are_gathered(marks, stored, loop_clock) -> None:
    """What is said while a room waits for its turn is stored once."""
    for q in range(1, 100):
        for room in ("r_a", "r_b"):
            marks.offer(wire.Read(room, q))
    await marks.settle()

    assert stored == [("r_a", 99, False), ("r_b", 99, False)]


async def test_marks_are_stored_slowly(make_marks, stored, loop_clock) -> None:
    """However much somebody reads, on however many connections, only so much is stored at a time."""
    connections = [make_marks(sender) for sender in ("there", "elsewhere")]
    for n in range(MARK_BURST):
        for marks in connections:
            marks.offer(wire.Read(f"r_{n}", 1))
    await loop_clock.settle()
    await loop_clock.settle()
    assert len(stored) == MARK_BURST

    for _ in range(MARK_BURST):
        await loop_clock.advance(1 / MARKS_PER_SECOND)
    for marks in connections:
        await marks.settle()
    assert len(stored) == 2 * MARK_BURST


async def test_marks_of_an_address_wait(ann, bob, make_marks, stored, loop_clock) -> None:
    """What many users of one address read is stored no faster than what they write; in the end, all of it."""
    first, second = make_marks(), make_marks()
    second._caller.user = bob.user
    for n in range(MARK_BURST):
        first.offer(wire.Read(f"r_{n}", 1))
    await first.settle()
    for n in range(3):
        second.offer(wire.Read(f"r_{n}", 1))
    await loop_clock.settle()
    assert len(stored) == MARK_BURST + 1

    for _ in range(2):
        await loop_clock.advance(1 + MARK_SPREAD)
    await second.settle()
    assert len(stored) == MARK_BURST + 3


async def test_failed_mark_is_stored_later(marks, stored, monkeypatch, loop_clock) -> None:
    """When the database fails, the mark waits, together with what is said meanwhile."""

    async def fail(*_: object, **__: object) -> Marks:
        raise ChatError(Code.UNAVAILABLE)

    good = module.mark_read
    monkeypatch.setattr(module, "mark_read", fail)
    marks.offer(wire.Read("r_a", 5))
    await loop_clock.settle()
    marks.offer(wire.Read("r_a", 3))
    monkeypatch.setattr(module, "mark_read", good)
    await loop_clock.advance(PAUSE)
    await marks.settle()

    assert stored == [("r_a", 5, False)]


async def test_wrong_mark_is_left(inbox, database) -> None:
    """What can't be marked is passed over, and what was a mistake of ours is logged."""
    await inbox.tell("read", s="r_nowhere", q=1)
    await inbox.requests.settle()
    await inbox.tell("read", s="nonsense", q=1)

    assert [error["code"] for error in inbox.heard("err")] == ["not_found"]


async def test_broken_mark_is_logged(marks, monkeypatch, caplog) -> None:
    """A mistake of ours costs a mark, and nothing else."""

    async def fail(*_: object, **__: object) -> Marks:
        raise RuntimeError("a bug")

    monkeypatch.setattr(module, "mark_read", fail)
    marks.offer(wire.Read("r_a", 5))
    await marks.settle()

    assert "a bug" in caplog.text


async def test_too_many_marks_are_left(marks, stored, monkeypatch) -> None:
    """Rooms that don't exist can't fill the memory."""
    monkeypatch.setattr(wire, "STREAMS", 3)
    for n in range(10):
        marks.offer(wire.Read(f"r_{n}", 1))
    await marks.settle()

    assert len(stored) == 3


async def test_cancelled_marks_are_left(marks, stored) -> None:
    """What waits when the session ends for good isn't stored."""
    marks.offer(wire.Read("r_a", 5))
    marks.cancel()
    await marks.settle()

    assert stored == []


@given(st.integers(0, 9), st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1))
def test_gathered_marks_have_their_effect(before, said) -> None:
    """Marks gathered are as good as marks stored one by one."""

    def store(mark: int, q: int, *, back: bool) -> int:
        return q if back else max(mark, q)

    one_by_one, gathered = before, None
    for q, back in said:
        one_by_one = store(one_by_one, q, back=back)
        gathered = module._merge(gathered, wire.Read("r_a", q, back))

    assert gathered is not None
    assert store(before, gathered.q, back=gathered.back) == one_by_one
