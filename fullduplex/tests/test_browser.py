"""The browser's WebSocket: its states, its events, and every rule of the standard that isn't JavaScript's."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from fullduplex import ConnectionClosedError, InvalidStatus, NegotiationError, serve
from fullduplex.browser import (
    EVENTS_AHEAD,
    CloseEvent,
    DOMException,
    DOMSyntaxError,
    InvalidAccessError,
    InvalidStateError,
    WebSocket,
)
from fullduplex.testing import VirtualTimeLoop

CONNECTING, OPEN, CLOSING, CLOSED = range(4)


class Recorder:
    """Notes a WebSocket's events, each with the state in which it came and what it brings."""

    def __init__(self, ws: WebSocket) -> None:
        self.ws = ws
        self.seen: list[Any] = []
        self.event: dict[str, Any] = {}
        self.closed = asyncio.Event()
        self._is_open = asyncio.Event()
        ws.addEventListener("open", self._note)
        ws.addEventListener("message", lambda event: self._note(event, event.data))
        ws.addEventListener("error", self._note)
        ws.addEventListener(
            "close", lambda event: self._note(event, event.code, event.reason, event.wasClean)
        )

    def _note(self, event: Any, *details: Any) -> None:
        self.event[event.type] = event
        self.seen.append((event.type, int(self.ws.readyState), *details))
        if event.type == "close":
            self.closed.set()
        if event.type != "message":
            self._is_open.set()

    async def opened(self) -> WebSocket:
        """Wait until the connection is open."""
        await self._is_open.wait()
        assert self.seen[0] == ("open", OPEN)
        return self.ws

    async def end(self) -> list[Any]:
        """Wait for the end, and return what was seen."""
        await self.closed.wait()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return self.seen


FAILED = [("error", CLOSED), ("close", CLOSED, 1006, "", False)]


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Any]:
    """A server that echoes, and closes as a message says: "close 4001 why"."""

    async def converse(connection: Any) -> None:
        server.arrived.put_nowait(connection)
        with contextlib.suppress(ConnectionClosedError):
            async for message in connection:
                if isinstance(message, str) and message.startswith("close "):
                    _, code, reason = message.split(" ", 2)
                    await connection.close(int(code), reason)
                else:
                    await connection.send(message)

    async with serve(converse, "localhost", 0) as server:
        server.arrived = asyncio.Queue()
        server.url = f"ws://localhost:{server.sockets[0].getsockname()[1]}/"
        yield server


def virtually(main: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine function in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def plain_server(talk: Talk) -> AsyncIterator[str]:
    """Serve nothing but TCP; give the address."""
    tasks: set[Any] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(converse, "localhost", 0)
    try:
        yield f"ws://localhost:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)


async def accept(reader: asyncio.StreamReader, more: bytes = b"") -> bytes:
    """Read a request, and return the response that accepts it."""
    request = await reader.readuntil(b"\r\n\r\n")
    lines = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:-2])
    key = lines[b"Sec-WebSocket-Key"] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return (
        b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + base64.b64encode(hashlib.sha1(key).digest())
        + b"\r\n"
        + more
        + b"\r\n"
    )


def saying(data: bytes, headers: bytes = b"", *, size: int = -1) -> Talk:
    """Return a conversation: accept, say this, and listen until the end or for ``size`` bytes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept(reader, headers) + data)
        await reader.read(size)

    return talk


# Making one.


@pytest.mark.parametrize(
    "url",
    [
        "",
        "#test",
        "/relative",
        "localhost:80",
        "ws://foo bar.com/",
        "wss://foo bar.com/",
        "ftp://localhost/",
        "mailto:me@localhost",
        "about:blank",
        "ws://",
        "ws://localhost/#",
        "ws://localhost/#part",
        "ws://localhost:99999/",
    ],
)
async def test_bad_addresses_are_refused(url: str) -> None:
    """What isn't a WebSocket address, or has a fragment, is a SyntaxError, thrown at once."""
    with pytest.raises(DOMSyntaxError) as caught:
        WebSocket(url)

    assert isinstance(caught.value, DOMException)
    assert caught.value.name == "SyntaxError"


