"""The same conversations from a page in Chromium and from our WebSocket, compared event by event."""

import array
import asyncio
import base64
import contextlib
import gc
import io
import json
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from fullduplex import ConnectionClosed, WebSocket, serve
from fullduplex.browser import BAD_PORTS, CloseEvent
from fullduplex.kernels import apply_mask
from fullduplex.protocol.frames import Opcode, serialize_frame

from ..aio.ends import Talk, accept_plainly, plain_server, port_of, url_of
from ..browser.ends import plain_address, saying
from ..protocol.test_url import BASE, READ, REFUSED, RELATIVE

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What to do at which event, or at which message: a method of the WebSocket, and its arguments.
Reactions = dict[str, list[list[Any]]]

# Its twin in Python is `record`, below.
RECORD = """
async ([address, subprotocols, reactions]) => {
  const lines = [];
  const ws = new WebSocket(address, subprotocols);
  const at = (event, details = []) => {
    lines.push([event, ...details, ws.readyState, ws.bufferedAmount]);
    for (const [method, ...args] of reactions[event] ?? reactions[`${event} ${details[0]}`] ?? []) {
      try { ws[method](...args); } catch (error) { lines.push([error.name]); }
      lines.push([method, ws.readyState, ws.bufferedAmount]);
    }
  };
  at("created");
  await new Promise((resolve) => {
    ws.onopen = () => at("open", [ws.protocol]);
    ws.onmessage = ({ data }) => at("message", [data]);
    ws.onerror = () => at("error");
    ws.onclose = ({ code, reason, wasClean }) => { at("close", [code, reason, wasClean]); resolve(); };
  });
  return lines;
}
"""


async def record(
    address: str, subprotocols: Sequence[str], reactions: Reactions, **options: Any
) -> list[list[Any]]:
    """Converse through our WebSocket, and return every event with readyState and bufferedAmount."""
    lines: list[list[Any]] = []
    closed = asyncio.Event()
    ws = WebSocket(address, list(subprotocols), **options)

    def at(event: str, *details: Any) -> None:
        lines.append([event, *details, ws.readyState, ws.bufferedAmount])
        at_this = f"{event} {details[0]}" if details else event
        for method, *arguments in reactions.get(event, reactions.get(at_this, [])):
            try:
                getattr(ws, method)(*arguments)
            except Exception as error:
                lines.append([getattr(error, "name", repr(error))])
            lines.append([method, ws.readyState, ws.bufferedAmount])

    def onclose(event: Any) -> None:
        at("close", event.code, event.reason, event.wasClean)
        closed.set()

    at("created")
    ws.onopen = lambda event: at("open", ws.protocol)
    ws.onmessage = lambda event: at("message", event.data)
    ws.onerror = lambda event: at("error")
    ws.onclose = onclose
    await closed.wait()
    return lines


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address() -> AsyncIterator[str]:
    """A server that echoes, closes when a message asks for it, and lets nobody in at `/forbidden`."""

    async def converse(connection: Any) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                if message == "close":
                    await connection.close(4001, "再见")
                else:
                    await connection.send(message)

    def admit(connection: Any, request: Any) -> Any:
        return connection.respond(403, "no") if request.path == "/forbidden" else None

    options: Any = {"process_request": admit, "subprotocols": ["chat.v1"]}
    async with serve(converse, "127.0.0.1", 0, **options) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """An empty page."""
    page = await browser.new_page()
    yield page
    await page.close()


@pytest_asyncio.fixture(loop_scope="session")
async def fresh_page(browser: Browser) -> AsyncIterator[Page]:
    """An empty page in a process of its own: one where WebSockets failed waits before the next."""
    page = await browser.new_page()
    yield page
    await page.close()


CONVERSATIONS: dict[str, Reactions] = {
    "there and back": {"open": [["send", "发送数据"]], "message": [["close", 1000, "再见"]]},
    "several, empty and large": {
        "open": [["send", ""], ["send", "据" * 30_000], ["send", "last"]],
        # Once, and last: Chromium calls a close unclean that overtakes what it still has to send.
        "message last": [["send", "close"]],
    },
    "nothing after close": {
        "open": [["send", "one"], ["send", "two"]],
        "message": [["close"], ["close", 3000], ["send", "late"]],
    },
    "closed by the server": {"open": [["send", "close"]]},
    "closed without a code": {"open": [["close"]]},
    "closed while connecting": {"created": [["close", 3000, "x"]], "close": [["close"]]},
    "sent too early": {"created": [["send", "x"]], "open": [["close", 4999]]},
    "closed wrongly": {
        "created": [["close", 1001], ["close", 5000]],
        "open": [["close", 2999], ["close", 1000, "据" * 42], ["close", 1000, "据" * 41]],
    },
}


