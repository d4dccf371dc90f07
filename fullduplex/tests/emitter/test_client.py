"""ws's client: how it opens, how it doesn't, and what it tells of both."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import logging
import os
import signal
import socket
import ssl
import struct
import threading
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fullduplex import serve
from fullduplex.emitter import ServerWebSocket, WebSocket, WebSocketServer
from fullduplex.exceptions import (
    ConnectionClosed,
    InvalidStatus,
    InvalidURI,
    LocalProtocolError,
    NegotiationError,
    PayloadTooBig,
    RemoteProtocolError,
    SecurityError,
)
from fullduplex.protocol.http11 import Request, Response
from fullduplex.protocol.states import State

from ..aio.ends import Talk, accept_plainly, echo, plain_server
from ..aio.ends import url_of as plain_url_of
from ..aio.proxies import Proxy, listening
from .ends import Recorder, port_of, serving, url_of, virtually

CONNECTING, OPEN, CLOSING, CLOSED = State
EVENTS = ("upgrade", "open", "message", "ping", "pong", "redirect", "unexpected-response", "error", "close")


class Heard:
    """Notes a client's events with the state in which they come."""

    def __init__(self, ws: WebSocket, *events: str) -> None:
        self.all: list[Any] = []
        for event in events or EVENTS:
            ws.on(event, lambda *arguments, event=event: self.all.append((event, ws.readyState, *arguments)))

    def __eq__(self, other: object) -> bool:
        return self.all == other

    def failure(self) -> Any:
        """Return the error by which the connection didn't open; nothing else was to be heard."""
        (event, state, error), end = self.all
        assert (event, state, end) == ("error", CLOSING, ("close", CLOSED, 1006, ""))
        return error


async def failing(address: str, *arguments: Any, **options: Any) -> Any:
    """Return the error by which a connection doesn't open."""
    ws = WebSocket(address, *arguments, **options)
    heard = Heard(ws, "open", "message", "error", "close")
    await ws.wait_closed()
    return heard.failure()


@contextlib.asynccontextmanager
async def answering(talk: Talk) -> AsyncIterator[str]:
    """Serve nothing but TCP; give the address."""
    async with plain_server(talk) as server:
        yield plain_url_of(server)


async def test_client_tells_everything() -> None:
    """What the server does comes as events with their arguments, in its order."""
    async with serving() as server:
        recorder = Recorder(server)
        ws = WebSocket(url_of(server, "/x?y"))
        heard = Heard(ws)
        await ws.wait_open()
        peer = await recorder.taken()
        peer.send("发送数据")
        peer.send(b"\x00\xff")
        peer.ping(b"?")
        peer.pong(b"!")
        peer.close(4001, "再见")
        await ws.wait_closed()

        assert ws.response is not None
        assert heard == [
            ("upgrade", CONNECTING, ws.response),
            ("open", OPEN),
            ("message", OPEN, "发送数据", False),
            ("message", OPEN, b"\x00\xff", True),
            ("ping", OPEN, b"?"),
            ("pong", OPEN, b"!"),
            ("close", CLOSED, 4001, "再见"),
        ]


async def test_client_sends_everything() -> None:
    """Text, binary, parts, pings and the end arrive at the server."""
    async with serving() as server:
        recorder = Recorder(server)
        async with WebSocket(url_of(server)) as ws:
            assert (ws.readyState, ws.protocol, ws.binaryType, ws.isPaused) == (OPEN, "", "nodebuffer", False)
            ws.send("发送数据")
            ws.send(bytearray(b"\x00\xff"))
            ws.send("in ", fin=False)
            ws.send("parts")
            ws.ping("?")
            ws.pong(b"!")
            assert ws.bufferedAmount > 0
            ws.close(4000, "enough")
            assert ws.readyState is CLOSING

        assert await recorder.take(7) == [
            ("connection", "/"),
            ("message", "发送数据", False),
            ("message", b"\x00\xff", True),
            ("message", "in parts", False),
            ("ping", b"?"),
            ("pong", b"!"),
            ("close", 4000, "enough"),
        ]