@pytest.mark.parametrize(
    "given, shown",
    [
        ("ws://localhost:1", "ws://localhost:1/"),
        ("WS://LocalHost:1/Path", "ws://localhost:1/Path"),
        ("http://localhost:1/?a=b", "ws://localhost:1/?a=b"),
        ("HTTPS://localhost:1/", "wss://localhost:1/"),
        ("  ws://localhost:1/ \n", "ws://localhost:1/"),
        ("ws://localhost:1/大厅?问=答", "ws://localhost:1/%E5%A4%A7%E5%8E%85?%E9%97%AE=%E7%AD%94"),
        ("ws://[::1]:1/", "ws://[::1]:1/"),
    ],
)
async def test_url_has_normal_form(given: str, shown: str) -> None:
    """``url`` is the address as it is used: ws for http, in lower case, encoded."""
    recorder = Recorder(WebSocket(given))
    assert recorder.ws.url == shown
    recorder.ws.close()

    assert await recorder.end() == FAILED


@pytest.mark.parametrize(
    "given, shown",
    [
        ("ws://例子.example:80/", "ws://xn--fsqu00a.example/"),
        ("wss://Example.com:443", "wss://example.com/"),
        ("wss://example.com:80/", "wss://example.com:80/"),
    ],
)
async def test_url_omits_own_port(given: str, shown: str) -> None:
    """The scheme's own port isn't shown; names are, as they are looked up."""
    recorder = Recorder(WebSocket(given))
    assert recorder.ws.url == shown
    recorder.ws.close()

    assert await recorder.end() == FAILED


def test_loop_must_run() -> None:
    """Without a running loop there is nobody to connect."""
    with pytest.raises(RuntimeError):
        WebSocket("ws://localhost/")


@pytest.mark.parametrize("name", ["url", "readyState", "protocol", "extensions", "bufferedAmount"])
async def test_attributes_are_read_only(server: Any, name: str) -> None:
    """What the connection tells of itself can't be set."""
    recorder = Recorder(WebSocket(server.url))
    with pytest.raises(AttributeError):
        setattr(recorder.ws, name, "x")
    await recorder.opened()
    recorder.ws.close()
    await recorder.end()


async def test_constants_have_numbers(server: Any) -> None:
    """CONNECTING to CLOSED are 0 to 3, of the class and of each object."""
    recorder = Recorder(WebSocket(server.url))
    for place in (WebSocket, recorder.ws):
        assert [place.CONNECTING, place.OPEN, place.CLOSING, place.CLOSED] == [0, 1, 2, 3]
    recorder.ws.close()
    await recorder.end()


@pytest.mark.parametrize(
    "protocols",
    ["", " ", "a b", "/echo", "a,b", '"a"', "é", "a\n", ["a", "a"], ["chat", "Chat"], ["a", ""]],
    ids=str,
)
async def test_bad_subprotocols_are_refused(protocols: Any) -> None:
    """What isn't a token, or is there twice, is a SyntaxError."""
    with pytest.raises(DOMSyntaxError):
        WebSocket("ws://localhost:1/", protocols)


async def test_subprotocols_are_offered() -> None:
    """A string is one subprotocol; none is no header; the choice is known from "open" on."""
    offers = []

    async def note(connection: Any) -> None:
        offers.append(connection.request.headers.get("Sec-WebSocket-Protocol"))
        await connection.wait_closed()

    def choose(protocol: Any, offered: Any) -> str | None:
        return offered[-1] if offered else None

    async with serve(note, "localhost", 0, select_subprotocol=choose) as server:
        url = f"ws://localhost:{server.sockets[0].getsockname()[1]}/"
        for given, chosen in (("a", "a"), (["a", "b"], "b"), ([], ""), (None, "")):
            recorder = Recorder(WebSocket(url, given))
            assert recorder.ws.protocol == ""
            await recorder.opened()
            assert recorder.ws.protocol == chosen
            recorder.ws.close()
            await recorder.end()

    assert offers == ["a", "a, b", None, None]


