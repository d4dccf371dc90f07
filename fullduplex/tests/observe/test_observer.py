"""Whom events are told, and that nobody can do harm by hearing of them."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from unittest import mock

import pytest

from fullduplex.close import Close
from fullduplex.exceptions import ConnectionClosed
from fullduplex.observe import Observer, first_close
from fullduplex.observe.observer import EVENTS, Observers

from .notes import Notes

logger = logging.getLogger("fullduplex.test")
connection: Any = object()


def test_every_event_does_nothing() -> None:
    """An observer that overrides nothing hears nothing, and whatever it is told is no error."""
    observer = Observer()
    for event in EVENTS:
        method = getattr(observer, event)
        method(*[None] * (method.__code__.co_argcount - 1))

    assert not Observers(observer, logger).hear(*EVENTS)


def test_events_reach_all_observers() -> None:
    """Each of several observers is told, in their order, with every detail."""
    notes = [Notes(), Notes()]
    Observers(notes, logger).tell("opened", connection, 1.5)

    assert [one.events for one in notes] == [[("opened", 1.5)], [("opened", 1.5)]]
    assert notes[0].connections == [connection]


def test_only_overridden_methods_hear() -> None:
    """What nobody overrides isn't heard; a method of an object counts as much as one of a class."""

    class Opened(Observer):
        def opened(self, connection: Any, seconds: float) -> None:
            """Do nothing."""

    pinged = Observer()
    pinged.ping_received = mock.Mock()  # type: ignore[method-assign]
    observers = Observers([Opened(), pinged], logger)

    assert [event for event in EVENTS if observers.hear(event)] == ["opened", "ping_received"]
    observers.tell("ping_received", connection)
    pinged.ping_received.assert_called_once_with(connection)


@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
def test_failing_observer_is_logged(error: type[BaseException], caplog: pytest.LogCaptureFixture) -> None:
    """What one raises is logged with its traceback, and the next is told all the same.

    It may have asked a future that was cancelled, which is an exception of no other kind.
    """
    failing, notes = Observer(), Notes()
    failing.opened = mock.Mock(side_effect=error)  # type: ignore[method-assign]
    Observers([failing, notes], logger).tell("opened", connection, 0.0)

    assert notes.names == ["opened"]
    [record] = caplog.records
    assert (record.name, record.getMessage()) == ("fullduplex.test", "an observer failed at opened")
    assert record.exc_info is not None
    assert record.exc_info[0] is error


@pytest.mark.parametrize("option", ["metrics", [Notes(), print], Notes, 5, 0, False])
def test_others_are_no_observers(option: Any) -> None:
    """What isn't an observer is refused when it is given, a class of one as well."""
    with pytest.raises(TypeError, match="must be an Observer, or several in a list, not"):
        Observers(option, logger)


A, B = Close(4000, "a"), Close(4001, "b")


@pytest.mark.parametrize(
    "received, sent, received_first, expected",
    [
        (None, None, None, ("none", 1006)),
        (A, None, None, ("remote", 4000)),
        (None, B, None, ("local", 4001)),
        (A, B, True, ("remote", 4000)),
        (A, B, False, ("local", 4001)),
    ],
)
def test_first_close_tells_who(
    received: Close | None, sent: Close | None, received_first: bool | None, expected: tuple[str, int]
) -> None:
    """Who closed first, and by which code, is told; 1006 if nobody did."""
    assert first_close(ConnectionClosed(received, sent, received_first)) == expected
