"""The browser's face: ``WebSocket`` as the WHATWG standard describes it, on the running loop.

Names are the standard's, in its spelling.  Listeners run one event a turn of
the loop, in the order of registration; an exception in one is given to the
loop's exception handler and stops no other.

Invariants:

1. ``readyState`` changes in the same turn as the event that tells of it.
2. There is exactly one "close" event, and it is the last.
3. No more than ``EVENTS_AHEAD`` events wait; then nothing is read.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from .aio.client import USER_AGENT, Handshake, make_protocol, open_transport
from .aio.connection import Message, payload_of
from .close import CloseCode
from .exceptions import ConnectionClosed, InvalidURI, NegotiationError
from .protocol.client import ClientConnection as ClientProtocol
from .protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from .protocol.headers import HeadersLike, build_extensions, is_token, parse_extensions
from .protocol.states import State
from .protocol.uri import parse_uri
from .transport.connection import Connection as BaseConnection
from .transport.connection import Settings

__all__ = [
    "CloseEvent",
    "DOMException",
    "DOMSyntaxError",
    "ErrorEvent",
    "Event",
    "InvalidAccessError",
    "InvalidStateError",
    "MessageEvent",
    "WebSocket",
]

#: Events that may wait for their turn before reading stops.
EVENTS_AHEAD = 64


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


class Event:
    """Something that happened to ``target``."""

    bubbles = False
    cancelable = False

    def __init__(self, type: str, target: WebSocket) -> None:  # noqa: A002 - the standard's name
        self.type = type
        self.target = self.currentTarget = target


class MessageEvent(Event):
    """A message: ``data`` is ``str`` for text and bytes-like for binary."""

    def __init__(self, target: WebSocket, data: str | bytes | memoryview, origin: str) -> None:
        super().__init__("message", target)
        self.data = data
        self.origin = origin


class ErrorEvent(Event):
    """The connection failed; ``error`` tells why, which a browser wouldn't."""

    def __init__(self, target: WebSocket, error: BaseException | None) -> None:
        super().__init__("error", target)
        self.error = error


class CloseEvent(Event):
    """The connection is closed: how, with what code and reason, and why if it failed."""

    def __init__(self, target: WebSocket, code: int, reason: str, error: BaseException | None) -> None:
        super().__init__("close", target)
        self.code = code
        self.reason = reason
        self.wasClean = error is None
        self.error = error


Listener: TypeAlias = Callable[[Any], Any]