async def test_subprotocol_must_be_chosen(server: Any) -> None:
    """Who offered some and is given none fails: stricter than RFC 6455."""
    recorder = Recorder(WebSocket(server.url, ["a"]))

    assert await recorder.end() == FAILED
    assert isinstance(recorder.event["close"].error, NegotiationError)


async def test_extensions_are_told(server: Any) -> None:
    """``extensions`` is empty before "open", and then what was agreed."""
    for compression, name in (("deflate", "permessage-deflate"), (None, "")):
        recorder = Recorder(WebSocket(server.url, compression=compression))
        assert recorder.ws.extensions == ""
        await recorder.opened()
        assert recorder.ws.extensions.partition(";")[0] == name
        recorder.ws.close()
        await recorder.end()


async def test_request_says_little(server: Any) -> None:
    """Origin and other headers are sent if they were given; the address may hold credentials."""
    recorder = Recorder(WebSocket(server.url))
    headers = (await server.arrived.get()).request.headers
    assert not {"Origin", "Referer", "Cookie", "Authorization"} & set(headers)
    recorder.ws.close()
    await recorder.end()

    url = server.url.replace("//", "//user:pass@")
    recorder = Recorder(WebSocket(url, origin="http://localhost", additional_headers={"X-Room": "1"}))
    headers = (await server.arrived.get()).request.headers
    assert headers["Authorization"] == "Basic dXNlcjpwYXNz"
    assert (headers["Origin"], headers["X-Room"]) == ("http://localhost", "1")
    recorder.ws.close()
    await recorder.end()


# Opening and failing.


async def test_connection_opens_in_background(server: Any) -> None:
    """It is CONNECTING at first; listeners added right after miss nothing; then it is OPEN."""
    recorder = Recorder(WebSocket(server.url))
    assert recorder.ws.readyState == CONNECTING
    assert recorder.ws.bufferedAmount == 0
    await recorder.opened()
    recorder.ws.close()

    assert await recorder.end() == [("open", OPEN), ("close", CLOSED, 1005, "", True)]


async def test_absent_server_fails() -> None:
    """Where nobody listens: an error, then 1006, both when it is CLOSED; the cause is an extension."""
    with socket.create_server(("localhost", 0)) as probe:
        port = probe.getsockname()[1]
    recorder = Recorder(WebSocket(f"ws://localhost:{port}/"))

    assert await recorder.end() == FAILED
    assert isinstance(recorder.event["error"].error, OSError)
    assert recorder.event["close"].error is recorder.event["error"].error


@pytest.mark.parametrize("status", [200, 301, 302, 401, 404, 500])
async def test_other_status_fails(status: int) -> None:
    """Any status but 101 fails, a redirect too: none is followed."""

    def refuse(connection: Any, request: Any) -> Any:
        response = connection.respond(status, "elsewhere\n")
        response.headers["Location"] = "/elsewhere"
        return response

    async with serve(Any, "localhost", 0, process_request=refuse) as server:
        recorder = Recorder(WebSocket(f"ws://localhost:{server.sockets[0].getsockname()[1]}/"))

        assert await recorder.end() == FAILED
        error = recorder.event["error"].error
        assert isinstance(error, InvalidStatus)
        assert error.response.status_code == status


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
        b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n",
        b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
    ],
    ids=["none", "nonsense", "no Upgrade", "no Connection", "wrong Accept"],
)
async def test_bad_answers_fail(answer: bytes) -> None:
    """So does an answer that breaks a rule of the handshake."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    async with plain_server(talk) as url:
        assert await Recorder(WebSocket(url)).end() == FAILED


async def test_unasked_subprotocol_fails() -> None:
    """And a subprotocol that wasn't offered."""
    async with plain_server(saying(b"", b"Sec-WebSocket-Protocol: b\r\n")) as url:
        assert await Recorder(WebSocket(url, ["a"])).end() == FAILED
        assert await Recorder(WebSocket(url)).end() == FAILED


