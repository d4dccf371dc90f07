"""The browser's WebSocket: its states, its events, and every rule of the standard that isn't JavaScript's."""

from __future__ import annotations

import array
import asyncio
import contextlib
import ctypes
import dataclasses
import gc
import io
import mmap
import re
import socket
import ssl
import weakref
from pathlib import Path
from typing import Any

import pytest

from fullduplex import ConnectionClosedError, InvalidStatus, NegotiationError, ServerConnection, serve
from fullduplex.browser import (
    BAD_PORTS,
    CloseEvent,
    DOMException,
    DOMSyntaxError,
    Event,
    InvalidAccessError,
    InvalidStateError,
    MessageEvent,
    WebSocket,
)

from ..aio.certificate import make_certificate
from ..aio.ends import accept_plainly, url_of
from ..native import TRANSPORT
from .ends import CLOSED, CLOSING, CONNECTING, FAILED, OPEN, Recorder, plain_address, saying, virtually

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
        "ws://[fe80::1%25lo]/",
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
        ("ws://localhost:1/a b/../c d?e f", "ws://localhost:1/c%20d?e%20f"),
        ("ws://localhost:1/\ud800", "ws://localhost:1/%EF%BF%BD"),
        ("ws://user:pass@localhost:1/", "ws://user:pass@localhost:1/"),
    ],
)
async def test_url_has_normal_form(given: str, shown: str) -> None:
    """``url`` is the address as it is used: ws for http, in lower case, encoded."""
    recorder = Recorder(WebSocket(given))
    assert recorder.ws.url == shown
    recorder.ws.close()

    assert await recorder.end() == FAILED


@pytest.mark.parametrize("url", [None, 1, b"ws://localhost/", ["ws://localhost/"]], ids=str)
async def test_addresses_must_be_text(url: Any) -> None:
    """What isn't text is a TypeError, as is no address, or one argument too many."""
    with pytest.raises(TypeError):
        WebSocket(url)
    with pytest.raises(TypeError):
        WebSocket()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        WebSocket("ws://localhost:1/", [], "more")  # type: ignore[misc]


async def test_relative_addresses_need_base() -> None:
    """A relative address begins from ``base_url``, whose fragment counts not; a fragment of its own does."""
    base = "https://localhost:1/chat/page?a#part"
    recorder = Recorder(WebSocket("../socket?b", base_url=base))
    assert recorder.ws.url == "wss://localhost:1/socket?b"
    recorder.ws.close()
    assert await recorder.end() == FAILED

    for url, wrong in (("#test", base), ("", "nonsense"), ("socket", "mailto:me@localhost")):
        with pytest.raises(DOMSyntaxError):
            WebSocket(url, base_url=wrong)


async def test_blocked_ports_fail(server: Any) -> None:
    """A port that is to be blocked fails, and nobody is asked; by default none is."""
    port = server.sockets[0].getsockname()[1]
    recorder = Recorder(WebSocket(server.url, blocked_ports=BAD_PORTS | {port}))
    assert await recorder.end() == FAILED
    assert isinstance(recorder.event["error"].error, PermissionError)
    assert server.arrived.empty()

    assert {0, 25, 6667, 10080} <= BAD_PORTS
    assert not {80, 443, 8080} & BAD_PORTS


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
    assert recorder.ws._link.request.headers["Host"] == shown.split("/")[2]
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
    """CONNECTING to CLOSED are 0 to 3, of the class and of each object, where they can't be set."""
    recorder = Recorder(WebSocket(server.url))
    for place in (WebSocket, recorder.ws):
        assert [place.CONNECTING, place.OPEN, place.CLOSING, place.CLOSED] == [0, 1, 2, 3]
    for name in ("CONNECTING", "OPEN", "CLOSING", "CLOSED"):
        with pytest.raises(AttributeError):
            setattr(recorder.ws, name, 5)
    recorder.ws.close()
    await recorder.end()


@pytest.mark.parametrize(
    "protocols",
    [
        *(
            "",
            " ",
            "a b",
            "/echo",
            "a,b",
            '"a"',
            "é",
            "a\n",
            "a\x00",
            "a\x7f",
            "a\t",
            "a;",
            "a=b",
            "(a)",
            "<a>",
        ),
        *(["a", "a"], ["chat", "Chat"], ["a", ""]),
    ],
    ids=repr,
)
async def test_bad_subprotocols_are_refused(protocols: Any) -> None:
    """What isn't a token, or is there twice, is a SyntaxError."""
    with pytest.raises(DOMSyntaxError):
        WebSocket("ws://localhost:1/", protocols)