async def test_connecting_takes_no_time() -> None:
    """It is there at once, with its address; nothing is heard before the next turn."""
    async with serving() as server:
        ws = WebSocket(url_of(server, "/x").upper().replace("/X", "/x"))
        assert (ws.readyState, ws.url, ws.protocol, ws.extensions) == (
            CONNECTING,
            url_of(server, "/x"),
            "",
            "",
        )
        heard = Heard(ws, "open")
        await ws.wait_open()
        assert heard == [("open", OPEN)]
        ws.close()
        await ws.wait_closed()


async def test_sending_early_is_refused() -> None:
    """Before "open" nothing can be sent, in a listener of "upgrade" neither; ``pause`` does nothing."""
    async with serving() as server:
        ws = WebSocket(url_of(server))
        refused: list[Any] = []

        def try_it(*_: object) -> None:
            for send in (ws.send, ws.ping, ws.pong):
                with pytest.raises(LocalProtocolError, match="isn't open yet"):
                    send("early")
            ws.pause()
            refused.append((ws.isPaused, ws.bufferedAmount))

        try_it()
        ws.on("upgrade", try_it)
        async with ws:
            assert refused == [(False, 0)] * 2


async def test_sending_late_is_harmless() -> None:
    """When it didn't open, nothing is sent or raised; a callback is given an exception."""
    ws = WebSocket("ws://localhost:1")
    told: list[Any] = []
    for event in ("error", "close"):
        ws.on(event, lambda *_: ws.send("late", told.append))
    await ws.wait_closed()
    ws.close()
    ws.terminate()
    ws.resume()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert [isinstance(error, ConnectionClosed) for error in told] == [True, True]


# What doesn't open.


async def test_absent_server_is_error(caplog: pytest.LogCaptureFixture) -> None:
    """It is an "error", then a "close" with 1006; without a listener of the former it is logged."""
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    assert isinstance(await failing(f"ws://localhost:{port}"), ConnectionRefusedError)
    assert caplog.records == []
    ws = WebSocket(f"ws://localhost:{port}")
    await ws.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await ws.wait_open()

    assert [(record.name, record.levelno) for record in caplog.records] == [
        ("fullduplex.client", logging.ERROR)
    ]


async def test_refusal_is_error() -> None:
    """An answer other than 101 is an error that has it."""
    async with serving(verifyClient=lambda info: (False, 403, "not you")) as server:
        error = await failing(url_of(server))

    assert isinstance(error, InvalidStatus)
    assert (error.response.status_code, error.response.body) == (403, b"not you")


async def test_refusal_may_be_read() -> None:
    """A listener of "unexpected-response" has request and answer, and no "error" is told."""
    async with serving(verifyClient=lambda info: (False, 403, "not you")) as server:
        ws = WebSocket(url_of(server, "/x"))
        heard = Heard(ws)
        await ws.wait_closed()

    (event, state, request, response), end = heard.all
    assert (event, state, request.path) == ("unexpected-response", CONNECTING, "/x")
    assert (response.status_code, response.body) == (403, b"not you")
    assert end == ("close", CLOSED, 1006, "")


async def test_giving_up_is_error() -> None:
    """A listener of "unexpected-response" that terminates, as it has to in ws, gets the "error" of that."""
    async with serving(path="/other") as server:
        ws = WebSocket(url_of(server))
        ws.once("unexpected-response", lambda request, response: ws.terminate())
        heard = Heard(ws, "error", "close")
        await ws.wait_closed()

    assert isinstance(heard.failure(), ConnectionAbortedError)


