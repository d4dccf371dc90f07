"""The same authentication for ASGI applications, under any server that runs them.

It knows ASGI's messages, and stands between a server and an application.  What
isn't a WebSocket passes by it.

Invariants:

1. The application hears nothing of a client that isn't let in.
2. No secret that was taken out of a request is left in its scope.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from ..exceptions import InvalidHeader
from ..protocol.handshake import list_values
from ..protocol.headers import Headers
from ..protocol.http11 import Request, Response
from ..protocol.server import ServerConnection
from .checks import ProcessRequest
from .visitor import Visitor

__all__ = ["asgi_auth"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class _Visitor(Visitor):
    """What stands in for a connection that can't be had."""

    def __init__(self) -> None:
        self.codec = ServerConnection()


def asgi_auth(app: Application, process_request: ProcessRequest) -> Application:
    """Let an ASGI application have only those WebSockets that a ``process_request`` lets in.

    That is one of ``basic_auth``, ``bearer_auth`` and ``ticket_auth``.  The user is in
    the scope's ``user``, and under ``fullduplex.asgi:UvicornProtocol`` in the
    connection's as well.  Anyone else is refused with the status and headers that
    ``serve`` would use, or with 403 by servers that can't do better.
    """

    async def authenticated(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await app(scope, receive, send)
            return
        native = (scope.get("extensions") or {}).get("fullduplex")
        visitor: Any = _Visitor() if native is None else native["connection"]
        request = _request_of(scope) if native is None else visitor.request
        response = await process_request(visitor, request)
        if response is not None:
            await _refuse(response, scope, receive, send)
            return
        offered = _offered(request)
        default = visitor.codec.default_subprotocol

        async def answer(message: Message) -> None:
            if message["type"] == "websocket.accept" and default in offered:
                message = {**message, "subprotocol": message.get("subprotocol") or default}
            await send(message)

        await app(_scope_of(visitor.user, request, offered, scope), receive, answer)

    return authenticated


def _request_of(scope: Scope) -> Request:
    path = urllib.parse.quote(scope["path"])
    query = scope.get("query_string", b"").decode("latin-1")
    headers = Headers(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in scope.get("headers", ())
        if name.lower() != b"sec-websocket-protocol"
    )
    # Some servers have them here alone.
    if scope.get("subprotocols"):
        headers["Sec-WebSocket-Protocol"] = ", ".join(scope["subprotocols"])
    return Request(f"{path}?{query}", headers)


def _offered(request: Request) -> list[str]:
    try:
        return list_values(request.headers, "Sec-WebSocket-Protocol")
    except InvalidHeader:
        return []


def _scope_of(user: Any, request: Request, offered: list[str], scope: Scope) -> Scope:
    """Return the scope of a request that was let in, and perhaps changed."""
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in request.headers.raw_items()
    ]
    query = request.path.partition("?")[2].encode("latin-1")
    return {**scope, "headers": headers, "query_string": query, "subprotocols": offered, "user": user}


async def _refuse(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    # A server may ask for nothing before it was listened to.
    await receive()
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close"})
        return
    headers = [
        (name.lower().encode(), value.encode())
        for name, value in response.headers.raw_items()
        if name not in ("Connection", "Date")
    ]
    await send({"type": "websocket.http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": response.body})