@pytest.mark.parametrize("protocols", [[1], [None], [b"a"], 1, b"a"], ids=str)
async def test_subprotocols_must_be_text(protocols: Any) -> None:
    """What isn't text, or a sequence of it, is a TypeError."""
    with pytest.raises(TypeError):
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
    assert (headers["Pragma"], headers["Cache-Control"]) == ("no-cache", "no-cache")
    recorder.ws.close()
    await recorder.end()

    url = server.url.replace("//", "//us%65r:pass@")
    more = {"X-Room": "1", "cache-control": "no-store"}
    origin = server.url.replace("ws", "http", 1).removesuffix("/")
    recorder = Recorder(WebSocket(url, origin=origin, additional_headers=more))
    headers = (await server.arrived.get()).request.headers
    assert headers["Authorization"] == "Basic dXNlcjpwYXNz"
    assert (headers["Origin"], headers["X-Room"]) == (origin, "1")
    assert headers.get_all("Cache-Control") == ["no-store"]
    recorder.ws.close()
    await recorder.end()


# Opening and failing.


async def test_connection_opens_in_background(server: Any) -> None:
    """It is CONNECTING at first; listeners added right after miss nothing; then it is OPEN."""
    recorder = Recorder(WebSocket(server.url))
    assert recorder.ws.readyState == CONNECTING
    assert recorder.ws.bufferedAmount == 0
    assert recorder.ws.transport_kind is None
    await recorder.opened()
    assert recorder.ws.transport_kind == TRANSPORT
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

    async with plain_address(talk) as url:
        assert await Recorder(WebSocket(url)).end() == FAILED


async def test_unasked_subprotocol_fails() -> None:
    """And a subprotocol that wasn't offered."""
    async with plain_address(saying(b"", b"Sec-WebSocket-Protocol: b\r\n")) as url:
        assert await Recorder(WebSocket(url, ["a"])).end() == FAILED
        assert await Recorder(WebSocket(url)).end() == FAILED


async def test_failing_tls_fails(server: Any) -> None:
    """And TLS with somebody who doesn't speak it."""
    recorder = Recorder(WebSocket(server.url.replace("ws:", "wss:")))

    assert await recorder.end() == FAILED
    assert isinstance(recorder.event["error"].error, ssl.SSLError)


