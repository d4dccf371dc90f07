"""Others' WebSockets, each as a peer that tells what happens to it and does what a test commands.

Some are programs of `peers/`, run by Node or Bun; one is in a page of Chromium; one is a library of Python's.
What each is able to do is in `CLIENTS` and `SERVERS`, and what a test asks for in `clients` and `servers`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import websockets.asyncio.client as websockets_client
import websockets.asyncio.server as websockets_server
from playwright.async_api import Browser
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.typing import Subprotocol

from ..aio.certificate import contexts

FOLDER = Path(__file__).parent
PEERS = FOLDER / "peers"
PACKAGES = FOLDER / "node_modules"
# A line may hold a message of a mebibyte, in base64.
LINE_LIMIT = 4 * 2**20
# Node 20 has its own client behind this flag, later ones have it anyway.
FLAGS = {"node": ["--experimental-websocket"], "bun": []}

Details = dict[str, Any]
# They count bytes as they come, and what can't be compressed grows by it.
LIMIT = 2**21
# Whether to compress, or what to ask of that, in ws's words.
Deflate = bool | Mapping[str, Any]


def address_of(port: int, certificate: Path | None) -> str:
    """Return the address of a server of this machine, which speaks TLS if it has a certificate."""
    return f"{'ws' if certificate is None else 'wss'}://127.0.0.1:{port}/"


def packed(message: str | bytes) -> Details:
    """Return a message as JSON can have it."""
    if isinstance(message, str):
        return {"text": message}
    return {"binary": base64.b64encode(message).decode()}


def unpacked(details: Details) -> str | bytes:
    """Return the message that was packed."""
    if "text" in details:
        text: str = details["text"]
        return text
    return base64.b64decode(details["binary"])


class Peer:
    """What happens to the connection of one of them, and commands to it."""

    async def told(self, event: str) -> Details:
        """Return the details of the next event, which has to be `event`."""
        details = await self._next()
        assert details.pop("event") == event, details
        return details

    async def heard(self) -> str | bytes:
        """Return the message that comes next."""
        return unpacked(await self.told("message"))

    async def ending(self) -> tuple[int, str]:
        """Return code and reason of the end, which an error may come before."""
        details = await self._next()
        while details["event"] == "error":
            details = await self._next()
        assert details["event"] == "close", details
        return details["code"], details["reason"]

    async def refusal(self) -> int | None:
        """Return the status that it wasn't let in with, or None if it tells none."""
        details = await self._next()
        assert details["event"] in ("refused", "error"), details
        return details.get("status")

    async def say(self, message: str | bytes, **options: object) -> None:
        """Have it send a message."""
        await self.command("send", packed(message), *([options] if options else []))

    async def command(self, verb: str, *details: object) -> None:
        """Have it do something with its connection; see `verbs` in `peers/standard.js`."""
        raise NotImplementedError

    async def _next(self) -> Details:
        raise NotImplementedError


class Program(Peer):
    """A program of `peers/`."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def command(self, verb: str, *details: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([verb, *details]).encode() + b"\n")
        await self._process.stdin.drain()

    async def _next(self) -> Details:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        details: Details = json.loads(line or '{"event": "end of the program"}')
        return details

    def vanish(self) -> None:
        """Have the system end it."""
        self._process.kill()


def runtime(name: str) -> str:
    """Return the path of Node or Bun; without it the test is skipped, and under CI it fails."""
    lack = found = None
    if not (PACKAGES / "ws").is_dir():
        lack = f"no npm packages: run `npm ci` in {FOLDER}"
    elif name == "node":
        found = os.environ.get("NODE") or shutil.which("node")
        lack = None if found else "no Node on PATH, and none named in NODE"
    else:
        found = next(map(str, PACKAGES.glob("@oven/*/bin/bun")), None)
        lack = None if found else "npm has no Bun for this machine"
    if found is None:
        reason = f"{lack}; nothing was tested against its WebSockets"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextlib.asynccontextmanager
async def program(
    runner: str, script: str, *arguments: object, certificate: Path | None = None
) -> AsyncIterator[Program]:
    """Start a program of `peers/`, and end it with the block."""
    words = [argument if isinstance(argument, str) else json.dumps(argument) for argument in arguments]
    command = [runtime(runner), *FLAGS[runner], str(PEERS / script), *words]
    trusted = {} if certificate is None else {"NODE_EXTRA_CA_CERTS": str(certificate)}
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, limit=LINE_LIMIT, env={**os.environ, **trusted}
    )
    try:
        yield Program(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


class Noting(Peer):
    """One that runs here, and notes what there is to tell."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[Details] = asyncio.Queue()

    def note(self, event: str, **details: object) -> None:
        """Tell of something."""
        self._events.put_nowait({"event": event, **details})

    async def _next(self) -> Details:
        return await self._events.get()


