"""Listeners: who hears of an event, in which order, and what becomes of their exceptions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fullduplex.emitter.listeners import EventEmitter


def test_listeners_run_in_order() -> None:
    """Listeners get the arguments in the order in which they were added, twice if added twice."""
    emitter, heard = EventEmitter(), []

    def first(*arguments: Any) -> None:
        heard.append(("first", *arguments))

    assert emitter.on("event", first) is first

    @emitter.on("event")
    def second(*arguments: Any) -> None:
        heard.append(("second", *arguments))

    emitter.on("event", first)
    assert emitter.emit("event", 1, "two")
    assert not emitter.emit("other")

    assert heard == [("first", 1, "two"), ("second", 1, "two"), ("first", 1, "two")]


def test_once_listens_once() -> None:
    """A listener of ``once`` hears one event, whatever else the same function listens to."""
    emitter, heard = EventEmitter(), []

    @emitter.once("event")
    def listener() -> None:
        heard.append(True)

    emitter.on("event", listener)
    for expected in (2, 3, 4):
        emitter.emit("event")
        assert len(heard) == expected


def test_once_survives_recursion() -> None:
    """An event that is emitted while it is heard doesn't call a ``once`` listener again."""
    emitter, heard = EventEmitter(), []
    emitter.once("event", lambda: emitter.emit("event"))
    emitter.once("event", lambda: heard.append(True))
    emitter.emit("event")
    emitter.emit("event")

    assert heard == [True]


def test_off_stops_listening() -> None:
    """``off`` takes the listener that was added last; one that isn't there is no error."""
    emitter, heard = EventEmitter(), []

    def listener() -> None:
        heard.append(True)

    emitter.off("event", listener)
    emitter.on("event", listener)
    emitter.on("event", listener)
    emitter.off("event", listener)
    emitter.off("event", print)
    assert emitter.emit("event")
    emitter.off("event", listener)
    assert not emitter.emit("event")

    assert heard == [True]


def test_listeners_may_change_listeners() -> None:
    """What a listener adds or takes off counts from the next event on."""
    emitter, heard = EventEmitter(), []

    def late() -> None:
        heard.append("late")

    def early() -> None:
        emitter.off("event", early)
        emitter.on("event", late)
        heard.append("early")

    emitter.on("event", early)
    emitter.emit("event")
    emitter.emit("event")

    assert heard == ["early", "late"]


def test_listeners_must_be_callable() -> None:
    """Anything else is refused when it is added, not when the event comes."""
    for add in (EventEmitter().on, EventEmitter().once):
        with pytest.raises(TypeError, match="a listener must be callable, not int"):
            add("event", 1)


def test_failing_listener_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """An exception is logged with the event's name, and the other listeners are called."""
    emitter, heard = EventEmitter(), []
    emitter.on("event", lambda: 1 / 0)
    emitter.on("event", lambda: heard.append(True))
    emitter.emit("event")

    assert heard == [True]
    assert [record.message for record in caplog.records] == ["listener of 'event' failed"]


async def test_coroutines_run_as_tasks(caplog: pytest.LogCaptureFixture) -> None:
    """A coroutine function listens too; it is kept alive while it runs, and its exception logged."""
    emitter, heard = EventEmitter(), asyncio.Event()

    @emitter.on("event")
    async def listener(word: str) -> None:
        await asyncio.sleep(0)
        assert word == "hello"
        heard.set()
        raise ZeroDivisionError

    emitter.emit("event", "hello")
    assert not heard.is_set()
    await heard.wait()
    await asyncio.sleep(0)

    assert [record.message for record in caplog.records] == ["listener of 'event' failed"]


def test_listeners_are_counted() -> None:
    """``listenerCount`` tells how many there are, those of ``once`` as long as they wait."""
    emitter = EventEmitter()
    assert emitter.listenerCount("event") == 0
    emitter.on("event", print)
    emitter.once("event", lambda: None)
    assert emitter.listenerCount("event") == 2
    emitter.emit("event")
    assert (emitter.listenerCount("event"), emitter.listenerCount("other")) == (1, 0)
