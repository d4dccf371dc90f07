"""``WebSocket``: its states, its methods, and the turns in which it tells what happened.

It knows what the standard says of the object; what listeners are is in
``events``, how ``bufferedAmount`` is counted in ``amount``, and how an address
is read in ``protocol.url``.

Invariants:

1. ``readyState`` changes in the same turn as the event that tells of it.
2. There is exactly one "close" event, and it is the last.
3. No more than ``EVENTS_AHEAD`` events wait; then nothing is read.
4. The connection keeps the object alive as long as a listener could still hear
   of something, and ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections import deque
from collections.abc import Callable, Container, Sequence
from typing import Any

from ..aio.client import USER_AGENT, Handshake, make_protocol, open_transport
from ..aio.connection import Message, payload_of
from ..close import CloseCode
from ..exceptions import ConnectionClosed, InvalidURI, NegotiationError
from ..protocol.client import ClientConnection as ClientProtocol
from ..protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from ..protocol.headers import Headers, HeadersLike, build_extensions, is_token, parse_extensions
from ..protocol.states import State
from ..protocol.url import URL, parse_url
from ..transport.connection import Connection as BaseConnection
from ..transport.connection import Settings
from .amount import Amount
from .events import (
    CloseEvent,
    DOMSyntaxError,
    ErrorEvent,
    Event,
    EventTarget,
    Handler,
    InvalidAccessError,
    InvalidStateError,
    MessageEvent,
)

__all__ = ["BAD_PORTS", "EVENTS_AHEAD", "WebSocket"]

#: Events that may wait for their turn before reading stops.
EVENTS_AHEAD = 64
#: Ports that a browser doesn't connect to, since others than web servers listen there (Fetch 2.9).
BAD_PORTS = frozenset(
    (
        *(0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95),
        *(101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179),
        *(389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636),
        *(989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566),
        *(6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    ),
)
_UNOPENED = "closed before the connection was open"
# Of what a listener could still hear in each state.
_TO_COME = {
    State.OPEN: ("message", "error", "close"),
    State.CLOSING: ("error", "close"),
    State.CLOSED: (),
}


class _Constant:
    """A state, as an attribute of the class and of each object."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __get__(self, target: object, owner: type | None = None) -> State:
        return self._state

    def __set__(self, target: object, value: object) -> None:
        raise AttributeError("can't set a constant")