async def test_failing_tls_fails(server: Any) -> None:
    """And TLS with somebody who doesn't speak it."""
    recorder = Recorder(WebSocket(server.url.replace("ws:", "wss:")))

    assert await recorder.end() == FAILED
    assert isinstance(recorder.event["error"].error, ssl.SSLError)


def test_silent_server_fails() -> None:
    """And a server that doesn't answer in time."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def main() -> None:
        async with plain_server(talk) as url:
            recorder = Recorder(WebSocket(url, open_timeout=7))
            assert await recorder.end() == FAILED
            assert asyncio.get_running_loop().time() == pytest.approx(7)
            assert isinstance(recorder.event["error"].error, TimeoutError)

    virtually(main)


# Listeners.


async def test_handlers_are_attributes(server: Any) -> None:
    """``on…`` are None at first, keep what can be called, and make None of anything else."""
    ws = WebSocket(server.url)
    recorder = Recorder(ws)
    for name in ("onopen", "onmessage", "onerror", "onclose"):
        assert getattr(ws, name) is None
        for listener in (print, None, 1, "text", {"handleEvent": print}):
            setattr(ws, name, listener)
            assert getattr(ws, name) is (print if listener is print else None)
    ws.close()
    await recorder.end()


async def test_listeners_run_in_order(server: Any) -> None:
    """Listeners run as they were added; a handler at the place where it was first set."""
    ws, heard = WebSocket(server.url), []
    recorder = Recorder(ws)
    ws.addEventListener("open", lambda event: heard.append(1))
    ws.onopen = lambda event: heard.append("never")
    ws.addEventListener("open", lambda event: heard.append(3))
    ws.onopen = lambda event: heard.append(2)
    ws.addEventListener("open", lambda event: heard.append(4))
    await recorder.opened()
    ws.close()
    await recorder.end()

    assert heard == [1, 2, 3, 4]


async def test_listeners_may_go(server: Any) -> None:
    """A listener is there once however often it is added, may listen once, and can be taken off by others."""
    ws, heard = WebSocket(server.url), []
    recorder = Recorder(ws)

    def twice(event: Any) -> None:
        heard.append("twice")

    def removed(event: Any) -> None:
        heard.append("removed")

    def remover(event: Any) -> None:
        ws.removeEventListener("message", removed)

    ws.addEventListener("message", lambda event: heard.append("once"), once=True)
    ws.addEventListener("message", twice)
    ws.addEventListener("message", twice)
    ws.addEventListener("message", remover)
    ws.addEventListener("message", removed)
    ws.removeEventListener("message", print)
    ws.removeEventListener("nonsense", print)
    await recorder.opened()
    ws.send("one")
    ws.send("two")
    ws.send("close 1000 ")
    await recorder.end()

    assert heard == ["once", "twice", "twice"]


async def test_failing_listener_stops_nobody(server: Any) -> None:
    """An exception in a listener goes to the loop's handler; the others run, and so does everything after."""
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
    ws = WebSocket(server.url)
    for name in ("onopen", "onmessage", "onclose"):
        setattr(ws, name, lambda event: 1 / 0)
    recorder = Recorder(ws)
    await recorder.opened()
    ws.send("close 1000 ")

    assert await recorder.end() == [("open", OPEN), ("close", CLOSED, 1000, "", True)]
    assert [type(context["exception"]) for context in reported] == [ZeroDivisionError] * 2


async def test_events_describe_themselves(server: Any) -> None:
    """Each event has its type and target, neither bubbles nor can be cancelled."""
    recorder = Recorder(WebSocket(server.url))
    await recorder.opened()
    recorder.ws.send("hello")
    recorder.ws.send("close 1000 ")
    await recorder.end()

    for kind in ("open", "message", "close"):
        event = recorder.event[kind]
        assert (event.type, event.target, event.currentTarget) == (kind, recorder.ws, recorder.ws)
        assert (event.bubbles, event.cancelable) == (False, False)
    assert recorder.event["message"].origin == server.url.replace("ws:", "http:").rstrip("/")
    assert isinstance(recorder.event["close"], CloseEvent)
    assert recorder.event["close"].error is None


# Messages.