async def test_tls_is_spoken(tmp_path: Path) -> None:
    """With ``wss:`` it is as without, amounts included, and the origin says so."""
    certificate = make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def echo(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(echo, "localhost", 0, ssl=context) as server:
        url = f"wss://localhost:{server.sockets[0].getsockname()[1]}/"
        recorder, amounts = Recorder(WebSocket(url, ssl=ssl.create_default_context(cafile=certificate))), []
        ws = await recorder.opened()
        ws.onmessage = lambda event: (amounts.append(ws.bufferedAmount), event.data == "last" and ws.close())
        for message in (bytes(500_000), "last"):
            ws.send(message)
        assert ws.bufferedAmount == 500_004

        assert [event[0] for event in await recorder.end()] == ["open", "message", "message", "close"]
        assert amounts == [0, 0]
        assert recorder.event["message"].origin == url.rstrip("/")


def test_silent_server_fails() -> None:
    """And a server that doesn't answer in time."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def main() -> None:
        async with plain_address(talk) as url:
            recorder = Recorder(WebSocket(url, open_timeout=7))
            assert await recorder.end() == FAILED
            assert asyncio.get_running_loop().time() == pytest.approx(7)
            assert isinstance(recorder.event["error"].error, TimeoutError)

    virtually(main)


# Listeners.


async def test_handlers_are_four(server: Any) -> None:
    """There are four ``on…`` attributes, None at first, each of which hears of its event."""
    ws, heard = WebSocket(server.url), []
    recorder = Recorder(ws)
    for name in ("onopen", "onmessage", "onerror", "onclose"):
        assert getattr(ws, name) is None
        setattr(ws, name, lambda event: heard.append(event.type))
    await recorder.opened()
    ws.send("hello")
    ws.send("close 1000 ")
    await recorder.end()
    assert heard == ["open", "message", "close"]

    ws = WebSocket(server.url)
    recorder = Recorder(ws)
    ws.onerror = lambda event: heard.append(event.type)
    ws.close()
    await recorder.end()
    assert heard[3:] == ["error"]


async def test_handlers_may_be_replaced(server: Any) -> None:
    """A handler that is replaced or taken off, be it by another listener, hears no more."""
    recorder, heard = Recorder(WebSocket(server.url)), []
    ws = await recorder.opened()

    def second(event: Any) -> None:
        heard.append("second")
        ws.onmessage = None

    def first(event: Any) -> None:
        heard.append("first")
        ws.onmessage = second

    ws.onmessage = first
    for message in ("one", "two", "three", "close 1000 "):
        ws.send(message)
    await recorder.end()

    assert heard == ["first", "second"]


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


async def test_coroutines_may_listen(server: Any) -> None:
    """A coroutine function may be a listener, and wait for what comes after."""
    recorder = Recorder(WebSocket(server.url))
    ws = recorder.ws

    async def converse(event: Any) -> None:
        answer = asyncio.get_running_loop().create_future()
        ws.onmessage = lambda event: answer.set_result(event.data)
        ws.send("hello")
        ws.close(3000, (await answer)[::-1])

    ws.onopen = converse

    assert (await recorder.end())[-1] == ("close", CLOSED, 3000, "olleh", True)


async def test_events_describe_themselves(server: Any) -> None:
    """Each event is of its class, has its type and target, neither bubbles nor can be cancelled."""
    recorder = Recorder(WebSocket(server.url))
    await recorder.opened()
    recorder.ws.send("hello")
    recorder.ws.send("close 1000 ")
    await recorder.end()

    for kind, is_of in (("open", Event), ("message", MessageEvent), ("close", CloseEvent)):
        event = recorder.event[kind]
        assert type(event) is is_of
        assert (event.type, event.target) == (kind, recorder.ws)
        assert (event.bubbles, event.cancelable) == (False, False)
    assert recorder.event["message"].origin == server.url.rstrip("/")
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
    mapped = mmap.mmap(-1, 4)
    mapped[:] = b"mmap"
    for data in (array.array("H", [0x3130, 0x3332]), (ctypes.c_char * 3)(b"a", b"b", b"c"), mapped):
        ws.send(data)
    ws.send(memoryview(buffer).cast("B", (4, 4)))
    ws.send(memoryview(array.array("d")))
    ws.send(memoryview(buffer)[4:8])
    ws.send(memoryview(buffer).cast("I")[1:2])
    ws.send(memoryview(buffer)[::8])
    buffer[:] = b"################"
    ws.send("close 1000 ")
    await recorder.end()

    whole = b"0123456789abcdef"
    assert [data for _, _, data in recorder.seen[1:-1]] == [
        *(whole, array.array("H", [0x3130, 0x3332]).tobytes(), b"abc", b"mmap", whole, b""),
        *(b"4567", b"4567", b"08"),
    ]


async def test_files_are_sent_whole(server: Any) -> None:
    """Of a file the rest is sent as one binary message, in its order; a file of text isn't sent."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    ws.send("before")
    file = io.BytesIO(b"xx" + bytes(70_000))
    file.seek(2)
    ws.send(file)
    assert ws.bufferedAmount == 6 + 70_000
    with pytest.raises(TypeError):
        ws.send(io.StringIO("text"))
    ws.send("after")
    ws.send("close 1000 ")

    assert [data for _, _, data in (await recorder.end())[1:-1]] == ["before", bytes(70_000), "after"]


@pytest.mark.parametrize(
    "length, head",
    [
        (0, b"\x82\x80"),
        (125, b"\x82\xfd"),
        (126, b"\x82\xfe\x00\x7e"),
        (65_535, b"\x82\xfe\xff\xff"),
        (65_536, b"\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
async def test_lengths_have_their_head(length: int, head: bytes) -> None:
    """Each length is told in the shortest form, and comes back."""
    said = asyncio.get_running_loop().create_future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader))
        said.set_result(await reader.readexactly(len(head)))
        await reader.readexactly(4 + length)
        writer.write(bytes([head[0], head[1] & 0x7F]) + head[2:] + bytes(length) + b"\x88\x00")
        await reader.read(1)

    async with plain_address(talk) as url:
        recorder = Recorder(WebSocket(url, compression=None))
        (await recorder.opened()).send(bytes(length))

        assert (await recorder.end())[1:] == [
            ("message", OPEN, bytes(length)),
            ("close", CLOSED, 1005, "", True),
        ]
    assert await said == head


async def test_binary_type_is_chosen(server: Any) -> None:
    """For "blob" it is bytes, for "arraybuffer" a memoryview, from the next message on; others count not."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    assert ws.binaryType == "blob"
    kinds = []
    ws.onmessage = lambda event: (kinds.append(type(event.data)), setattr(ws, "binaryType", "arraybuffer"))
    for nonsense in ("nonsense", "", None, 1, "ArrayBuffer"):
        ws.binaryType = nonsense
        assert ws.binaryType == "blob"
    for message in (b"one", b"two", "three"):
        ws.send(message)
    ws.send("close 1000 ")
    await recorder.end()

    assert ws.binaryType == "arraybuffer"
    ws.binaryType = "nonsense"
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
    async with plain_address(saying(b"\x81\x01?\x88\x02\x03\xe8", size=8)) as url:
        recorder, amounts = Recorder(WebSocket(url)), []

        def answer(event: Any) -> None:
            assert recorder.ws.readyState == OPEN
            recorder.ws.send("late")
            amounts.append(recorder.ws.bufferedAmount)

        recorder.ws.onmessage = answer
        seen = await recorder.end()

    assert amounts == [4]
    assert seen == [("open", OPEN), ("message", OPEN, "?"), ("close", CLOSED, 1000, "", True)]


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
        ws.send("close 1000 " if event.data == "last" else "last")
        amounts.append(ws.bufferedAmount)

    ws.onmessage = again
    ws.send("x" * 90_000)
    await recorder.end()

    assert amounts == [0, 4, 0, 11]


async def test_amount_counts_nothing_twice(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What went out since the last turn isn't counted again because something new waits in its place."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    waiting = 50_000
    monkeypatch.setattr(type(ws._link), "bytes_waiting", property(lambda link: waiting))
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
        writer.write(await accept_plainly(reader))
        writer.transport.pause_reading()
        await cut.wait()
        writer.transport.abort()

    async with plain_address(talk) as url:
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
        await asyncio.sleep(0)
        left = ws.bufferedAmount
        cut.set()
        assert (await recorder.end())[1:] == FAILED
        assert 0 < ws.bufferedAmount <= left
        left = ws.bufferedAmount
        ws.send("even more")

        assert ws.bufferedAmount == left + 9


async def test_amount_of_cut_turn_stays(server: Any) -> None:
    """What was sent in the turn in which the connection is cut stays counted."""
    recorder = Recorder(WebSocket(server.url))
    ws = await recorder.opened()
    ws.send("lost")
    ws._link.abort()
    assert (await recorder.end())[1:] == FAILED

    assert ws.bufferedAmount == 4


async def test_amount_at_cut_stays(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the connection is cut, what the network hasn't taken by then stays counted, and no more."""
    recorder = Recorder(WebSocket(server.url, compression=None))
    ws = await recorder.opened()
    waiting = 50_000
    monkeypatch.setattr(type(ws._link), "bytes_waiting", property(lambda link: waiting))
    ws.send(bytes(90_000))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting = 20_000
    ws._link.abort()
    waiting = 0
    assert (await recorder.end())[-2:] == FAILED

    assert ws.bufferedAmount == 20_000


async def test_full_buffer_fails() -> None:
    """Sending more than may wait raises nothing: it is counted, and the connection fails."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader))
        writer.transport.pause_reading()
        await asyncio.Event().wait()

    async with plain_address(talk) as url:
        recorder = Recorder(WebSocket(url, compression=None))
        ws = await recorder.opened()
        ws._link._settings = dataclasses.replace(ws._link._settings, buffer_limit=1_000_000)
        for _ in range(2):
            ws.send(bytes(20_000_000))
        assert ws.bufferedAmount == 40_000_000
        assert (await recorder.end())[1:] == FAILED
        assert isinstance(recorder.event["close"].error.__cause__, BufferError)

    assert ws.bufferedAmount > 20_000_000


async def test_amount_of_taken_is_nothing() -> None:
    """What the network has taken counts no more, also after a failure: nobody needs to look meanwhile."""
    cut = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader))
        await reader.readexactly(14 + 8_000_000)
        cut.set()
        writer.transport.abort()

    async with plain_address(talk) as url:
        recorder = Recorder(WebSocket(url, compression=None))
        ws = await recorder.opened()
        # The transport tells when the last byte is gone.
        assert ws._link._transport.get_write_buffer_limits() == (0, 1)
        ws.send(bytes(8_000_000))
        await cut.wait()
        assert (await recorder.end())[1:] == FAILED

    assert ws.bufferedAmount == 0


async def test_amount_never_grows_by_itself() -> None:
    """Between two turns it falls or stays, whatever else is written meanwhile."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader) + b"\x89\x01?" * 20)
        await reader.readexactly(5 * (14 + 1_000_000))
        writer.write(b"\x88\x00")
        writer.write_eof()
        await reader.read()

    amounts: list[int] = []
    async with plain_address(talk) as url:
        recorder = Recorder(WebSocket(url, compression=None))
        ws = await recorder.opened()

        def look() -> None:
            amounts.append(ws.bufferedAmount)
            if ws.readyState != CLOSED:
                asyncio.get_running_loop().call_soon(look)

        for _ in range(5):
            ws.send(bytes(1_000_000))
            await asyncio.sleep(0)
        look()
        await recorder.end()

    assert amounts == sorted(amounts, reverse=True)
    assert (amounts[0] <= 5_000_000, amounts[-1]) == (True, 0)


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
        ((None, "why"), 1000, "why"),
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
    "code",
    [0, 500, 999, 1001, 1006, 2999, 5000, 66_536, -1, "reason", "1000", 3000.5, float("nan"), True, b"1000"],
    ids=str,
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

    async with plain_address(talk) as url:
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


async def test_close_goes_behind_data() -> None:
    """What was sent before goes out first; what arrives after is dropped."""
    received: list[str | bytes] = []

    async def listen(connection: ServerConnection) -> None:
        received.extend([message async for message in connection])

    async with serve(listen, "localhost", 0) as server:
        recorder = Recorder(WebSocket(url_of(server)))
        ws = await recorder.opened()
        ws.send("x" * 100_000)
        ws.send("last")
        ws.close(1000)

        assert await recorder.end() == [("open", OPEN), ("close", CLOSED, 1000, "", True)]
    assert received == ["x" * 100_000, "last"]


async def test_late_messages_are_dropped() -> None:
    """A message that arrives after ``close`` was called is no event."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader) + b"\x81\x03one\x81\x03two\x81\x03too")
        await reader.readexactly(6)
        writer.write(b"\x81\x04late\x88\x02\x03\xe8")

    async with plain_address(talk) as url:
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
        writer.write(await accept_plainly(reader) + b"\x81\x03one\x81\x7dtwo")

    async with plain_address(talk) as url:
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
        writer.write(await accept_plainly(reader) + b"\x81\x04test" + broken)
        said.set_result(await reader.read())

    async with plain_address(talk) as url:
        recorder = Recorder(WebSocket(url, compression=None))

        assert await recorder.end() == [("open", OPEN), ("message", OPEN, "test"), *FAILED]
        head = await said
        key = head[2:6]
        assert int.from_bytes(bytes(a ^ b for a, b in zip(head[6:8], key, strict=False)), "big") == code


async def test_too_large_message_fails() -> None:
    """A message over max_size fails the connection."""
    async with plain_address(saying(b"\x81\x7e\x03\xe9" + b"x" * 1001)) as url:
        assert await Recorder(WebSocket(url, max_size=1000)).end() == [("open", OPEN), *FAILED]


def test_silent_peer_is_cut() -> None:
    """A server that doesn't answer our Close frame is cut at the time-out: 1006."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader))
        await reader.read()

    async def main() -> None:
        async with plain_address(talk) as url:
            recorder = Recorder(WebSocket(url, close_timeout=7))
            (await recorder.opened()).close(1000)
            assert await recorder.end() == [("open", OPEN), *FAILED]
            assert asyncio.get_running_loop().time() == pytest.approx(7)

    virtually(main)


async def test_pings_are_answered() -> None:
    """A ping is answered, and is no event."""
    said = asyncio.get_running_loop().create_future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader) + b"\x89\x01?")
        said.set_result(await reader.readexactly(7))
        writer.write(b"\x88\x02\x03\xe8")
        await reader.read(1)

    async with plain_address(talk) as url:
        recorder = Recorder(WebSocket(url))

        assert await recorder.end() == [("open", OPEN), ("close", CLOSED, 1000, "", True)]
        assert (await said)[0] == 0x8A