@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_events_as_in_browser(address: str, page: Page, name: str) -> None:
    """Our WebSocket has the events, states, amounts and errors that Chromium's has."""
    conversation = [address + "/echo", ["chat.v2", "chat.v1"], CONVERSATIONS[name]]

    assert await record(*conversation) == await page.evaluate(RECORD, conversation)


async def test_refusal_as_in_browser(address: str, page: Page) -> None:
    """A handshake that is refused is an error and 1006, and nothing says why."""
    conversation = [address + "/forbidden", [], {}]

    lines = await record(*conversation)

    assert lines == await page.evaluate(RECORD, conversation)
    assert lines[1:] == [["error", 3, 0], ["close", 1006, "", False, 3, 0]]


async def test_absence_as_in_browser(fresh_page: Page) -> None:
    """So is a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        absent = f"ws://127.0.0.1:{probe.getsockname()[1]}"

    lines = await record(absent, [], {})

    assert lines == await fresh_page.evaluate(RECORD, [absent, [], {}])
    assert lines[1:] == [["error", 3, 0], ["close", 1006, "", False, 3, 0]]


async def test_unknown_subprotocols_fail(address: str, page: Page) -> None:
    """Where the server chooses none of the subprotocols offered, neither client opens."""
    conversation = [address, ["other"], {}]

    lines = await record(*conversation)

    assert lines == await page.evaluate(RECORD, conversation)
    assert lines[-1][:4] == ["close", 1006, "", False]


ECHO_BYTES = """
async ([address, sizes]) => {
  const ws = new WebSocket(address, ["chat.v1"]);
  ws.binaryType = "arraybuffer";
  await new Promise((resolve) => { ws.onopen = resolve; });
  const returned = [];
  for (const size of sizes) {
    const sent = Uint8Array.from({ length: size }, (_, index) => (index * index) % 251);
    const message = new Promise((resolve) => { ws.onmessage = resolve; });
    ws.send(sent);
    const received = new Uint8Array((await message).data);
    returned.push(received.length === size && received.every((byte, index) => byte === sent[index]));
  }
  const closed = new Promise((resolve) => { ws.onclose = resolve; });
  ws.close();
  await closed;
  return [ws.extensions.split(";")[0], returned];
}
"""


async def test_page_echoes_bytes(address: str, page: Page) -> None:
    """Binary messages of a page come back as they were, compressed on the way."""
    sizes = [0, 1, 125, 126, 65535, 65536, 2**20]

    assert await page.evaluate(ECHO_BYTES, [address, sizes]) == ["permessage-deflate", [True] * len(sizes)]


# Requests, as the server sees them.

TOLD = ["host", "origin", "referer", "cache-control", "pragma", "authorization"]


async def read_request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """Read a request; return its path, what it says of itself, and all of it."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")[:-2]
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return first.split(" ")[1], headers, head


async def tell_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept, say what the request was, and close; be a proxy to ourselves for who wants one.

    Nobody gets in at /secret without credentials, and /elsewhere leads to /.
    """
    while True:
        path, headers, head = await read_request(reader)
        if head.startswith(b"CONNECT "):
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        elif path == "/elsewhere":
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
        elif path == "/secret" and "authorization" not in headers:
            challenge = b'WWW-Authenticate: Basic realm="secret"\r\nContent-Length: 0\r\n\r\n'
            writer.write(b"HTTP/1.1 401 Unauthorized\r\n" + challenge)
        elif "upgrade" in headers:
            break
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n")
    request = asyncio.StreamReader()
    request.feed_data(head)
    told = json.dumps([headers.get(name) for name in TOLD]).encode()
    frame = serialize_frame(Opcode.TEXT, told, fin=True, rsv=0, masked=False)
    writer.write(await accept_plainly(request) + frame + b"\x88\x00")
    await reader.read(6)


@pytest_asyncio.fixture(loop_scope="session")
async def telling() -> AsyncIterator[asyncio.Server]:
    """A server that tells what it was asked."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await tell_request(reader, writer)

    async with plain_server(talk) as server:
        yield server


