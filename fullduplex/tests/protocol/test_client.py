"""The client's opening handshake: its request, and which responses it believes."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.exceptions import (
    DuplicateParameter,
    InvalidHeader,
    InvalidHeaderFormat,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidParameterName,
    InvalidParameterValue,
    InvalidStatus,
    InvalidUpgrade,
    LocalProtocolError,
    NegotiationError,
)
from fullduplex.protocol.client import ClientConnection
from fullduplex.protocol.connection import Ending
from fullduplex.protocol.events import Text
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.handshake import accept_key
from fullduplex.protocol.headers import Headers
from fullduplex.protocol.http11 import Request, Response
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.server import ServerConnection
from fullduplex.protocol.states import State
from fullduplex.protocol.uri import parse_uri

from .wire import CLOSE, PING, TEXT, Frame, cut, frame, frames, head, replaced

DEFLATE = (PerMessageDeflateFactory(),)


def client(uri: str = "ws://server.example.com/chat", **options: Any) -> ClientConnection:
    """Return a client's connection that has sent its request."""
    connection = ClientConnection(parse_uri(uri), **options)
    connection.send_request(connection.connect())
    connection.data_to_send()
    return connection


def request_of(uri: str, **options: Any) -> Request:
    """Return the request for a URI."""
    return ClientConnection(parse_uri(uri), **options).connect()


def good_headers(connection: ClientConnection) -> list[tuple[str, str]]:
    """Return the headers with which a server accepts a connection's request."""
    assert connection.request is not None
    key = connection.request.headers["Sec-WebSocket-Key"]
    return [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept_key(key))]


def switching(connection: ClientConnection, *more: tuple[str, str]) -> bytes:
    """Return a response that opens a connection, with more headers."""
    return head("HTTP/1.1 101 Switching Protocols", [*good_headers(connection), *more])


def refuses(connection: ClientConnection, data: bytes, error: type[Exception]) -> Exception:
    """See that a connection fails by some bytes; return its exception."""
    connection.receive_data(data)
    found = connection.handshake_exception
    connection.receive_data(frame(TEXT, b"late"))

    assert isinstance(found, error)
    assert connection.handshake_exception is found
    assert connection.events_received() == []
    assert connection.data_to_send() == []
    assert connection.state is State.CLOSED
    assert connection.ending is Ending.CLOSE
    return found


# The request (4.1).


def test_request_is_as_the_rfc_has_it() -> None:
    """A request has what the RFC demands and nothing else."""
    connection = ClientConnection(parse_uri("ws://server.example.com/chat?a=b"))
    connection.send_request(connection.connect())
    [data] = connection.data_to_send()

    key = connection.request.headers["Sec-WebSocket-Key"]  # type: ignore[union-attr]
    assert len(base64.b64decode(key)) == 16
    assert data.decode() == (
        "GET /chat?a=b HTTP/1.1\r\n"
        "Host: server.example.com\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "\r\n"
    )