@pytest.mark.parametrize("turns", range(8))
async def test_closing_in_any_turn_ends(turns: int) -> None:
    """However far the connecting has come, on any loop, closing ends it."""
    async with WebSocketServer(host="127.0.0.1", port=0) as server:
        ws = WebSocket(f"ws://127.0.0.1:{port_of(server)}/")
        heard = Heard(ws, "close")
        for _ in range(turns):
            await asyncio.sleep(0)
        ws.close()
        await ws.wait_closed()
        assert len(heard.all) == 1


@pytest.mark.parametrize("end", [WebSocket.close, WebSocket.terminate])
@pytest.mark.parametrize("moment", ["at once", "upgrade", "later"])
async def test_closing_early_fails(moment: str, end: Any) -> None:
    """Closed before it is open, it is CLOSING at once, and never opens; the rest comes in a later turn."""
    async with serving() as server:
        server.on("connection", lambda ws, request: ws.send("never heard"))
        ws = WebSocket(url_of(server))
        heard = Heard(ws, "open", "message", "error", "close")

        def finish(*_: object) -> None:
            end(ws)
            assert ws.readyState is CLOSING
            assert heard == []

        if moment == "upgrade":
            ws.on("upgrade", finish)
        else:
            if moment == "later":
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            finish()
        await ws.wait_closed()

        assert isinstance(heard.failure(), ConnectionAbortedError)


async def test_subprotocols_are_offered() -> None:
    """The server chooses one of those offered, one or several."""
    async with serving(handleProtocols=lambda protocols, request: protocols[-1]) as server:
        for offered, chosen in [("a", "a"), (["a", "b"], "b"), (None, "")]:
            async with WebSocket(url_of(server), offered) as ws:
                assert ws.protocol == chosen


async def test_subprotocol_must_be_chosen() -> None:
    """A server that chooses none of those offered is no match, as in ws."""
    async with serving() as server:
        assert isinstance(await failing(url_of(server), ["a"]), NegotiationError)


async def test_wrong_answer_fails() -> None:
    """An answer that isn't a server's of WebSockets is an error."""

    async def talk(reader: Any, writer: Any) -> None:
        writer.write((await accept_plainly(reader)).replace(b"Accept: ", b"Accept: x"))

    async with answering(talk) as address:
        error = await failing(address)

    assert "Sec-WebSocket-Accept" in str(error)


async def silent(reader: Any, writer: Any) -> None:
    """Answer nothing."""
    await reader.read()


def test_giving_up_is_prompt(no_proxies: None) -> None:
    """Who closes a connection that can't be reached doesn't wait for that."""

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        async with answering(silent) as address:
            ws = WebSocket("ws://localhost/", proxy=address.replace("ws:", "http:"), handshakeTimeout=1000)
            await asyncio.sleep(10)
            ws.close()
            begun = clock()
            ws.on("error", lambda error: None)
            await ws.wait_closed()
            assert clock() - begun < 1

    virtually(main)


def test_handshake_has_limit() -> None:
    """A server that doesn't answer in ``handshakeTimeout`` seconds is an error; None waits for ever."""

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        async with answering(silent) as address:
            begun = clock()
            error = await failing(address, handshakeTimeout=7)
            assert clock() - begun == pytest.approx(7, abs=0.1)
            assert isinstance(error, TimeoutError)
            assert str(error) == f"no connection to {address} within 7 seconds"
            patient = WebSocket(address, handshakeTimeout=None)
            await asyncio.sleep(1000)
            assert patient.readyState is CONNECTING
            patient.on("error", lambda error: None)
            patient.close()
            await patient.wait_closed()

    virtually(main)


# Redirects.


async def redirecting(location: str, status: int = 302, **options: Any) -> Any:
    """Return a server that redirects everything to ``location``, from ``/loop`` to itself."""

    def answer(connection: Any, request: Request) -> Response:
        response: Response = connection.respond(status, "elsewhere\n")
        response.headers["Location"] = request.path if request.path == "/loop" else location
        return response

    return await serve(echo, "localhost", 0, process_request=answer, **options)


