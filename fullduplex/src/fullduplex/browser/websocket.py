"""``WebSocket``: its states, its methods, and the turns in which it tells what happened.

It knows what the standard says of the object; what listeners are is in
``events``, what is below it in ``link``, how it comes back in ``returning``, how
``bufferedAmount`` is counted in ``amount``, and how an address is read in ``protocol.url``.

Invariants:

1. ``readyState`` changes in the same turn as the event that tells of it.
2. There is exactly one "close" event, and it is the last.
3. The connection keeps the object alive as long as a listener could still hear
   of something, and ends with it; one that comes back is kept until it is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Container, Sequence
from typing import Any

from ..aio.connection import Message, payload_of
from ..close import CloseCode
from ..exceptions import ConnectionClosed, InvalidURI
from ..kernels.pure import ReadableBuffer
from ..observe.observer import ObserverOption
from ..protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from ..protocol.frames import Opcode
from ..protocol.headers import Headers, HeadersLike, is_token
from ..protocol.prepared import Prepared
from ..protocol.states import State
from ..protocol.url import URL, parse_url
from ..reconnect.policy import Reconnect, ReconnectState, Waiting, check_comes_back
from ..transport.connection import Settings
from ..transport.native import TransportKind
from ..transport.observed import Observation
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
    QuotaExceededError,
    ReconnectingEvent,
)
from .link import UNOPENED, Link, Way
from .returning import Returning, ReturningLink

__all__ = ["BAD_PORTS", "WebSocket"]

#: Seconds between keepalive pings where it is to be noticed that a server is gone; a browser sends none.
PING_INTERVAL = 20
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

    With ``reconnect``, which no browser has, it comes back by itself: it is
    CONNECTING while it is away, "open" is heard each time, "reconnecting" before
    each wait, and "close" once, at the end; it lives until then.  What is sent
    while it is away is kept if the policy has an outbox.  A server that falls silent
    is noticed by keepalive pings.

    Args:
        url: ``ws:``, ``wss:``, ``http:`` or ``https:``, without a fragment, read as browsers read it.
        protocols: a subprotocol, or several in order of preference.
        base_url: what a relative ``url`` begins from; without it, such a one is refused.
        blocked_ports: ports to fail at rather than to connect to, as ``BAD_PORTS``.
        compression: "deflate", None, or a ``PerMessageDeflateFactory``.
        origin: value of the Origin header.
        additional_headers: more headers of the request.
        max_size: bytes of the largest message, after decompression; None for no limit.
        reconnect: True, or a ``fullduplex.reconnect.Reconnect``, for a connection that comes back;
            False for one as in a browser.
        open_timeout: seconds for everything until the connection is open; for each attempt.
        close_timeout: seconds for the closing handshake.
        logger: is told of every frame at DEBUG, in place of "fullduplex.client".
        observer: is told what happens: a ``fullduplex.observe.Observer``, or several.
        options: ``ssl``, ``host``, ``port``, ``sock`` and whatever else ``loop.create_connection`` takes.

    Raises:
        DOMSyntaxError: for a bad URL or subprotocol.
        TypeError: if either isn't made of ``str``.
        ValueError: for headers that can't be sent, and for ``sock`` with ``reconnect``.
        RuntimeError: if no event loop runs.
    """

    CONNECTING, OPEN, CLOSING, CLOSED = map(_Constant, State)

    onopen = Handler()
    onmessage = Handler()
    onerror = Handler()
    onclose = Handler()
    onreconnecting = Handler()

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
        reconnect: Reconnect | bool = False,
        open_timeout: float | None = 10,
        close_timeout: float | None = 10,
        logger: logging.Logger | None = None,
        observer: ObserverOption = None,
        **options: Any,
    ) -> None:
        super().__init__(asyncio.get_running_loop())
        self._url = _read_url(url, base_url)
        self._ready_state = State.CONNECTING
        self._protocol = self._extensions = ""
        self._binary_type = "blob"
        self._amount = Amount()
        self._turn_is_due = False
        logger = logger or logging.getLogger("fullduplex.client")
        way = Way(
            subprotocols=_subprotocols(protocols),
            headers=_uncached(additional_headers),
            origin=origin,
            compression=compression,
            max_size=max_size,
            blocked_ports=blocked_ports,
            open_timeout=open_timeout,
            settings=Settings(
                ping_interval=PING_INTERVAL if reconnect else None, close_timeout=close_timeout
            ),
            observation=Observation(observer, logger),
            options=options,
        )
        self._link: Link | None = None
        self._returning: Returning | None = None
        # Made at once, as what can't be sent is refused at once.
        protocol = way.protocol(self._url.uri, way.headers)
        if reconnect:
            check_comes_back(options)
            policy = reconnect if isinstance(reconnect, Reconnect) else Reconnect()
            read_url = functools.partial(_read_url, base_url=base_url)
            self._returning = Returning(policy, way, self, read_url, logger)
            self._life = self._returning.begin()
        else:
            self._link = Link(protocol, way, self)
            self._life = self._loop.create_task(self._link.live())

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
        kept from going out.  With ``reconnect``, what was lost with a connection
        that comes back is no longer in it, but what is kept for the next is.
        """
        outbox = None if self._returning is None else self._returning.outbox
        return self._amount.total(self._link) + (0 if outbox is None else outbox.size)

    @property
    def status(self) -> ReconnectState | None:
        """With ``reconnect``, what is going on, as one of the states in ``fullduplex.reconnect``."""
        return None if self._returning is None else self._returning.status

    @property
    def transport_kind(self) -> TransportKind | None:
        """What moves its bytes: "engine", the native one, or "asyncio", a transport of the loop.

        None before there is a transport.  No browser has it.
        """
        return None if self._link is None else self._link.transport_kind

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
        counted in ``bufferedAmount`` and dropped.  What a connection took that is
        lost then may have arrived or not, and isn't sent again.

        Raises:
            InvalidStateError: before the connection is open, and while it is away; not with an outbox.
            QuotaExceededError: if the outbox is full.
            TypeError: if ``data`` is none of these.
        """
        opcode, payload = payload_of(_sendable(data))
        if self._ready_state is State.OPEN and self._hand_over(opcode, payload):
            return
        if self._ready_state is State.CONNECTING or (self._ready_state is State.OPEN and self._returning):
            self._keep(opcode, payload)
        else:
            self._amount.lost += len(payload)

    def _hand_over(self, opcode: Opcode, payload: ReadableBuffer) -> bool:
        """Send a message if that is still possible; tell whether it was."""
        assert self._link is not None
        # What earlier turns left is counted before it is joined by this message's framing.
        self._amount.older(self._link)
        try:
            self._link.send_message(opcode, payload)
        except ConnectionClosed:
            # The peer may have closed, and the event that tells of it wait for its turn.
            return False
        self._amount.fresh += len(payload)
        self._end_turn_later()
        return True

    def _keep(self, opcode: Opcode, payload: ReadableBuffer) -> None:
        """Keep a message for the next connection.

        Raises:
            InvalidStateError: if nothing is kept.
            QuotaExceededError: if there is no room for it.
        """
        if self._returning is None:
            raise InvalidStateError("the connection isn't open yet")
        if self._returning.outbox is None:
            raise InvalidStateError("there is no open connection now, and no outbox that would keep messages")
        try:
            self._returning.outbox.add(Prepared(opcode, bytes(payload)))
        except BufferError as error:
            raise QuotaExceededError(str(error)) from error

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
        if self._returning is not None:
            await asyncio.wait([self._life])
        elif self._link is not None:
            await asyncio.shield(self._link.over)

    def _close(self, code: int, reason: str) -> None:
        if self._ready_state not in (State.CONNECTING, State.OPEN):
            return
        is_open = self._ready_state is State.OPEN
        self._ready_state = State.CLOSING
        link = self._link if self._returning is None else self._returning.end_with_link()
        if link is not None and is_open:
            link.start_close(code, reason)
        else:
            self._life.cancel()
            if link is not None and self._returning is None:
                link.give_up(ConnectionAbortedError(UNOPENED))
        self._listeners_changed()

    # What happens

    def _listeners_changed(self) -> None:
        """Be kept alive as long as somebody could hear of something."""
        link: Link | None = self.__dict__.get("_link")
        if link is not None and self._ready_state is not State.CONNECTING:
            is_needed = any(map(self._listeners.get, _TO_COME[self._ready_state]))
            link.keeps = self if is_needed else None

    def _end_turn_later(self) -> None:
        if not self._turn_is_due:
            self._turn_is_due = True
            self._loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        assert self._link is not None
        self._turn_is_due = False
        self._amount.end_turn(self._link)

    def _opened(self) -> None:
        if self._ready_state is State.CONNECTING and self._link is not None:
            self._ready_state = State.OPEN
            self._protocol = self._link.subprotocol or ""
            self._extensions = self._link.agreed_extensions()
            self._listeners_changed()
            self._send_kept()
            self._dispatch(Event("open"))

    def _send_kept(self) -> None:
        outbox = None if self._returning is None else self._returning.outbox
        while outbox:
            message = outbox.first()
            if not self._hand_over(message.opcode, message.data):
                break
            outbox.pop()

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

    # What happens to one that comes back

    def _begun(self, link: ReturningLink) -> None:
        self._link = link
        self._url = link.url
        self._amount = Amount()

    def _lost(self) -> None:
        if self._ready_state is State.OPEN:
            self._ready_state = State.CONNECTING
            self._protocol = self._extensions = ""
            self._amount = Amount()

    def _reconnecting(self, state: Waiting) -> None:
        event = ReconnectingEvent("reconnecting", attempt=state.attempt, delay=state.delay, error=state.cause)
        self._dispatch(event)


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
        raise DOMSyntaxError(str(InvalidURI(url, "it has a fragment")))
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
