"""The server's opening handshake: which requests are accepted, and how each of the others is refused."""

from __future__ import annotations

import gc
import re
import weakref
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.close import Close
from fullduplex.exceptions import (
    InvalidHeader,
    InvalidMessage,
    InvalidOrigin,
    InvalidUpgrade,
    LocalProtocolError,
    NegotiationError,
)
from fullduplex.protocol.connection import Ending
from fullduplex.protocol.events import CloseReceived, HandOver, Ping, Text
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.headers import Headers
from fullduplex.protocol.http11 import Request, Response
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.server import ServerConnection, plain_response
from fullduplex.protocol.states import State

from .wire import (
    HANDSHAKE_ACCEPT,
    HANDSHAKE_KEY,
    KEY,
    PING,
    PONG,
    REQUEST_HEADERS,
    TEXT,
    Frame,
    cut,
    frame,
    frames,
    head,
    replaced,
    upgrade_request,
)

DEFLATE = (PerMessageDeflateFactory(),)
#: How HTTP writes the time (RFC 9110 5.6.7).
DATE = "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"


class Answer:
    """What a server answers to some bytes."""

    def __init__(self, *data: bytes, **options: Any) -> None:
        self.server = ServerConnection(**options)
        self.request: Request | None = None
        for piece in data:
            self.server.receive_data(piece)
            for event in self.server.events_received():
                assert isinstance(event, Request)
                self.request = event
                self.server.send_response(self.server.accept(event))
        self.output = b"".join(self.server.data_to_send())
        assert self.server.response is not None
        response: Response = self.server.response
        self.status = response.status_code
        self.headers = response.headers

    @property
    def body(self) -> str:
        """The text of a refusal."""
        return self.output.partition(b"\r\n\r\n")[2].decode()


def answer(*more: tuple[str, str], **options: Any) -> Answer:
    """Return the answer to a good request with more headers."""
    return Answer(upgrade_request(*more), **options)