async def test_redirects_are_followed() -> None:
    """The same object opens elsewhere, and tells of it with a request that may be changed."""
    async with serving() as server:
        seen: list[Request] = []
        server.on("connection", lambda ws, request: seen.append(request))
        async with await redirecting(url_of(server, "/there?x", scheme="http")) as first:
            ws = WebSocket(plain_url_of(first), followRedirects=True, headers={"X-A": "1"})
            heard = Heard(ws, "redirect", "open", "error")

            @ws.on("redirect")
            def redirect(url: str, request: Request) -> None:
                assert url == ws.url
                assert (request.headers["X-A"], ws.readyState) == ("1", CONNECTING)
                with pytest.raises(LocalProtocolError):
                    ws.send("early")
                request.headers["X-B"] = "2"

            async with ws:
                there = url_of(server, "/there?x")
                assert [event[:3] for event in heard.all] == [
                    ("redirect", CONNECTING, there),
                    ("open", OPEN),
                ]
                assert ws.url == there
                assert (seen[0].path, seen[0].headers["X-A"], seen[0].headers["X-B"]) == (
                    "/there?x",
                    "1",
                    "2",
                )


async def test_redirects_need_asking() -> None:
    """Without ``followRedirects`` a redirect is a refusal."""
    async with serving() as server, await redirecting(url_of(server)) as first:
        error = await failing(plain_url_of(first))

    assert isinstance(error, InvalidStatus)
    assert error.response.status_code == 302


async def test_redirects_have_limit() -> None:
    """More than ``maxRedirects`` in a row are an error, and only what was followed is told."""
    async with await redirecting("/loop") as server:
        ws = WebSocket(plain_url_of(server, "/loop"), followRedirects=True, maxRedirects=2)
        heard = Heard(ws)
        await ws.wait_closed()

    assert [event[0] for event in heard.all] == ["redirect", "redirect", "error", "close"]
    assert isinstance(heard.all[2][2], SecurityError)
    with pytest.raises(ValueError, match="maxRedirects must not be negative"):
        WebSocket("ws://localhost/", followRedirects=True, maxRedirects=-1)


async def test_redirects_may_end_nowhere() -> None:
    """One that leads to no WebSocket is an error."""
    async with await redirecting("ftp://localhost/") as server:
        assert isinstance(await failing(plain_url_of(server), followRedirects=True), InvalidURI)


async def test_redirect_listener_may_close() -> None:
    """Closed by a listener of "redirect", it goes nowhere."""
    with socket.create_server(("localhost", 0)) as target:
        address = f"ws://localhost:{target.getsockname()[1]}/"
        async with await redirecting(address) as first:
            ws = WebSocket(plain_url_of(first), followRedirects=True)
            ws.on("redirect", lambda url, request: ws.close())
            heard = Heard(ws, "open", "error", "close")
            await ws.wait_closed()

        assert isinstance(heard.failure(), ConnectionAbortedError)
        target.setblocking(False)
        with pytest.raises(BlockingIOError):
            target.accept()


async def test_credentials_stay_at_home() -> None:
    """Another origin gets no credentials, with a listener of "redirect" neither; it may give some."""
    async with serving() as server:
        seen: list[Request] = []
        server.on("connection", lambda ws, request: seen.append(request))
        async with await redirecting(url_of(server)) as first:
            options: Any = {"followRedirects": True, "headers": {"Cookie": "a=b"}, "auth": "user:pass"}
            async with WebSocket(plain_url_of(first), **options):
                pass
            ws = WebSocket(plain_url_of(first), **options)
            ws.on("redirect", lambda url, request: request.headers.update({"Cookie": "c=d"}))
            async with ws:
                pass

    assert [request.headers.get("Cookie") for request in seen] == [None, "c=d"]
    assert all("Authorization" not in request.headers for request in seen)


