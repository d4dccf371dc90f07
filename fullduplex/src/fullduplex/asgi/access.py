"""How an ASGI application gets at the connection itself.

Under ``UvicornProtocol`` it is in the scope; elsewhere the messages of ASGI
stand in for it, as far as they go.  This module needs no uvicorn.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import overload

from ..aio.connection import Message as Data
from ..aio.connection import ServerConnection, payload_of
from ..close import Close, CloseCode
from ..exceptions import ConnectionClosedOK
from ..protocol.frames import Opcode
from ..protocol.states import Lifecycle, State
from .conversation import Message, Scope

__all__ = ["PlainConnection", "connection"]


@overload
def connection(scope: Scope) -> ServerConnection: ...


@overload
def connection(
    scope: Scope, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> ServerConnection | PlainConnection: ...


def connection(
    scope: Scope,
    receive: Callable[[], Awaitable[Message]] | None = None,
    send: Callable[[Message], Awaitable[None]] | None = None,
) -> ServerConnection | PlainConnection:
    """Return the connection that a scope belongs to, for ``send``, ``broadcast`` and the like.

    Accept it first, by the application's own means.  Receive either with it or
    with the application's means, not with both at a time.  With ``receive`` and
    ``send`` of the application, or of its framework's WebSocket, any other
    server's connection is given as a ``PlainConnection``.

    Raises:
        LookupError: if the server isn't ``UvicornProtocol``, and there is no ``receive`` and ``send``.
    """
    found = (scope.get("extensions") or {}).get("fullduplex")
    if found is not None:
        native: ServerConnection = found["connection"]
        return native
    if receive is None or send is None:
        raise LookupError("this scope has no connection: the server isn't fullduplex.asgi:UvicornProtocol")
    return PlainConnection(receive, send)


class PlainConnection:
    """A connection of any ASGI server, with the methods of the asyncio face that ASGI has messages for.

    It is open: the application has accepted it.  Iterating gives messages until
    the connection closes, as there.
    """

    def __init__(
        self, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        self._receive = receive
        self._send = send
        self._lifecycle = Lifecycle()
        self._lifecycle.opened()

    @property
    def state(self) -> State:
        """OPEN, CLOSING or CLOSED; that the client has left shows in ``recv`` first."""
        return self._lifecycle.state

    @property
    def close_code(self) -> int | None:
        """The peer's close code, 1006 if it sent none; None until the connection is closed."""
        return self._lifecycle.exception().code if self.state is State.CLOSED else None

    @property
    def close_reason(self) -> str | None:
        """The peer's close reason; None until the connection is closed."""
        return self._lifecycle.exception().reason if self.state is State.CLOSED else None

    async def recv(self) -> str | bytes:
        """Wait for the next message: ``str`` for text, ``bytes`` for binary.

        Raises:
            ConnectionClosed: when the connection is closed.
        """
        if self.state is State.CLOSED:
            raise self._lifecycle.exception()
        message = await self._receive()
        if message["type"] == "websocket.receive":
            text: str | None = message.get("text")
            return bytes(message["bytes"]) if text is None else text
        code = message.get("code", CloseCode.NO_STATUS_RCVD)
        self._disconnected(code, message.get("reason") or "")
        raise self._lifecycle.exception()

    def _disconnected(self, code: int, reason: str) -> None:
        lifecycle = self._lifecycle
        if code != CloseCode.ABNORMAL_CLOSURE and self.state is not State.CLOSED:
            lifecycle.close_received(Close(code, reason))
            if lifecycle.sent is None:
                # What a server answers.
                lifecycle.close_sent(Close(code, reason))
        lifecycle.lost()

    async def send(self, message: Data, text: bool | None = None) -> None:
        """Send a message: text if it is ``str``, binary if it is bytes-like; ``text`` says it otherwise.

        Raises:
            ConnectionClosed: if the connection is closing or closed, as far as that is known.
            TypeError: if ``message`` is neither ``str`` nor bytes-like.
        """
        opcode, data = payload_of(message, text)
        self._lifecycle.may_send_data()
        if opcode is Opcode.TEXT:
            await self._pass({"type": "websocket.send", "text": bytes(data).decode()})
        else:
            await self._pass({"type": "websocket.send", "bytes": bytes(data)})

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection, and let the server wait for the peer; calling it again does nothing."""
        if self.state is State.OPEN:
            self._lifecycle.close_sent(Close(code, reason))
            await self._pass({"type": "websocket.close", "code": int(code), "reason": reason})

    async def _pass(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError as error:
            # What ASGI servers raise when the client is gone.
            self._lifecycle.lost(error)
            raise self._lifecycle.exception() from error

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        try:
            while True:
                yield await self.recv()
        except ConnectionClosedOK:
            return
