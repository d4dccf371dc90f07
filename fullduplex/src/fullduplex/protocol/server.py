"""The server's side: it answers the opening handshake, and then is a connection.

A request comes out of ``events_received``; ``accept`` or ``plain_response`` makes
the response, and ``send_response`` sends it.  A malformed request is answered
here, without an event.  RFC 6455 4.2.

Invariants:

1. Exactly one response is sent, and nothing is read between request and response.
2. Nothing of a request is echoed into a response.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import functools
import re
from collections.abc import Callable, Generator, Sequence
from sys import getrefcount
from typing import TypeAlias

from ..exceptions import (
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidOrigin,
    InvalidUpgrade,
    LocalProtocolError,
    NegotiationError,
    without_frames,
)
from ..kernels.pure import ReadableBuffer
from .connection import Connection, Ending
from .events import Event, HandOver
from .extensions.base import Extension, ExtensionFactory, Parameters
from .handshake import (
    accept_key,
    asks_for_websocket,
    check_upgrade,
    is_host,
    is_key,
    list_values,
    only_value,
)
from .headers import Headers, build_extensions, parse_extensions
from .http11 import LAST_CHUNK, HeadReader, Request, Response, chunk
from .limits import Limits
from .packed import pack_request, pack_response, unpack_request, unpack_response
from .states import Side

__all__ = ["Origins", "ServerConnection", "SubprotocolSelector", "plain_response"]

#: Accepted origins: exact values, patterns for the whole value, and None for "no Origin header".
Origins: TypeAlias = Sequence[str | re.Pattern[str] | None]
#: Chooses one of the subprotocols offered, or none.
Selector: TypeAlias = Callable[[Sequence[str]], str | None]
SubprotocolSelector: TypeAlias = "Callable[[ServerConnection, Sequence[str]], str | None]"

_SWITCHING = "Date: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
_UPGRADE_LINE = re.compile(rb"\nupgrade[ \t]*:[^\n]*websocket", re.IGNORECASE)


def _references() -> int:
    """Return how often a thing is referred to that is kept in one place, and in a variable meanwhile."""
    place = [object()]
    variable = place[0]
    return getrefcount(variable)


_KEPT_HERE = _references()


class ServerConnection(Connection):
    """The server's side of one connection.

    Args:
        origins: who may connect; None accepts any origin, but a foreign one
            only without what a browser adds by itself: cookies, and credentials
            that its user has given to the server's pages.
        extensions: what may be agreed, in order of preference.
        subprotocols: what the server speaks, in order of preference.
        select_subprotocol: chooses among the client's subprotocols instead.
        hands_over: give requests that don't ask for a WebSocket away, as ``HandOver`` events.
        limits: what the peer may make us keep or do.
    """

    __slots__ = (
        "_ending",
        "_head",
        "_request",
        "_response",
        "handshake_exception",
        "subprotocol",
    )

    def __init__(
        self,
        *,
        origins: Origins | None = None,
        extensions: Sequence[ExtensionFactory] = (),
        subprotocols: Sequence[str] = (),
        select_subprotocol: SubprotocolSelector | None = None,
        hands_over: bool = False,
        limits: Limits | None = None,
    ) -> None:
        limits = limits or Limits()
        super().__init__(Side.SERVER, limits)
        # Packed once the connection is open; see ``release``.
        self._request: Request | bytes | None = None
        self._response: Response | bytes | None = None
        self.subprotocol: str | None = None
        self.handshake_exception: Exception | None = None
        self._head: _Opening | None = _Opening(
            limits, hands_over, origins, extensions, subprotocols, select_subprotocol
        )
        self._ending = Ending.NONE

    @property
    def request(self) -> Request | None:
        """The client's request, once it is whole."""
        if isinstance(self._request, bytes):
            # A response can't be unpacked without it.
            _ = self.response
            self._request = unpack_request(self._request)
        return self._request

    @request.setter
    def request(self, request: Request) -> None:
        self._request = request

    @property
    def response(self) -> Response | None:
        """Our response, once it was sent."""
        if isinstance(self._response, bytes):
            assert isinstance(self._request, bytes)
            self._response = unpack_response(self._response, self._request)
        return self._response

    @property
    def default_subprotocol(self) -> str | None:
        """What is agreed where nothing else is, if the client offers it; None once a response was sent."""
        return None if self._head is None else self._head.default_subprotocol

    @default_subprotocol.setter
    def default_subprotocol(self, subprotocol: str) -> None:
        if self._head is not None:
            self._head.default_subprotocol = subprotocol

    def release(self) -> None:
        """Give back what isn't needed until more arrives, or somebody asks for request and response.

        A head that somebody else has kept is left as it is, as it would take memory twice.
        """
        super().release()
        request, response = self._request, self._response
        if self._head is not None or not isinstance(request, Request) or getrefcount(request) > _KEPT_HERE:
            return
        packed = pack_request(request)
        if packed is not None:
            self._request = packed
            if isinstance(response, Response) and getrefcount(response) <= _KEPT_HERE:
                self._response = pack_response(response, packed) or response

    @property
    def ending(self) -> Ending:
        """What to do with the transport; a rejected handshake ends it too."""
        return self._ending or super().ending

    def receive(self, data: ReadableBuffer) -> Generator[Event, None, None]:
        """Take bytes from the peer: of its request first, of frames once the connection is open."""
        if self._head is None:
            yield from super().receive(data)
        elif self._request is not None:
            # It spoke before our answer; what it said is kept, and bounded by who calls us.
            self._head.keep(data)
        else:
            event = self._receive_head(self._head, data)
            if event is not None:
                yield event

    def _receive_head(self, head: _Opening, data: ReadableBuffer) -> Request | HandOver | None:
        try:
            request = head.receive_request(data)
        except InvalidMessage as error:
            # Not in what came after: the answer must not depend on how the bytes were split.
            if not head.hands_over or _UPGRADE_LINE.search(head.lines()):
                self._refuse(error, error.status_code)
                return None
            return self._hand_over(head)
        if request is None:
            return None
        if head.hands_over and not asks_for_websocket(request.headers):
            return self._hand_over(head)
        self._request = request
        return request

    def _hand_over(self, head: HeadReader) -> HandOver:
        self._head = None
        self.lifecycle.lost()
        return HandOver(head.everything())

    def _refuse(self, error: Exception, status: int) -> None:
        self.handshake_exception = without_frames(error)
        self.send_response(plain_response(status, f"Failed to open a WebSocket connection: {error}.\n"))

    # The answer

    def accept(self, request: Request, select_subprotocol: Selector | None = None) -> Response:
        """Make the response to a request: 101 if every rule is kept, else what is wrong with it.

        ``select_subprotocol`` goes before the function of that name that the
        connection was made with.  The reason of a refusal is in
        ``handshake_exception`` as well.

        Raises:
            LocalProtocolError: if a response was sent already.
        """
        opening = self._head
        if opening is None:
            raise LocalProtocolError("the response was sent already")
        if select_subprotocol is None and opening.select_subprotocol is not None:
            select_subprotocol = functools.partial(opening.select_subprotocol, self)
        try:
            return self._accept(opening, request, select_subprotocol)
        except InvalidHandshake as error:
            self.handshake_exception = without_frames(error)
            return self._refusal(error)

    def _accept(self, opening: _Opening, request: Request, select_subprotocol: Selector | None) -> Response:
        headers = request.headers
        if not is_host(only_value(headers, "Host")):
            raise InvalidHeaderValue("Host", "neither a name nor an address")
        if headers.get_all("Transfer-Encoding") or headers.get_all("Content-Length") not in ([], ["0"]):
            raise InvalidMessage("a handshake request has no body")
        if request.version != (1, 1):
            raise InvalidMessage("HTTP version must be 1.1", 400 if request.version[0] == 1 else 505)
        if request.method != "GET":
            raise InvalidMessage("method must be GET", 405)
        check_upgrade(headers, among_others=True)
        if only_value(headers, "Sec-WebSocket-Version") != "13":
            raise InvalidMessage("Sec-WebSocket-Version must be 13", 426)
        key = only_value(headers, "Sec-WebSocket-Key")
        if not is_key(key):
            raise InvalidHeaderValue("Sec-WebSocket-Key", "not 16 bytes in base64")
        _check_origin(opening.origins, headers)
        self.subprotocol = self._choose_subprotocol(opening.subprotocols, headers, select_subprotocol)
        extensions, opening.negotiated = _choose_extension(opening.factories, headers)
        lines = _SWITCHING % (_date(), accept_key(key))
        response = Response(101, headers=Headers.of_packed(lines.encode()))
        if extensions:
            response.headers["Sec-WebSocket-Extensions"] = build_extensions(extensions)
        if self.subprotocol is not None:
            response.headers["Sec-WebSocket-Protocol"] = self.subprotocol
        return response

    def _refusal(self, error: InvalidHandshake) -> Response:
        status = 400
        if isinstance(error, InvalidMessage):
            status = error.status_code
        elif isinstance(error, InvalidOrigin):
            status = 403
        elif isinstance(error, InvalidUpgrade):
            status = 426
        said = str(error)
        if isinstance(error, InvalidHeader):
            # Nothing of a request is echoed.
            said = f"missing {error.name} header" if error.value is None else f"invalid {error.name} header"
        response = plain_response(status, f"Failed to open a WebSocket connection: {said}.\n")
        if status == 405:
            response.headers["Allow"] = "GET"
        elif status == 426:
            response.headers["Upgrade"] = "websocket"
            response.headers["Sec-WebSocket-Version"] = "13"
        return response

    def send_response(self, response: Response, *, more_body: bool = False) -> None:
        """Send the response: with 101 the connection is open, otherwise it is at its end.

        ``more_body`` leaves the rest of a refusal's body to ``send_body``.  Frames
        that came before it are read by the next ``receive``, which may be given no data.

        Raises:
            LocalProtocolError: if a response was sent already.
            ValueError: if its headers would break the message apart; nothing is sent then.
        """
        if self._response is not None or self._head is None:
            raise LocalProtocolError("the response was sent already")
        if more_body:
            response.headers["Transfer-Encoding"] = "chunked"
            body, response.body = response.body, b""
            self._put(response.serialize() + chunk(body))
        else:
            self._put(response.serialize())
        self._response = response
        early = self._head.rest()
        if response.status_code == 101:
            negotiated = self._head.negotiated
            self._head = None
            self.open(negotiated)
            if early:
                self._readers()[0].keep(early)
                self.has_more = True
        elif not more_body:
            self._end_refusal()

    def send_body(self, data: bytes, *, more_body: bool = False) -> None:
        """Send more of the body of the response that refuses; without ``more_body`` it is the last.

        Raises:
            LocalProtocolError: if no more of a body is due.
        """
        if self._response is None or self._head is None:
            raise LocalProtocolError("no more of a body is due")
        self._put(chunk(data))
        if not more_body:
            self._put(LAST_CHUNK)
            self._end_refusal()

    def _end_refusal(self) -> None:
        self._head = None
        self.lifecycle.lost()
        self._ending = Ending.HALF_CLOSE

    def _choose_subprotocol(
        self, known: Sequence[str], headers: Headers, select: Selector | None
    ) -> str | None:
        offered = list_values(headers, "Sec-WebSocket-Protocol")
        default = self.default_subprotocol if self.default_subprotocol in offered else None
        if select is not None:
            chosen = select(offered)
            if chosen is not None and chosen not in offered:
                raise NegotiationError("the subprotocol chosen wasn't offered")
            return default if chosen is None else chosen
        if not known:
            return default
        for subprotocol in known:
            if subprotocol in offered:
                return subprotocol
        raise NegotiationError(f"no common subprotocol; this server speaks {', '.join(known)}")