async def test_encrypted_redirects_are_followed(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """With TLS as well, the transport of the first attempt has gone before the next."""
    mine, theirs = tls
    async with serving(ssl=mine) as server:
        recorder = Recorder(server)
        async with await redirecting(url_of(server, scheme="wss"), ssl=mine) as first:
            address = plain_url_of(first, scheme="wss")
            async with WebSocket(address, followRedirects=True, ssl=theirs) as ws:
                ws.send("here")
                assert await recorder.take(2) == [("connection", "/"), ("message", "here", False)]


def test_limit_begins_anew() -> None:
    """Each redirect may take ``handshakeTimeout`` seconds, as in ws."""

    async def main() -> None:
        async def slowly(connection: Any, request: Request) -> Response | None:
            await asyncio.sleep(4)
            if request.path == "/there":
                return None
            response: Response = connection.respond(302, "")
            response.headers["Location"] = "/there"
            return response

        async with serve(echo, "localhost", 0, process_request=slowly) as server:
            options: Any = {"followRedirects": True, "handshakeTimeout": 5}
            async with WebSocket(plain_url_of(server), **options) as ws:
                assert ws.url == plain_url_of(server, "/there")

    virtually(main)


def test_transports_go_first() -> None:
    """A redirect, and the end, are told when the transport before them has gone."""
    heard: list[str] = []

    class Noting(WebSocket):
        def connection_lost(self, exc: Exception | None) -> None:
            heard.append("lost")
            super().connection_lost(exc)

    async def main() -> None:
        async with answering(silent) as address, await redirecting(address) as first:
            ws = Noting(plain_url_of(first), followRedirects=True, handshakeTimeout=5)
            for event in ("redirect", "error", "close"):
                ws.on(event, lambda *_, event=event: heard.append(event))
            await ws.wait_closed()

    virtually(main)
    assert heard == ["lost", "redirect", "lost", "error", "close"]


# What is asked for.


async def test_requests_may_be_finished() -> None:
    """``finishRequest`` is given each request with the ``WebSocket``, and may change it."""
    async with serving() as server:
        seen: list[Request] = []
        server.on("connection", lambda ws, request: seen.append(request))
        async with await redirecting(url_of(server, "/there")) as first:
            finished: list[Any] = []

            def finish(request: Request, ws: WebSocket) -> None:
                finished.append((request.path, ws.url))
                request.headers["X-Count"] = str(len(finished))

            options: Any = {"followRedirects": True, "finishRequest": finish}
            async with WebSocket(plain_url_of(first), **options):
                pass
            assert finished == [("/", plain_url_of(first)), ("/there", url_of(server, "/there"))]

    assert seen[0].headers["X-Count"] == "2"


async def test_finished_request_may_close() -> None:
    """``finishRequest`` may give up at once; what it raises, the constructor raises."""
    async with serving() as server:
        error = await failing(url_of(server), finishRequest=lambda request, ws: ws.close())
        assert isinstance(error, ConnectionAbortedError)
        with pytest.raises(ZeroDivisionError):
            WebSocket(url_of(server), finishRequest=lambda request, ws: 1 / 0)
        with pytest.raises(ValueError, match="header"):
            WebSocket(url_of(server), finishRequest=lambda request, ws: request.headers.update({"A": "\n"}))


def basic(pair: str) -> str:
    """Return the value of Authorization for a pair."""
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    "user, options, sent",
    [
        ("", {"auth": "user:pass:word"}, basic("user:pass:word")),
        ("a:b@", {"auth": "user:pass"}, basic("a:b")),
        ("a:b@", {"headers": {"Authorization": "Bearer c"}}, "Bearer c"),
        ("", {"auth": "user:pass", "headers": {"authorization": "Bearer c"}}, "Bearer c"),
    ],
)
async def test_credentials_are_sent(user: str, options: dict[str, Any], sent: str) -> None:
    """A header goes before the address, and that before ``auth``; one of them is sent."""
    async with serving() as server:
        seen: list[Request] = []
        server.on("connection", lambda ws, request: seen.append(request))
        async with WebSocket(url_of(server).replace("//", f"//{user}"), **options):
            pass

    assert seen[0].headers.get_all("Authorization") == [sent]


