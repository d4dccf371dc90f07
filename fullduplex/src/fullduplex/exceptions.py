"""Everything this library raises.

Names and hierarchy are those of the ``websockets`` package wherever it has
them, so that ``except`` clauses keep their meaning when a program moves::

    WebSocketException
    ├── InvalidHandshake
    │   ├── SecurityError
    │   ├── ProxyError
    │   │   ├── InvalidProxyMessage
    │   │   └── InvalidProxyStatus
    │   ├── InvalidMessage
    │   ├── InvalidStatus
    │   ├── InvalidHeader
    │   │   ├── InvalidHeaderFormat
    │   │   ├── InvalidHeaderValue
    │   │   ├── InvalidOrigin
    │   │   └── InvalidUpgrade
    │   └── NegotiationError
    │       └── DuplicateParameter · InvalidParameterName · InvalidParameterValue
    ├── InvalidURI                 (also ValueError)
    ├── InvalidProxy               (also ValueError)
    ├── ProtocolError
    │   ├── LocalProtocolError     a bug in the caller
    │   └── RemoteProtocolError    the peer broke the rules
    ├── PayloadTooBig
    ├── ConnectionClosed
    │   ├── ConnectionClosedOK
    │   └── ConnectionClosedError
    └── ConcurrencyError           (also RuntimeError)

Time-outs are the built-in ``TimeoutError``.  Each exception keeps its facts
in attributes and makes its sentence when asked for it.
"""

from __future__ import annotations

import re
from typing import Protocol

from .close import Close, CloseCode

__all__ = [
    "ConcurrencyError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "DuplicateParameter",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidHeaderFormat",
    "InvalidHeaderValue",
    "InvalidMessage",
    "InvalidOrigin",
    "InvalidParameterName",
    "InvalidParameterValue",
    "InvalidProxy",
    "InvalidProxyMessage",
    "InvalidProxyStatus",
    "InvalidStatus",
    "InvalidURI",
    "InvalidUpgrade",
    "LocalProtocolError",
    "NegotiationError",
    "PayloadTooBig",
    "ProtocolError",
    "ProxyError",
    "RemoteProtocolError",
    "SecurityError",
    "WebSocketException",
]


#: Whatever may be meant as user name and password of an address.
_CREDENTIALS = re.compile(r"\A((?:[A-Za-z][A-Za-z0-9+.-]*:)?[/\\]*)[^?#]*@")


class HTTPResponse(Protocol):
    """What this module needs of a response: its status."""

    status_code: int


class WebSocketException(Exception):
    """Base of all exceptions of this library."""


class InvalidHandshake(WebSocketException):
    """The opening handshake failed: the connection never opened."""


class SecurityError(InvalidHandshake):
    """The server asked for something that isn't safe, as to go on without TLS."""


class ProxyError(InvalidHandshake):
    """A proxy didn't connect us to the server."""


class InvalidProxyMessage(ProxyError):
    """A proxy's answer is malformed, or was cut short."""


class InvalidProxyStatus(ProxyError):
    """An HTTP proxy answered with something else than success."""

    def __init__(self, response: HTTPResponse) -> None:
        super().__init__(response)
        self.response = response

    def __str__(self) -> str:
        return f"proxy rejected the connection: HTTP {self.response.status_code}"


class InvalidMessage(InvalidHandshake):
    """A handshake request or response isn't well-formed HTTP.

    ``status_code`` is what a server answers to it.
    """

    def __init__(self, message: str, status_code: int = 400) -> None:
        super().__init__(message, status_code)
        self.message = message
        self.status_code = status_code

    def __str__(self) -> str:
        return self.message


class InvalidStatus(InvalidHandshake):
    """The server answered the opening handshake with something else than 101."""

    def __init__(self, response: HTTPResponse) -> None:
        super().__init__(response)
        self.response = response

    def __str__(self) -> str:
        return f"server rejected the WebSocket connection: HTTP {self.response.status_code}"


class InvalidHeader(InvalidHandshake):
    """A handshake header is missing (``value`` is None) or unacceptable."""

    def __init__(self, name: str, value: str | None = None) -> None:
        super().__init__(name, value)
        self.name = name
        self.value = value

    def __str__(self) -> str:
        if self.value is None:
            return f"missing {self.name} header"
        if not self.value:
            return f"empty {self.name} header"
        return f"invalid {self.name} header: {self.value}"


class InvalidHeaderFormat(InvalidHeader):
    """A handshake header can't be parsed."""

    def __init__(self, name: str, problem: str, header: str, position: int) -> None:
        super().__init__(name, f"{problem} at {position} in {header}")
        self.args = (name, problem, header, position)


class InvalidHeaderValue(InvalidHeader):
    """A handshake header is well-formed but wrong."""


class InvalidOrigin(InvalidHeader):
    """The Origin header isn't one that the server accepts."""

    def __init__(self, origin: str | None) -> None:
        super().__init__("Origin", origin)
        self.args = (origin,)