async def test_messages_come_back(server: Any) -> None:
    """Text and binary of any length go there and back in their order."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    messages = ["", "发送数据", b"", b"\x00\xff", "x" * 65_000, b"y" * 65_536, "z" * 125, "z" * 126]
    for message in messages:
        ws.send(message)
    ws.send("close 1000 ")

    assert await recorder.end() == [
        ("open", OPEN),
        *(("message", OPEN, message) for message in messages),
        ("close", CLOSED, 1000, "", True),
    ]


async def test_views_are_sent_as_seen(server: Any) -> None:
    """Of a view only what it shows is sent, and what is sent is a copy."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    buffer = bytearray(b"0123456789abcdef")
    ws.send(buffer)
    ws.send(memoryview(buffer)[4:8])
    ws.send(memoryview(buffer).cast("I")[1:2])
    ws.send(memoryview(buffer)[::8])
    buffer[:] = b"################"
    ws.send("close 1000 ")
    await recorder.end()

    assert [data for _, _, data in recorder.seen[1:-1]] == [b"0123456789abcdef", b"4567", b"4567", b"08"]


async def test_binary_type_is_chosen(server: Any) -> None:
    """For "blob" it is bytes, for "arraybuffer" a memoryview, from the next message on; others count not."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    assert ws.binaryType == "blob"
    kinds = []
    ws.onmessage = lambda event: (kinds.append(type(event.data)), setattr(ws, "binaryType", "arraybuffer"))
    ws.binaryType = "nonsense"
    assert ws.binaryType == "blob"
    for message in (b"one", b"two", "three"):
        ws.send(message)
    ws.send("close 1000 ")
    await recorder.end()

    assert ws.binaryType == "arraybuffer"
    assert kinds == [bytes, memoryview, str]


async def test_surrogates_are_replaced(server: Any) -> None:
    """Lone surrogates become U+FFFD; pairs are one character."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    ws.send("a\udc00xb\ud800xc\udc00\ud800x")
    ws.send("\ud83d\ude42")
    ws.send("close 1000 ")
    await recorder.end()

    assert [data for _, _, data in recorder.seen[1:-1]] == ["a\ufffdxb\ufffdxc\ufffd\ufffdx", "🙂"]


@pytest.mark.parametrize("message", [None, 1, ["text"], object()])
async def test_wrong_types_are_refused(server: Any, message: Any) -> None:
    """What is neither text nor bytes is a TypeError in any state."""
    recorder = Recorder(WebSocket(server.url))
    with pytest.raises(TypeError):
        recorder.ws.send(message)
    await recorder.opened()
    with pytest.raises(TypeError):
        recorder.ws.send(message)
    recorder.ws.close()
    with pytest.raises(TypeError):
        recorder.ws.send(message)
    await recorder.end()


async def test_sending_early_is_refused(server: Any) -> None:
    """Before OPEN, sending is an InvalidStateError, and is not counted."""
    recorder = Recorder(WebSocket(server.url))
    with pytest.raises(InvalidStateError) as caught:
        recorder.ws.send("early")
    assert caught.value.name == "InvalidStateError"
    assert recorder.ws.bufferedAmount == 0
    await recorder.opened()
    recorder.ws.close()
    await recorder.end()