async def test_headers_are_sent() -> None:
    """``headers`` and ``origin`` are in the request."""
    async with serving() as server:
        seen: list[Request] = []
        server.on("connection", lambda ws, request: seen.append(request))
        async with WebSocket(url_of(server), headers={"X-A": "1"}, origin="https://example.org"):
            pass

    assert (seen[0].headers["X-A"], seen[0].headers["Origin"]) == ("1", "https://example.org")


@pytest.mark.parametrize(
    "option, offer",
    [
        (False, None),
        (True, "permessage-deflate"),
        ({"serverNoContextTakeover": True}, "server_no_context_takeover"),
    ],
)
async def test_compression_is_offered(option: Any, offer: str | None) -> None:
    """``perMessageDeflate`` is on unless it is False, and may say which parameters to ask for."""
    async with serving(perMessageDeflate=True) as server:
        seen: list[Request] = []
        server.on("connection", lambda ws, request: seen.append(request))
        async with WebSocket(url_of(server), perMessageDeflate=option) as ws:
            assert ws.extensions == ("permessage-deflate" if option else "")

    sent = seen[0].headers.get("Sec-WebSocket-Extensions")
    assert sent is None if offer is None else offer in sent


async def test_unix_sockets_are_reached(tmp_path: Path) -> None:
    """``ws+unix:`` has the path of a socket, and behind a colon what to ask for."""
    place = os.fspath(tmp_path / "socket")
    paths: list[str] = []

    def note(connection: Any, request: Request) -> None:
        paths.append(request.path)

    async with serve(echo, path=place, process_request=note):
        for rest in ("", ":/x?y"):
            async with WebSocket(f"ws+unix:{place}{rest}") as ws:
                assert ws.url == f"ws+unix:{place}{rest}"

    assert paths == ["/", "/x?y"]


