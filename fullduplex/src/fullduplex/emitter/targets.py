"""The browser's way to listen, as ws has it beside its own: ``addEventListener`` and ``onmessage``.

Listeners added so get one event object.  They are called in one row with those
of ``on``, and not in turns of the loop of their own; the browser face does that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .listeners import EventEmitter

__all__ = ["CloseEvent", "ErrorEvent", "Event", "EventTarget", "MessageEvent"]


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, and to which connection."""

    type: str
    target: Any


@dataclass(frozen=True, slots=True)
class MessageEvent(Event):
    """A message arrived: text as ``str``, binary as ``bytes``."""

    data: str | bytes


@dataclass(frozen=True, slots=True)
class CloseEvent(Event):
    """The connection is closed; ``wasClean`` tells whether both sides sent their Close frame."""

    code: int
    reason: str
    wasClean: bool


@dataclass(frozen=True, slots=True)
class ErrorEvent(Event):
    """The connection failed; ``error`` is the exception, and ``message`` what it says."""

    error: BaseException
    message: str


def _open(target: Any) -> Event:
    return Event("open", target)


def _message(target: Any, data: str | bytes, is_binary: bool) -> Event:
    return MessageEvent("message", target, data)


def _close(target: Any, code: int, reason: str) -> Event:
    return CloseEvent("close", target, code, reason, target.codec.lifecycle.is_complete)


def _error(target: Any, error: BaseException) -> Event:
    return ErrorEvent("error", target, error, str(error))


#: What makes an event object of the arguments that an event is emitted with.
_MAKERS: dict[str, Callable[..., Event]] = {
    "open": _open,
    "message": _message,
    "close": _close,
    "error": _error,
}


@dataclass(frozen=True)
class _Adapted:
    """A listener that is given an event object; equal to another of the same listener."""

    kind: str
    listener: Any
    is_attribute: bool
    target: Any = field(compare=False)

    def __call__(self, *arguments: Any) -> Any:
        listener = getattr(self.listener, "handleEvent", self.listener)
        return listener(_MAKERS[self.kind](self.target, *arguments))


def _attribute(kind: str) -> property:
    """Make an attribute that holds one listener of one kind, or None."""

    def get(target: EventTarget) -> Callable[[Any], Any] | None:
        adapted = _held(target)
        return None if adapted is None else adapted.listener

    def set_(target: EventTarget, listener: Callable[[Any], Any] | None) -> None:
        adapted = _held(target)
        if adapted is not None:
            target.off(kind, adapted)
        if callable(listener):
            target.on(kind, _Adapted(kind, listener, True, target))

    def _held(target: EventTarget) -> _Adapted | None:
        for listener, _ in target._entries(kind):
            if isinstance(listener, _Adapted) and listener.is_attribute:
                return listener
        return None

    return property(get, set_, doc=f"The one listener of ``{kind}`` that is set so; None without one.")


class EventTarget(EventEmitter):
    """An emitter of these four events that the browser's words work on too."""

    onopen = _attribute("open")
    onmessage = _attribute("message")
    onclose = _attribute("close")
    onerror = _attribute("error")

    def addEventListener(self, event: str, listener: Any, *, once: bool = False) -> None:
        """Call ``listener`` with an event object at each ``event``, or with ``once`` at the next.

        It is a function, a coroutine function, or an object with ``handleEvent``.  Other
        types than ``open``, ``message``, ``close`` and ``error`` are ignored, as
        in ws; so is a listener that is there already.
        """
        adapted = _Adapted(event, listener, False, self)
        if event in _MAKERS and all(known != adapted for known, _ in self._entries(event)):
            self._add(event, adapted, once=once)

    def removeEventListener(self, event: str, listener: Any) -> None:
        """Undo ``addEventListener``; a listener that isn't there is no error."""
        self.off(event, _Adapted(event, listener, False, self))
