"""The browser's face: ``WebSocket`` as the WHATWG standard describes it, on the running loop.

Names are the standard's, in its spelling.  What of the standard is here, and
what only JavaScript can have, is in ``docs/browser.md``.
"""

from .events import (
    CloseEvent,
    DOMException,
    DOMSyntaxError,
    ErrorEvent,
    Event,
    EventTarget,
    InvalidAccessError,
    InvalidStateError,
    MessageEvent,
    QuotaExceededError,
    ReconnectingEvent,
)
from .link import EVENTS_AHEAD
from .websocket import BAD_PORTS, WebSocket

__all__ = [
    "BAD_PORTS",
    "EVENTS_AHEAD",
    "CloseEvent",
    "DOMException",
    "DOMSyntaxError",
    "ErrorEvent",
    "Event",
    "EventTarget",
    "InvalidAccessError",
    "InvalidStateError",
    "MessageEvent",
    "QuotaExceededError",
    "ReconnectingEvent",
    "WebSocket",
]