class WebSocket(EventTarget):
    """A client's connection with the browser's interface.

    It connects in the background: listeners added before the next ``await``
    miss nothing.  When the loop is shut down, it leaves with 1001.  While a
    listener could still hear of something, nobody needs to keep it; when
    nobody does and none could, it closes.

    Args:
        url: ``ws:``, ``wss:``, ``http:`` or ``https:``, without a fragment, read as browsers read it.
        protocols: a subprotocol, or several in order of preference.
        base_url: what a relative ``url`` begins from; without it, such a one is refused.
        blocked_ports: ports to fail at rather than to connect to, as ``BAD_PORTS``.
        compression: "deflate", None, or a ``PerMessageDeflateFactory``.
        origin: value of the Origin header.
        additional_headers: more headers of the request.
        max_size: bytes of the largest message, after decompression; None for no limit.
        open_timeout: seconds for everything until the connection is open.
        close_timeout: seconds for the closing handshake.
        options: ``ssl``, ``host``, ``port``, ``sock`` and whatever else ``loop.create_connection`` takes.

    Raises:
        DOMSyntaxError: for a bad URL or subprotocol.
        TypeError: if either isn't made of ``str``.
        ValueError: for headers that can't be sent.
        RuntimeError: if no event loop runs.
    """

    CONNECTING, OPEN, CLOSING, CLOSED = map(_Constant, State)

    onopen = Handler()
    onmessage = Handler()
    onerror = Handler()
    onclose = Handler()

    def __init__(
        self,
        url: str,
        protocols: str | Sequence[str] | None = None,
        *,
        base_url: str | None = None,
        blocked_ports: Container[int] = (),
        compression: str | PerMessageDeflateFactory | None = "deflate",
        origin: str | None = None,
        additional_headers: HeadersLike | None = None,
        max_size: int | None = 2**20,
        open_timeout: float | None = 10,
        close_timeout: float | None = 10,
        **options: Any,
    ) -> None:
        super().__init__(asyncio.get_running_loop())
        self._url = _read_url(url, base_url)
        self._ready_state = State.CONNECTING
        self._protocol = self._extensions = ""
        self._binary_type = "blob"
        self._amount = Amount()
        self._turn_is_due = False
        offered = _subprotocols(protocols)
        protocol = make_protocol(
            self._url.uri,
            origin=origin,
            subprotocols=offered,
            compression=compression,
            additional_headers=_uncached(additional_headers),
            user_agent_header=USER_AGENT,
            max_size=max_size,
            limits=None,
        )
        settings = Settings(ping_interval=None, close_timeout=close_timeout)
        self._link = _Link(protocol, settings, self, must_choose=bool(offered))
        self._life = self._loop.create_task(self._link.live(protocol, blocked_ports, open_timeout, options))

    # Attributes

    @property
    def url(self) -> str:
        """The address, in its normal form."""
        return str(self._url)

    @property
    def readyState(self) -> State:
        """``CONNECTING`` (0), ``OPEN`` (1), ``CLOSING`` (2) or ``CLOSED`` (3)."""
        return self._ready_state

    @property
    def protocol(self) -> str:
        """The subprotocol that the server chose; empty before and without one."""
        return self._protocol

    @property
    def extensions(self) -> str:
        """The extensions agreed, as in the response's header; empty before and without."""
        return self._extensions

    @property
    def bufferedAmount(self) -> int:
        """Bytes of payload that were sent and not yet given to the network.

        Within one turn of the loop it only grows; what is sent after the
        connection began to close stays in it for ever, as does what a failure
        kept from going out.
        """
        return self._amount.total(self._link)

    @property
    def binaryType(self) -> str:
        """How binary messages arrive: "blob" as ``bytes``, "arraybuffer" as ``memoryview``."""
        return self._binary_type

    @binaryType.setter
    def binaryType(self, value: str) -> None:
        if value in ("blob", "arraybuffer"):
            self._binary_type = value

    # Methods

    def send(self, data: Message) -> None:
        """Send text (``str``), or as binary what has the buffer protocol, or a file open for reading bytes.

        Lone surrogates become U+FFFD.  ``data`` is copied, and a file is read to
        its end, before this returns.  After the connection began to close it is
        counted in ``bufferedAmount`` and dropped.

        Raises:
            InvalidStateError: before the connection is open.
            TypeError: if ``data`` is none of these.
        """
        opcode, payload = payload_of(_sendable(data))
        if self._ready_state is State.CONNECTING:
            raise InvalidStateError("the connection isn't open yet")
        if self._ready_state is State.OPEN:
            # What earlier turns left is counted before it is joined by this message's framing.
            self._amount.older(self._link)
            # The peer may have closed, and the event that tells of it wait for its turn.
            with contextlib.suppress(ConnectionClosed):
                self._link.send_message(opcode, payload)
                self._amount.fresh += len(payload)
                self._end_turn_later()
                return
        self._amount.lost += len(payload)

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
        if code is None:
            code = CloseCode.NORMAL_CLOSURE if reason else CloseCode.NO_STATUS_RCVD
        self._close(code, reason)

    async def aclose(self) -> None:
        """Leave as a page does that is left, with 1001, and wait until "close" was heard.

        Once closed, this does nothing.  Cancelling stops only the waiting.  No
        browser has it; ``contextlib.aclosing`` takes it.
        """
        self._close(CloseCode.GOING_AWAY, "")
        await asyncio.shield(self._link.over)

    def _close(self, code: int, reason: str) -> None:
        if self._ready_state is State.CONNECTING:
            self._ready_state = State.CLOSING
            self._life.cancel()
            self._link.give_up(ConnectionAbortedError(_UNOPENED))
        elif self._ready_state is State.OPEN:
            self._ready_state = State.CLOSING
            self._link.start_close(code, reason)
        self._listeners_changed()

    # What happens

    def _listeners_changed(self) -> None:
        """Be kept alive as long as somebody could hear of something."""
        link: _Link | None = self.__dict__.get("_link")
        if link is not None and self._ready_state is not State.CONNECTING:
            is_needed = any(map(self._listeners.get, _TO_COME[self._ready_state]))
            link.keeps = self if is_needed else None

    def _end_turn_later(self) -> None:
        if not self._turn_is_due:
            self._turn_is_due = True
            self._loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._turn_is_due = False
        self._amount.end_turn(self._link)

    def _opened(self) -> None:
        if self._ready_state is State.CONNECTING:
            self._ready_state = State.OPEN
            self._protocol = self._link.subprotocol or ""
            self._extensions = self._link.agreed_extensions()
            self._listeners_changed()
            self._dispatch(Event("open"))

    def _received(self, data: str | bytes) -> None:
        if self._ready_state is State.OPEN:
            is_buffer = isinstance(data, bytes) and self._binary_type == "arraybuffer"
            seen = memoryview(data) if is_buffer else data  # type: ignore[arg-type]
            self._dispatch(MessageEvent("message", data=seen, origin=self._url.origin))

    def _closing(self) -> None:
        if self._ready_state is State.OPEN:
            self._ready_state = State.CLOSING
            self._listeners_changed()

    def _closed(self, code: int, reason: str, error: BaseException | None) -> None:
        self._ready_state = State.CLOSED
        self._listeners_changed()
        if error is not None:
            self._dispatch(ErrorEvent("error", error=error))
        self._dispatch(CloseEvent("close", wasClean=error is None, code=code, reason=reason, error=error))


