"""Events and listeners: who is called, in which order, with what, and what becomes of exceptions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fullduplex.browser import CloseEvent, ErrorEvent, Event, EventTarget, MessageEvent, ReconnectingEvent
from fullduplex.browser.events import Handler


class Target(EventTarget):
    """Something with a handler, that says what it heard."""

    onopen = Handler()

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop())
        self.heard: list[Any] = []
        self.reported: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: self.reported.append(context))

    def hears(self, what: Any) -> Any:
        """Return a listener that notes ``what`` was heard."""
        return lambda event: self.heard.append(what)

    def fire(self) -> list[Any]:
        """Return what is heard of an event."""
        self.heard.clear()
        self._dispatch(Event("open"))
        return list(self.heard)


async def test_handlers_are_attributes() -> None:
    """``on…`` is None at first, keeps what can be called, and makes None of anything else."""
    target = Target()
    assert isinstance(Target.onopen, Handler)
    assert target.onopen is None
    for listener in (print, None, 1, "text", {"handleEvent": print}, print, object()):
        target.onopen = listener
        assert target.onopen is (print if listener is print else None)


async def test_listeners_run_in_order() -> None:
    """Listeners run as they were added; a handler at the place where it was first set."""
    target = Target()
    for number in (1, 2):
        target.addEventListener("open", target.hears(number))
    target.onopen = target.hears("never")
    target.addEventListener("open", target.hears(4))
    target.onopen = target.hears(3)
    target.addEventListener("open", target.hears(5))

    assert target.fire() == [1, 2, 3, 4, 5]


async def test_none_gives_up_place() -> None:
    """A handler that is None has no place: it gets one when it becomes something else."""
    target = Target()
    target.onopen = None
    target.addEventListener("open", target.hears(1))
    target.onopen = target.hears(2)
    target.addEventListener("open", target.hears(3))
    assert target.fire() == [1, 2, 3]

    target.onopen = None
    assert target.fire() == [1, 3]
    target.onopen = target.hears(4)
    assert target.fire() == [1, 3, 4]


async def test_listeners_are_there_once() -> None:
    """A listener is there once however often it is added, but once more as the handler."""
    target = Target()
    listener = target.hears("it")
    for once in (False, True):
        target.addEventListener("open", listener, once=once)
    assert target.fire() == target.fire() == ["it"]

    target.onopen = listener
    assert target.fire() == ["it", "it"]
    target.removeEventListener("open", listener)
    target.removeEventListener("open", listener)
    assert target.fire() == ["it"]
    target.onopen = None
    assert target.fire() == []


async def test_bound_methods_are_one() -> None:
    """A method can be taken off, although each look at it gives another object."""
    target = Target()
    target.addEventListener("open", target.heard.append)
    target.removeEventListener("open", target.heard.append)

    assert target.fire() == []


async def test_listeners_may_listen_once() -> None:
    """With ``once`` it hears one event, even if it brings about another; it may be added again."""
    target = Target()

    def again(event: Event) -> None:
        target.heard.append("again")
        if len(target.heard) == 1:
            target._dispatch(Event("open"))

    target.addEventListener("open", again, once=True)
    assert target.fire() == ["again"]
    assert target.fire() == []
    target.addEventListener("open", again, once=True)
    assert target.fire() == ["again"]


async def test_listeners_may_go() -> None:
    """Who is taken off before its turn isn't called, even if added again; nor is who is added meanwhile."""
    target = Target()
    gone, late = target.hears("gone"), target.hears("late")

    def change(event: Event) -> None:
        target.removeEventListener("open", gone)
        target.addEventListener("open", gone)
        target.addEventListener("open", late)
        target.onopen = None

    target.addEventListener("open", change, once=True)
    target.addEventListener("open", gone)
    target.onopen = target.hears("handler")

    assert target.fire() == []
    assert target.fire() == ["gone", "late"]


async def test_unknown_listeners_are_ignored() -> None:
    """Taking off who isn't there does nothing, and neither does adding or taking off None."""
    target = Target()
    target.addEventListener("open", None)
    target.removeEventListener("open", None)
    target.removeEventListener("nonsense", print)

    assert target.fire() == []


@pytest.mark.parametrize("listener", [1, "text", {}, object()], ids=str)
async def test_other_listeners_are_refused(listener: Any) -> None:
    """What can't be called and has no handleEvent is a TypeError."""
    with pytest.raises(TypeError):
        Target().addEventListener("open", listener)


async def test_objects_may_listen() -> None:
    """Of an object, handleEvent is called, the one it has when the event comes."""

    class Listening:
        def handleEvent(self, event: Event) -> None:
            target.heard.append("first")

    target, listening = Target(), Listening()
    target.addEventListener("open", listening)
    assert target.fire() == ["first"]
    listening.handleEvent = target.hears("second")  # type: ignore[method-assign]
    assert target.fire() == ["second"]
    target.removeEventListener("open", listening)
    assert target.fire() == []


async def test_coroutines_run_as_tasks() -> None:
    """A coroutine function begins in the next turn; what it raises is reported, cancelling isn't."""
    target, gate = Target(), asyncio.Event()

    async def listen(event: Event) -> None:
        target.heard.append(event.type)
        await gate.wait()
        target.heard.append("end")
        raise LookupError

    async def cancel(event: Event) -> None:
        raise asyncio.CancelledError

    target.addEventListener("open", listen)
    target.onopen = cancel
    assert target.fire() == []
    await asyncio.sleep(0)
    assert target.heard == ["open"]
    gate.set()
    for _ in range(3):
        await asyncio.sleep(0)

    assert target.heard == ["open", "end"]
    [context] = target.reported
    assert isinstance(context["exception"], LookupError)
    assert context["message"] == "listener of 'open' failed"


async def test_exceptions_stop_nobody() -> None:
    """What a listener raises is given to the loop's exception handler, and the others run."""
    target = Target()
    target.onopen = lambda event: 1 / 0
    target.addEventListener("open", target.hears("it"))

    assert target.fire() == ["it"]
    assert [type(context["exception"]) for context in target.reported] == [ZeroDivisionError]
    assert target.reported[0]["message"] == "listener of 'open' failed"


async def test_listeners_may_stop_others() -> None:
    """After stopImmediatePropagation no other listener hears of the event."""
    target = Target()
    target.addEventListener("open", lambda event: event.stopImmediatePropagation())
    target.addEventListener("open", target.hears("never"))

    assert target.fire() == []


async def test_events_know_their_target() -> None:
    """An event has its type and its target, as currentTarget only while it is told; nothing bubbles."""
    target = Target()
    seen = []
    target.addEventListener("open", lambda event: seen.append((event, event.target, event.currentTarget)))
    target.fire()
    [(event, *targets)] = seen

    assert targets == [target, target]
    assert (event.type, event.target, event.currentTarget) == ("open", target, None)
    assert (event.bubbles, event.cancelable) == (False, False)


def test_events_have_defaults() -> None:
    """Whatever isn't said of an event is empty: it has no target, wasn't clean, and has no code."""
    close, message, error = CloseEvent("close"), MessageEvent("message"), ErrorEvent("error")
    assert (close.wasClean, close.code, close.reason, close.error) == (False, 0, "", None)
    assert (message.data, message.origin) == (None, "")
    assert error.error is None
    returning = ReconnectingEvent("reconnecting")
    assert (returning.attempt, returning.delay, returning.error) == (0, 0, None)
    assert [event.target for event in (close, message, error, returning)] == [None] * 4

    close = CloseEvent("close", wasClean=True, code=3000, reason="why")
    assert (close.type, close.wasClean, close.code, close.reason) == ("close", True, 3000, "why")