async def test_sending_late_is_counted(server: Any) -> None:
    """From CLOSING on, sending does nothing but count."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    ws.close()
    ws.send("发送数据")
    assert ws.bufferedAmount == 12
    await recorder.end()
    ws.send(b"12345")
    assert ws.bufferedAmount == 17
    assert recorder.seen == [("open", OPEN), ("close", CLOSED, 1005, "", True)]


async def test_sending_into_close_is_counted() -> None:
    """So does sending when the peer has closed already, and the event that tells of it is still to come."""
    async with plain_server(saying(b"\x81\x01?\x88\x02\x03\xe8", size=8)) as url:
        recorder, amounts = Recorder(WebSocket(url)), []

        def answer(event: Any) -> None:
            assert recorder.ws.readyState == OPEN
            recorder.ws.send("late")
            amounts.append(recorder.ws.bufferedAmount)

        recorder.ws.onmessage = answer
        seen = await recorder.end()

    assert amounts == [4]
    assert seen == [("open", OPEN), ("message", OPEN, "?"), ("close", CLOSED, 1000, "", True)]


async def test_message_is_own_turn() -> None:
    """Each event has a turn of its own, however many messages came in one piece."""
    async with plain_server(saying(b"\x81\x011\x81\x012\x88\x02\x03\xe8", size=8)) as url:
        recorder, turns = Recorder(WebSocket(url)), []

        def note(event: Any) -> None:
            turns.append(event.type)
            asyncio.get_running_loop().call_soon(turns.append, "turn")

        for kind in ("open", "message", "close"):
            recorder.ws.addEventListener(kind, note)
        recorder.ws.addEventListener("message", lambda event: event.data == "2" or turns.append("first"))
        await recorder.closed.wait()

    assert turns[:5] == ["open", "turn", "message", "first", "turn"]
    assert turns[5:7] == ["message", "turn"]


async def test_flood_is_not_read_ahead() -> None:
    """When many events wait for their turns nothing more is read; none is lost."""
    count = 20 * EVENTS_AHEAD

    async def flood(connection: Any) -> None:
        for number in range(count):
            await connection.send(str(number))
            await asyncio.sleep(0)

    async with serve(flood, "localhost", 0) as server:
        recorder = Recorder(WebSocket(f"ws://localhost:{server.sockets[0].getsockname()[1]}/"))
        paused = []
        pause = recorder.ws._link.pause_reading
        recorder.ws._link.pause_reading = lambda: (paused.append(True), pause())
        recorder.ws._link.message_received = lambda data, given=recorder.ws._link.message_received: (
            [given(data) for _ in range(EVENTS_AHEAD)]
        )
        seen = await recorder.end()

        assert paused
        assert len(seen) == count * EVENTS_AHEAD + 2
        assert [event[2] for event in seen[1:-1:EVENTS_AHEAD]] == [str(number) for number in range(count)]


# bufferedAmount.


async def test_amount_counts_payload(server: Any) -> None:
    """Right after sending it is the payload's bytes, without framing, whatever is written already."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    expected = 0
    for message, size in (("", 0), ("发送数据", 12), (b"x" * 100, 100), ("y" * 70_000, 70_000), ("z", 1)):
        ws.send(message)
        expected += size
        assert ws.bufferedAmount == expected
    ws.send("close 1000 ")
    await recorder.end()

    assert ws.bufferedAmount == 0


async def test_amount_falls_between_turns(server: Any) -> None:
    """What the network has taken counts no more in a later turn; then it counts afresh."""
    recorder, amounts = Recorder(WebSocket(server.url)), []
    ws = await recorder.opened()

    def again(event: Any) -> None:
        amounts.append(ws.bufferedAmount)
        if event.data != "last":
            ws.send("last")
            amounts.append(ws.bufferedAmount)

    ws.onmessage = again
    ws.send("x" * 90_000)
    for _ in range(2):
        await asyncio.sleep(0)
    ws.send("close 1000 ")
    await recorder.end()

    assert amounts[:2] == [0, 4]


async def test_amount_counts_nothing_twice(server: Any) -> None:
    """What went out since the last turn isn't counted again because something new waits in its place."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    waiting = 50_000
    ws._link._transport.get_write_buffer_size = lambda: waiting
    ws.send(b"x" * 90_000)
    assert ws.bufferedAmount == 90_000
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert ws.bufferedAmount == 50_000
    waiting = 0
    ws.send(b"y" * 70_000)
    waiting = 60_000
    assert ws.bufferedAmount == 70_000
    waiting = 0
    ws.send("close 1000 ")
    await recorder.end()


async def test_amount_waits_for_network() -> None:
    """What the network doesn't take stays counted; when the connection fails, for ever."""
    cut = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept(reader))
        writer.transport.pause_reading()
        await cut.wait()
        writer.transport.abort()

    async with plain_server(talk) as url:
        recorder = Recorder(WebSocket(url, compression=None))
        ws = await recorder.opened()
        ws.send(b"x" * 30_000_000)
        assert ws.bufferedAmount == 30_000_000
        for _ in range(3):
            await asyncio.sleep(0)
        waiting = ws.bufferedAmount
        assert 0 < waiting <= 30_000_000
        ws.send("more")
        assert ws.bufferedAmount == waiting + 4
        cut.set()
        await recorder.end()
        assert ws.bufferedAmount > 0
        ws.send("even more")

        assert ws.bufferedAmount > 9


