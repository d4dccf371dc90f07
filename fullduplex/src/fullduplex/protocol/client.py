"""The client's side: it asks for the opening handshake, and then is a connection.

``connect`` makes the request and ``send_request`` sends it; the response comes
out of ``events_received``, and ``handshake_exception`` tells why the handshake
failed, if it did.  RFC 6455 4.1.
"""

from __future__ import annotations

import hmac
from collections.abc import Generator, Sequence

from ..exceptions import (
    InvalidHandshake,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidStatus,
    LocalProtocolError,
    NegotiationError,
)
from ..kernels.pure import ReadableBuffer
from .connection import Connection, Ending
from .events import Event
from .extensions.base import Extension, ExtensionFactory, Parameters
from .handshake import accept_key, check_upgrade, make_key, only_value
from .headers import Headers, build_authorization_basic, build_extensions, is_token, parse_extensions
from .http11 import BodyReader, HeadReader, Request, Response, read_response
from .limits import Limits
from .states import Side
from .uri import URI

__all__ = ["ClientConnection"]


class ClientConnection(Connection):
    """The client's side of one connection.

    Args:
        uri: where to connect.
        origin: value of the Origin header.
        extensions: what to offer, in order of preference.
        subprotocols: what to offer, in order of preference.
        limits: what the peer may make us keep or do.

    Raises:
        ValueError: if a subprotocol isn't a token or is repeated.
    """

    __slots__ = (
        "_body",
        "_factories",
        "_head",
        "_key",
        "_origin",
        "_subprotocols",
        "handshake_exception",
        "request",
        "response",
        "subprotocol",
        "uri",
    )

    def __init__(
        self,
        uri: URI,
        *,
        origin: str | None = None,
        extensions: Sequence[ExtensionFactory] = (),
        subprotocols: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> None:
        limits = limits or Limits()
        super().__init__(Side.CLIENT, limits)
        for subprotocol in subprotocols:
            if not is_token(subprotocol):
                raise ValueError(f"invalid subprotocol: {subprotocol!r}")
        if len(set(subprotocols)) < len(subprotocols):
            raise ValueError("a subprotocol is repeated")
        self.uri = uri
        self.request: Request | None = None
        self.response: Response | None = None
        self.subprotocol: str | None = None
        self.handshake_exception: Exception | None = None
        self._origin = origin
        self._factories = extensions
        self._subprotocols = subprotocols
        self._key = make_key()
        self._head: HeadReader | None = HeadReader(limits)
        self._body: BodyReader | None = None

    @property
    def ending(self) -> Ending:
        """What to do with the transport; a failed handshake ends it."""
        return Ending.CLOSE if self.handshake_exception is not None else super().ending

    # The request

    def connect(self) -> Request:
        """Make the request (4.1)."""
        headers = Headers()
        headers["Host"] = self.uri.host_header
        if self.uri.username is not None:
            headers["Authorization"] = build_authorization_basic(self.uri.username, self.uri.password or "")
        if self._origin is not None:
            headers["Origin"] = self._origin
        headers["Upgrade"] = "websocket"
        headers["Connection"] = "Upgrade"
        headers["Sec-WebSocket-Key"] = self._key
        headers["Sec-WebSocket-Version"] = "13"
        if self._factories:
            offers = [(factory.name, offer) for factory in self._factories for offer in factory.offers()]
            headers["Sec-WebSocket-Extensions"] = build_extensions(offers)
        if self._subprotocols:
            headers["Sec-WebSocket-Protocol"] = ", ".join(self._subprotocols)
        return Request(self.uri.resource_name, headers)

    def send_request(self, request: Request) -> None:
        """Send the request.

        Raises:
            LocalProtocolError: if one was sent already.
            ValueError: if its headers would break the message apart; nothing is sent then.
        """
        if self.request is not None:
            raise LocalProtocolError("the request was sent already")
        self._put(request.serialize())
        self.request = request

    def request_changed(self) -> None:
        """Send the request as it is now, in place of what was sent and isn't taken yet.

        Raises:
            ValueError: if its headers would break the message apart; the old one is sent then.
        """
        assert self.request is not None
        self._output = [self.request.serialize()]

    # The response

    def receive(self, data: ReadableBuffer) -> Generator[Event, None, None]:
        """Take bytes from the peer: of its response first, of frames once the connection is open."""
        if self.handshake_exception is not None:
            return
        if self._body is not None:
            self._receive_body(self._body, data)
        elif self._head is not None:
            response = self._receive_head(self._head, data)
            if response is not None:
                # Kept first, so that nothing is lost if the generator is closed here.
                self._readers()[0].keep(self._head.rest())
                self._head = None
                yield response
                yield from super().receive(b"")
        else:
            yield from super().receive(data)

    def _receive_head(self, head: HeadReader, data: ReadableBuffer) -> Response | None:
        try:
            response = _read_response(head, data)
            if response is None:
                return None
            if response.status_code != 101:
                self._head = None
                self._body = BodyReader(response, self.limits.body)
                self._receive_body(self._body, head.rest())
                return None
            extension = self._check(response.headers)
        except InvalidHandshake as error:
            self._head = None
            self._fail_handshake(error)
            return None
        self.response = response
        self.open(extension)
        return response

    def receive_eof(self, cause: Exception | None = None) -> None:
        """The peer has shut down its side of the transport, or the transport is gone, by ``cause``."""
        if self._body is not None and self.handshake_exception is None:
            self._refuse(self._body)
        elif self._head is not None:
            self._head = None
            error = InvalidMessage("connection closed before the whole response arrived")
            error.__cause__ = cause or EOFError("end of stream")
            self._fail_handshake(error)
        super().receive_eof(cause)

    def _receive_body(self, body: BodyReader, data: ReadableBuffer) -> None:
        if body.receive(data):
            self._refuse(body)

    def _refuse(self, body: BodyReader) -> None:
        """Fail the handshake by a response that isn't 101, with as much of its body as came."""
        self.response = body.finish()
        self._fail_handshake(InvalidStatus(self.response))

    def _fail_handshake(self, error: Exception) -> None:
        self.handshake_exception = error
        self.lifecycle.lost()

    def _check(self, headers: Headers) -> Extension | None:
        """Check a 101 response, and make the extension that it agrees to (4.1)."""
        check_upgrade(headers)
        accept = only_value(headers, "Sec-WebSocket-Accept")
        if not hmac.compare_digest(accept.encode(), accept_key(self._key).encode()):
            raise InvalidHeaderValue("Sec-WebSocket-Accept", accept)
        chosen = headers.get_all("Sec-WebSocket-Protocol")
        if chosen:
            subprotocol = only_value(headers, "Sec-WebSocket-Protocol")
            if subprotocol not in self._subprotocols:
                raise NegotiationError(f"server chose a subprotocol that wasn't offered: {subprotocol}")
            self.subprotocol = subprotocol
        return self._check_extensions(headers)

    def _check_extensions(self, headers: Headers) -> Extension | None:
        accepted: list[tuple[str, Parameters]] = []
        for value in headers.get_all("Sec-WebSocket-Extensions"):
            accepted += parse_extensions(value)
        extension: Extension | None = None
        for name, parameters in accepted:
            factory = next((factory for factory in self._factories if factory.name == name), None)
            if factory is None:
                raise NegotiationError(f"server chose an extension that wasn't offered: {name}")
            if extension is not None:
                raise NegotiationError("server chose more than one extension")
            extension = factory.accept_response(parameters)
        return extension


def _read_response(head: HeadReader, data: ReadableBuffer) -> Response | None:
    """Return the response once its head is whole; interim ones are passed over (RFC 9110 15.2)."""
    lines = head.receive(data)
    while lines is not None:
        response = read_response(lines)
        if response.status_code == 101 or response.status_code >= 200:
            return response
        lines = head.next_head()
    return None