@pytest.mark.parametrize("place", ["example.test", "example.test:80", "EXAMPLE.test:8080"])
async def test_hosts_as_in_browser(telling: asyncio.Server, browser: Browser, place: str) -> None:
    """Host has the port that isn't the scheme's own, and no other."""
    port = port_of(telling)
    lines = await record(f"ws://{place}/", [], {}, host="localhost", port=port, origin="null")

    assert json.loads(lines[2][1])[0] == place.lower().removesuffix(":80")
    async with await browser.new_page(proxy={"server": f"http://localhost:{port}"}) as page:
        assert lines == await page.evaluate(RECORD, [f"ws://{place}/", [], {}])


async def test_requests_as_in_browser(telling: asyncio.Server, fresh_page: Page) -> None:
    """A request has Origin, asks for nothing that is kept, and doesn't say which page it comes from."""
    origin = url_of(telling, "", "http")
    await fresh_page.goto(f"{origin}/page")
    lines = await record(url_of(telling), [], {}, origin=origin)

    assert lines == await fresh_page.evaluate(RECORD, [url_of(telling), [], {}])
    assert json.loads(lines[2][1])[1:] == [origin, None, "no-cache", "no-cache", None]


async def test_redirects_as_in_browser(telling: asyncio.Server, fresh_page: Page) -> None:
    """A redirect isn't followed."""
    conversation = [url_of(telling, "/elsewhere"), [], {}]
    lines = await record(*conversation)

    assert lines == await fresh_page.evaluate(RECORD, conversation)
    assert lines[1:] == [["error", 3, 0], ["close", 1006, "", False, 3, 0]]


async def test_credentials_as_in_browser(telling: asyncio.Server, fresh_page: Page) -> None:
    """Credentials of the URL let in where Basic authentication is asked for."""
    origin = url_of(telling, "", "http")
    # To other origins Chromium gives none.
    await fresh_page.goto(f"{origin}/page")
    url = url_of(telling, "/secret").replace("//", "//me:p%40ss%E6%8D%AE@")
    lines = await record(url, [], {}, origin=origin)

    assert lines == await fresh_page.evaluate(RECORD, [url, [], {}])
    assert json.loads(lines[2][1])[-1] == "Basic " + base64.b64encode("me:p@ss据".encode()).decode()