class _Handler:
    """An ``on…`` attribute: one listener, at the place where it was first set."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._type = name.removeprefix("on")

    def __get__(self, target: WebSocket | None, owner: type | None = None) -> Any:
        return self if target is None else target._handlers.get(self._type)

    def __set__(self, target: WebSocket, listener: Listener | None) -> None:
        listeners = target._listeners.setdefault(self._type, [])
        if self._type not in target._handlers:
            listeners.append((lambda event: self._call(target, event), False))
        target._handlers[self._type] = listener if callable(listener) else None

    def _call(self, target: WebSocket, event: Event) -> None:
        listener = target._handlers[self._type]
        if listener is not None:
            listener(event)


class WebSocket:
    """A client's connection with the browser's interface.

    It connects in the background: listeners added before the next ``await``
    miss nothing.

    Args:
        url: ``ws:``, ``wss:``, ``http:`` or ``https:``, without a fragment.
        protocols: a subprotocol, or several in order of preference.
        compression: "deflate", None, or a ``PerMessageDeflateFactory``.
        origin: value of the Origin header.
        additional_headers: more headers of the request.
        max_size: bytes of the largest message, after decompression; None for no limit.
        open_timeout: seconds for everything until the connection is open.
        close_timeout: seconds for the closing handshake.
        options: ``ssl``, ``host``, ``port``, ``sock`` and whatever else ``loop.create_connection`` takes.

    Raises:
        DOMSyntaxError: for a bad URL or subprotocol.
        RuntimeError: if no event loop runs.
    """

    CONNECTING, OPEN, CLOSING, CLOSED = State

    onopen = _Handler()
    onmessage = _Handler()
    onerror = _Handler()
    onclose = _Handler()

    def __init__(
        self,
        url: str,
        protocols: str | Sequence[str] | None = None,
        *,
        compression: str | PerMessageDeflateFactory | None = "deflate",
        origin: str | None = None,
        additional_headers: HeadersLike | None = None,
        max_size: int | None = 2**20,
        open_timeout: float | None = 10,
        close_timeout: float | None = 10,
        **options: Any,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._handlers: dict[str, Listener | None] = {}
        self._listeners: dict[str, list[tuple[Listener, bool]]] = {}
        self._ready_state = State.CONNECTING
        self._binary_type = "blob"
        self._fresh = 0
        self._older = 0
        self._lost = 0
        self._turn_is_due = False
        self._open_timeout = open_timeout
        self._options = options
        self._offered = _subprotocols(protocols)
        try:
            protocol = make_protocol(
                parse_uri(_websocket_url(url)),
                origin=origin,
                subprotocols=self._offered,
                compression=compression,
                additional_headers=additional_headers,
                user_agent_header=USER_AGENT,
                max_size=max_size,
                limits=None,
            )
        except InvalidURI as error:
            raise DOMSyntaxError(str(error)) from error
        uri = protocol.uri
        self._url = f"{'wss' if uri.secure else 'ws'}://{uri.host_header}{uri.resource_name}"
        self._origin = f"{'https' if uri.secure else 'http'}://{uri.host_header}"
        self._handshake = Handshake(loop)
        settings = Settings(ping_interval=None, close_timeout=close_timeout)
        self._link = _Link(protocol, self._handshake, settings, loop, self)
        self._opening = loop.create_task(self._open(protocol))

    # Attributes

    @property
    def url(self) -> str:
        """The address, in its normal form."""
        return self._url

    @property
    def readyState(self) -> State:
        """``CONNECTING`` (0), ``OPEN`` (1), ``CLOSING`` (2) or ``CLOSED`` (3)."""
        return self._ready_state

    @property
    def protocol(self) -> str:
        """The subprotocol that the server chose; empty before and without one."""
        return self._link.subprotocol or ""

    @property
    def extensions(self) -> str:
        """The extensions agreed, as in the response's header; empty before and without."""
        response = self._link.response
        if response is None or self._link.codec.extension is None:
            return ""
        return build_extensions(parse_extensions(response.headers["Sec-WebSocket-Extensions"]))

    @property
    def bufferedAmount(self) -> int:
        """Bytes of payload that were sent and not yet given to the network.

        Within one turn of the loop it only grows; what is sent after the
        connection began to close stays in it for ever.
        """
        return self._fresh + min(self._older, self._link.bytes_waiting) + self._lost

    @property
    def binaryType(self) -> str:
        """How binary messages arrive: "blob" as ``bytes``, "arraybuffer" as ``memoryview``."""
        return self._binary_type

    @binaryType.setter
    def binaryType(self, value: str) -> None:
        if value in ("blob", "arraybuffer"):
            self._binary_type = value

    # Methods

    def addEventListener(self, type: str, listener: Listener, *, once: bool = False) -> None:  # noqa: A002
        """Call ``listener`` with each event of this type; adding it again does nothing."""
        listeners = self._listeners.setdefault(type, [])
        if all(entry[0] != listener for entry in listeners):
            listeners.append((listener, once))

    def removeEventListener(self, type: str, listener: Listener) -> None:  # noqa: A002
        """Call ``listener`` no more; one that isn't there is no error."""
        listeners = self._listeners.get(type, [])
        listeners[:] = [entry for entry in listeners if entry[0] != listener]

    def send(self, data: Message) -> None:
        """Send text (``str``) or binary (bytes-like); lone surrogates become U+FFFD.

        ``data`` is copied.  After the connection began to close it is counted
        in ``bufferedAmount`` and dropped.

        Raises:
            InvalidStateError: before the connection is open.
            TypeError: if ``data`` is neither ``str`` nor bytes-like.
        """
        opcode, payload = payload_of(_scalar_values(data) if isinstance(data, str) else data)
        if self._ready_state is State.CONNECTING:
            raise InvalidStateError("the connection isn't open yet")
        if self._ready_state is State.OPEN:
            # What waits before this message is older; the message itself is counted without its framing.
            self._older = min(self._older, self._link.bytes_waiting)
            try:
                self._link.send_message(opcode, payload)
            except ConnectionClosed:
                # The peer has closed, and the event that tells of it waits for its turn.
                self._lost += len(payload)
                return
            self._fresh += len(payload)
            if not self._turn_is_due:
                self._turn_is_due = True
                self._link.loop.call_soon(self._next_turn)
        else:
            self._lost += len(payload)

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Begin to close the connection; once begun, do nothing.

        Raises:
            InvalidAccessError: if ``code`` is neither 1000 nor from 3000 to 4999.
            DOMSyntaxError: if ``reason`` is over 123 bytes of UTF-8.
        """
        if code is not None and not (isinstance(code, int) and (code == 1000 or 3000 <= code <= 4999)):
            raise InvalidAccessError(f"close code must be 1000 or from 3000 to 4999, not {code!r}")
        reason = _scalar_values(reason)
        if len(reason.encode()) > 123:
            raise DOMSyntaxError("close reason is over 123 bytes of UTF-8")
        if self._ready_state is State.CONNECTING:
            self._ready_state = State.CLOSING
            self._opening.cancel()
            self._link.give_up(ConnectionAbortedError("closed before the connection was open"))
        elif self._ready_state is State.OPEN:
            self._ready_state = State.CLOSING
            if code is None:
                code = CloseCode.NORMAL_CLOSURE if reason else CloseCode.NO_STATUS_RCVD
            self._link.start_close(code, reason)

    # What happens

    async def _open(self, protocol: ClientProtocol) -> None:
        """Connect, in the background; whatever goes wrong ends in the events."""
        try:
            async with asyncio.timeout(self._open_timeout):
                await open_transport(self._link, protocol, **self._options)
                await self._handshake.wait(protocol)
        except asyncio.CancelledError:
            self._link.give_up(ConnectionAbortedError("cancelled before the connection was open"))
            raise
        except Exception as error:
            self._link.give_up(error)

    def _next_turn(self) -> None:
        self._turn_is_due = False
        self._older = min(self._older + self._fresh, self._link.bytes_waiting)
        self._fresh = 0

    def _opened(self) -> None:
        if self._ready_state is State.CONNECTING:
            self._ready_state = State.OPEN
            self._dispatch(Event("open", self))

    def _received(self, data: str | bytes) -> None:
        if self._ready_state is State.OPEN:
            if isinstance(data, bytes) and self._binary_type == "arraybuffer":
                self._dispatch(MessageEvent(self, memoryview(data), self._origin))
            else:
                self._dispatch(MessageEvent(self, data, self._origin))

    def _closing(self) -> None:
        if self._ready_state is State.OPEN:
            self._ready_state = State.CLOSING

    def _closed(self, code: int, reason: str, error: BaseException | None) -> None:
        self._ready_state = State.CLOSED
        if error is not None:
            # What didn't go out stays counted.
            self._lost += self._older
            self._dispatch(ErrorEvent(self, error))
        self._dispatch(CloseEvent(self, code, reason, error))

    def _dispatch(self, event: Event) -> None:
        listeners = self._listeners.get(event.type, [])
        for entry in list(listeners):
            if entry not in listeners:
                continue
            listener, once = entry
            if once:
                listeners.remove(entry)
            try:
                listener(event)
            except Exception as error:
                self._link.loop.call_exception_handler(
                    {"message": f"listener of {event.type!r} failed", "exception": error},
                )


class _Link(BaseConnection):
    """The connection below a ``WebSocket``; makes one event a turn of what arrives."""

    def __init__(
        self,
        protocol: ClientProtocol,
        handshake: Handshake,
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
        face: WebSocket,
    ) -> None:
        super().__init__(protocol, handshake, settings, loop)
        self._face = face
        self._turns: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._is_over = False

    def give_up(self, error: BaseException) -> None:
        """The connection won't open."""
        self.abort()
        self._finish(CloseCode.ABNORMAL_CLOSURE, "", error)

    def opened(self) -> None:
        """Let ``open`` have its turn, unless the server spoke none of the subprotocols offered."""
        if self._face._offered and self.subprotocol is None:
            self.give_up(NegotiationError("the server chose none of the subprotocols offered"))
        else:
            self._add_turn(self._face._opened)

    def message_received(self, data: str | bytes) -> None:
        """Let ``message`` have its turn."""
        self._add_turn(self._face._received, data)

    def closing(self) -> None:
        """Let CLOSING be seen for a turn."""
        self._add_turn(self._face._closing)

    def closed(self, exc: Exception | None) -> None:
        """Let ``close`` have its turn, and ``error`` if there was one."""
        if self.response is None or self.response.status_code != 101:
            return
        exception = self.codec.close_exception
        clean = (
            exception.received is not None and exception.sent is not None and not self.codec.lifecycle.failed
        )
        self._finish(exception.code, exception.reason, None if clean else (exc or exception))

    def _finish(self, code: int, reason: str, error: BaseException | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._add_turn(self._face._closed, code, reason, error)

    def _add_turn(self, action: Callable[..., None], *arguments: Any) -> None:
        if not self._turns:
            self.loop.call_soon(self._take_turn)
        self._turns.append((action, arguments))
        if len(self._turns) >= EVENTS_AHEAD:
            self.pause_reading()

    def _take_turn(self) -> None:
        action, arguments = self._turns[0]
        try:
            action(*arguments)
        finally:
            self._turns.popleft()
            if self._turns:
                self.loop.call_soon(self._take_turn)
            elif self.is_reading_paused:
                self.resume_reading()


def _websocket_url(url: str) -> str:
    """Return the URL with a WebSocket scheme, if it has that of HTTP."""
    scheme, colon, rest = url.strip().partition(":")
    return {"http": "ws", "https": "wss"}.get(scheme.lower(), scheme) + colon + rest


def _subprotocols(protocols: str | Sequence[str] | None) -> list[str]:
    wanted = [protocols] if isinstance(protocols, str) else list(protocols or ())
    for subprotocol in wanted:
        if not is_token(subprotocol):
            raise DOMSyntaxError(f"invalid subprotocol: {subprotocol!r}")
    if len({subprotocol.lower() for subprotocol in wanted}) < len(wanted):
        raise DOMSyntaxError("a subprotocol is repeated")
    return wanted


def _scalar_values(text: str) -> str:
    """Replace lone surrogates by U+FFFD, as every string given to a browser is."""
    with contextlib.suppress(UnicodeEncodeError):
        text.encode()
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