class _Opening(HeadReader):
    """What only the opening needs: the reader of the request's head, and what may be agreed."""

    __slots__ = (
        "default_subprotocol",
        "factories",
        "hands_over",
        "negotiated",
        "origins",
        "select_subprotocol",
        "subprotocols",
    )

    def __init__(
        self,
        limits: Limits,
        hands_over: bool,
        origins: Origins | None,
        factories: Sequence[ExtensionFactory],
        subprotocols: Sequence[str],
        select_subprotocol: SubprotocolSelector | None,
    ) -> None:
        super().__init__(limits, skips_empty_line=True, reads_on=hands_over)
        self.hands_over = hands_over
        self.origins = origins
        self.factories = factories
        self.subprotocols = subprotocols
        self.select_subprotocol = select_subprotocol
        self.negotiated: Extension | None = None
        self.default_subprotocol: str | None = None


def _check_origin(allowed: Origins | None, headers: Headers) -> None:
    values = headers.get_all("Origin")
    if len(values) > 1:
        raise InvalidOrigin("there is more than one")
    origin = values[0] if values else None
    if allowed is None:
        foreign = origin is not None and not _same_origin(origin, only_value(headers, "Host"))
        if foreign and _has_browser_credentials(headers):
            raise InvalidOrigin(origin)
        return
    for accepted in allowed:
        if isinstance(accepted, re.Pattern):
            if origin is not None and accepted.fullmatch(origin):
                return
        elif accepted == origin:
            return
    raise InvalidOrigin(origin)