async def tell_heads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say how each frame began, up to its masking key."""
    writer.write(await accept_plainly(reader))
    while True:
        head = await reader.readexactly(2)
        more = {126: 2, 127: 8}.get(head[1] & 0x7F, 0)
        length = await reader.readexactly(more)
        if head[0] == 0x88:
            writer.write(b"\x88\x00")
            return
        await reader.readexactly(4 + (int.from_bytes(length, "big") if more else head[1] & 0x7F))
        told = (head + length).hex().encode()
        writer.write(b"\x81" + bytes([len(told)]) + told)


async def test_heads_as_in_browser(fresh_page: Page) -> None:
    """Frames have the shortest length field that does, on either side of every limit."""
    sizes = [0, 125, 126, 65_535, 65_536]
    heads = ["8180", "81fd", "81fe007e", "81feffff", "81ff0000000000010000"]
    events = ["open", *(f"message {head}" for head in heads)]
    answers: list[list[Any]] = [*(["send", "x" * size] for size in sizes), ["close"]]
    reactions = {event: [answer] for event, answer in zip(events, answers, strict=True)}
    async with plain_address(tell_heads) as url:
        lines = await record(url, [], reactions)

        assert lines == await fresh_page.evaluate(RECORD, [url, [], reactions])
        assert [line[1] for line in lines if line[0] == "message"] == heads


# Addresses, and other arguments.

MAKE = """
([cases, base]) => {
  document.head.innerHTML = base ? `<base href="${base}">` : "";
  return cases.map((given) => {
    try {
      const ws = new WebSocket(...given);
      ws.close();
      return ws.url;
    } catch (error) {
      return error.name;
    }
  });
}
"""


def make(cases: Sequence[Sequence[Any]], base: str | None) -> list[str]:
    """Return the URL of the WebSocket that each case makes, or the name of what it raises."""
    made = []
    for given in cases:
        try:
            ws = WebSocket(*given, base_url=base)
        except Exception as error:
            made.append(getattr(error, "name", type(error).__name__))
        else:
            ws.close()
            made.append(ws.url)
    return made


@pytest.mark.parametrize(
    "texts, base",
    [
        ([text for text, _ in READ], None),
        (REFUSED, None),
        (["ws://h/#", "ws://h/#part", "#"], None),
        ([text for text, _ in RELATIVE], BASE),
        (["#test", "?a#"], BASE),
    ],
    ids=["read", "refused", "fragments", "relative", "relative fragments"],
)
async def test_addresses_as_in_browser(fresh_page: Page, texts: list[str], base: str | None) -> None:
    """Each address is read, or refused, as Chromium does."""
    cases = [[text] for text in texts]

    assert dict(zip(texts, make(cases, base), strict=True)) == dict(
        zip(texts, await fresh_page.evaluate(MAKE, [cases, base]), strict=True)
    )


async def test_subprotocols_as_in_browser(fresh_page: Page) -> None:
    """What may be a subprotocol, and what may not, is what it is in Chromium; without a URL nothing may."""
    cases: list[list[Any]] = [
        ["ws://h/", given] for given in [*map(chr, range(0x81)), "é", "a b", "!a~", [], ["a", "a"], ["a", ""]]
    ]

    assert make([[], *cases], None) == await fresh_page.evaluate(MAKE, [[[], *cases], None])


async def test_bad_ports_as_in_browser(fresh_page: Page) -> None:
    """The ports that are called bad are those of Chromium, and two of the standard's that it lacks."""
    refused: dict[str, str | None] = {}
    fresh_page.on("requestfailed", lambda request: refused.update({request.url: request.failure}))
    # WebSockets that fail make it wait before each next one; what it fetches otherwise doesn't.
    knock = """(ports) => Promise.allSettled(ports.map((port) => fetch(`http://127.0.0.1:${port}/bad`)))"""
    async with fresh_page.expect_event("requestfailed", lambda request: request.url.endswith("/last")):
        await fresh_page.evaluate(knock, sorted(BAD_PORTS))
        await fresh_page.evaluate("fetch('http://127.0.0.1:1/last').catch(() => {})")

    blocked = {url.split(":")[2] for url, failure in refused.items() if "UNSAFE_PORT" in str(failure)}
    assert blocked - {"1/last"} == {f"{port}/bad" for port in BAD_PORTS - {4190, 6679}}


CLOSE = """
(calls) => calls.map((given) => {
  const ws = new WebSocket("ws://h/");
  try { ws.close(...given); } catch (error) { return [error.name, ws.readyState]; }
  return ["closed", ws.readyState];
})
"""


async def test_codes_as_in_browser(fresh_page: Page) -> None:
    """The codes and reasons that may be said are those of Chromium."""
    codes = [0, 500, 999, 1000, 1001, 1005, 1006, 1015, 2999, 3000, 4999, 5000, 66_536, -1, "reason", True]
    reasons = ["", "x" * 123, "x" * 124, "据" * 41, "据" * 42]
    calls = [[], *([code] for code in codes), *([1000, reason] for reason in reasons), [1001, "x" * 124]]
    closed = []
    for given in calls:
        ws = WebSocket("ws://h/")
        try:
            ws.close(*given)
        except Exception as error:
            closed.append([getattr(error, "name", repr(error)), ws.readyState])
            ws.close()
        else:
            closed.append(["closed", ws.readyState])

    assert closed == await fresh_page.evaluate(CLOSE, calls)


ASSIGN = """
async (address) => {
  "use strict";
  const ws = new WebSocket(address, "chat.v1");
  const lines = [];
  const look = () => lines.push([
    ws.url, ws.readyState, ws.bufferedAmount, ws.extensions.split(";")[0], ws.protocol, ws.OPEN,
  ]);
  const assign = () => {
    for (const name of ["url", "readyState", "bufferedAmount", "extensions", "protocol", "OPEN"]) {
      try { ws[name] = 5; } catch (error) { lines.push(name); }
    }
    look();
  };
  assign();
  await new Promise((resolve) => { ws.onopen = resolve; });
  assign();
  const over = new Promise((resolve) => { ws.onclose = resolve; });
  lines.push([ws.send("x") ?? null, ws.close() ?? null, ws.close() ?? null]);
  await over;
  look();
  return lines;
}
"""