def refused(data: bytes, status: int, **options: Any) -> Answer:
    """See that some bytes are refused properly, however they arrive; return the answer."""
    for pieces in (cut(data, range(0, len(data), max(len(data) // 300, 1))), [data]):
        found = Answer(*pieces, **options)
        assert found.status == status
        assert found.output.startswith(b"HTTP/1.1 %d " % status)
        assert found.output.count(b"HTTP/1.1") == 1
        assert found.headers["Connection"] == "close"
        assert found.headers["Content-Length"] == str(len(found.body.encode()))
        assert found.body.startswith("Failed to open a WebSocket connection: ")
        assert "Upgrade" not in found.headers or status == 426
        assert "Sec-WebSocket-Accept" not in found.headers
        assert found.server.handshake_exception is not None
        assert found.server.state is State.CLOSED
        assert found.server.ending is Ending.HALF_CLOSE
        found.server.receive_data(upgrade_request() + frame(TEXT, b"late", key=KEY))
        assert found.server.events_received() == []
        assert found.server.data_to_send() == []
    return found


def opened(data: bytes, **options: Any) -> ServerConnection:
    """Return a server's connection that a request has opened."""
    found = Answer(data, **options)
    assert found.status == 101
    return found.server


# What is accepted.


def test_example_of_the_rfc() -> None:
    """The request of the RFC's example is accepted as it says (1.3, 4.2.2)."""
    found = answer(
        ("Origin", "http://example.com"), ("Sec-WebSocket-Protocol", "chat, superchat"), subprotocols=["chat"]
    )

    assert found.output.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert found.output.endswith(b"\r\n\r\n")
    assert found.headers["Upgrade"] == "websocket"
    assert found.headers["Connection"] == "Upgrade"
    assert found.headers["Sec-WebSocket-Accept"] == HANDSHAKE_ACCEPT
    assert found.headers["Sec-WebSocket-Protocol"] == "chat"
    assert re.fullmatch(DATE, found.headers["Date"])
    assert "Content-Length" not in found.headers
    assert found.server.state is State.OPEN
    assert found.server.ending is Ending.NONE
    assert found.server.handshake_exception is None


def test_request_becomes_event() -> None:
    """The request is told with its path, query and headers, and kept."""
    server = ServerConnection()
    server.receive_data(upgrade_request(("Cookie", "a=b"), line="GET /chat?room=1 HTTP/1.1"))
    [request] = server.events_received()

    assert isinstance(request, Request)
    assert request.path == "/chat?room=1"
    assert request.headers["cookie"] == "a=b"
    assert server.request is request
    assert server.state is State.CONNECTING
    assert server.data_to_send() == []


@pytest.mark.parametrize("step", [1, 2, 3, 10, 100])
def test_request_may_dribble(step: int) -> None:
    """A request is read alike however it is split."""
    data = upgrade_request(("X-Long", "y" * 300))

    assert Answer(*cut(data, range(0, len(data), step))).status == 101


@pytest.mark.parametrize(
    "line",
    [
        "GET / HTTP/1.1",
        "GET /chat?a=b HTTP/1.1",
        "GET http://server.example.com/chat HTTP/1.1",
        "GET ws://x HTTP/1.1",
    ],
)
def test_targets_are_accepted(line: str) -> None:
    """A path is a target, and so is an absolute URI (RFC 9112 3.2)."""
    assert Answer(upgrade_request(line=line)).status == 101


@pytest.mark.parametrize(
    "name, values",
    [
        # What Firefox sends.
        ("Connection", ["keep-alive, Upgrade"]),
        ("Connection", ["UPGRADE"]),
        ("Connection", ["keep-alive", "upgrade"]),
        ("Upgrade", ["WebSocket"]),
        # RFC 9110 7.8: a client may offer several protocols.
        ("Upgrade", ["websocket, h2c"]),
        ("Upgrade", ["h2c", "websocket"]),
        ("Upgrade", ["websocket"] * 2),
        ("Host", ["[::1]:8080"]),
        ("Content-Length", ["0"]),
        ("User-Agent", [""]),
        ("X-Twice", ["a", "b"]),
        ("Origin", []),
    ],
)
def test_variations_are_accepted(name: str, values: list[str]) -> None:
    """Case, lists and repeated lines are as HTTP has them."""
    assert Answer(head("GET / HTTP/1.1", replaced(REQUEST_HEADERS, name, *values))).status == 101


def test_names_of_headers_have_no_case() -> None:
    """A client may write the names of headers as it likes."""
    for change in (str.lower, str.upper):
        assert (
            Answer(head("GET / HTTP/1.1", [(change(name), value) for name, value in REQUEST_HEADERS])).status
            == 101
        )


def test_empty_line_may_come_first() -> None:
    """One empty line before the request is passed over, and no more than that (RFC 9112 2.2)."""
    assert Answer(b"\r\n" + upgrade_request()).status == 101
    assert Answer(*cut(b"\r\n" + upgrade_request(), range(200))).status == 101
    refused(b"\r\n\r\n" + upgrade_request(), 400)
    refused(b"\n" + upgrade_request(), 400)


# What is refused: the rows of headers that are wrong, and the status of the answer.


@pytest.mark.parametrize(
    "name, values, status",
    [
        # RFC 9112 3.2: exactly one valid Host.
        ("Host", [], 400),
        ("Host", ["a", "b"], 400),
        ("Host", ["server.example.com"] * 2, 400),
        ("Host", [""], 400),
        ("Host", ["a b"], 400),
        ("Host", ["a/b"], 400),
        ("Host", ["user@a"], 400),
        ("Host", ["a, b"], 400),
        ("Upgrade", [], 426),
        ("Upgrade", ["h2c"], 426),
        ("Upgrade", ["websockets, h2c"], 426),
        ("Upgrade", [""], 400),
        ("Connection", [], 426),
        ("Connection", ["keep-alive"], 426),
        ("Connection", ["close"], 426),
        ("Connection", ["websocket"], 426),
        ("Connection", [""], 400),
        ("Connection", ["Upgrade;"], 400),
        ("Sec-WebSocket-Version", [], 400),
        ("Sec-WebSocket-Version", ["13", "13"], 400),
        *(
            ("Sec-WebSocket-Version", [version], 426)
            for version in ("0", "7", "8", "12", "14", "013", "13, 8", "x", "")
        ),
        ("Sec-WebSocket-Key", [], 400),
        ("Sec-WebSocket-Key", [HANDSHAKE_KEY] * 2, 400),
        ("Sec-WebSocket-Key", [""], 400),
        ("Sec-WebSocket-Key", ["x"], 400),
        ("Sec-WebSocket-Key", [HANDSHAKE_KEY[:-2]], 400),
        ("Sec-WebSocket-Key", [HANDSHAKE_KEY + "="], 400),
        ("Sec-WebSocket-Key", ["A" * 24], 400),
        ("Sec-WebSocket-Key", ["\xe9" * 24], 400),
        # 4.2.1: a handshake request has no body, and no way to smuggle one.
        ("Content-Length", ["5"], 400),
        ("Content-Length", ["00"], 400),
        ("Content-Length", ["-1"], 400),
        ("Content-Length", ["0", "0"], 400),
        ("Content-Length", ["0, 0"], 400),
        ("Content-Length", [""], 400),
        ("Transfer-Encoding", ["chunked"], 400),
        ("Transfer-Encoding", ["identity"], 400),
        ("Transfer-Encoding", [""], 400),
        ("Sec-WebSocket-Protocol", [""], 400),
        ("Sec-WebSocket-Protocol", ["a b"], 400),
        ("Sec-WebSocket-Protocol", ["a,(b)"], 400),
        ("Sec-WebSocket-Protocol", ['"a"'], 400),
        ("Sec-WebSocket-Extensions", ["a;"], 400),
        ("Sec-WebSocket-Extensions", ['a; b="'], 400),
        ("Sec-WebSocket-Extensions", ["permessage-deflate; client_max_window_bits="], 400),
    ],
)
def test_bad_header_is_refused(name: str, values: list[str], status: int) -> None:
    """A request with a header that is missing, repeated or wrong is refused by its status (4.2.1)."""
    found = refused(head("GET / HTTP/1.1", replaced(REQUEST_HEADERS, name, *values)), status)

    assert isinstance(found.server.handshake_exception, InvalidHeader | InvalidMessage)


@pytest.mark.parametrize(
    "line, status",
    [
        *(
            (f"{method} / HTTP/1.1", 405)
            for method in ("POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "GETS")
        ),
        ("OPTIONS * HTTP/1.1", 405),
        ("GET / HTTP/1.0", 400),
        ("GET / HTTP/1.2", 400),
        ("GET / HTTP/0.9", 505),
        ("GET / HTTP/2.0", 505),
        ("GET / HTTP/3.0", 505),
        ("GET /", 400),
        ("GET  / HTTP/1.1", 400),
        ("GET / HTTP/1.1 ", 400),
        ("GET /a b HTTP/1.1", 400),
        ("GET chat HTTP/1.1", 400),
        ("GET * HTTP/1.1", 400),
        ("CONNECT server.example.com:80 HTTP/1.1", 400),
        ("GET ftp://x/ HTTP/1.1", 400),
        ("", 400),
        ("GET /" + "a" * 8192 + " HTTP/1.1", 414),
    ],
)
def test_bad_request_line_is_refused(line: str, status: int) -> None:
    """A request of another method, version or form is refused by its status (4.2.1)."""
    found = refused(head(line, REQUEST_HEADERS), status)

    assert found.headers.get("Allow") == ("GET" if status == 405 else None)


@pytest.mark.parametrize(
    "data, status",
    [
        (upgrade_request().replace(b"\r\n", b"\n"), 400),
        (upgrade_request().replace(b"Host: ", b"Host : "), 400),
        (upgrade_request().replace(b"Upgrade: ", b" Upgrade: "), 400),
        (upgrade_request().replace(b"Upgrade: ", b"X: y\r\n folded\r\nUpgrade: "), 400),
        (upgrade_request().replace(b"Upgrade: websocket", b"Upgrade websocket"), 400),
        (upgrade_request().replace(b"websocket", b"web\x00socket"), 400),
        (upgrade_request().replace(b"websocket", b"web\rsocket"), 400),
        (upgrade_request().replace(b"websocket", b"websocket\x0b"), 400),
        (upgrade_request().replace(b"Host:", b"H\xf6st:"), 400),
        (upgrade_request().replace(b"/chat", b"/\x00"), 400),
        (upgrade_request().replace(b"/chat", b"/\xe4"), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 400),
        (b"\x81\x85\x37\xfa\x21\x3d\n", 400),
        (b"x" * 8193, 414),
        (upgrade_request(("X", "y" * 8200)), 431),
        (upgrade_request(*[("X", "y")] * 130), 431),
        (upgrade_request(*[("X", "y" * 8000)] * 5), 431),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 1_000_000, 431),
    ],
)
def test_malformed_head_is_refused(data: bytes, status: int) -> None:
    """A head that isn't HTTP, or over a limit, is refused without an event (RFC 9112)."""
    found = refused(data, status)

    assert found.request is None
    assert isinstance(found.server.handshake_exception, InvalidMessage)


@pytest.mark.parametrize("name", ["request_line", "header_line", "headers", "head"])
def test_limits_are_those_given(name: str) -> None:
    """Each limit of the head is the one that the connection was made with."""
    assert Answer(upgrade_request()).status == 101
    refused(upgrade_request(), 414 if name == "request_line" else 431, limits=Limits(**{name: 4}))


@pytest.mark.parametrize("number", [129, 1000, 5000])
def test_heap_of_headers_hides_nothing(number: int) -> None:
    """Headers before those that matter, beyond the limit, are refused; none is dropped without a word."""
    refused(head("GET / HTTP/1.1", [*[("X", "y")] * number, *REQUEST_HEADERS]), 431)


@pytest.mark.parametrize(
    "headers, status",
    [
        # A proxy that doesn't know the draft would take each of these for plain HTTP.
        ([("Host", "a"), ("Sec-WebSocket-Version", "8"), ("Sec-WebSocket-Key", HANDSHAKE_KEY)], 426),
        ([("Host", "a"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", HANDSHAKE_KEY)], 426),
        (replaced(REQUEST_HEADERS, "Sec-WebSocket-Version", "8"), 426),
        ([*replaced(REQUEST_HEADERS, "Sec-WebSocket-Version", "7"), ("Sec-WebSocket-Origin", "a")], 426),
        # The drafts before the RFC had no version, and keys of their own.
        (
            [
                *replaced(REQUEST_HEADERS[:3], "Upgrade", "WebSocket"),
                ("Sec-WebSocket-Key1", "4 @1  46546xW%0l 1 5"),
                ("Sec-WebSocket-Key2", "12998 5 Y3 1  .P00"),
            ],
            400,
        ),
    ],
)
def test_old_drafts_are_refused(headers: list[tuple[str, str]], status: int) -> None:
    """No draft is spoken but the RFC: whatever an old client or a disguised one asks for, it isn't 101."""
    refused(head("GET /chat HTTP/1.1", headers, b"^n:ds[4U"), status)


@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding"])
@pytest.mark.parametrize(
    "values", [["44", "0"], ["0", "44"], ["chunked", "identity"], ["xchunked"], ["+0"], ["0x0"]]
)
def test_bodies_smuggle_nothing(name: str, values: list[str]) -> None:
    """However a body is announced, the request behind it gets no answer of its own."""
    headers = [*REQUEST_HEADERS, *((name, value) for value in values)]
    found = refused(head("GET / HTTP/1.1", headers, b"0\r\n\r\n" + upgrade_request()), 400)

    assert found.output.count(b"HTTP/1.1 ") == 1


def test_parser_differences_smuggle_nothing() -> None:
    """A second request, behind one that is refused, is neither read nor answered."""
    smuggled = head("POST / HTTP/1.1", [*REQUEST_HEADERS, ("Content-Length", "44")], upgrade_request())

    assert refused(smuggled, 400).output.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "name, values, problem",
    [
        ("Host", [], "missing Host header"),
        ("Host", ["a b"], "invalid Host header"),
        ("Upgrade", [], "missing Upgrade header"),
        ("Upgrade", ["h2c"], "invalid Upgrade header"),
        ("Sec-WebSocket-Version", ["8"], "Sec-WebSocket-Version must be 13"),
    ],
)
def test_refusal_says_what_is_wrong(name: str, values: list[str], problem: str) -> None:
    """The body of a refusal names the rule that was broken, or the header that is missing or invalid."""
    found = Answer(head("GET / HTTP/1.1", replaced(REQUEST_HEADERS, name, *values)))

    assert found.body == f"Failed to open a WebSocket connection: {problem}.\n"


@pytest.mark.parametrize(
    "status, name, values", [(426, "Upgrade", ["h2c"]), (426, "Sec-WebSocket-Version", ["8"])]
)
def test_upgrade_required_says_what(status: int, name: str, values: list[str]) -> None:
    """The answer 426 names the protocol and its version (4.2.2)."""
    found = refused(head("GET / HTTP/1.1", replaced(REQUEST_HEADERS, name, *values)), status)

    assert found.headers["Upgrade"] == "websocket"
    assert found.headers["Sec-WebSocket-Version"] == "13"


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Key",
        "Content-Length",
        "Origin",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Transfer-Encoding",
    ],
)
def test_nothing_is_echoed(name: str) -> None:
    """What a request says doesn't come back, neither in headers nor in the body."""
    for value in (
        "<script>marker</script>",
        "marker",
        "marker/1",
        'marker; x="marker',
        "marker; marker=marker",
    ):
        data = head("GET /marker HTTP/1.1", [("X", "marker"), *replaced(REQUEST_HEADERS, name, value)])
        found = Answer(data, origins=["https://ours.example"], subprotocols=["chat"], extensions=DEFLATE)
        assert found.status != 101
        assert b"marker" not in found.output


# Origins (4.2.2, 10.2).

SITE = "https://site.example"


@pytest.mark.parametrize(
    "origins, origin, is_accepted",
    [
        ([SITE], [SITE], True),
        ([SITE], ["https://other.example"], False),
        ([SITE], ["null"], False),
        ([SITE], [""], False),
        ([SITE], [], False),
        ([SITE, None], [], True),
        ([SITE], ["http://site.example"], False),
        ([SITE], ["https://site.example:443"], False),
        ([SITE], ["https://site.example.evil.example"], False),
        ([SITE], ["https://evil.site.example"], False),
        ([SITE], ["https://site.example/"], False),
        ([SITE], ["https://sitexexample"], False),
        ([SITE], ["https://site.exampl"], False),
        ([SITE], ["evilhttps://site.example"], False),
        ([SITE], [SITE, SITE], False),
        ([SITE, None], [SITE, "https://evil.example"], False),
        ([SITE], [f"{SITE}, https://evil.example"], False),
        ([re.compile(r"https://[a-z]+\.site\.example")], ["https://a.site.example"], True),
        ([re.compile(r"https://[a-z]+\.site\.example")], ["https://a.site.example.evil"], False),
        ([re.compile(r"https://[a-z]+\.site\.example")], ["x https://a.site.example"], False),
        ([re.compile(r".*")], [], False),
        ([], [SITE], False),
        ([], [], False),
        ([None], [SITE], False),
    ],
)
def test_origins_are_held(origins: Sequence[Any], origin: list[str], is_accepted: bool) -> None:
    """Only origins listed are accepted, by their whole value, and a missing one only if None is listed."""
    data = head("GET / HTTP/1.1", [*REQUEST_HEADERS, *(("Origin", value) for value in origin)])

    if is_accepted:
        assert Answer(data, origins=origins).status == 101
    else:
        assert isinstance(refused(data, 403, origins=origins).server.handshake_exception, InvalidOrigin)


@pytest.mark.parametrize(
    "origin, host, is_accepted",
    [
        ("http://server.example.com", "server.example.com", True),
        ("https://server.example.com", "server.example.com", True),
        ("HTTPS://Server.Example.com", "server.example.COM", True),
        ("http://server.example.com:8000", "server.example.com:8000", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("http://server.example.com:8000", "server.example.com", False),
        ("http://server.example.com", "server.example.com:8000", False),
        ("http://evil.example", "server.example.com", False),
        ("http://server.example.com.evil.example", "server.example.com", False),
        ("http://evil.example/server.example.com", "server.example.com", False),
        ("ftp://server.example.com", "server.example.com", False),
        ("null", "server.example.com", False),
        ("", "server.example.com", False),
    ],
)
def test_cookies_need_same_origin(origin: str, host: str, is_accepted: bool) -> None:
    """Without a list, a request with cookies must be of the server's own origin (10.2)."""
    headers = [*replaced(REQUEST_HEADERS, "Host", host), ("Origin", origin)]
    data = head("GET / HTTP/1.1", [*headers, ("Cookie", "session=secret")])

    if is_accepted:
        assert Answer(data).status == 101
    else:
        assert isinstance(refused(data, 403).server.handshake_exception, InvalidOrigin)
    assert Answer(head("GET / HTTP/1.1", headers)).status == 101


@pytest.mark.parametrize(
    "authorization, is_accepted",
    [
        ("Basic YW5uOmxlZQ==", False),
        ("Negotiate x", False),
        ("", False),
        ("Bearer x", True),
        ("BEARER x", True),
        ("Bearerx", False),
    ],
)
def test_credentials_need_same_origin(authorization: str, is_accepted: bool) -> None:
    """So must one with credentials that a browser adds by itself, as it does those of Basic."""
    headers = [("Origin", "http://evil.example"), ("Authorization", authorization)]

    assert answer(*headers).status == (101 if is_accepted else 403)
    assert answer(headers[1]).status == 101


def test_cookies_without_origin() -> None:
    """A request without Origin is no browser's, and may have cookies."""
    assert answer(("Cookie", "a=b")).status == 101


def test_repeated_origin_is_refused() -> None:
    """Two Origin headers are refused, list or no list."""
    refused(upgrade_request(("Origin", SITE), ("Origin", SITE)), 403)


# Subprotocols (4.2.2).


@pytest.mark.parametrize(
    "offered, options, agreed",
    [
        ("chat, ours", {}, "ours"),
        ("chat", {}, None),
        ("chat, ours", {"subprotocols": ["chat"]}, "chat"),
        ("chat, ours", {"select_subprotocol": lambda server, offered: None}, "ours"),
        ("chat, ours", {"select_subprotocol": lambda server, offered: "chat"}, "chat"),
    ],
)
def test_default_subprotocol_is_agreed(offered: str, options: Any, agreed: str | None) -> None:
    """The default is for clients that offer it, where nothing else is agreed."""
    server = ServerConnection(**options)
    server.default_subprotocol = "ours"
    server.receive_data(upgrade_request(("Sec-WebSocket-Protocol", offered)))
    [request] = server.events_received()
    assert isinstance(request, Request)
    response = server.accept(request)

    assert response.status_code == 101
    assert server.subprotocol == agreed
    assert response.headers.get("Sec-WebSocket-Protocol") == agreed


def test_default_is_no_other_choice() -> None:
    """A client that offers the default, and nothing that the server speaks, is refused."""
    server = ServerConnection(subprotocols=["chat"])
    server.default_subprotocol = "ours"
    server.receive_data(upgrade_request(("Sec-WebSocket-Protocol", "ours")))
    [request] = server.events_received()
    assert isinstance(request, Request)

    assert server.accept(request).status_code == 400


@pytest.mark.parametrize(
    "ours, theirs, chosen",
    [
        ([], [], None),
        ([], ["chat"], None),
        (["chat"], ["chat"], "chat"),
        (["a", "b"], ["b, a"], "a"),
        (["a", "b"], ["b", "a"], "a"),
        (["a", "b"], ["x, b"], "b"),
        (["chat"], ["chat, chat"], "chat"),
    ],
)
def test_subprotocol_is_chosen(ours: list[str], theirs: list[str], chosen: str | None) -> None:
    """The first of ours that the client offers is chosen, or none where we have none."""
    found = answer(*(("Sec-WebSocket-Protocol", value) for value in theirs), subprotocols=ours)

    assert found.status == 101
    assert found.server.subprotocol == chosen
    assert found.headers.get("Sec-WebSocket-Protocol") == chosen


@pytest.mark.parametrize("theirs", [[], ["other"], ["CHAT"], ["chatter"], ["x-chat"]])
def test_subprotocol_is_required(theirs: list[str]) -> None:
    """Who doesn't offer any of ours is refused, and told what we speak."""
    data = upgrade_request(*(("Sec-WebSocket-Protocol", value) for value in theirs))
    found = refused(data, 400, subprotocols=["chat", "v2"])

    assert isinstance(found.server.handshake_exception, NegotiationError)
    assert "chat, v2" in found.body


def test_selector_chooses() -> None:
    """A function may choose instead, among what the client offers, in its order."""
    asked: list[Sequence[str]] = []

    def select(connection: ServerConnection, offered: Sequence[str]) -> str | None:
        asked.append(offered)
        return offered[-1] if offered else None

    found = answer(
        ("Sec-WebSocket-Protocol", "a, b"), ("Sec-WebSocket-Protocol", "c"), select_subprotocol=select
    )
    assert found.server.subprotocol == "c"
    assert answer(select_subprotocol=select).server.subprotocol is None
    assert asked == [["a", "b", "c"], []]


def test_selector_of_the_moment_chooses() -> None:
    """A function given with the request goes before the one that the connection was made with."""
    server = ServerConnection(select_subprotocol=lambda connection, offered: offered[0])
    server.receive_data(upgrade_request(("Sec-WebSocket-Protocol", "a, b")))
    [request] = server.events_received()
    assert isinstance(request, Request)

    assert server.accept(request, lambda offered: offered[-1]).headers["Sec-WebSocket-Protocol"] == "b"
    assert server.accept(request).headers["Sec-WebSocket-Protocol"] == "a"


def test_selector_is_checked() -> None:
    """A choice that wasn't offered would fail the client, so it is refused."""
    refused(upgrade_request(), 400, select_subprotocol=lambda connection, offered: "a")

    def refuse(connection: ServerConnection, offered: Sequence[str]) -> str | None:
        raise NegotiationError("none of these")

    assert "none of these" in refused(upgrade_request(), 400, select_subprotocol=refuse).body


def test_heap_of_subprotocols() -> None:
    """A header full of subprotocols, or of what looks like them, is read in no time."""
    heap = ("Sec-WebSocket-Protocol", "a," * 4000)

    assert answer(heap, subprotocols=["a"]).status == 101
    refused(upgrade_request(("Sec-WebSocket-Protocol", "a" + " " * 8000 + "b")), 400)


# Extensions (9.1; RFC 7692 5).


@pytest.mark.parametrize(
    "offers, answered",
    [
        ([], None),
        (["permessage-deflate"], "permessage-deflate; server_max_window_bits=12"),
        (
            ["permessage-deflate; client_max_window_bits"],
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
        ),
        (["x-other, permessage-deflate"], "permessage-deflate; server_max_window_bits=12"),
        (["x-other", "permessage-deflate"], "permessage-deflate; server_max_window_bits=12"),
        # An offer that can't be accepted is declined, and the next one is looked at (RFC 7692 5).
        *(
            (
                [f"permessage-deflate; {bad}, permessage-deflate; server_max_window_bits=9"],
                "permessage-deflate; server_max_window_bits=9",
            )
            for bad in (
                "x",
                "server_max_window_bits",
                "server_max_window_bits=7",
                "client_max_window_bits=99",
                "client_no_context_takeover; client_no_context_takeover",
                "server_no_context_takeover=1",
            )
        ),
        *(
            ([f"permessage-deflate; {bad}"], None)
            for bad in (
                "x",
                "server_max_window_bits=08",
                "server_max_window_bits=16",
                "client_max_window_bits=7",
                "server_max_window_bits=10; server_max_window_bits=10",
            )
        ),
        (["x-other"], None),
        (["PERMESSAGE-DEFLATE"], None),
        (["permessage-deflate, permessage-deflate"], "permessage-deflate; server_max_window_bits=12"),
    ],
)
def test_offers_are_answered(offers: list[str], answered: str | None) -> None:
    """The first offer that can be accepted is, and the others are declined without a word."""
    found = answer(*(("Sec-WebSocket-Extensions", value) for value in offers), extensions=DEFLATE)

    assert found.status == 101
    assert found.headers.get("Sec-WebSocket-Extensions") == answered
    assert (found.server.extension is not None) is (answered is not None)


def test_nothing_is_agreed_without_factories() -> None:
    """A server without extensions declines every offer."""
    found = answer(("Sec-WebSocket-Extensions", "permessage-deflate"))

    assert "Sec-WebSocket-Extensions" not in found.headers
    assert found.server.extension is None


def test_empty_offer_offers_nothing() -> None:
    """A header that names no extension is as good as none, as some clients send it."""
    found = answer(("Sec-WebSocket-Extensions", ""), extensions=DEFLATE)

    assert found.status == 101
    assert "Sec-WebSocket-Extensions" not in found.headers


def test_agreed_compression_is_used() -> None:
    """Once agreed, compressed messages are taken, and sent."""
    server = opened(upgrade_request(("Sec-WebSocket-Extensions", "permessage-deflate")), extensions=DEFLATE)
    server.receive_data(frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=0x40, key=KEY))
    server.send_message(Opcode.TEXT, b"Hello", compress=True)

    assert server.events_received() == [Text("Hello")]
    assert frames(b"".join(server.data_to_send()), masked=False) == [
        Frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=0x40)
    ]


# The response, and what comes after it.


def test_frames_may_be_early() -> None:
    """Frames in the same read as the request are read once the connection is open."""
    server = ServerConnection()
    server.receive_data(
        upgrade_request() + frame(TEXT, b"early\nbird\r\n", key=KEY) + frame(PING, b"?", key=KEY)
    )
    [request] = server.events_received()
    assert isinstance(request, Request)
    server.send_response(server.accept(request))
    server.receive_data(b"")

    assert server.events_received() == [Text("early\nbird\r\n"), Ping(b"?")]
    _, pong = server.data_to_send()
    assert frames(pong, masked=False) == [Frame(PONG, b"?")]


@pytest.mark.parametrize("step", [1, 5, 1000])
def test_frames_may_come_before_the_answer(step: int) -> None:
    """Frames that arrive while the request is being looked at are kept as they are, line ends and all."""
    server = ServerConnection()
    server.receive_data(upgrade_request())
    [request] = server.events_received()
    text = "one\ntwo\r\n\r\nthree\n" * 9 + "x" * 9000
    data = frame(TEXT, text.encode(), key=bytes(4)) + frame(TEXT, b"\n", key=KEY)
    for piece in cut(data, range(0, len(data), step)):
        server.receive_data(piece)
    assert server.events_received() == []

    assert isinstance(request, Request)
    server.send_response(server.accept(request))
    server.receive_data(b"")

    assert server.events_received() == [Text(text), Text("\n")]
    server.receive_data(frame(TEXT, b"later", key=KEY))
    assert server.events_received() == [Text("later")]


def test_early_frames_of_the_refused_are_dropped() -> None:
    """What a refused client had sent already means nothing."""
    found = refused(upgrade_request(("Origin", "x")) + frame(TEXT, b"early", key=KEY), 403, origins=[])

    assert found.server.events_received() == []


def test_frames_of_the_open_connection() -> None:
    """After the handshake the connection reads and writes frames."""
    server = opened(upgrade_request())
    server.receive_data(frame(TEXT, b"Hello", key=KEY) + frame(8, b"\x03\xe8", key=KEY))

    assert server.events_received() == [Text("Hello"), CloseReceived(Close(1000))]
    assert b"".join(server.data_to_send()) == bytes.fromhex("88 02 03e8")
    assert server.ending is Ending.CLOSE


def test_response_is_sent_once() -> None:
    """A second response is a bug in the caller."""
    server = opened(upgrade_request())
    with pytest.raises(LocalProtocolError, match="already"):
        server.send_response(Response(200))


@pytest.mark.parametrize(
    "name, value", [("X\r\nInjected", "yes"), ("X", "a\r\nInjected: yes"), ("X", "a\nb"), ("X", "\x00")]
)
def test_response_is_not_broken_apart(name: str, value: str) -> None:
    """A header that the owner adds can't break the response apart; nothing is sent, and another may be."""
    server = ServerConnection()
    server.receive_data(upgrade_request())
    [request] = server.events_received()
    assert isinstance(request, Request)
    response = server.accept(request)
    response.headers[name] = value
    with pytest.raises(ValueError, match="invalid"):
        server.send_response(response)
    assert server.data_to_send() == []
    assert server.state is State.CONNECTING

    server.send_response(plain_response(500, "Sorry.\n"))
    assert b"".join(server.data_to_send()).startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert server.state is State.CLOSED


def test_owner_may_refuse() -> None:
    """Any other response ends the connection."""
    server = ServerConnection()
    server.receive_data(upgrade_request())
    server.events_received()
    server.send_response(plain_response(401, "Who are you?\n"))

    output = b"".join(server.data_to_send())
    assert output.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert output.endswith(b"\r\n\r\nWho are you?\n")
    assert server.ending is Ending.HALF_CLOSE
    assert server.state is State.CLOSED


def test_refusal_may_come_in_parts() -> None:
    """A body may follow in chunks; until its end nothing that arrives means anything."""
    server = ServerConnection()
    server.receive_data(upgrade_request())
    server.events_received()
    server.send_response(Response(403, headers=Headers({"X": "y"}), body=b"one "), more_body=True)
    server.receive_data(frame(TEXT, b"hello", key=KEY))
    server.send_body(b"", more_body=True)
    server.send_body(b"twelve bytes", more_body=True)
    assert (server.state, server.ending) == (State.CONNECTING, Ending.NONE)
    server.send_body(b"")

    head, _, body = b"".join(server.data_to_send()).partition(b"\r\n\r\n")
    assert head == b"HTTP/1.1 403 Forbidden\r\nX: y\r\nTransfer-Encoding: chunked"
    assert body == b"4\r\none \r\nc\r\ntwelve bytes\r\n0\r\n\r\n"
    assert server.events_received() == []
    assert (server.state, server.ending) == (State.CLOSED, Ending.HALF_CLOSE)


def test_bodies_belong_to_refusals() -> None:
    """There is nothing more of a body before a response, nor after its end."""
    server = ServerConnection()
    server.receive_data(upgrade_request())
    with pytest.raises(LocalProtocolError, match="no more of a body is due"):
        server.send_body(b"early")
    server.send_response(plain_response(403, "No.\n"))
    with pytest.raises(LocalProtocolError, match="no more of a body is due"):
        server.send_body(b"late")


def test_plain_response_measures_its_body() -> None:
    """The length is that of the encoded text."""
    response = plain_response(404, "没有\n")

    assert re.fullmatch(DATE, response.headers["Date"])
    assert response.headers["Content-Length"] == "7"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Connection"] == "close"


def test_eof_before_the_request() -> None:
    """A client that goes before its request is whole gets nothing."""
    server = ServerConnection()
    server.receive_data(b"GET / HTTP/1.1\r\n")
    server.receive_eof()

    assert server.state is State.CLOSED
    assert server.ending is Ending.CLOSE
    assert server.data_to_send() == []


@given(data=st.binary(max_size=200), hands_over=st.booleans())
def test_noise_raises_nothing(data: bytes, hands_over: bool) -> None:
    """No bytes make the handshake raise, and at most one response is sent."""
    server = ServerConnection(hands_over=hands_over)
    for piece in (data, b"\r\n\r\n", data):
        server.receive_data(piece)

    assert b"".join(server.data_to_send()).count(b"HTTP/1.1") <= 1


@given(
    changes=st.lists(
        st.tuples(st.integers(0, 200), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=4
    ),
    places=st.lists(st.integers(1, 250), max_size=8),
)
def test_broken_requests_in_any_split(changes: list[tuple[int, bytes, int]], places: list[int]) -> None:
    """A request with bytes changed, added or left out is answered alike however it is split."""
    data = upgrade_request(("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"))
    for at, new, length in changes:
        data = data[:at] + new + data[at + length :]

    def outcome(pieces: list[bytes]) -> object:
        server = ServerConnection(extensions=DEFLATE, limits=Limits(header_line=90, headers=6))
        for piece in pieces:
            server.receive_data(piece)
            for event in server.events_received():
                if isinstance(event, Request):
                    server.send_response(server.accept(event))
        lines = b"".join(server.data_to_send()).split(b"\r\n")
        return server.request, server.state, [line for line in lines if not line.startswith(b"Date")]

    assert outcome(cut(data, places)) == outcome([data])


# Handing over what isn't for us.


def handed_over(*data: bytes) -> bytes | None:
    """Return what a server hands over of some reads, if it does."""
    server = ServerConnection(hands_over=True)
    for at, piece in enumerate(data):
        server.receive_data(piece)
        for event in server.events_received():
            if isinstance(event, HandOver):
                assert server.data_to_send() == []
                assert server.state is State.CLOSED
                return event.data + b"".join(data[at + 1 :])
    return None


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\na\r\nb\n",
        b"POST /form HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"nonsense\r\n\r\n",
        b"nonsense\n",
        b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"POST / HTTP/1.1\r\nBad Name: a\r\nContent-Length: 20\r\n\r\n\nUpgrade: websocket\r\n",
    ],
)
def test_other_requests_are_handed_over(data: bytes) -> None:
    """A request that doesn't ask for a WebSocket is given away to the byte, malformed or not."""
    assert handed_over(data) == data
    assert handed_over(*cut(data, range(len(data)))) == data
    assert handed_over(*cut(data, range(0, len(data), 100))) == data


def test_upgrades_are_not_handed_over() -> None:
    """A request for a WebSocket is ours."""
    assert handed_over(upgrade_request()) is None
    assert Answer(upgrade_request(), hands_over=True).status == 101


@pytest.mark.parametrize(
    "data, status",
    [
        (upgrade_request().replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
        (upgrade_request().replace(b"13", b"8"), 426),
        (upgrade_request().replace(b"GET", b"POST"), 405),
        (upgrade_request(("Bad Name", "x")), 400),
        (upgrade_request().replace(b"Upgrade: ", b"upgrade \t: "), 400),
        (upgrade_request(("X", "y" * 9000)), 431),
        (upgrade_request().replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n"), 400),
        (upgrade_request().replace(b"\r\nUpgrade", b"\nUpgrade"), 400),
        (upgrade_request().replace(b"\r\n", b"\n"), 400),
    ],
)
def test_bad_upgrades_are_refused_here(data: bytes, status: int) -> None:
    """A bad request for a WebSocket is refused by us: nobody else would know it for one (RFC 6455 4.2.1)."""
    assert refused(data, status, hands_over=True).server.handshake_exception is not None


@given(
    changes=st.lists(
        st.tuples(st.integers(0, 200), st.sampled_from([b"", b"\n", b"\r\n", b"x"]), st.integers(0, 3)),
        max_size=4,
    ),
    places=st.lists(st.integers(1, 250), max_size=8),
)
def test_split_decides_nothing(changes: list[tuple[int, bytes, int]], places: list[int]) -> None:
    """Whether a request is ours or somebody else's doesn't depend on how its bytes were split."""
    data = upgrade_request(("X", "y" * 50), ("Z", "z"))
    for at, new, length in changes:
        data = data[:at] + new + data[at + length :]

    def outcome(pieces: list[bytes]) -> object:
        server = ServerConnection(hands_over=True, limits=Limits(header_line=60, headers=6))
        for piece in pieces:
            server.receive_data(piece)
        events = [type(event) for event in server.events_received()]
        return events, server.response and server.response.status_code

    assert outcome(cut(data, places)) == outcome([data])


def test_nothing_is_read_after_handing_over() -> None:
    """Once handed over, the connection is somebody else's."""
    server = ServerConnection(hands_over=True)
    server.receive_data(b"GET / HTTP/1.1\r\n\r\n")
    assert server.events_received() == [HandOver(b"GET / HTTP/1.1\r\n\r\n")]
    server.receive_data(upgrade_request())

    assert server.events_received() == []
    assert server.data_to_send() == []
    with pytest.raises(LocalProtocolError):
        server.send_response(Response(200, headers=Headers()))


def test_invalid_upgrade_is_told() -> None:
    """The owner can tell why a handshake failed."""
    found = refused(head("GET / HTTP/1.1", replaced(REQUEST_HEADERS, "Upgrade", "h2c")), 426)

    assert isinstance(found.server.handshake_exception, InvalidUpgrade)
    assert str(found.server.handshake_exception) == "invalid Upgrade header: h2c"


@pytest.mark.parametrize("data", [upgrade_request(("Origin", "x")), b"nonsense\r\n\r\n"])
def test_refused_leave_no_garbage(data: bytes) -> None:
    """The error that is kept doesn't keep its connection: both go without the garbage collector."""
    gc.disable()
    try:
        server = ServerConnection(origins=[])
        server.receive_data(data)
        for event in server.events_received():
            assert isinstance(event, Request)
            server.send_response(server.accept(event))
        error, kept = server.handshake_exception, weakref.ref(server)
        del server
        assert error is not None
        assert kept() is None
    finally:
        gc.enable()
