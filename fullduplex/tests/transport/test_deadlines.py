"""Deadlines: they come once, in time and in turns, or not at all, and nothing of them is left."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.testing import VirtualTimeLoop
from fullduplex.transport import deadlines
from fullduplex.transport.deadlines import AT_ONCE, Deadline, Timer

from ..loops import LOOPS


class Noting(Deadline):
    """Notes when it comes, and may wait again."""

    def __init__(self, name: object, notes: list[Any], again: list[float] | None = None) -> None:
        super().__init__()
        self.name = name
        self.notes = notes
        self.again = again or []

    def come(self) -> None:
        """Note the time."""
        loop = asyncio.get_running_loop()
        self.notes.append((loop.time(), self.name))
        if self.again:
            self.wait(loop, self.again.pop())


class Timers:
    """Counts the timers that a loop has set and that neither came nor were cancelled."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.set: list[asyncio.TimerHandle] = []
        self._call_at = loop.call_at
        loop.call_at = self.call_at  # type: ignore[method-assign, assignment]

    def call_at(self, when: float, callback: Any, *arguments: Any, context: Any = None) -> Any:
        """Set one."""
        self.set.append(self._call_at(when, callback, *arguments, context=context))
        return self.set[-1]

    @property
    def left(self) -> int:
        """How many of them are left."""
        return sum(not timer.cancelled() and timer.when() > self.loop.time() for timer in self.set)


@pytest.fixture(autouse=True)
async def nothing_is_left() -> AsyncIterator[None]:
    """See that no row is left when a test is over."""
    yield
    gc.collect()
    assert not [row for row in deadlines._rows.values() if row.loop is asyncio.get_running_loop()]


async def test_deadlines_come_in_time() -> None:
    """Each comes when it is due, whatever others wait for, and once."""
    loop, notes = asyncio.get_running_loop(), list[Any]()
    for seconds in (5, 0.25, 5, 0):
        Noting(seconds, notes).wait(loop, seconds)
        await asyncio.sleep(1)
    await asyncio.sleep(10)

    assert notes == [(0 + 1.25, 0.25), (3, 0), (5, 5), (2 + 5, 5)]


@given(
    script=st.lists(
        st.tuples(
            st.sampled_from(["wait", "cancel", "sleep"]), st.sampled_from([0.5, 1, 3]), st.integers(0, 9)
        ),
        max_size=40,
    )
)
def test_any_deadlines_come_as_timers(script: list[tuple[str, float, int]]) -> None:
    """Whatever is set and cancelled comes as with a timer of the loop for each."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = list[Any](), list[Any]()
        pairs: list[tuple[Timer, asyncio.TimerHandle]] = []

        def note(notes: list[Any], number: int) -> None:
            notes.append((loop.time(), number))

        for what, seconds, number in script:
            if what == "sleep":
                await asyncio.sleep(seconds)
            elif what == "wait":
                count = len(pairs)
                timer = Timer(loop, seconds, lambda count=count: note(ours, count))
                pairs.append((timer, loop.call_later(seconds, note, theirs, count)))
            elif pairs:
                for one in pairs[number % len(pairs)]:
                    one.cancel()
        await asyncio.sleep(4)
        assert sorted(ours) == sorted(theirs)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


async def test_equal_deadlines_share_timer() -> None:
    """Those that are equally far away when they are set have one timer of the loop."""
    loop, notes = asyncio.get_running_loop(), list[Any]()
    timers = Timers(loop)
    for number in range(10):
        Noting(number, notes).wait(loop, 5)
        Noting(number, notes).wait(loop, 7)
    assert timers.left == 2
    await asyncio.sleep(6)
    assert timers.left == 1
    await asyncio.sleep(2)
    assert [name for _, name in notes] == [*range(10)] * 2


async def test_deadline_may_wait_again() -> None:
    """One that has come may wait again, in the same row or in another."""
    loop, notes = asyncio.get_running_loop(), list[Any]()
    Noting("x", notes, [3, 0, 5, 5]).wait(loop, 5)
    await asyncio.sleep(30)

    assert [when for when, _ in notes] == [5, 10, 15, 15, 18]


async def test_deadlines_come_in_turns() -> None:
    """Of very many that come together, others have their turn in between."""
    loop, notes = asyncio.get_running_loop(), list[Any]()
    for number in range(3 * AT_ONCE + 1):
        Noting(number, notes).wait(loop, 5)
    seen = [0]

    def look() -> None:
        seen.append(len(notes))
        if seen[-1] <= 3 * AT_ONCE:
            loop.call_soon(look)

    loop.call_later(5, look)
    await asyncio.sleep(6)

    assert sorted(set(seen)) == [0, AT_ONCE, 2 * AT_ONCE, 3 * AT_ONCE, 3 * AT_ONCE + 1]
    assert [name for _, name in notes] == [*range(3 * AT_ONCE + 1)]
    assert {when for when, _ in notes} == {5}


async def test_failure_stops_no_other() -> None:
    """An exception is the loop's to report, once; those behind come all the same."""
    loop, notes, told = asyncio.get_running_loop(), list[Any](), list[Any]()
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    Timer(loop, 5, lambda: 1 / 0)
    Noting("behind", notes).wait(loop, 5)
    await asyncio.sleep(6)

    assert notes == [(5, "behind")]
    assert type(told.pop()) is ZeroDivisionError
    assert not told