# Closing.


@pytest.mark.parametrize(
    "arguments, code, reason",
    [
        ((), 1005, ""),
        ((None,), 1005, ""),
        ((1000,), 1000, ""),
        ((1000, "再见"), 1000, "再见"),
        ((3000, "a"), 3000, "a"),
        ((4999, "x" * 123), 4999, "x" * 123),
        ((1000, "\ud800!"), 1000, "\ufffd!"),
    ],
)
async def test_close_says_code(server: Any, arguments: Any, code: int, reason: str) -> None:
    """Code and reason reach the server, and come back in the event."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    connection = await server.arrived.get()
    assert ws.close(*arguments) is None
    assert ws.readyState == CLOSING
    await connection.wait_closed()

    assert (connection.close_code, connection.close_reason) == (code, reason)
    assert await recorder.end() == [("open", OPEN), ("close", CLOSED, code, reason, True)]


@pytest.mark.parametrize(
    "code", [0, 500, 999, 1001, 1006, 2999, 5000, 66_536, -1, "reason", "1000", 3000.5, float("nan")], ids=str
)
async def test_wrong_codes_are_refused(server: Any, code: Any) -> None:
    """Any code but 1000 and 3000 to 4999 is an InvalidAccessError, in every state."""
    recorder = Recorder(WebSocket(server.url))
    for state in (CONNECTING, OPEN, CLOSING, CLOSED):
        if state == OPEN:
            await recorder.opened()
        elif state == CLOSING:
            recorder.ws.close()
        elif state == CLOSED:
            await recorder.end()
        assert recorder.ws.readyState == state
        with pytest.raises(InvalidAccessError) as caught:
            recorder.ws.close(code)
        assert caught.value.name == "InvalidAccessError"


async def test_long_reasons_are_refused(server: Any) -> None:
    """123 bytes of UTF-8 are the most for a reason; more is a SyntaxError and closes nothing."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    for reason in ("x" * 124, "据" * 42):
        with pytest.raises(DOMSyntaxError):
            ws.close(1000, reason)
    assert ws.readyState == OPEN
    ws.close(1000, "据" * 41)

    assert await recorder.end() == [("open", OPEN), ("close", CLOSED, 1000, "据" * 41, True)]


@pytest.mark.parametrize("stage", ["made", "connecting", "asked"])
async def test_closing_early_fails(stage: str) -> None:
    """Closed while CONNECTING, it is CLOSING at once and never opens: an error, and 1006."""
    asked, ended = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        ended.set()

    async with plain_server(talk) as url:
        recorder = Recorder(WebSocket(url))
        if stage == "connecting":
            await asyncio.sleep(0)
        elif stage == "asked":
            await asked.wait()
        recorder.ws.close(3000, "why")
        assert recorder.ws.readyState == CLOSING

        assert await recorder.end() == FAILED
        if stage == "asked":
            await ended.wait()


async def test_closing_again_does_nothing(server: Any) -> None:
    """However often and wherever it is closed, there is one "close", with the first code."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    ws.onclose = lambda event: ws.close(3003)
    ws.close(3001)
    ws.close(3002)
    await recorder.end()
    ws.close(3004)
    await asyncio.sleep(0)

    assert recorder.seen == [("open", OPEN), ("close", CLOSED, 3001, "", True)]


async def test_close_goes_behind_data(server: Any) -> None:
    """What was sent before goes out first; what arrives after is dropped."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    connection = await server.arrived.get()
    received = []
    given = connection.message_received
    connection.message_received = lambda data: (received.append(data), given(data))
    ws.send("x" * 100_000)
    ws.send("last")
    ws.close(1000)

    assert await recorder.end() == [("open", OPEN), ("close", CLOSED, 1000, "", True)]
    assert received == ["x" * 100_000, "last"]


