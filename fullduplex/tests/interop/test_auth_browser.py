"""Authentication as pages in Chromium do it, with what they can send, and what they send unasked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from fullduplex import ServerConnection, WebSocket, serve
from fullduplex.auth import Tickets, basic_auth, bearer_auth, first_message_auth, ticket_auth

from ..aio.ends import plain_server, port_of, url_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What becomes of a WebSocket: its subprotocol and first message, or its close code.
OPEN = """
([address, subprotocols, first]) => new Promise((resolve) => {
  const ws = new WebSocket(address, subprotocols);
  ws.onopen = () => { if (first !== null) ws.send(first); };
  ws.onmessage = ({ data }) => { resolve([ws.protocol, data]); ws.close(); };
  ws.onclose = ({ code }) => resolve([code]);
})
"""

# As the documentation has it, for tokens of any characters.
BEARER = """
(token) => "bearer." + btoa(String.fromCharCode(...new TextEncoder().encode(token)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")
"""


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """An empty page, in a profile of its own: where WebSockets failed, the next ones wait."""
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()


@contextlib.asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Any]:
    """Serve who tells everyone who they are."""

    async def tell(connection: ServerConnection) -> None:
        await connection.send(f"{connection.user} {connection.request}")

    async with serve(tell, "localhost", 0, **options) as server:
        yield server


async def opened(page: Page, address: str, subprotocols: Any = (), first: str | None = None) -> list[Any]:
    """Open a WebSocket in a page, and return what becomes of it."""
    outcome: list[Any] = await page.evaluate(OPEN, [address, list(subprotocols), first])
    return outcome


async def test_subprotocol_carries_token(page: Page) -> None:
    """A token comes in among the subprotocols; the page is given another of them, or the marker."""
    tokens = {"s3cret/?+": "ann", "密码": "bob"}
    async with serving(process_request=bearer_auth(tokens=tokens)) as server:
        for token, user in tokens.items():
            bearer = await page.evaluate(BEARER, token)
            protocol, told = await opened(page, url_of(server), ["bearer", bearer])
            assert protocol == "bearer"
            assert told.startswith(f"{user} ")
            assert bearer not in told
        # Nothing is chosen: the browser fails the connection.
        assert await opened(page, url_of(server), ["chat", bearer]) == [1006]
    options: Any = {"process_request": bearer_auth(tokens=tokens), "subprotocols": ["chat"]}
    async with serving(**options) as server:
        assert (await opened(page, url_of(server), ["chat", bearer]))[0] == "chat"
        assert await opened(page, url_of(server), ["chat", "bearer.eA"]) == [1006]


async def test_query_carries_ticket(page: Page) -> None:
    """A ticket opens one connection, and not another."""
    tickets: Tickets[str] = Tickets()
    async with serving(process_request=ticket_auth(tickets.redeem)) as server:
        address = url_of(server, f"/?ticket={tickets.issue('ann')}")
        _, told = await opened(page, address)
        assert told.startswith("ann Request(path='/', ")
        assert await opened(page, address) == [1006]


async def test_first_message_carries_token(page: Page) -> None:
    """A page that says in its first message who it is goes on; any other sees why not."""

    async def tell(connection: Any) -> None:
        await connection.send(connection.user)

    check = {"secret": "ann", "unknown": None}.get
    async with serve(first_message_auth(tell, check, timeout=0.1), "localhost", 0) as server:
        assert await opened(page, url_of(server), first="secret") == ["", "ann"]
        assert await opened(page, url_of(server), first="unknown") == [3000]
        assert await opened(page, url_of(server)) == [3008]


async def answer_with_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request with an empty page."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    await writer.drain()


async def test_foreign_pages_have_no_credentials(page: Page) -> None:
    """Credentials that a visitor gave to our pages don't let in a page of another origin.

    Chromium sends them with its WebSocket all the same.
    """
    seen: list[Any] = []
    auth: Callable[..., Awaitable[Any]] = basic_auth(credentials=("ann", "lee"))

    async def process_request(connection: ServerConnection, request: Any) -> Any:
        response = await auth(connection, request)
        if response is None and "Upgrade" not in request.headers:
            response = connection.respond(200, "our page")
        seen.append((request.headers.get("Origin"), connection.username))
        return response

    async with serving(process_request=process_request) as server, plain_server(answer_with_page) as other:
        ours, theirs = (f"http://localhost:{port_of(one)}" for one in (server, other))
        await page.goto(ours.replace("//", "//ann:lee@"))
        seen.clear()
        assert (await opened(page, url_of(server)))[1].startswith("ann ")
        await page.goto(theirs)
        assert await opened(page, url_of(server)) == [1006]
    assert [one for one in seen if one[0] is not None] == [(ours, "ann"), (theirs, "ann")]


async def test_address_may_have_colons(page: Page) -> None:
    """A colon in the user name of an address is sent as it is, by our object as by Chromium."""
    seen: list[Any] = []
    auth = basic_auth(check_credentials=lambda *given: not seen.append(given))

    async def process_request(connection: ServerConnection, request: Any) -> Any:
        if "Upgrade" in request.headers:
            return await auth(connection, request)
        return connection.respond(200, "our page")

    async with serving(process_request=process_request) as server:
        await page.goto(url_of(server, scheme="http"))
        address = url_of(server).replace("//", "//a%3Ab:lee@")
        assert (await opened(page, address))[1].startswith("a ")
        told = asyncio.get_running_loop().create_future()
        ours = WebSocket(address)
        ours.onmessage = told.set_result
        assert (await told).data.startswith("a ")
        await ours.aclose()
    assert seen == [("a", "b:lee")] * 2