@pytest.mark.parametrize(
    "uri, options, headers",
    [
        ("ws://a:8080/", {}, {"Host": "a:8080", "Authorization": None, "Origin": None}),
        ("wss://[::1]/", {}, {"Host": "[::1]"}),
        ("ws://user:p%3Aw@a/", {}, {"Host": "a", "Authorization": "Basic dXNlcjpwOnc="}),
        ("ws://user@a/", {}, {"Authorization": "Basic dXNlcjo="}),
        ("ws://a/", {"origin": "https://b"}, {"Origin": "https://b"}),
        ("ws://a/", {"subprotocols": ["chat", "v2"]}, {"Sec-WebSocket-Protocol": "chat, v2"}),
        ("ws://a/", {"subprotocols": []}, {"Sec-WebSocket-Protocol": None, "Sec-WebSocket-Extensions": None}),
        (
            "ws://a/",
            {"extensions": [PerMessageDeflateFactory(server_max_window_bits=15, client_max_window_bits=15)]},
            {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"},
        ),
    ],
)
def test_request_says_what_it_was_told(
    uri: str, options: dict[str, Any], headers: dict[str, str | None]
) -> None:
    """Address, credentials, origin, subprotocols and extensions are in their headers."""
    request = request_of(uri, **options)

    assert {name: request.headers.get(name) for name in headers} == headers


def test_every_offer_is_made() -> None:
    """All offers of an extension are in the request, the best first."""
    value = request_of("ws://a/", extensions=DEFLATE).headers["Sec-WebSocket-Extensions"]

    assert value == (
        "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12, "
        "permessage-deflate; client_max_window_bits"
    )


def test_keys_are_fresh() -> None:
    """Each connection has a key of its own (4.1)."""
    assert len({request_of("ws://a/").headers["Sec-WebSocket-Key"] for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "subprotocols", [["a b"], [""], ["a,b"], ["a\r\nInjected: yes"], ["é"], ['"a"'], ["a", "a"], ["a/b"]]
)
def test_bad_subprotocols_are_refused(subprotocols: list[str]) -> None:
    """A subprotocol is a token, and none is offered twice (4.1)."""
    with pytest.raises(ValueError, match="subprotocol"):
        ClientConnection(parse_uri("ws://a/"), subprotocols=subprotocols)


@pytest.mark.parametrize(
    "name, value",
    [("X", "a\r\nInjected: yes"), ("X\r\nInjected", "yes"), ("X", "\x00"), ("X y", "z"), ("X", "中")],
)
def test_request_is_not_broken_apart(name: str, value: str) -> None:
    """A header that the caller adds can't break the request apart; nothing is sent."""
    connection = ClientConnection(parse_uri("ws://a/"))
    request = connection.connect()
    request.headers[name] = value
    with pytest.raises(ValueError, match="invalid"):
        connection.send_request(request)
    with pytest.raises(ValueError, match="invalid"):
        connection.send_request(Request("/\r\nInjected: yes", Headers()))

    assert connection.data_to_send() == []


def test_origin_is_not_broken_apart() -> None:
    """An origin with a line end isn't sent."""
    connection = ClientConnection(parse_uri("ws://a/"), origin="https://b\r\nInjected: yes")
    with pytest.raises(ValueError, match="invalid value of header Origin"):
        connection.send_request(connection.connect())


def test_request_is_sent_once() -> None:
    """A second request is a bug in the caller."""
    connection = client()
    with pytest.raises(LocalProtocolError, match="already"):
        connection.send_request(connection.connect())


# Responses that open the connection.


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_good_response_opens(step: int) -> None:
    """A response that keeps the rules opens the connection, however it is split."""
    connection = client()
    for piece in cut(switching(connection), range(0, 500, step)):
        assert connection.state is State.CONNECTING
        connection.receive_data(piece)

    [response] = connection.events_received()
    assert isinstance(response, Response)
    assert response is connection.response
    assert response.status_code == 101
    assert connection.state is State.OPEN
    assert connection.ending is Ending.NONE
    assert connection.handshake_exception is None
    assert connection.subprotocol is connection.extension is None


@pytest.mark.parametrize(
    "name, values",
    [
        ("Connection", ["upgrade"]),
        ("Connection", ["keep-alive, Upgrade"]),
        ("Connection", ["keep-alive", "Upgrade"]),
        ("Upgrade", ["WebSocket"]),
        ("Server", ["anything", "twice"]),
        ("Content-Length", ["0"]),
    ],
)
def test_variations_are_believed(name: str, values: list[str]) -> None:
    """Case, lists and repeated lines are as HTTP has them."""
    connection = client()
    connection.receive_data(head("HTTP/1.1 101 Fine", replaced(good_headers(connection), name, *values)))

    assert connection.state is State.OPEN


@pytest.mark.parametrize("status", [100, 102, 103, 199])
@pytest.mark.parametrize("final", [101, 403])
def test_interim_responses_are_passed_over(status: int, final: int) -> None:
    """Interim responses may come before the one that counts (RFC 9110 15.2)."""
    for step in (1, 1000):
        connection = client()
        interim = head(f"HTTP/1.1 {status} Wait", [("Link", "</style.css>")])
        last = switching(connection) if final == 101 else head("HTTP/1.1 403 No", [("Content-Length", "0")])
        for piece in cut(interim * 2 + last + frame(TEXT, b"early"), range(0, 500, step)):
            connection.receive_data(piece)
        assert connection.response is not None
        assert connection.response.status_code == final
        assert Text("early") in connection.events_received() or final != 101


def test_interim_responses_are_limited() -> None:
    """Interim responses without end fail the handshake."""
    error = refuses(client(), head("HTTP/1.1 100 Continue", []) * 10_000, InvalidMessage)

    assert "head is over" in str(error)


def test_frames_may_follow_at_once() -> None:
    """Frames in the same read as the response are read after it."""
    connection = client()
    connection.receive_data(switching(connection) + frame(TEXT, b"one") + frame(TEXT, b"two\n"))

    response, *events = connection.events_received()
    assert isinstance(response, Response)
    assert events == [Text("one"), Text("two\n")]


def test_what_is_sent_upon_the_response() -> None:
    """What is sent when the response is told goes out before the answers to frames behind it."""
    connection = client()
    events = connection.receive(switching(connection) + frame(PING, b"?"))
    assert isinstance(next(events), Response)
    connection.send_message(Opcode.TEXT, b"first")
    list(events)

    found = frames(b"".join(connection.data_to_send()), masked=True)
    assert [one.payload for one in found] == [b"first", b"?"]


def test_subprotocol_is_taken() -> None:
    """The server's choice among those offered is the connection's."""
    connection = client(subprotocols=["chat", "v2"])
    connection.receive_data(switching(connection, ("Sec-WebSocket-Protocol", "v2")))

    assert connection.subprotocol == "v2"
    assert connection.state is State.OPEN


def test_server_may_choose_nothing() -> None:
    """A server may leave subprotocols and extensions alone."""
    connection = client(subprotocols=["chat"], extensions=DEFLATE)
    connection.receive_data(switching(connection))

    assert connection.subprotocol is connection.extension is None
    assert connection.state is State.OPEN


def test_agreed_compression_is_used() -> None:
    """Once agreed, compressed messages are taken, and sent."""
    connection = client(extensions=[PerMessageDeflateFactory(threshold=0)])
    value = "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10"
    connection.receive_data(switching(connection, ("Sec-WebSocket-Extensions", value)))
    connection.receive_data(frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=0x40))
    connection.send_message(Opcode.TEXT, b"Hello", compress=True)

    assert connection.events_received()[1:] == [Text("Hello")]
    assert frames(b"".join(connection.data_to_send()), masked=True) == [
        Frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=0x40)
    ]