async def test_late_messages_are_dropped() -> None:
    """A message that arrives after ``close`` was called is no event."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept(reader) + b"\x81\x03one\x81\x03two\x81\x03too")
        await reader.readexactly(6)
        writer.write(b"\x81\x04late\x88\x02\x03\xe8")

    async with plain_server(talk) as url:
        recorder = Recorder(WebSocket(url))
        recorder.ws.onmessage = lambda event: event.data == "two" and recorder.ws.close()
        seen = await recorder.end()

    assert [event[0] for event in seen] == ["open", "message", "message", "close"]


async def test_server_may_close(server: Any) -> None:
    """When the server closes, CLOSING is seen for a turn, then "close" comes with its code and reason."""
    recorder, states = Recorder(WebSocket(server.url)), []
    ws = await recorder.opened()

    def watch() -> None:
        states.append(int(ws.readyState))
        if ws.readyState != CLOSED:
            asyncio.get_running_loop().call_soon(watch)

    ws.send("close 4001 再见")
    watch()

    assert await recorder.end() == [("open", OPEN), ("close", CLOSED, 4001, "再见", True)]
    assert sorted(set(states)) == [OPEN, CLOSING, CLOSED]


async def test_lost_connection_fails() -> None:
    """A connection that ends without a Close frame wasn't clean: 1006, after the messages."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept(reader) + b"\x81\x03one\x81\x7dtwo")

    async with plain_server(talk) as url:
        recorder = Recorder(WebSocket(url))

        assert await recorder.end() == [("open", OPEN), ("message", OPEN, "one"), *FAILED]
        assert isinstance(recorder.event["error"].error, ConnectionClosedError)


@pytest.mark.parametrize(
    "broken, code",
    [(b"\x83\x03LOL", 1002), (b"\x81\x01\xff", 1007), (b"\xc1\x00", 1002), (b"\x88\x01x", 1002)],
)
async def test_broken_rules_fail(broken: bytes, code: int) -> None:
    """After the messages before it, a broken rule is an error and 1006; the peer is told the real code."""
    said = asyncio.get_running_loop().create_future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept(reader) + b"\x81\x04test" + broken)
        said.set_result(await reader.read())

    async with plain_server(talk) as url:
        recorder = Recorder(WebSocket(url, compression=None))

        assert await recorder.end() == [("open", OPEN), ("message", OPEN, "test"), *FAILED]
        head = await said
        key = head[2:6]
        assert int.from_bytes(bytes(a ^ b for a, b in zip(head[6:8], key, strict=False)), "big") == code


async def test_too_large_message_fails() -> None:
    """A message over max_size fails the connection."""
    async with plain_server(saying(b"\x81\x7e\x03\xe9" + b"x" * 1001)) as url:
        assert await Recorder(WebSocket(url, max_size=1000)).end() == [("open", OPEN), *FAILED]


def test_silent_peer_is_cut() -> None:
    """A server that doesn't answer our Close frame is cut at the time-out: 1006."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept(reader))
        await reader.read()

    async def main() -> None:
        async with plain_server(talk) as url:
            recorder = Recorder(WebSocket(url, close_timeout=7))
            (await recorder.opened()).close(1000)
            assert await recorder.end() == [("open", OPEN), *FAILED]
            assert asyncio.get_running_loop().time() == pytest.approx(7)

    virtually(main)


async def test_pings_are_answered() -> None:
    """A ping is answered, and is no event."""
    said = asyncio.get_running_loop().create_future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept(reader) + b"\x89\x01?")
        said.set_result(await reader.readexactly(7))
        writer.write(b"\x88\x02\x03\xe8")
        await reader.read(1)

    async with plain_server(talk) as url:
        recorder = Recorder(WebSocket(url))

        assert await recorder.end() == [("open", OPEN), ("close", CLOSED, 1000, "", True)]
        assert (await said)[0] == 0x8A
