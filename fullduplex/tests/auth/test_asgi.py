"""Authentication for ASGI applications: under our protocol, under uvicorn's own, and under any other."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from fullduplex.aio.client import connect
from fullduplex.auth import Tickets, asgi_auth, basic_auth, bearer_auth, bearer_subprotocols, ticket_auth
from fullduplex.protocol.headers import build_authorization_basic

from ..aio.ends import url_of
from ..asgi.programs import running
from .ends import know, status_of, told

#: Under which WebSocket protocols uvicorn runs the application; None is ours.
PROTOCOLS = [None, "websockets-sansio", "wsproto"]


async def tell(websocket: WebSocket) -> None:
    """Say who has come in, and what is to be seen of the request."""
    chosen = next((one for one in websocket.scope["subprotocols"] if one == "chat"), None)
    await websocket.accept(chosen)
    offered = websocket.headers.get("sec-websocket-protocol")
    await websocket.send_text(
        f"{websocket.scope['user']} {offered} {websocket.url.path}?{websocket.url.query}"
    )
    await websocket.close()


def application(process_request: Any) -> Starlette:
    """Return an application of which a ``process_request`` says who comes in."""
    return Starlette(
        routes=[WebSocketRoute("/{path:path}", tell)],
        middleware=[Middleware(asgi_auth, process_request=process_request)],
    )


def options_for(protocol: str | None) -> dict[str, Any]:
    """Return uvicorn's options for a protocol."""
    return {} if protocol is None else {"ws": protocol}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_applications_have_users(protocol: str | None) -> None:
    """An application is told who comes in, and sees neither token nor ticket; others are refused."""
    tickets: Tickets[str] = Tickets()
    ticket = tickets.issue("bob")
    options = options_for(protocol)
    async with running(application(bearer_auth(know)), **options) as server:
        address = url_of(server, "/a%3Fb?c")
        assert await told(address, subprotocols=bearer_subprotocols("secret")) == "ann bearer /a%3Fb?c"
        assert await told(address, subprotocols=bearer_subprotocols("secret", "chat")) == "ann chat /a%3Fb?c"
        answer = await told(address, subprotocols=bearer_subprotocols("nobody"))
        assert status_of(answer) == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="", error="invalid_token"'
        assert answer.body == b"A valid token is needed.\n"
    async with running(application(ticket_auth(tickets.redeem)), **options) as server:
        assert await told(url_of(server, f"/?a=%31&ticket={ticket}")) == "bob None /?a=%31"
        assert status_of(await told(url_of(server, f"/?a=%31&ticket={ticket}"))) == 403
    async with running(application(basic_auth(credentials=("ann", "lee"))), **options) as server:
        assert await told(url_of(server).replace("//", "//ann:lee@", 1)) == "ann None /?"
        assert status_of(await told(url_of(server))) == 401


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_marker_is_agreed(protocol: str | None) -> None:
    """Browsers want one of their subprotocols to be agreed on: it is the marker if the program has none."""
    async with running(application(bearer_auth(know)), **options_for(protocol)) as server:
        for others, agreed in (((), "bearer"), (("chat", "bearer"), "chat"), (("v2",), None)):
            offered = bearer_subprotocols("secret", *others)
            async with connect(url_of(server), subprotocols=offered) as connection:
                assert connection.subprotocol == agreed


async def test_connection_has_user() -> None:
    """Under our protocol, the connection of the scope knows its user, and its request has no token."""
    seen: list[Any] = []

    async def look(scope: Any, receive: Any, send: Any) -> None:
        connection = scope["extensions"]["fullduplex"]["connection"]
        seen.append((connection.user, connection.request.headers["Sec-WebSocket-Protocol"]))
        await send({"type": "websocket.accept"})

    async with running(asgi_auth(look, bearer_auth(know)), lifespan="off") as server:
        await told_nothing(url_of(server))
    assert seen == [("ann", "bearer")]


async def told_nothing(address: str) -> None:
    """Connect with a token, and wait until the connection is closed."""
    async with connect(address, subprotocols=bearer_subprotocols("secret")) as connection:
        await connection.wait_closed()


async def test_failure_is_500() -> None:
    """A check that raises is status 500."""
    async with running(application(bearer_auth(know))) as server:
        answer = await told(url_of(server), subprotocols=bearer_subprotocols("something else"))
        assert status_of(answer) == 500


def scope_of(**more: Any) -> dict[str, Any]:
    """Return the scope of a WebSocket as a server may make it that says as little as it can."""
    return {"type": "websocket", "path": "/ü?", "headers": [], "subprotocols": [], **more}


async def conversation(app: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    """Run an application in memory, and return what it sends, once it has heard of the client."""
    sent: list[dict[str, Any]] = []
    has_heard = False

    async def receive() -> dict[str, Any]:
        nonlocal has_heard
        has_heard = True
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        assert has_heard
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def accept(scope: Any, receive: Any, send: Any) -> None:
    """Accept, and say whom."""
    await receive()
    await send({"type": "websocket.accept", "headers": []})
    await send({"type": "websocket.send", "text": f"{scope['user']} {scope['path']}"})


async def test_scope_may_say_little() -> None:
    """What a scope may leave out isn't needed, and what isn't a credential stays as it was."""
    authorization = (b"authorization", build_authorization_basic("ann", "lee").encode())
    scope = scope_of(headers=[(b"x", b"\xff"), authorization], state={"a": 1})
    app = asgi_auth(accept, basic_auth(credentials=("ann", "lee")))

    assert await conversation(app, scope) == [
        {"type": "websocket.accept", "headers": []},
        {"type": "websocket.send", "text": "ann /ü?"},
    ]
    assert "user" not in scope


async def test_plain_servers_refuse_too() -> None:
    """A server that can't send a response of the application's refuses in its own way."""
    app = asgi_auth(accept, basic_auth(credentials=("ann", "lee")))
    assert await conversation(app, scope_of()) == [{"type": "websocket.close"}]

    start, body = await conversation(app, scope_of(extensions={"websocket.http.response": {}}))
    assert start["status"] == 401
    assert dict(start["headers"])[b"www-authenticate"] == b'Basic realm="", charset="UTF-8"'
    assert not {b"date", b"connection"} & set(dict(start["headers"]))
    assert body["body"] == b"A valid user name and password are needed.\n"


async def test_malformed_offer_is_none() -> None:
    """Subprotocols that can't be read are none, under a server that lets them pass."""
    headers = [(b"authorization", b"Bearer secret")]
    seen: list[Any] = []

    async def look(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["subprotocols"])

    await conversation(asgi_auth(look, bearer_auth(know)), scope_of(headers=headers, subprotocols=["@"]))
    assert seen == [[]]


async def test_other_scopes_pass() -> None:
    """What isn't a WebSocket is the application's alone."""
    seen: list[Any] = []

    async def look(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    for kind in ("http", "lifespan"):
        scope = {"type": kind}
        await conversation(asgi_auth(look, bearer_auth(know)), scope)
        assert seen.pop() is scope