# Responses of servers that are broken or mean harm.


@pytest.mark.parametrize(
    "name, values, error",
    [
        ("Upgrade", [], InvalidUpgrade),
        ("Upgrade", ["h2c"], InvalidUpgrade),
        ("Upgrade", ["websocket, h2c"], InvalidUpgrade),
        ("Upgrade", ["websocket"] * 2, InvalidUpgrade),
        ("Upgrade", [""], InvalidHeaderFormat),
        ("Connection", [], InvalidUpgrade),
        ("Connection", ["keep-alive"], InvalidUpgrade),
        ("Connection", ["close"], InvalidUpgrade),
        ("Connection", [""], InvalidHeaderFormat),
        ("Sec-WebSocket-Accept", [], InvalidHeader),
        ("Sec-WebSocket-Accept", [""], InvalidHeaderValue),
        ("Sec-WebSocket-Accept", ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="], InvalidHeaderValue),
        ("Sec-WebSocket-Accept", ["\xe9"], InvalidHeaderValue),
        ("Sec-WebSocket-Protocol", ["other"], NegotiationError),
        ("Sec-WebSocket-Protocol", ["CHAT"], NegotiationError),
        ("Sec-WebSocket-Protocol", [""], NegotiationError),
        ("Sec-WebSocket-Protocol", ["chat, v2"], NegotiationError),
        ("Sec-WebSocket-Protocol", ["chat", "chat"], InvalidHeaderValue),
        ("Sec-WebSocket-Extensions", ["x-other"], NegotiationError),
        ("Sec-WebSocket-Extensions", [""], InvalidHeaderFormat),
        ("Sec-WebSocket-Extensions", ["permessage-deflate; ="], InvalidHeaderFormat),
        ("Sec-WebSocket-Extensions", ["permessage-deflate, permessage-deflate"], NegotiationError),
        ("Sec-WebSocket-Extensions", ["permessage-deflate"] * 2, NegotiationError),
        ("Sec-WebSocket-Extensions", ["permessage-deflate; x"], InvalidParameterName),
        (
            "Sec-WebSocket-Extensions",
            ["permessage-deflate; server_max_window_bits=99"],
            InvalidParameterValue,
        ),
        ("Sec-WebSocket-Extensions", ["permessage-deflate; server_max_window_bits=7"], InvalidParameterValue),
        ("Sec-WebSocket-Extensions", ["permessage-deflate; client_max_window_bits"], InvalidParameterValue),
        (
            "Sec-WebSocket-Extensions",
            ["permessage-deflate; server_no_context_takeover; server_no_context_takeover"],
            DuplicateParameter,
        ),
    ],
)
def test_bad_header_is_not_believed(name: str, values: list[str], error: type[Exception]) -> None:
    """A 101 with a header that is missing, repeated or wrong opens nothing (4.1)."""
    connection = client(subprotocols=["chat", "v2"], extensions=DEFLATE)
    headers = replaced(good_headers(connection), name, *values)

    refuses(connection, head("HTTP/1.1 101 Switching Protocols", headers), error)


def test_accept_is_not_believed_twice() -> None:
    """Of two accepts, one of them right, neither is believed."""
    connection = client()
    right = good_headers(connection)[-1]
    refuses(connection, switching(connection, right), InvalidHeaderValue)

    connection = client()
    refuses(connection, switching(connection, ("Sec-WebSocket-Accept", "x")), InvalidHeaderValue)


def test_nothing_was_offered() -> None:
    """A server can't choose where nothing was offered."""
    for header in (("Sec-WebSocket-Protocol", "chat"), ("Sec-WebSocket-Extensions", "permessage-deflate")):
        connection = client()
        refuses(connection, switching(connection, header), NegotiationError)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.0 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 1O1 x\r\n\r\n",
        b"\r\n\r\n",
        b"hello\r\n\r\n",
        b"HTTP/1.1 101 x\n\n",
        b"HTTP/1.1 101 x\r\nUpgrade : websocket\r\n\r\n",
        b"HTTP/1.1 101 x\r\nX: y\r\n folded\r\n\r\n",
        b"HTTP/1.1 101 x\r\nX: a\x00b\r\n\r\n",
        b"\x81\x05Hello\n",
        b"\x15\x03\x03\x00\x02\x02\n",
        b"HTTP/1.1 200 " + b"x" * 8200,
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 8200,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 130,
        b"HTTP/1.1 200 OK\r\n" + (b"X: " + b"y" * 8000 + b"\r\n") * 5,
        b"x" * 1_000_000,
    ],
)
def test_malformed_response_fails(data: bytes) -> None:
    """A response that isn't HTTP, or whose head has no end, fails the handshake."""
    refuses(client(), data, InvalidMessage)
    dribbled = client()
    for piece in cut(data, range(0, len(data), max(len(data) // 300, 1))):
        dribbled.receive_data(piece)
    assert isinstance(dribbled.handshake_exception, InvalidMessage)


@pytest.mark.parametrize("place", [0, 1, 30, 100])
def test_eof_within_the_response_fails(place: int) -> None:
    """A server that goes before its response is whole fails the handshake."""
    connection = client()
    connection.receive_data(switching(connection)[:place])
    connection.receive_eof()

    assert isinstance(connection.handshake_exception, InvalidMessage)
    assert "before the whole response" in str(connection.handshake_exception)
    assert isinstance(connection.handshake_exception.__cause__, EOFError)
    assert connection.ending is Ending.CLOSE


@pytest.mark.parametrize("status", [200, 204, 301, 304, 400, 401, 403, 404, 426, 500, 503])
def test_other_status_fails(status: int) -> None:
    """Any other status fails the handshake, with the response to look at (4.1)."""
    connection = client()
    data = head(f"HTTP/1.1 {status} No", [("Content-Length", "0"), ("Location", "ws://b/")])
    error = refuses(connection, data, InvalidStatus)

    assert isinstance(error, InvalidStatus)
    assert error.response is connection.response
    assert connection.response is not None
    assert connection.response.status_code == status
    assert connection.response.headers["Location"] == "ws://b/"


def test_status_counts_before_headers() -> None:
    """Without the status 101, all the right headers open nothing."""
    connection = client()
    data = head("HTTP/1.1 200 OK", [*good_headers(connection), ("Content-Length", "0")])

    refuses(connection, data, InvalidStatus)


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize(
    "headers, data, body",
    [
        ([("Content-Length", "5")], b"Hello, and more", b"Hello"),
        ([("Transfer-Encoding", "chunked")], b"5\r\nHello\r\n0\r\n\r\n", b"Hello"),
        ([], b"x" * 100, b"x" * 60),
        ([("Content-Length", "1000")], b"x" * 100, b"x" * 60),
    ],
)
def test_body_of_refusal_is_read(headers: list[tuple[str, str]], data: bytes, body: bytes, step: int) -> None:
    """The body of a refusal is read, up to the limit."""
    connection = client(limits=Limits(body=60))
    for piece in cut(head("HTTP/1.1 403 Forbidden", headers, data), range(0, 500, step)):
        connection.receive_data(piece)

    assert isinstance(connection.handshake_exception, InvalidStatus)
    assert connection.response is not None
    assert connection.response.body == body


def test_body_may_end_with_the_transport() -> None:
    """A body without a length ends with the transport, and until then the handshake isn't over."""
    connection = client()
    connection.receive_data(head("HTTP/1.1 403 Forbidden", [], b"Go "))
    connection.receive_data(b"away")
    assert connection.handshake_exception is None
    assert connection.ending is Ending.NONE
    connection.receive_eof()

    assert isinstance(connection.handshake_exception, InvalidStatus)
    assert connection.response is not None
    assert connection.response.body == b"Go away"


@pytest.mark.parametrize("data", [head("HTTP/1.1 404 Not Found", [("Content-Length", "0")]), b"\n", b""])
def test_eof_after_a_failure_changes_nothing(data: bytes) -> None:
    """Once a handshake has failed, by a response or the lack of one, it stays as it failed."""
    connection = client()
    connection.receive_data(data)
    if not data:
        connection.receive_eof()
    error = connection.handshake_exception
    connection.receive_eof()

    assert error is not None
    assert connection.handshake_exception is error


@pytest.mark.parametrize(
    "data, code",
    [
        (frame(TEXT, b"Hello", key=b"abcd"), 1002),
        (frame(TEXT, b"Hello", rsv=0x40), 1002),
        (frame(TEXT, length=2**63), 1002),
        (frame(TEXT, length=2**62), 1009),
        (b"HTTP/1.1 200 OK\r\n\r\n", 1002),
    ],
)
def test_attacks_after_the_handshake(data: bytes, code: int) -> None:
    """A server that masks, compresses without an agreement, or claims the impossible is told so, masked."""
    connection = client()
    connection.receive_data(switching(connection) + data)

    [close] = frames(b"".join(connection.data_to_send()), masked=True)
    assert (close.opcode, close.payload[:2]) == (CLOSE, code.to_bytes(2, "big"))
    assert connection.ending is Ending.HALF_CLOSE


@given(data=st.binary(max_size=200), at=st.integers(0, 160))
def test_noise_raises_nothing(data: bytes, at: int) -> None:
    """No bytes within a response make the handshake raise, and none leave it undecided at the end."""
    connection = client(extensions=DEFLATE)
    whole = switching(connection)
    connection.receive_data(whole[:at] + data)
    connection.receive_data(whole[at:])
    connection.receive_eof()

    assert connection.state is State.CLOSED
    assert connection.response is not None or connection.handshake_exception is not None


@given(
    client_bits=st.integers(9, 15),
    server_bits=st.integers(9, 15),
    subprotocol=st.sampled_from([None, "a", "b"]),
    message=st.text(max_size=50),
    step=st.integers(1, 400),
)
def test_both_sides_open(
    client_bits: int, server_bits: int, subprotocol: str | None, message: str, step: int
) -> None:
    """Our client and our server open a connection, agree, and understand each other."""
    server = ServerConnection(
        extensions=[PerMessageDeflateFactory(server_max_window_bits=server_bits)],
        subprotocols=[subprotocol] if subprotocol else [],
    )
    connection = ClientConnection(
        parse_uri("ws://server.example.com/"),
        extensions=[PerMessageDeflateFactory(client_max_window_bits=client_bits)],
        subprotocols=["b", "a"],
    )
    connection.send_request(connection.connect())
    for piece in cut(b"".join(connection.data_to_send()), range(0, 1000, step)):
        server.receive_data(piece)
    [request] = server.events_received()
    assert isinstance(request, Request)
    server.send_response(server.accept(request))
    server.send_message(Opcode.TEXT, message.encode())
    for piece in cut(b"".join(server.data_to_send()), range(0, 1000, step)):
        connection.receive_data(piece)

    assert connection.events_received()[1:] == [Text(message)]
    assert connection.subprotocol == server.subprotocol == subprotocol
    connection.send_message(Opcode.TEXT, message.encode())
    server.receive_data(b"".join(connection.data_to_send()))
    assert server.events_received() == [Text(message)]
