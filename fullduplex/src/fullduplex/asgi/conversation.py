"""One WebSocket connection as an ASGI application sees it: messages in, messages out.

It knows the messages of the ASGI specification and which may follow which.  It
doesn't know what server it runs in: it is handed a scope, and who sends the
response.

Invariants:

1. The client gets exactly one response, whatever the application does; one
   that is left unfinished is cut, and never passes for whole.
2. Once the connection is gone, ``receive`` always gives ``websocket.disconnect``.
3. A wrong message raises into the application, and nothing of it is sent.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from ..aio.connection import ServerConnection
from ..close import CloseCode
from ..exceptions import ConnectionClosed
from ..protocol.http11 import Response
from ..protocol.server import ServerConnection as ServerProtocol
from ..protocol.server import plain_response
from ..protocol.states import State

__all__ = ["Application", "ClientDisconnected", "Conversation", "Message", "Scope"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Application: TypeAlias = Callable[
    [Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

#: Headers that the handshake itself writes; a second line of them would break it.
OURS = frozenset({"connection", "upgrade"})
#: What follows these has no body, and says no length.
BODILESS = frozenset({204, 304})


class ClientDisconnected(OSError):
    """The application sends to a client that isn't there any more."""


class Stage(enum.Enum):
    """What the application has done so far."""

    DECIDING = enum.auto()
    #: It has begun a response that refuses.
    DENYING = enum.auto()
    ACCEPTED = enum.auto()
    #: It has refused, closed or returned.
    OVER = enum.auto()


EXPECTED: dict[Stage, tuple[str, ...]] = {
    Stage.DECIDING: ("websocket.accept", "websocket.close", "websocket.http.response.start"),
    Stage.DENYING: ("websocket.http.response.body",),
    Stage.ACCEPTED: ("websocket.send", "websocket.close"),
    Stage.OVER: (),
}


