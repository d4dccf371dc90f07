"""Events and who hears of them, as the DOM standard has it for objects outside a tree.

It knows functions, coroutine functions and objects with ``handleEvent``.  It
doesn't know what any event means, or when it is time for one.

Invariants:

1. Listeners run in the order in which they were added; an ``on…`` attribute at
   the place where it last became something else than None.
2. Whoever was taken off before its turn came isn't called, nor who was added meanwhile.
3. An exception in a listener is given to the loop's exception handler, and stops no other.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = [
    "CloseEvent",
    "DOMException",
    "DOMSyntaxError",
    "ErrorEvent",
    "Event",
    "EventTarget",
    "Handler",
    "InvalidAccessError",
    "InvalidStateError",
    "Listener",
    "MessageEvent",
    "QuotaExceededError",
    "ReconnectingEvent",
]

#: Tasks of coroutine listeners; an event loop keeps no strong reference to them.
_running: set[asyncio.Task[Any]] = set()


class DOMException(Exception):
    """What the standard throws; ``name`` is its name there."""

    name = "Error"


class DOMSyntaxError(DOMException, ValueError):
    """A URL, subprotocol or close reason is malformed."""

    name = "SyntaxError"


class InvalidStateError(DOMException, RuntimeError):
    """The connection isn't open yet."""

    name = "InvalidStateError"


class InvalidAccessError(DOMException, ValueError):
    """A close code is neither 1000 nor from 3000 to 4999."""

    name = "InvalidAccessError"


class QuotaExceededError(DOMException, BufferError):
    """There is no room for what was to be kept."""

    name = "QuotaExceededError"


class Event:
    """Something that happened to ``target``; ``currentTarget`` is the same while listeners run."""

    bubbles = False
    cancelable = False

    def __init__(self, type: str) -> None:  # noqa: A002 - the standard's name
        self.type = type
        self.target: EventTarget | None = None
        self.currentTarget: EventTarget | None = None
        self._is_stopped = False

    def stopImmediatePropagation(self) -> None:
        """Let no other listener hear of it."""
        self._is_stopped = True


class MessageEvent(Event):
    """A message: ``data`` is ``str`` for text and bytes-like for binary."""

    def __init__(self, type: str, *, data: Any = None, origin: str = "") -> None:  # noqa: A002
        super().__init__(type)
        self.data = data
        self.origin = origin


class ErrorEvent(Event):
    """The connection failed; ``error`` tells why, which a browser wouldn't."""

    def __init__(self, type: str, *, error: BaseException | None = None) -> None:  # noqa: A002
        super().__init__(type)
        self.error = error


class ReconnectingEvent(Event):
    """The connection comes back: attempt number ``attempt`` in ``delay`` seconds, after ``error``."""

    def __init__(
        self,
        type: str,  # noqa: A002
        *,
        attempt: int = 0,
        delay: float = 0,
        error: BaseException | None = None,
    ) -> None:
        super().__init__(type)
        self.attempt = attempt
        self.delay = delay
        self.error = error


class CloseEvent(Event):
    """The connection is closed: how, with what code and reason; ``error`` tells why if it failed."""

    def __init__(
        self,
        type: str,  # noqa: A002
        *,
        wasClean: bool = False,
        code: int = 0,
        reason: str = "",
        error: BaseException | None = None,
    ) -> None:
        super().__init__(type)
        self.wasClean = wasClean
        self.code = code
        self.reason = reason
        self.error = error


#: A function, a coroutine function, or an object with a method ``handleEvent``.
Listener: TypeAlias = Callable[[Any], Any] | Any


@dataclass(slots=True, eq=False)
class _Entry:
    """A listener at its place; ``is_handler`` if that is an ``on…`` attribute's."""

    listener: Listener
    once: bool = False
    is_handler: bool = False
    is_removed: bool = False


class EventTarget:
    """Keeps listeners by the type of their event, and calls them in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._listeners: dict[str, list[_Entry]] = {}

    def addEventListener(self, type: str, listener: Listener | None, *, once: bool = False) -> None:  # noqa: A002
        """Call ``listener`` with each event of this type, or with the next one only.

        Adding it again does nothing, and so does None.  The coroutine of a
        coroutine function runs as a task, from the next turn of the loop on.

        Raises:
            TypeError: if ``listener`` can't be called and has no ``handleEvent``.
        """
        if listener is None:
            return
        if not callable(listener) and not hasattr(listener, "handleEvent"):
            raise TypeError(f"{listener.__class__.__name__} can't be called and has no handleEvent")
        if self._find(type, listener) is None:
            self._add(type, _Entry(listener, once))

    def removeEventListener(self, type: str, listener: Listener | None) -> None:  # noqa: A002
        """Call ``listener`` no more; one that isn't there is no error."""
        entry = self._find(type, listener)
        if entry is not None:
            self._remove(type, entry)

    def _find(self, kind: str, listener: Listener | None) -> _Entry | None:
        entries = self._listeners.get(kind, ())
        return next((one for one in entries if not one.is_handler and one.listener == listener), None)

    def _find_handler(self, kind: str) -> _Entry | None:
        return next((one for one in self._listeners.get(kind, ()) if one.is_handler), None)

    def _add(self, kind: str, entry: _Entry) -> None:
        self._listeners.setdefault(kind, []).append(entry)
        self._listeners_changed()

    def _remove(self, kind: str, entry: _Entry) -> None:
        entry.is_removed = True
        self._listeners[kind].remove(entry)
        self._listeners_changed()

    def _listeners_changed(self) -> None:
        """Some listener came or went."""

    def _dispatch(self, event: Event) -> None:
        event.target = event.currentTarget = self
        for entry in tuple(self._listeners.get(event.type, ())):
            if entry.is_removed:
                continue
            if entry.once:
                self._remove(event.type, entry)
            self._call(entry.listener, event)
            if event._is_stopped:
                break
        event.currentTarget = None

    def _call(self, listener: Listener, event: Event) -> None:
        try:
            result = listener(event) if callable(listener) else listener.handleEvent(event)
            if inspect.iscoroutine(result):
                task = self._loop.create_task(result)
                _running.add(task)
                task.add_done_callback(functools.partial(self._ended, event.type))
        except Exception as error:
            self._report(event.type, error)

    def _ended(self, kind: str, task: asyncio.Task[Any]) -> None:
        _running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._report(kind, error)

    def _report(self, kind: str, error: BaseException) -> None:
        self._loop.call_exception_handler({"message": f"listener of {kind!r} failed", "exception": error})


class Handler:
    """An ``on…`` attribute; what can't be called makes None of it."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._type = name.removeprefix("on")

    def __get__(self, target: EventTarget | None, owner: type | None = None) -> Any:
        if target is None:
            return self
        entry = target._find_handler(self._type)
        return None if entry is None else entry.listener

    def __set__(self, target: EventTarget, listener: Listener | None) -> None:
        entry = target._find_handler(self._type)
        if entry is None:
            if callable(listener):
                target._add(self._type, _Entry(listener, is_handler=True))
        elif callable(listener):
            entry.listener = listener
        else:
            target._remove(self._type, entry)
