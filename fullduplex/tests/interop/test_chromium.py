"""The same conversations from a page in Chromium and from our WebSocket, compared event by event."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from fullduplex import ConnectionClosed, WebSocket, serve

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


async def record(address: str, subprotocols: Sequence[str], reactions: Reactions) -> list[list[Any]]:
    """Converse through our WebSocket, and return every event with readyState and bufferedAmount."""
    lines: list[list[Any]] = []
    closed = asyncio.Event()
    ws = WebSocket(address, list(subprotocols))

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


async def test_absence_as_in_browser(page: Page) -> None:
    """So is a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        absent = f"ws://127.0.0.1:{probe.getsockname()[1]}"

    lines = await record(absent, [], {})

    assert lines == await page.evaluate(RECORD, [absent, [], {}])
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