class Page(Noting):
    """A page of a browser, with what is in `peers/standard.js`."""

    START = """
    async ([source, ...settings]) => {
      const { converse, verbs } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
      const ws = converse((event, details) => note(event, details ?? {}), ...settings);
      globalThis.obey = (verb, details) => { verbs[verb](ws, details, note); };
    }
    """

    def __init__(self, page: Any) -> None:
        super().__init__()
        self.page = page

    async def start(self, *settings: object) -> None:
        """Have the page connect."""
        await self.page.expose_function("note", lambda event, details: self.note(event, **details))
        await self.page.evaluate(self.START, [(PEERS / "standard.js").read_text("utf-8"), *settings])

    async def command(self, verb: str, *details: object) -> None:
        await self.page.evaluate("([verb, ...details]) => obey(verb, details)", [verb, *details])


class Library(Noting):
    """The connection of Python's `websockets`."""

    def __init__(self) -> None:
        super().__init__()
        self._ws: Any = None
        self._doing: set[asyncio.Task[Any]] = set()

    async def hear(self, ws: Any, *, echo: bool) -> None:
        """Tell of everything that happens to a connection until its end."""
        self._ws = ws
        with contextlib.suppress(ConnectionClosed):
            while True:
                message = await ws.recv()
                self.note("message", **packed(message))
                if echo:
                    await ws.send(message)
        self.note("close", code=ws.close_code, reason=ws.close_reason)

    async def command(self, verb: str, *details: Any) -> None:
        # They wait until it is done, and other things are to be done meanwhile.
        doing = asyncio.create_task(getattr(self, f"_{verb}")(*details))
        self._doing.add(doing)
        doing.add_done_callback(self._doing.discard)
        await asyncio.sleep(0)

    async def _send(self, message: Details) -> None:
        await self._ws.send(unpacked(message))

    async def _parts(self, pieces: Sequence[Details], ping: str) -> None:
        async def each() -> AsyncIterator[str | bytes]:
            for index, piece in enumerate(pieces):
                if index == len(pieces) - 1:
                    await self._ping(ping)
                yield unpacked(piece)

        await self._ws.send(each())

    async def _ping(self, text: str) -> None:
        await (await self._ws.ping(text))
        self.note("pong", text=text)

    async def _close(self, *code_and_reason: Any) -> None:
        await self._ws.close(*code_and_reason)

    async def _terminate(self) -> None:
        self._ws.transport.abort()


def python_names(deflate: Mapping[str, Any]) -> Details:
    """Return what is asked of compression as it is called in Python."""
    return {
        re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): value
        for name, value in deflate.items()
    }


def websockets_names(deflate: Mapping[str, Any]) -> Details:
    """Return the same for `websockets`, which compresses the shortest message anyway."""
    return {name: value for name, value in python_names(deflate).items() if name != "threshold"}


# Their clients: each is started with an address, and with what of the following a test wants.


class Client(NamedTuple):
    """One of their clients."""

    start: Callable[..., AbstractAsyncContextManager[Any]]
    can: set[str]


def ws_client(runner: str) -> Callable[..., AbstractAsyncContextManager[Any]]:
    """Return what starts a client of npm's ws, or of what Bun has under its name."""

    def start(
        address: str,
        subprotocols: Sequence[str] = (),
        *,
        deflate: Deflate = True,
        certificate: Path | None = None,
        **options: Any,
    ) -> AbstractAsyncContextManager[Program]:
        settings = {"perMessageDeflate": deflate, **options}
        return program(runner, "client.js", address, subprotocols, settings, certificate=certificate)

    return start


def builtin_client(runner: str) -> Callable[..., AbstractAsyncContextManager[Any]]:
    """Return what starts a client that Node or Bun has itself."""

    def start(
        address: str, subprotocols: Sequence[str] = (), *, certificate: Path | None = None, **options: Any
    ) -> AbstractAsyncContextManager[Program]:
        settings = {"protocols": subprotocols, **options} if options else subprotocols
        return program(runner, "builtin_client.js", address, settings, certificate=certificate)

    return start


@contextlib.asynccontextmanager
async def page_client(
    browser: Browser, address: str, subprotocols: Sequence[str] = (), *, certificate: Path | None = None
) -> AsyncIterator[Page]:
    """Start a client in a page."""
    async with await browser.new_page(ignore_https_errors=certificate is not None) as tab:
        page = Page(tab)
        await page.start(address, subprotocols)
        yield page


