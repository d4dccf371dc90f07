"""Listeners: who hears of an event, in which order, and what becomes of their exceptions.

It knows functions and coroutine functions; it doesn't know what any event means.

Invariants:

1. A listener's exception is logged, and stops neither other listeners nor whoever emits.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, overload

__all__ = ["EventEmitter", "call", "finish", "report", "run"]

Listener = TypeVar("Listener", bound=Callable[..., Any])

#: Tasks of coroutine listeners; an event loop keeps no strong reference to them.
_running: set[asyncio.Task[Any]] = set()


class EventEmitter:
    """Keeps listeners by the name of their event, and calls them in order."""

    # Where their exceptions are told.
    _logger = logging.getLogger("fullduplex")

    def __init__(self) -> None:
        # Of each listener its event, itself, and whether it is called once only, in one row: a connection
        # has few, and a dictionary of lists would take five times as much memory.
        self._listeners: tuple[Any, ...] = ()

    @overload
    def on(self, event: str) -> Callable[[Listener], Listener]: ...
    @overload
    def on(self, event: str, listener: Listener) -> Listener: ...
    def on(self, event: str, listener: Any = None) -> Any:
        """Call ``listener`` at each ``event``; without it, return a decorator.

        A listener that is added twice is called twice.
        """
        return self._add(event, listener, once=False)

    @overload
    def once(self, event: str) -> Callable[[Listener], Listener]: ...
    @overload
    def once(self, event: str, listener: Listener) -> Listener: ...
    def once(self, event: str, listener: Any = None) -> Any:
        """Call ``listener`` at the next ``event`` only; without it, return a decorator."""
        return self._add(event, listener, once=True)

    def _add(self, event: str, listener: Any, *, once: bool) -> Any:
        if listener is None:
            return functools.partial(self._add, event, once=once)
        if not callable(listener):
            raise TypeError(f"a listener must be callable, not {type(listener).__name__}")
        self._listeners += (event, listener, once)
        return listener

    def _entries(self, event: str) -> list[tuple[Any, bool]]:
        """Return the listeners of ``event``, each with whether it is called once only."""
        row = self._listeners
        return [(row[at + 1], row[at + 2]) for at in range(0, len(row), 3) if row[at] == event]

    def _remove(self, event: str, place: int) -> None:
        """Take off one of the listeners of ``event``, by its place among them."""
        row = self._listeners
        at = [at for at in range(0, len(row), 3) if row[at] == event][place]
        self._listeners = row[:at] + row[at + 3 :]

    def off(self, event: str, listener: Callable[..., Any]) -> None:
        """Call ``listener`` no more at ``event``; one that isn't there is no error."""
        entries = self._entries(event)
        for place in reversed(range(len(entries))):
            if entries[place][0] == listener:
                self._remove(event, place)
                break

    def listenerCount(self, event: str) -> int:
        """Return how many listeners ``event`` has."""
        return len(self._entries(event))

    def emit(self, event: str, *arguments: Any) -> bool:
        """Call the listeners of ``event``; tell whether there were any.

        A coroutine that a listener returns runs as a task.  Exceptions are logged.
        """
        entries = self._entries(event)
        for entry in entries:
            listener, once = entry
            if once:
                left = self._entries(event)
                if entry not in left:
                    # A listener before it has emitted the same event, or taken it off.
                    continue
                self._remove(event, left.index(entry))
            call(self._logger, event, listener, *arguments)
        return bool(entries)


def call(logger: logging.Logger, event: str, listener: Callable[..., Any], *arguments: Any) -> None:
    """Call one listener; if it returns a coroutine, run that as a task."""
    try:
        finish(logger, event, listener(*arguments))
    except Exception as error:
        report(logger, event, error)


def finish(logger: logging.Logger, event: str, result: Any) -> None:
    """Run what a listener has returned as a task, if it is a coroutine."""
    if inspect.iscoroutine(result):
        run(logger, event, result)


def report(logger: logging.Logger, event: str, error: Exception) -> None:
    """Tell of the exception that a listener has raised."""
    logger.error("listener of %r failed", event, exc_info=error)


def run(logger: logging.Logger, event: str, coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a listener's coroutine as a task that is kept alive, and log its exception."""

    async def guarded() -> None:
        try:
            await coroutine
        except Exception as error:
            report(logger, event, error)

    task = asyncio.get_running_loop().create_task(guarded())
    _running.add(task)
    task.add_done_callback(_running.discard)