async def assign(address: str) -> list[Any]:
    """Do the same with our WebSocket."""
    ws: Any = WebSocket(address, "chat.v1")
    lines: list[Any] = []

    def look() -> None:
        extension = ws.extensions.split(";")[0]
        lines.append([ws.url, ws.readyState, ws.bufferedAmount, extension, ws.protocol, ws.OPEN])

    def assign_to_all() -> None:
        for name in ("url", "readyState", "bufferedAmount", "extensions", "protocol", "OPEN"):
            try:
                setattr(ws, name, 5)
            except AttributeError:
                lines.append(name)
        look()

    opened, over = asyncio.Event(), asyncio.Event()
    assign_to_all()
    ws.onopen = lambda event: opened.set()
    await opened.wait()
    assign_to_all()
    ws.onclose = lambda event: over.set()
    lines.append([ws.send("x"), ws.close(), ws.close()])
    await over.wait()
    look()
    return lines


async def test_attributes_as_in_browser(address: str, page: Page) -> None:
    """Nothing can be assigned that tells of the connection, and no method returns anything."""
    lines = await assign(address)

    assert lines == await page.evaluate(ASSIGN, address)
    assert lines[6][3:] == ["", "", 1]
    assert lines[13][3:] == ["permessage-deflate", "chat.v1", 1]


# Listeners and events.

LISTEN = """
async (address) => {
  const lines = [];
  const ws = new WebSocket(address, "chat.v1");
  const hear = (what) => () => lines.push(what);
  const describe = (event) => lines.push([
    event.constructor.name, event.type, event.bubbles, event.cancelable,
    event.target === ws, event.currentTarget === ws, event.origin ?? null, event.wasClean ?? null,
    event.reason ?? null,
  ]);
  lines.push([ws.CONNECTING, WebSocket.OPEN, ws.CLOSING, WebSocket.CLOSED]);
  for (const type of ["open", "message", "close"]) ws.addEventListener(type, describe);
  const twice = hear("twice"), gone = hear("gone"), late = hear("late");
  ws.onmessage = null;
  ws.addEventListener("message", hear(1));
  ws.onmessage = hear("never");
  ws.addEventListener("message", twice);
  ws.addEventListener("message", twice);
  ws.onmessage = hear(2);
  ws.addEventListener("message", hear("once"), { once: true });
  ws.addEventListener("message", { handleEvent: hear("object") });
  ws.addEventListener("message", () => {
    ws.removeEventListener("message", gone);
    ws.addEventListener("message", gone);
    ws.addEventListener("message", late);
  }, { once: true });
  ws.addEventListener("message", gone);
  ws.addEventListener("close", (event) => { lines.push("last"); event.stopImmediatePropagation(); });
  ws.onclose = hear("never");
  ws.addEventListener("open", () => { throw new Error("on purpose"); });
  ws.addEventListener("open", null);
  ws.removeEventListener("nonsense", twice);
  for (const other of [5, "text"]) {
    ws.onopen = other;
    lines.push(ws.onopen);
    try { ws.addEventListener("open", other); } catch (error) { lines.push(error.name); }
  }
  const next = (type) => new Promise((resolve) => ws.addEventListener(type, resolve, { once: true }));
  await next("open");
  for (const change of [() => {}, () => { ws.onmessage = null; }, () => { ws.onmessage = hear("again"); }]) {
    change();
    ws.send("x");
    lines.push((await next("message")).type);
  }
  const over = new Promise((resolve) => { setTimeout(function look() {
    ws.readyState === 3 ? setTimeout(resolve) : setTimeout(look);
  }); });
  ws.close(3000, String.fromCharCode(0xd800) + "!");
  await over;
  const { type, code, reason, wasClean, target } = new CloseEvent("close");
  lines.push([type, code, reason, wasClean, target]);
  return lines;
}
"""