async def test_proxy_may_be_given(no_proxies: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """``proxy`` is the way to the server; the environment's counts only if it is asked for."""
    async with serving() as server, listening(Proxy("http")) as proxy:
        async with WebSocket(url_of(server), proxy=proxy.url()):
            pass
        monkeypatch.setenv("ws_proxy", "http://localhost:1")
        async with WebSocket(url_of(server)):
            pass

        assert proxy.asked == [("localhost", port_of(server))]


@pytest.mark.parametrize(
    "address, options, kind",
    [
        ("ftp://localhost/", {}, InvalidURI),
        ("ws://localhost/#a", {}, InvalidURI),
        ("ws://localhost/", {"protocols": ["a", "a"]}, ValueError),
        ("ws://localhost/", {"protocolVersion": 8}, ValueError),
        ("ws://localhost/", {"closeTimeout": 1}, TypeError),
        ("ws://localhost/", {"ssl": True}, ValueError),
        ("ws://localhost/", {"close_timeout": 0}, ValueError),
        ("ws://localhost/", {"headers": {"A": "\r\n"}}, ValueError),
    ],
)
async def test_wrong_options_are_refused(address: str, options: Any, kind: type[Exception]) -> None:
    """What makes no sense is refused at once, not told as an event."""
    with pytest.raises(kind):
        WebSocket(address, **options)


async def test_unknown_option_is_error() -> None:
    """What nobody takes is told when it is used."""
    assert isinstance(await failing("ws://localhost:1", nonsense=1), TypeError)


# The open connection.


async def test_pongs_may_be_left_out() -> None:
    """Without ``autoPong`` a ping is the program's to answer."""
    async with serving() as server:
        recorder = Recorder(server)
        async with WebSocket(url_of(server), autoPong=False) as ws:
            peer = await recorder.taken()
            ws.on("ping", lambda data: ws.pong(b"mine"))
            peer.ping(b"yours")
            assert await recorder.take(1) == [("pong", b"mine")]


async def test_payload_has_limit() -> None:
    """A message over ``maxPayload`` is an "error", and the server is told 1009."""
    async with serving() as server:
        recorder = Recorder(server)
        ws = WebSocket(url_of(server), maxPayload=10)
        heard = Heard(ws, "message", "error", "close")
        (await recorder.taken()).send(bytes(11))
        await ws.wait_closed()

        assert [(event[0], type(event[2])) for event in heard.all[:1]] == [("error", PayloadTooBig)]
        assert heard.all[1:] == [("close", CLOSED, 1006, "")]
        event, code, _ = (await recorder.take(1))[0]
        assert (event, code) == ("close", 1009)


async def test_broken_rule_is_error() -> None:
    """A server that masks breaks a rule, behind a message that keeps them all."""

    async def talk(reader: Any, writer: Any) -> None:
        writer.write(await accept_plainly(reader) + b"\x81\x02ok\x81\x82\x00\x00\x00\x00no")
        await reader.read()

    async with answering(talk) as address:
        ws = WebSocket(address)
        heard = Heard(ws, "message", "error", "close")
        await ws.wait_closed()

    (message, error, end) = heard.all
    assert message == ("message", OPEN, "ok", False)
    assert (error[0], type(error[2])) == ("error", RemoteProtocolError)
    assert end == ("close", CLOSED, 1006, "")


async def test_reset_is_error() -> None:
    """A connection that breaks is an "error", then a "close"."""

    async def talk(reader: Any, writer: Any) -> None:
        writer.write(await accept_plainly(reader))
        await writer.drain()
        # Closed so, the system sends a reset and no end.
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        await reader.readexactly(6)
        writer.transport.abort()

    async with answering(talk) as address:
        ws = WebSocket(address)
        ws.on("open", ws.ping)
        heard = Heard(ws, "error", "close")
        await ws.wait_closed()

    assert isinstance(heard.all[0][2], ConnectionResetError)
    assert heard.all[1:] == [("close", CLOSED, 1006, "")]


async def test_bursts_come_back() -> None:
    """Who sends much without waiting still reads: two such ends never wait for each other."""
    async with serving(maxPayload=None) as server:
        server.on("connection", lambda peer, request: peer.on("message", lambda data, _: peer.send(data)))
        heard: asyncio.Queue[Any] = asyncio.Queue()
        async with WebSocket(url_of(server), maxPayload=None, perMessageDeflate=False) as ws:
            ws.on("message", lambda data, is_binary: heard.put_nowait(len(data)))
            for _ in range(100):
                ws.send(bytes(200_000))
            assert [await heard.get() for _ in range(100)] == [200_000] * 100


async def test_pause_stops_messages() -> None:
    """While paused nothing is read; ``resume`` goes on."""
    async with serving() as server:
        recorder = Recorder(server)
        async with WebSocket(url_of(server)) as ws:
            heard: asyncio.Queue[Any] = asyncio.Queue()
            ws.on("message", lambda data, is_binary: heard.put_nowait(data))
            ws.pause()
            assert (ws.isPaused, ws.is_reading_paused) == (True, True)
            (await recorder.taken()).send("late")
            ws.resume()
            assert (ws.isPaused, await heard.get()) == (False, "late")


async def test_paused_is_kept() -> None:
    """A connection that nobody holds, and that isn't even read from, is there until it is closed."""
    async with serving(ping_interval=None) as server:
        recorder = Recorder(server)
        ws = WebSocket(url_of(server), ping_interval=None)
        await ws.wait_open()
        ws.pause()
        kept = weakref.ref(ws)
        del ws
        peer = await recorder.taken()
        for _ in range(5):
            # What is left to do in the next turns holds it as well.
            await asyncio.sleep(0)
        gc.collect()
        peer.close(4000)
        ws = kept()
        assert ws is not None
        ws.resume()
        assert await recorder.take(1) == [("close", 4000, "")]
        await ws.wait_closed()


# For scripts and programs.


@contextlib.contextmanager
def served_elsewhere() -> Any:
    """Serve in a thread of its own, whose connections say hello; give the address and their recorder."""
    ready: Any = threading.Event()
    place: dict[str, Any] = {}

    async def main() -> None:
        async with WebSocketServer(host="localhost", port=0) as server:
            place.update(loop=asyncio.get_running_loop(), stop=asyncio.Event(), url=url_of(server))
            place["recorder"] = Recorder(server)
            server.on("connection", lambda peer, request: peer.send("hello"))
            ready.set()
            await place["stop"].wait()

    thread = threading.Thread(target=asyncio.run, args=[main()])
    thread.start()
    ready.wait()
    try:
        yield place
    finally:
        place["loop"].call_soon_threadsafe(place["stop"].set)
        thread.join()


def test_run_tells_everything() -> None:
    """Made while no loop runs, it waits for ``run``, which ends when it is closed."""
    with served_elsewhere() as place:
        ws = WebSocket(place["url"])
        heard = Heard(ws, "open", "message", "close")
        ws.on("message", lambda data, is_binary: ws.close(4000, data))
        assert (ws.readyState, ws.url) == (CONNECTING, place["url"])
        ws.run()

    assert heard == [
        ("open", OPEN),
        ("message", OPEN, "hello", False),
        ("close", CLOSED, 4000, "hello"),
    ]


def test_run_may_be_interrupted() -> None:
    """Ctrl-C closes with 1001, and ``close`` is told."""
    with served_elsewhere() as place:
        ws = WebSocket(place["url"])
        heard = Heard(ws, "error", "close")
        ws.on("message", lambda data, is_binary: signal.raise_signal(signal.SIGINT))
        ws.run()

    assert heard == [("close", CLOSED, 1001, "")]


def test_run_raises_nothing() -> None:
    """A connection that doesn't open, or was closed before, is told by events, and that is all."""
    for early in (False, True):
        ws = WebSocket("ws://localhost:1")
        heard = Heard(ws)
        if early:
            ws.close()
        ws.run()

        assert isinstance(heard.failure(), ConnectionAbortedError if early else OSError)


async def test_context_closes() -> None:
    """The end of the block closes with 1000, or 1011 by an exception; a failure to open is raised."""
    async with serving() as server:
        recorder = Recorder(server)
        async with WebSocket(url_of(server)) as ws:
            await recorder.taken()
        assert ws.readyState is CLOSED
        assert await recorder.take(1) == [("close", 1000, "")]

        async def fail() -> None:
            async with WebSocket(url_of(server)):
                await recorder.taken()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert await recorder.take(1) == [("close", 1011, "")]
        port = port_of(server)
    ws = WebSocket(f"ws://localhost:{port}")
    ws.on("error", lambda error: None)
    with pytest.raises(ConnectionRefusedError):
        async with ws:
            pass


def test_shutdown_leaves() -> None:
    """Who ends the loop without closing leaves with 1001, or stops opening."""
    with served_elsewhere() as place:

        async def main() -> None:
            await WebSocket(place["url"]).wait_open()
            assert WebSocket(place["url"]).readyState is CONNECTING

        asyncio.run(main())
        recorder = place["recorder"]
        taking = asyncio.run_coroutine_threadsafe(recorder.take(2), place["loop"])
        assert taking.result() == [("connection", "/"), ("close", 1001, "")]


async def test_sides_are_one_class() -> None:
    """Both sides' connections have the same events and methods."""
    async with serving() as server:
        recorder = Recorder(server)
        async with WebSocket(url_of(server)) as ws:
            peer = await recorder.taken()
            assert isinstance(peer, ServerWebSocket)
            for name in ("send", "ping", "pong", "on", "addEventListener"):
                assert getattr(type(ws), name) is getattr(type(peer), name)