# Being kept, and being left.


async def test_listened_to_is_kept(server: Any) -> None:
    """Nobody needs to keep it as long as somebody could hear of something."""
    heard = asyncio.get_running_loop().create_future()

    def start() -> None:
        ws = WebSocket(server.url)
        ws.onopen = lambda event: event.target.send("close 4000 why")
        ws.addEventListener("close", heard.set_result)

    start()
    gc.collect()

    assert (await heard).code == 4000


async def test_forsaken_is_closed() -> None:
    """When nobody keeps it and nobody could hear of more, it says the rest and closes without a code."""
    loop = asyncio.get_running_loop()
    opened, ended = loop.create_future(), loop.create_future()

    async def listen(connection: ServerConnection) -> None:
        received = [message async for message in connection]
        ended.set_result((received, connection.close_code))

    def start() -> None:
        ws = WebSocket(url_of(server))
        seen.append(weakref.ref(ws))
        ws.addEventListener("open", lambda event: (event.target.send("last"), opened.set_result(None)))

    seen: list[Any] = []
    async with serve(listen, "localhost", 0) as server:
        start()
        await opened
        gc.collect()

        assert await ended == (["last"], 1005)
        assert seen[0]() is None


async def test_closing_without_listeners_ends(server: Any) -> None:
    """One that is closed and then forgotten ends as if it weren't."""
    recorder = Recorder(WebSocket(server.url))
    await recorder.opened()
    connection = await server.arrived.get()
    recorder.ws.close(4000)
    link = recorder.ws._link
    del recorder
    gc.collect()
    await asyncio.shield(link.over)

    assert connection.close_code == 4000
    gc.collect()
    assert link._face() is None