class _Link(BaseConnection):
    """The connection below a ``WebSocket``; makes one event a turn of what arrives."""

    def __init__(
        self, protocol: ClientProtocol, settings: Settings, face: WebSocket, *, must_choose: bool
    ) -> None:
        self._opening = Handshake(face._loop)
        super().__init__(protocol, self._opening, settings, face._loop)
        #: Done when "close" was heard.
        self.over: asyncio.Future[None] = self.loop.create_future()
        #: The face, as long as somebody could hear of something.
        self.keeps: WebSocket | None = face
        self._face = weakref.ref(face, self._forsaken)
        self._must_choose = must_choose
        self._turns: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._is_over = False
        self._is_cut_short = False

    def agreed_extensions(self) -> str:
        """Return the extensions agreed, as in the response's header."""
        if self.response is None or self.codec.extension is None:
            return ""
        return build_extensions(parse_extensions(self.response.headers["Sec-WebSocket-Extensions"]))

    async def live(
        self,
        protocol: ClientProtocol,
        blocked_ports: Container[int],
        open_timeout: float | None,
        options: dict[str, Any],
    ) -> None:
        """Connect, and be there until the end; whatever goes wrong ends in the events."""
        try:
            async with asyncio.timeout(open_timeout):
                if protocol.uri.port in blocked_ports:
                    raise PermissionError(f"port {protocol.uri.port} is blocked")
                await open_transport(self, protocol, **options)
                await self._opening.wait(protocol)
        except asyncio.CancelledError:
            self.give_up(ConnectionAbortedError(_UNOPENED))
            raise
        except Exception as error:
            self.give_up(error)
        try:
            await asyncio.shield(self.over)
        except asyncio.CancelledError:
            self.leave()
            raise

    def leave(self) -> None:
        """Say that we are going away, and don't wait for an answer."""
        if self.state is State.OPEN:
            self.start_close(CloseCode.GOING_AWAY)
        if self._transport is not None:
            self._transport.close()

    def _forsaken(self, _: object) -> None:
        # Whoever collects garbage may be another thread, and the loop may be closed.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._close_forsaken)

    def _close_forsaken(self) -> None:
        if self.state is State.OPEN:
            self.start_close(CloseCode.NO_STATUS_RCVD)

    def give_up(self, error: BaseException) -> None:
        """The connection won't open."""
        self.abort()
        self._finish(CloseCode.ABNORMAL_CLOSURE, "", error)

    def abort(self) -> None:
        """Cut the transport at once; what wasn't written is lost."""
        face = self._face()
        if face is not None and not self.was_cut:
            face._amount.older(self)
        self._is_cut_short = self._is_cut_short or self.bytes_waiting > 0
        super().abort()

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take the transport; it is to tell when everything was taken."""
        super().connection_made(transport)
        # TLS of asyncio would never go on below a high-water mark of 0.
        transport.set_write_buffer_limits(high=1, low=0)

    def writing_resumed(self) -> None:
        """Note that the network has taken everything."""
        face = self._face()
        if face is not None:
            face._amount.older(self)

    def opened(self) -> None:
        """Let ``open`` have its turn, unless the server spoke none of the subprotocols offered."""
        if self._must_choose and self.subprotocol is None:
            self.give_up(NegotiationError("the server chose none of the subprotocols offered"))
        else:
            self._add_turn(WebSocket._opened)

    def message_received(self, data: str | bytes) -> None:
        """Let ``message`` have its turn."""
        self._add_turn(WebSocket._received, data)

    def closing(self) -> None:
        """Let CLOSING be seen for a turn."""
        self._add_turn(WebSocket._closing)

    def closed(self, exc: Exception | None) -> None:
        """Let ``close`` have its turn, and ``error`` if there was one."""
        if self.response is None or self.response.status_code != 101:
            return
        exception = self.codec.close_exception
        is_clean = (
            self.codec.lifecycle.is_complete and not self.codec.lifecycle.failed and not self._is_cut_short
        )
        self._finish(exception.code, exception.reason, None if is_clean else (exc or exception))

    def _finish(self, code: int, reason: str, error: BaseException | None) -> None:
        self._add_turn(WebSocket._closed, code, reason, error)
        self._is_over = True

    def _add_turn(self, action: Callable[..., None], *arguments: Any) -> None:
        if self._is_over:
            return
        if not self._turns:
            self.loop.call_soon(self._take_turn)
        self._turns.append((action, arguments))
        if len(self._turns) >= EVENTS_AHEAD:
            self.pause_reading()

    def _take_turn(self) -> None:
        action, arguments = self._turns[0]
        face = self._face()
        try:
            if face is not None:
                action(face, *arguments)
        finally:
            del face
            self._turns.popleft()
            if self._turns:
                self.loop.call_soon(self._take_turn)
            elif self._is_over:
                self.over.set_result(None)
            elif self.is_reading_paused:
                self.resume_reading()


def _read_url(url: str, base_url: str | None) -> URL:
    """Read the address.

    Raises:
        DOMSyntaxError: if it isn't one, or has a fragment.
        TypeError: if it isn't ``str``.
    """
    if not isinstance(url, str):
        raise TypeError(f"a URL is str, not {type(url).__name__}")
    try:
        read = parse_url(_scalar_values(url), base_url)
    except InvalidURI as error:
        raise DOMSyntaxError(str(error)) from error
    if read.fragment is not None:
        raise DOMSyntaxError(f"{url} isn't a valid URI: it has a fragment")
    return read


def _subprotocols(protocols: str | Sequence[str] | None) -> list[str]:
    wanted = [protocols] if isinstance(protocols, str) else list(protocols or ())
    for subprotocol in wanted:
        if not is_token(subprotocol):
            raise DOMSyntaxError(f"invalid subprotocol: {subprotocol!r}")
    if len({subprotocol.lower() for subprotocol in wanted}) < len(wanted):
        raise DOMSyntaxError("a subprotocol is repeated")
    return wanted


def _uncached(headers: HeadersLike | None) -> Headers:
    """Return headers that also say that no cache is to answer (Fetch 4.6)."""
    lines = Headers(headers or ())
    for name in ("Pragma", "Cache-Control"):
        if name not in lines:
            lines[name] = "no-cache"
    return lines


def _sendable(data: Any) -> Message:
    """Return what a message is made of, for everything that a browser would send.

    Raises:
        TypeError: if it is nothing of that kind.
    """
    if isinstance(data, str):
        return _scalar_values(data)
    if isinstance(data, bytes | bytearray):
        return data
    if hasattr(data, "read"):
        data = data.read()
    # Other formats than bytes can't be cast from all libraries' arrays.
    return memoryview(data).tobytes()


def _scalar_values(text: str) -> str:
    """Replace lone surrogates by U+FFFD, as every string given to a browser is."""
    with contextlib.suppress(UnicodeEncodeError):
        text.encode()
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