class InvalidUpgrade(InvalidHeader):
    """The Upgrade or Connection header doesn't ask for a WebSocket."""


class NegotiationError(InvalidHandshake):
    """The peers couldn't agree on an extension or a subprotocol."""


class DuplicateParameter(NegotiationError):
    """An extension parameter is repeated."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"duplicate parameter: {self.name}"


class InvalidParameterName(NegotiationError):
    """An extension parameter has an unknown name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"invalid parameter name: {self.name}"


class InvalidParameterValue(NegotiationError):
    """An extension parameter has a missing, superfluous or wrong value."""

    def __init__(self, name: str, value: str | None) -> None:
        super().__init__(name, value)
        self.name = name
        self.value = value

    def __str__(self) -> str:
        if self.value is None:
            return f"missing value for parameter {self.name}"
        if not self.value:
            return f"empty value for parameter {self.name}"
        return f"invalid value for parameter {self.name}: {self.value}"


class InvalidURI(WebSocketException, ValueError):
    """The address isn't a usable ``ws://`` or ``wss://`` URI; its sentence hides user name and password."""

    def __init__(self, uri: str, problem: str) -> None:
        super().__init__(uri, problem)
        self.uri = uri
        self.problem = problem

    def __str__(self) -> str:
        shown = _CREDENTIALS.sub(r"\1…@", self.uri)
        return f"{shown} isn't a valid WebSocket URI: {self.problem}"


class InvalidProxy(WebSocketException, ValueError):
    """The address of a proxy isn't usable; ``proxy`` is that address without user name and password."""

    def __init__(self, proxy: str, problem: str) -> None:
        super().__init__(proxy, problem)
        self.proxy = proxy
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.proxy} isn't a valid proxy: {self.problem}"


class ProtocolError(WebSocketException):
    """The rules of RFC 6455 were broken; raised as one of its two children."""


class LocalProtocolError(ProtocolError):
    """The caller asked for something that the protocol forbids."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the rules; ``close_code`` is what it is told."""

    def __init__(self, message: str, close_code: int = CloseCode.PROTOCOL_ERROR) -> None:
        super().__init__(message, close_code)
        self.message = message
        self.close_code = close_code

    def __str__(self) -> str:
        return self.message


class PayloadTooBig(WebSocketException):
    """A message, or one frame of it, is over its limit.

    ``size`` is None where only "more than the limit" is known; ``what`` is "message" or "frame".
    """

    def __init__(self, size: int | None, limit: int, what: str = "message") -> None:
        super().__init__(size, limit, what)
        self.size = size
        self.limit = limit
        self.what = what

    def __str__(self) -> str:
        size = "" if self.size is None else f" with {self.size} bytes"
        return f"{self.what}{size} exceeds the limit of {self.limit} bytes"


class ConnectionClosed(WebSocketException):
    """The connection is closed.

    ``received`` and ``sent`` are the Close frames of either side, None where
    there was none; ``received_first`` tells who began, None unless both exist.
    ``rcvd`` and ``rcvd_then_sent`` are other names for the same.  The cause, if
    it wasn't a closing handshake, is in ``__cause__``: the transport's error, the
    rule or rate that the peer broke, how long it was silent, or how much waited for it.
    """

    def __init__(
        self, received: Close | None, sent: Close | None, received_first: bool | None = None
    ) -> None:
        super().__init__(received, sent, received_first)
        self.received = received
        self.sent = sent
        self.received_first = received_first

    @property
    def rcvd(self) -> Close | None:
        """The same as ``received``."""
        return self.received

    @property
    def rcvd_then_sent(self) -> bool | None:
        """The same as ``received_first``."""
        return self.received_first

    @property
    def code(self) -> int:
        """The close code that the peer sent, 1006 if it sent none (7.1.5)."""
        return CloseCode.ABNORMAL_CLOSURE if self.received is None else self.received.code

    @property
    def reason(self) -> str:
        """The close reason that the peer sent (7.1.6)."""
        return "" if self.received is None else self.received.reason

    def __str__(self) -> str:
        if self.received is None:
            if self.sent is None:
                return "no close frame received or sent"
            return f"sent {self.sent}; no close frame received"
        if self.sent is None:
            return f"received {self.received}; no close frame sent"
        if self.received_first:
            return f"received {self.received}; then sent {self.sent}"
        return f"sent {self.sent}; then received {self.received}"


class ConnectionClosedOK(ConnectionClosed):
    """The connection closed with code 1000, 1001 or none, on both sides."""


class ConnectionClosedError(ConnectionClosed):
    """The connection failed, or closed with a code that tells of an error."""


class ConcurrencyError(WebSocketException, RuntimeError):
    """Two tasks wait at the same end of one connection."""


def without_frames(error: Exception) -> Exception:
    """Return the error, and those it came from, without the frames that they passed through.

    Who keeps an error is often in one of its frames, and both would then be
    left to the garbage collector.
    """
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return error