class Conversation:
    """What an application and a connection tell each other.

    Args:
        connection: that connection; its request is read, and waits for a response.
        scope: the connection scope.
        response: the response that accepts, which the application may add to.
        answer: sends a response, or as much of it as there is, if it is told that there is more.
        logger: where the application's mistakes are told.
    """

    def __init__(
        self,
        connection: ServerConnection,
        scope: Scope,
        response: Response,
        answer: Callable[[Response, bool], None],
        logger: logging.Logger,
    ) -> None:
        self._connection = connection
        self._lifecycle = connection.codec.lifecycle
        self._scope = scope
        self._response = response
        self._answer = answer
        self._logger = logger
        self._stage = Stage.DECIDING
        self._has_connected = False
        # The response that refuses; sent with the first part of its body.
        self._denial: Response | None = None

    async def run(self, application: Application) -> None:
        """Run the application, and answer or close for it what it leaves open.

        When it raises, that is status 500 or close code 1011; when it returns,
        status 500 or close code 1000.
        """
        code = CloseCode.INTERNAL_ERROR
        try:
            result: object = await application(self._scope, self.receive, self.send)  # type: ignore[func-returns-value]
            code = CloseCode.NORMAL_CLOSURE
            self._look_at(result)
        except (Exception, SystemExit) as error:
            # Not even an exit in one application ends the server of all others.
            if isinstance(error, ClientDisconnected | ConnectionClosed) and self._is_gone:
                self._logger.debug("the application ended as its client is gone", exc_info=True)
            else:
                self._logger.exception("Exception in ASGI application\n")
        finally:
            self._finish(code)

    def _look_at(self, result: object) -> None:
        if self._stage in (Stage.DECIDING, Stage.DENYING) and not self._is_gone:
            self._logger.error("ASGI callable returned without completing handshake.")
        elif result is not None:
            self._logger.error("ASGI callable should return None, but returned %r.", result)

    def _finish(self, code: int) -> None:
        if self._stage is Stage.ACCEPTED:
            self._connection.start_close(code)
        elif self._stage is not Stage.OVER and not self._is_gone:
            if self._connection.response is None:
                self._answer(_plain(500, "Internal Server Error"), False)
            else:
                self._connection.abort()
        self._stage = Stage.OVER

    @property
    def _is_gone(self) -> bool:
        """True if it wasn't the application that ended the connection, or the waiting for an answer."""
        wanted = State.OPEN if self._stage is Stage.ACCEPTED else State.CONNECTING
        return self._lifecycle.state is not wanted

    # To the application

    async def receive(self) -> Message:
        """Wait for the next message; cancelling loses none.

        The code and reason of ``websocket.disconnect`` are those of whichever
        side closed first, 1006 if neither did.
        """
        if not self._has_connected:
            self._has_connected = True
            return {"type": "websocket.connect"}
        if self._is_refused:
            return self._disconnect()
        try:
            data = await self._connection.recv()
        except ConnectionClosed:
            return self._disconnect()
        return {"type": "websocket.receive", "text" if isinstance(data, str) else "bytes": data}

    @property
    def _is_refused(self) -> bool:
        """True once the whole of a response that refuses was sent."""
        response = self._connection.response
        return response is not None and response.status_code != 101 and self._is_gone

    def _disconnect(self) -> Message:
        # 5.5.1: if the client closed first, what was sent echoes it.
        close = self._lifecycle.sent or self._lifecycle.received
        if close is None:
            return {"type": "websocket.disconnect", "code": int(CloseCode.ABNORMAL_CLOSURE)}
        return {"type": "websocket.disconnect", "code": int(close.code), "reason": close.reason}

    # From the application

    async def send(self, message: Message) -> None:
        """Take a message; waits only while the peer is slow to take what was sent.

        Raises:
            ClientDisconnected: if the client is gone.
            RuntimeError: if the message isn't one that may be sent now.
            ValueError: for headers that would break the response apart.
        """
        kind = message["type"]
        stage = self._stage
        if stage is not Stage.OVER and self._is_gone:
            raise ClientDisconnected
        if kind == "websocket.send" and stage is Stage.ACCEPTED:
            await self._unless_closed(self._connection.send(_data_of(message)))
        elif kind not in EXPECTED[stage]:
            raise RuntimeError(_complaint(stage, kind))
        elif kind == "websocket.accept":
            self._accept(message)
        elif kind == "websocket.http.response.start":
            self._start_denial(message)
        elif kind == "websocket.http.response.body":
            await self._go_on_denying(message)
        elif stage is Stage.ACCEPTED:
            self._connection.start_close(message.get("code", 1000), message.get("reason") or "")
            self._stage = Stage.OVER
        else:
            self._answer(_plain(403, "Forbidden"), False)
            self._stage = Stage.OVER

    async def _unless_closed(self, sending: Awaitable[None]) -> None:
        try:
            await sending
        except ConnectionClosed as error:
            raise ClientDisconnected from error

    def _accept(self, message: Message) -> None:
        headers = self._response.headers.copy()
        subprotocol = message.get("subprotocol") or None
        if subprotocol is not None:
            if subprotocol not in self._scope["subprotocols"]:
                raise RuntimeError(f"The client doesn't offer the subprotocol {subprotocol!r}.")
            headers["Sec-WebSocket-Protocol"] = subprotocol
        for name, value in _lines(message):
            if name.lower() in OURS or name.lower().startswith("sec-websocket-"):
                raise RuntimeError(f"'websocket.accept' can't have the header {name!r}.")
            headers[name] = value
        self._connection.codec.subprotocol = subprotocol
        self._stage = Stage.ACCEPTED
        try:
            self._answer(Response(101, headers=headers), False)
        except ValueError:
            self._stage = Stage.DECIDING
            raise

    def _start_denial(self, message: Message) -> None:
        status = message["status"]
        if not 200 <= status <= 599:
            raise RuntimeError(f"Invalid HTTP status code '{status}' in response.")
        response = Response(status)
        for name, value in _lines(message):
            # Of these there is one truth: what is sent, and that nothing follows it.
            if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                response.headers[name] = value
        response.headers["connection"] = "close"
        response.serialize()
        self._denial = response
        self._stage = Stage.DENYING

    async def _go_on_denying(self, message: Message) -> None:
        body, more_body = bytes(message.get("body", b"")), message.get("more_body", False)
        self._send_denial(body, more_body)
        if more_body:
            await self._unless_closed(self._connection.drain())
        else:
            self._stage = Stage.OVER

    def _send_denial(self, body: bytes, more_body: bool) -> None:
        """Send a part of the response that refuses: with its head, if it is the first."""
        response = self._denial
        assert response is not None
        if response.status_code in BODILESS:
            if not more_body:
                self._answer(response, False)
        elif self._connection.response is None:
            response.body = body
            if not more_body:
                response.headers["content-length"] = str(len(body))
            self._answer(response, more_body)
        else:
            protocol = self._connection.codec
            assert isinstance(protocol, ServerProtocol)
            protocol.send_body(body, more_body=more_body)
            self._connection.flush()


def _data_of(message: Message) -> str | bytes:
    """Return what a message sends: ``bytes`` goes before ``text``."""
    data: str | bytes | None = message.get("bytes")
    if data is None:
        data = message.get("text")
    if data is None:
        raise RuntimeError("ASGI message 'websocket.send' has neither 'bytes' nor 'text'.")
    return data


def _lines(message: Message) -> list[tuple[str, str]]:
    """Return a message's header lines as text."""
    return [
        (bytes(name).decode("latin-1"), bytes(value).decode("latin-1"))
        for name, value in message.get("headers") or ()
    ]


def _plain(status: int, text: str) -> Response:
    """Make a response without Date, which the server adds, or doesn't."""
    response = plain_response(status, text)
    del response.headers["Date"]
    return response


def _complaint(stage: Stage, kind: str) -> str:
    if stage is Stage.OVER:
        return f"Unexpected ASGI message '{kind}', after sending 'websocket.close' or a whole response."
    expected = " or ".join(f"'{one}'" for one in EXPECTED[stage])
    return f"Expected ASGI message {expected}, but got '{kind}'."