async def test_cancelling_within_row() -> None:
    """One that comes may cancel those behind it, and set others."""
    loop, notes = asyncio.get_running_loop(), list[Any]()
    timers = Timers(loop)
    last = Noting("last", notes)

    def come() -> None:
        last.cancel()
        Noting("new", notes).wait(loop, 5)

    Timer(loop, 5, come)
    last.wait(loop, 5)
    await asyncio.sleep(6)
    assert timers.left == 1
    await asyncio.sleep(5)
    assert notes == [(10, "new")]


async def test_cancelled_timers_are_forgotten() -> None:
    """Cancelling lets go of the function at once, and of most that was cancelled behind somebody."""
    loop, notes = asyncio.get_running_loop(), list[Any]()
    first = Noting("first", notes)
    first.wait(loop, 5)
    timers = [Timer(loop, 5, lambda: None) for _ in range(4 * AT_ONCE)]
    left = [weakref.ref(timer._then) for timer in timers if timer._then is not None]
    for timer in timers:
        timer.cancel()
        assert timer.cancelled()
    assert not any(function() for function in left)
    row = deadlines._rows[id(loop), 5]
    assert len(row._waiting) <= AT_ONCE + 1
    first.cancel()
    first.cancel()
    assert not row._waiting
    await asyncio.sleep(6)
    assert notes == []


async def test_nothing_left_sets_no_timer() -> None:
    """When all are cancelled, the loop has no timer any more."""
    loop = asyncio.get_running_loop()
    timers = Timers(loop)
    both = [Timer(loop, 5, lambda: None) for _ in range(2)]
    both[1].cancel()
    assert timers.left == 1
    both[0].cancel()
    assert timers.left == 0
    Timer(loop, 5, lambda: None).cancel()
    assert timers.left == 0


async def test_deadlines_have_no_context() -> None:
    """What comes of a deadline doesn't see the context variables of who has set the first of its row."""
    variable = contextvars.ContextVar("variable", default="nobody's")
    seen: list[str] = []
    variable.set("somebody's")
    Timer(asyncio.get_running_loop(), 5, lambda: seen.append(variable.get()))
    await asyncio.sleep(6)

    assert seen == ["nobody's"]


@pytest.mark.parametrize("loop", LOOPS)
def test_real_loops_keep_time(loop: str) -> None:
    """On a loop with a real clock nothing comes before its time, nor never."""

    async def main() -> None:
        running = asyncio.get_running_loop()
        early = []
        for seconds in (0.001, 0.0035, 0.01, 0.0101):
            ended = running.create_future()
            timer = Timer(running, seconds, lambda ended=ended: ended.set_result(running.time()))
            early.append(timer.due - await ended)
        assert max(early) <= 0.001

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())