@contextlib.asynccontextmanager
async def websockets_start(
    address: str,
    subprotocols: Sequence[str] = (),
    *,
    deflate: Deflate = True,
    headers: Mapping[str, str] | None = None,
    certificate: Path | None = None,
) -> AsyncIterator[Library]:
    """Start a client of Python's `websockets`."""
    peer = Library()
    extensions = (
        [ClientPerMessageDeflateFactory(**websockets_names(deflate))]
        if isinstance(deflate, Mapping)
        else None
    )
    try:
        ws = await websockets_client.connect(
            address,
            subprotocols=[Subprotocol(subprotocol) for subprotocol in subprotocols] or None,
            extensions=extensions,
            compression="deflate" if deflate is True else None,
            additional_headers=headers,
            ssl=contexts(certificate)[1] if certificate else None,
            max_size=LIMIT,
            proxy=None,
        )
    except InvalidStatus as refusal:
        peer.note("refused", status=refusal.response.status_code)
        yield peer
        return
    answer = ws.response.headers if ws.response is not None else {}
    agreed = answer.get("Sec-WebSocket-Extensions", "")
    told = {name.lower(): value for name, value in answer.items()}
    peer.note("open", protocol=ws.subprotocol or "", extensions=agreed, headers=told)
    hearing = asyncio.create_task(peer.hear(ws, echo=False))
    try:
        yield peer
    finally:
        await ws.close()
        await hearing


CLIENTS = {
    "ws": Client(
        ws_client("node"),
        {
            "any code",
            "answer",
            "cut",
            "deflate",
            "flood",
            "headers",
            "no code",
            "parts",
            "pause",
            "ping",
            "process",
        },
    ),
    "ws in Bun": Client(
        ws_client("bun"),
        {"any code", "cut", "flood", "headers", "no code", "parts", "ping", "process"},
    ),
    "Bun": Client(builtin_client("bun"), {"cut", "flood", "headers", "no code", "ping", "process"}),
    "Node": Client(builtin_client("node"), {"flood", "headers", "no code", "process"}),
    "Chromium": Client(page_client, {"flood", "no code"}),
    "websockets": Client(
        websockets_start, {"any code", "answer", "cut", "deflate", "headers", "parts", "ping"}
    ),
}


def clients(*abilities: str) -> pytest.MarkDecorator:
    """Run a test against each of their clients that is able to do this."""
    able = [name for name, client in CLIENTS.items() if client.can.issuperset(abilities)]
    return pytest.mark.parametrize("client", able, indirect=True)


# Their servers: each echoes, and is given as itself and its address.


class Server(NamedTuple):
    """One of their servers."""

    start: Callable[..., AbstractAsyncContextManager[tuple[Any, str]]]
    can: set[str]


def program_server(
    runner: str, script: str, limit_name: str
) -> Callable[..., AbstractAsyncContextManager[tuple[Program, str]]]:
    """Return what starts a server of `peers/`."""

    @contextlib.asynccontextmanager
    async def start(
        *subprotocols: str,
        deflate: Deflate = True,
        limit: int = LIMIT,
        certificate: Path | None = None,
    ) -> AsyncIterator[tuple[Program, str]]:
        options = {"perMessageDeflate": deflate, limit_name: limit}
        more = [] if certificate is None else [str(certificate)]
        async with program(runner, script, options, subprotocols, *more) as peer:
            yield peer, address_of((await peer.told("listening"))["port"], certificate)

    return start


@contextlib.asynccontextmanager
async def websockets_serve(
    *subprotocols: str, deflate: Deflate = True, limit: int = LIMIT, certificate: Path | None = None
) -> AsyncIterator[tuple[Library, str]]:
    """Start a server of Python's `websockets`."""
    peer = Library()
    extensions = (
        [ServerPerMessageDeflateFactory(**websockets_names(deflate))]
        if isinstance(deflate, Mapping)
        else None
    )

    def admit(ws: Any, request: Any) -> Any:
        return ws.respond(401, "no") if request.path == "/forbidden" else None

    async def converse(ws: Any) -> None:
        headers = {name.lower(): value for name, value in ws.request.headers.raw_items()}
        peer.note("connection", path=ws.request.path, headers=headers, protocol=ws.subprotocol or "")
        await peer.hear(ws, echo=True)

    async with websockets_server.serve(
        converse,
        "127.0.0.1",
        0,
        process_request=admit,
        subprotocols=[Subprotocol(subprotocol) for subprotocol in subprotocols] or None,
        extensions=extensions,
        compression="deflate" if deflate is True else None,
        max_size=limit,
        ssl=contexts(certificate)[0] if certificate else None,
    ) as server:
        yield peer, address_of(server.sockets[0].getsockname()[1], certificate)


SERVERS = {
    "ws": Server(
        program_server("node", "server.js", "maxPayload"),
        {"cut", "deflate", "flood", "no code", "parts", "pause", "ping", "process"},
    ),
    "Bun": Server(
        program_server("bun", "bun_server.js", "maxPayloadLength"),
        {"compressors", "cut", "flood", "ping", "process"},
    ),
    "websockets": Server(websockets_serve, {"cut", "deflate", "parts", "ping"}),
}


def servers(*abilities: str) -> pytest.MarkDecorator:
    """Run a test against each of their servers that is able to do this."""
    able = [name for name, server in SERVERS.items() if server.can.issuperset(abilities)]
    return pytest.mark.parametrize("their_server", able, indirect=True)