async def listen(address: str) -> list[Any]:
    """Do the same with our WebSocket."""
    lines: list[Any] = []
    ws: Any = WebSocket(address, "chat.v1")

    def hear(what: Any) -> Any:
        return lambda event: lines.append(what)

    def describe(event: Any) -> None:
        origin, was_clean = getattr(event, "origin", None), getattr(event, "wasClean", None)
        targets = [event.target is ws, event.currentTarget is ws]
        kind = type(event).__name__
        lines.append(
            [
                kind,
                event.type,
                event.bubbles,
                event.cancelable,
                *targets,
                origin,
                was_clean,
                getattr(event, "reason", None),
            ]
        )

    def change(event: Any) -> None:
        ws.removeEventListener("message", gone)
        ws.addEventListener("message", gone)
        ws.addEventListener("message", late)

    def last(event: Any) -> None:
        lines.append("last")
        event.stopImmediatePropagation()

    class Listening:
        handleEvent = staticmethod(hear("object"))

    lines.append([ws.CONNECTING, WebSocket.OPEN, ws.CLOSING, WebSocket.CLOSED])
    for kind in ("open", "message", "close"):
        ws.addEventListener(kind, describe)
    twice, gone, late = hear("twice"), hear("gone"), hear("late")
    ws.onmessage = None
    ws.addEventListener("message", hear(1))
    ws.onmessage = hear("never")
    ws.addEventListener("message", twice)
    ws.addEventListener("message", twice)
    ws.onmessage = hear(2)
    ws.addEventListener("message", hear("once"), once=True)
    ws.addEventListener("message", Listening())
    ws.addEventListener("message", change, once=True)
    ws.addEventListener("message", gone)
    ws.addEventListener("close", last)
    ws.onclose = hear("never")
    ws.addEventListener("open", lambda event: 1 / 0)
    ws.addEventListener("open", None)
    ws.removeEventListener("nonsense", twice)
    for other in (5, "text"):
        ws.onopen = other
        lines.append(ws.onopen)
        try:
            ws.addEventListener("open", other)
        except TypeError as error:
            lines.append(type(error).__name__)

    async def following(kind: str) -> Any:
        future = asyncio.get_running_loop().create_future()
        ws.addEventListener(kind, future.set_result, once=True)
        return await future

    await following("open")
    for handler in (ws.onmessage, None, hear("again")):
        ws.onmessage = handler
        ws.send("x")
        lines.append((await following("message")).type)
    await asyncio.shield(_closed(ws))
    event = CloseEvent("close")
    lines.append([event.type, event.code, event.reason, event.wasClean, event.target])
    return lines


def _closed(ws: Any) -> asyncio.Future[None]:
    ws.close(3000, "\ud800!")
    over: asyncio.Future[None] = ws._link.over
    return over


async def test_listeners_as_in_browser(address: str, page: Page) -> None:
    """Who hears of what, in which order, and what events look like, is as in Chromium."""
    assert await listen(address) == await page.evaluate(LISTEN, address)


TURNS = """
async (address) => {
  const ws = new WebSocket(address);
  const lines = [];
  const note = (line) => { lines.push([line, ws.readyState]); };
  await new Promise((resolve) => {
    ws.onopen = () => note("open");
    ws.onmessage = ({ data }) => { note(data); Promise.resolve().then(() => note("between")); };
    ws.onclose = ({ code }) => { note(code); resolve(); };
  });
  return lines;
}
"""


async def turns(address: str) -> list[Any]:
    """Do the same with our WebSocket: what a page does before its next task, we do before our next turn."""
    ws = WebSocket(address)
    lines: list[Any] = []
    over = asyncio.Event()

    def note(line: Any) -> None:
        lines.append([line, ws.readyState])

    def onmessage(event: Any) -> None:
        note(event.data)
        asyncio.get_running_loop().call_soon(note, "between")

    ws.onopen = lambda event: note("open")
    ws.onmessage = onmessage
    ws.onclose = lambda event: (note(event.code), over.set())
    await over.wait()
    return lines


async def test_turns_as_in_browser(fresh_page: Page) -> None:
    """Of what comes in one piece, each message and the end have a turn of their own."""
    async with plain_address(saying(b"\x81\x03one\x81\x03two\x88\x02\x03\xe8", size=8)) as url:
        lines = await turns(url)

        assert lines == await fresh_page.evaluate(TURNS, url)
        assert [line for line, _ in lines] == ["open", "one", "between", "two", "between", 1000]


# Messages.