async def test_aclose_leaves(server: Any) -> None:
    """It leaves with 1001, as a page does, and waits until "close" was heard; again it does nothing."""
    recorder = Recorder(WebSocket(server.url))
    await recorder.opened()
    connection = await server.arrived.get()
    async with contextlib.aclosing(recorder.ws):
        pass
    await recorder.ws.aclose()

    assert recorder.seen == [("open", OPEN), ("close", CLOSED, 1001, "", True)]
    assert connection.close_code == 1001


async def test_aclose_ends_opening(server: Any) -> None:
    """Before it is open, leaving is closing."""
    recorder = Recorder(WebSocket(server.url))
    await recorder.ws.aclose()

    assert recorder.seen == FAILED


def test_shutdown_leaves() -> None:
    """When the loop is shut down, who is open leaves with 1001, and who isn't just goes."""
    said: list[bytes] = []
    kept: list[Any] = []
    with socket.create_server(("localhost", 0)) as listening:
        url = f"ws://localhost:{listening.getsockname()[1]}/"

        async def main() -> None:
            recorder = Recorder(WebSocket(url, compression=None))
            loop = asyncio.get_running_loop()
            peer, _ = await loop.sock_accept(listening)
            kept.append(peer)
            reader = asyncio.StreamReader()
            reader.feed_data(await loop.sock_recv(peer, 4096))
            await loop.sock_sendall(peer, await accept_plainly(reader))
            await recorder.opened()
            kept.extend([recorder, Recorder(WebSocket(url))])
            await asyncio.sleep(0)

        listening.setblocking(False)
        asyncio.run(main())
        peer = kept[0]
        peer.setblocking(True)
        with peer:
            while data := peer.recv(4096):
                said.append(data)

    frame = b"".join(said)
    assert frame[:2] == b"\x88\x82"
    assert bytes(a ^ b for a, b in zip(frame[6:8], frame[2:6], strict=False)) == b"\x03\xe9"
    assert len(frame) == 8


def test_points_have_their_tests() -> None:
    """Each point of the standard is in docs/browser.md, once and in order, with tests that there are."""
    tests = Path(__file__).parents[1]
    compared, others = (
        {
            name
            for place in tests.glob(places)
            for name in re.findall(r"def (test_\w+)", place.read_text("utf-8"))
        }
        for places in ("interop/test_chromium.py", "[bp]*/test_*.py")
    )
    lines = (tests.parents[1] / "docs" / "browser.md").read_text("utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if re.match(r"\| \d", line)]

    assert [row[0] for row in rows] == [f"| {number}" for number in range(1, 63)]
    for number, _, _, tests_named, chromium in rows:
        named = set(re.findall(r"`(test_\w+)`", tests_named))
        assert named, number
        assert named <= compared | others, number
        # Who says that Chromium agrees names a comparison with it.
        assert chromium.startswith("yes") == bool(compared & named), number