def _choose_extension(
    factories: Sequence[ExtensionFactory], headers: Headers
) -> tuple[list[tuple[str, Parameters]], Extension | None]:
    """Accept the first offer that one of ours can; decline all others (9.1)."""
    offers: list[tuple[str, Parameters]] = []
    for value in headers.get_all("Sec-WebSocket-Extensions"):
        # `websockets` offers nothing by an empty one.
        if value:
            offers += parse_extensions(value)
    for name, parameters in offers:
        for factory in factories:
            if factory.name != name:
                continue
            try:
                answer, extension = factory.accept_offer(parameters)
            except NegotiationError:
                continue
            return [(name, answer)], extension
    return [], None


def _date() -> str:
    """Return the time as HTTP writes it (RFC 9110 5.6.7)."""
    return _date_of(int(dt.datetime.now(dt.UTC).timestamp()))


@functools.lru_cache(maxsize=1)
def _date_of(second: int) -> str:
    """Write a time once for all openings of a second."""
    return email.utils.formatdate(second, usegmt=True)


def plain_response(status: int, text: str) -> Response:
    """Make a response that refuses a request, with ``text`` as its plain-text body."""
    body = text.encode()
    headers = Headers()
    headers["Date"] = _date()
    headers["Connection"] = "close"
    headers["Content-Length"] = str(len(body))
    headers["Content-Type"] = "text/plain; charset=utf-8"
    return Response(status, headers=headers, body=body)


def _has_browser_credentials(headers: Headers) -> bool:
    """Tell whether a request has what a browser adds by itself, whichever page asked for it.

    That is no bearer token: only programs send those, as pages can't set the header.
    """
    return "Cookie" in headers or any(
        not value.lower().startswith("bearer ") for value in headers.get_all("Authorization")
    )


def _same_origin(origin: str, host: str) -> bool:
    """Tell whether an origin is of the host that a request names, under either scheme."""
    return origin.lower() in (f"http://{host}".lower(), f"https://{host}".lower())