SEND = """
async ([address, texts]) => {
  const lines = [];
  const ws = new WebSocket(address, "chat.v1");
  lines.push(ws.binaryType);
  for (const kind of ["nonsense", "arraybuffer", "", null]) {
    ws.binaryType = kind;
    lines.push(ws.binaryType);
  }
  await new Promise((resolve) => { ws.onopen = resolve; });
  const bytes = Uint8Array.from({ length: 16 }, (_, index) => index);
  const sent = [
    ...texts.map((units) => String.fromCharCode(...units)),
    bytes, bytes.buffer, new Uint8Array(bytes.buffer, 2, 3), new DataView(bytes.buffer, 5, 1),
    new Int8Array(bytes.buffer, 1, 2), new Uint16Array(bytes.buffer, 2, 3),
    new Float32Array(bytes.buffer, 4, 2), new BigInt64Array(bytes.buffer, 8, 1), new Uint8Array(0),
    new Blob(["blob"]), new Uint8Array(65535), "last",
  ];
  let before = 0;
  for (const message of sent) {
    ws.send(message);
    lines.push(ws.bufferedAmount - before);
    before = ws.bufferedAmount;
  }
  bytes.fill(0xff);
  await new Promise((resolve) => {
    ws.onmessage = ({ data }) => {
      lines.push(typeof data === "string" ? Array.from(data, (one) => one.codePointAt(0))
        : ["bytes", data.byteLength, ...new Uint8Array(data).subarray(0, 16)]);
      if (data === "last") resolve();
    };
  });
  lines.push(ws.bufferedAmount);
  ws.close(undefined);
  ws.send("late");
  lines.push(ws.bufferedAmount);
  return lines;
}
"""


async def send(address: str, texts: Sequence[Sequence[int]]) -> list[Any]:
    """Do the same with our WebSocket."""
    lines: list[Any] = []
    ws: Any = WebSocket(address, "chat.v1")
    lines.append(ws.binaryType)
    for kind in ("nonsense", "arraybuffer", "", None):
        ws.binaryType = kind
        lines.append(ws.binaryType)
    loop = asyncio.get_running_loop()
    opened, over = loop.create_future(), loop.create_future()
    ws.onopen = opened.set_result
    await opened
    given = bytearray(range(16))
    view = memoryview(given)
    sent = [
        *("".join(map(chr, units)) for units in texts),
        *(given, view, view[2:5], view[5:6], view[1:3].cast("b"), view.cast("H")[1:4], view.cast("f")[1:3]),
        *(view.cast("q")[1:2], array.array("B"), io.BytesIO(b"blob"), bytes(65_535), "last"),
    ]
    before = 0
    for message in sent:
        ws.send(message)
        lines.append(ws.bufferedAmount - before)
        before = ws.bufferedAmount
    given[:] = b"\xff" * 16

    def note(event: Any) -> None:
        data = event.data
        lines.append([*map(ord, data)] if isinstance(data, str) else ["bytes", data.nbytes, *data[:16]])
        if data == "last":
            over.set_result(None)

    ws.onmessage = note
    await over
    lines.append(ws.bufferedAmount)
    ws.close(None)
    ws.send("late")
    lines.append(ws.bufferedAmount)
    return lines


async def test_messages_as_in_browser(address: str, page: Page) -> None:
    """Text, buffers of every kind and files arrive as from Chromium, and count as much."""
    lone = [[0x61, 0xDC00, 0x78, 0x62, 0xD800, 0x78, 0x63, 0xDC00, 0xD800, 0x78], [0xD83D, 0xDE42], []]

    assert await send(address, lone) == await page.evaluate(SEND, [address, lone])


# What servers do wrong.


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept with the key of somebody else."""
    writer.write((await accept_plainly(reader)).replace(b"Accept: ", b"Accept: x"))


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing."""
    await reader.readuntil(b"\r\n\r\n")


