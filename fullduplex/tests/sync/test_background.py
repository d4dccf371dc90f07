"""The thread of the event loop: when it runs, and what becomes of calls that nobody waits for any more."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fullduplex.sync import background as background_module
from fullduplex.sync.background import Background

from .conftest import interrupt


@pytest.fixture
def background() -> Iterator[Background]:
    """A background of the test's own, ended with it."""
    background = Background()
    yield background
    background.end()


async def thread_of_loop() -> threading.Thread:
    """Return the thread on which the loop runs."""
    return threading.current_thread()


def test_call_gives_result(background: Background) -> None:
    """A call runs on a daemon thread, and its result is returned."""
    thread = background.call(thread_of_loop)

    assert thread is not threading.current_thread()
    assert thread.daemon


def test_call_raises_its_error(background: Background) -> None:
    """What a call raises is raised where it is waited for."""

    async def fail() -> None:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        background.call(fail)


def test_thread_ends_when_idle(background: Background) -> None:
    """The thread ends with the last call, and the next call starts another."""
    first = background.call(thread_of_loop)
    first.join()

    second = background.call(thread_of_loop)
    second.join()

    assert second is not first


def test_many_threads_call(background: Background) -> None:
    """Calls of many threads are all answered, whether or not the loop's thread was ending."""
    results: list[int] = []

    async def give(number: int) -> int:
        await asyncio.sleep(0)
        return number

    def call(numbers: range) -> None:
        results.extend(background.call(functools.partial(give, number)) for number in numbers)

    threads = [threading.Thread(target=call, args=(range(start, start + 50),)) for start in (0, 50, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == list(range(150))


def test_interrupt_cancels_call(background: Background) -> None:
    """Ctrl-C while waiting cancels the call."""
    cancelled = threading.Event()

    async def wait() -> None:
        interrupt()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(KeyboardInterrupt):
        background.call(wait)

    assert cancelled.wait(30)


def test_late_result_is_kept(background: Background) -> None:
    """What a call returns after it was interrupted is kept."""
    left = threading.Event()
    kept: list[str] = []

    async def receive() -> str:
        interrupt()
        left.wait()
        return "message"

    with pytest.raises(KeyboardInterrupt):
        background.call(receive, kept.append)
    left.set()
    background.call(thread_of_loop)

    assert kept == ["message"]


def test_result_at_interrupt_is_kept(background: Background, interrupt_result: Callable[[], None]) -> None:
    """What a call had returned when the waiting was interrupted is kept."""
    kept: list[str] = []

    async def receive() -> str:
        return "message"

    interrupt_result()
    with pytest.raises(KeyboardInterrupt):
        background.call(receive, kept.append)
    background.call(thread_of_loop)

    assert kept == ["message"]


@pytest.mark.parametrize("is_interrupted", [True, False])
def test_error_is_not_kept(
    background: Background, is_interrupted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A call that has no result leaves none, be it cancelled or not, and nobody is told of anything else."""
    kept: list[str] = []

    async def receive() -> str:
        if not is_interrupted:
            raise ValueError("oops")
        interrupt()
        await asyncio.Event().wait()
        return "message"

    with pytest.raises(KeyboardInterrupt if is_interrupted else ValueError):
        background.call(receive, kept.append)
    background.call(thread_of_loop)
    gc.collect()

    assert kept == []
    assert caplog.messages == []


def test_interrupted_start_is_forgotten(background: Background, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that was interrupted before it began doesn't keep the thread."""

    def interrupted(*arguments: Any) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(background_module._Loop, "call_soon_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        background.call(thread_of_loop)

    background.call(thread_of_loop).join()


def test_meanwhile_runs_in_caller(background: Background) -> None:
    """What is to be done meanwhile is done by the calling thread; its error cancels the call."""
    cancelled = threading.Event()
    threads: list[threading.Thread] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def fail() -> None:
        threads.append(threading.current_thread())
        background.call(thread_of_loop)
        raise LookupError

    with pytest.raises(LookupError):
        background.call(wait, meanwhile=fail)

    assert cancelled.wait(30)
    assert threads == [threading.current_thread()]


def test_loop_may_not_wait(background: Background) -> None:
    """A call on the loop's own thread, which would wait for ever, is refused."""

    async def call() -> None:
        background.call(thread_of_loop)

    with pytest.raises(RuntimeError, match="event loop"):
        background.call(call)


def test_fork_is_foreign(background: Background, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another process nothing is called."""
    assert not background.is_foreign
    monkeypatch.setattr(os, "getpid", lambda: -1)

    assert background.is_foreign
    with pytest.raises(RuntimeError, match="forked"):
        background.call(thread_of_loop)


def test_end_refuses_calls(background: Background) -> None:
    """After the end nothing is called; a second end does nothing."""
    background.call(thread_of_loop)
    background.end()
    background.end()

    with pytest.raises(RuntimeError, match="interpreter"):
        background.call(thread_of_loop)


def test_end_cancels_what_stays(background: Background, monkeypatch: pytest.MonkeyPatch) -> None:
    """What isn't over in time at the end is cancelled."""
    monkeypatch.setattr(background_module, "EXIT_TIMEOUT", 0.01)
    begun = threading.Event()
    cancelled = threading.Event()

    async def stay() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def call() -> None:
        with pytest.raises(asyncio.CancelledError):
            background.call(stay)

    thread = threading.Thread(target=call)
    thread.start()
    begun.wait()
    background.end()
    thread.join()

    assert cancelled.is_set()