async def speak_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Go on speaking when the client has closed."""
    writer.write(await accept_plainly(reader) + b"\x81\x03one")
    await reader.readexactly(6)
    writer.write(b"\x81\x04late\x88\x02\x03\xe8")


WRONGS: dict[str, tuple[Talk, list[str]]] = {
    "wrong Accept": (refuse, []),
    "no answer": (hang_up, []),
    "subprotocol unasked": (saying(b"", b"Sec-WebSocket-Protocol: b\r\n"), []),
    "other subprotocol": (saying(b"", b"Sec-WebSocket-Protocol: b\r\n"), ["a"]),
    "extension unasked": (saying(b"", b"Sec-WebSocket-Extensions: x-other\r\n"), []),
    "reserved opcode": (saying(b"\x81\x04test\x83\x03LOL"), []),
    "reserved bit": (saying(b"\x81\x04test\xa1\x00"), []),
    "masked": (saying(b"\x81\x04test\x81\x80abcd"), []),
    "not UTF-8": (saying(b"\x81\x04test\x81\x01\xff"), []),
    "fragmented ping": (saying(b"\x09\x00"), []),
    "bad Close": (saying(b"\x81\x04test\x88\x01x"), []),
    "late": (speak_late, []),
    "closed with code": (saying(b"\x81\x03one\x88\x05\x0f\xa0why", size=8), []),
    "closed without code": (saying(b"\x81\x03one\x88\x00", size=6), []),
}


@pytest.mark.parametrize("name", WRONGS)
async def test_wrongs_as_in_browser(fresh_page: Page, name: str) -> None:
    """Whatever a server does, our WebSocket tells of it as Chromium's does."""
    talk, subprotocols = WRONGS[name]
    reactions = {"message one": [["close"]]} if name == "late" else {}
    async with plain_address(talk) as url:
        conversation = [url, subprotocols, reactions]
        lines = await record(*conversation)

        assert lines == await fresh_page.evaluate(RECORD, conversation)


async def test_wrong_text_unlike_browser(fresh_page: Page) -> None:
    """Who says what isn't UTF-8 hears 1007 from us, and 1002 from Chromium."""
    heard: asyncio.Queue[int] = asyncio.Queue()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader) + b"\x81\x01\xff")
        head = await reader.readexactly(6)
        code = await reader.readexactly(2)
        heard.put_nowait(int.from_bytes(apply_mask(code, head[2:]), "big"))

    async with plain_address(talk) as url:
        lines = await record(url, [], {})

        assert lines == await fresh_page.evaluate(RECORD, [url, [], {}])
        assert [await heard.get(), await heard.get()] == [1007, 1002]


OPEN = """
(address) => new Promise((resolve) => { new WebSocket(address).onopen = () => resolve(); })
"""


@contextlib.asynccontextmanager
async def coming() -> AsyncIterator[tuple[str, asyncio.Queue[Any]]]:
    """Give the address of a server, and the connections that come."""
    connections: asyncio.Queue[Any] = asyncio.Queue()

    async def wait(connection: Any) -> None:
        connections.put_nowait(connection)
        await connection.wait_closed()

    async with serve(wait, "localhost", 0) as server:
        yield url_of(server), connections


async def opened(address: str) -> WebSocket:
    """Open a WebSocket of ours."""
    is_open = asyncio.Event()
    ws = WebSocket(address)
    ws.onopen = lambda event: is_open.set()
    await is_open.wait()
    return ws


async def test_leaving_as_in_browser(browser: Browser) -> None:
    """Who goes leaves with 1001: a page that is closed, and a WebSocket of ours with `aclose`."""
    # The context outlives its page: it has the network, and may cut what the page still says.
    async with coming() as (address, connections), await browser.new_context() as context:
        page = await context.new_page()
        await page.evaluate(OPEN, address)
        theirs = await connections.get()
        await page.close()
        await theirs.wait_closed()
        ws = await opened(address)
        ours = await connections.get()
        await ws.aclose()
        await ours.wait_closed()
    assert (theirs.close_code, ours.close_code) == (1001, 1001)


async def test_forsaken_unlike_browser(fresh_page: Page) -> None:
    """Who is forsaken is closed without a code; Chromium's lives on."""
    async with coming() as (address, connections):
        await opened(address)
        gc.collect()
        ours = await connections.get()
        await ours.wait_closed()
        assert ours.close_code == 1005
        await fresh_page.evaluate(OPEN, address)
        tools = await fresh_page.context.new_cdp_session(fresh_page)
        await tools.send("HeapProfiler.collectGarbage")
        assert await (await (await connections.get()).ping()) > 0


async def test_cut_is_error_unlike_browser(fresh_page: Page) -> None:
    """A connection that is cut is failed (7.2.1), so there is an error; Chromium leaves that one out."""
    async with plain_address(saying(b"\x81\x03one\x81\x7dtwo", size=0)) as url:
        lines = await record(url, [], {})

        assert lines[3:] == [["error", 3, 0], ["close", 1006, "", False, 3, 0]]
        assert [*lines[:3], lines[4]] == await fresh_page.evaluate(RECORD, [url, [], {}])
