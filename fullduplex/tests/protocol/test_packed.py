"""The heads of an open connection: packed, they are what they were."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.protocol.handshake import accept_key
from fullduplex.protocol.headers import Headers
from fullduplex.protocol.http11 import Request, Response
from fullduplex.protocol.packed import pack_request, pack_response, unpack_request, unpack_response
from fullduplex.protocol.server import ServerConnection

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
OPENING = {"Host": "a", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
SWITCHING = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept_key(KEY)}
NAMES = st.text("abcXYZ-_0!", min_size=1, max_size=6)
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=8)
LINES = st.lists(st.tuples(NAMES, VALUES), max_size=4)


def request(path: str = "/", **changes: Any) -> Request:
    """Return a request that opens a connection, or nearly one."""
    return dataclasses.replace(Request(path, Headers(OPENING, **{"Sec-WebSocket-Key": KEY})), **changes)


@given(
    path=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=10).map("/".__add__),
    before=LINES,
    after=LINES,
    key=st.sampled_from(["Sec-WebSocket-Key", "sec-websocket-key"]),
)
def test_any_heads_round_trip(
    path: str, before: list[tuple[str, str]], after: list[tuple[str, str]], key: str
) -> None:
    """Request and response are what they were, line by line."""
    asked = Request(path, Headers([*before, *OPENING.items(), (key, KEY), *after]))
    answered = Response(101, headers=Headers([*after, *SWITCHING.items(), *before]))
    packed = pack_request(asked)
    assert packed is not None
    rest = pack_response(answered, packed)
    assert rest is not None

    for head, unpacked in [(asked, unpack_request(packed)), (answered, unpack_response(rest, packed))]:
        assert unpacked == head
        assert list(unpacked.headers.raw_items()) == list(head.headers.raw_items())


def test_like_responses_are_one() -> None:
    """Responses that differ in nothing but the key are kept once."""
    keys = [KEY, "AAAAAAAAAAAAAAAAAAAAAA=="]
    packed = [
        pack_response(
            Response(101, headers=Headers({**SWITCHING, "Sec-WebSocket-Accept": accept_key(key)})),
            pack_request(request(headers=Headers(OPENING, **{"Sec-WebSocket-Key": key}))) or b"",
        )
        for key in keys
    ]

    assert packed[0] is packed[1] is not None


@pytest.mark.parametrize(
    "odd",
    [
        request(method="POST"),
        request(version=(1, 0)),
        request("/\r\nx"),
        request("/\ud800"),
        request(headers=Headers({"a": "b\r\nc"})),
        request(headers=Headers({"a": 1})),  # type: ignore[dict-item]
    ],
)
def test_odd_request_is_not_packed(odd: Request) -> None:
    """A request that a program has made otherwise than one can be read is left as it is."""
    assert pack_request(odd) is None


@pytest.mark.parametrize(
    "odd",
    [
        Response(200, headers=Headers(SWITCHING)),
        Response(101, "Welcome", headers=Headers(SWITCHING)),
        Response(101, headers=Headers(SWITCHING), body=b"x"),
        Response(101),
        Response(101, headers=Headers({"a": "b\r\nc"})),
        Response(101, headers=Headers({"A": "b", "Sec-WebSocket-Accept": KEY})),
    ],
)
def test_odd_response_is_not_packed(odd: Response) -> None:
    """A response that isn't the one to the request's key, and nothing more, is left as it is."""
    packed = pack_request(request())
    assert packed is not None
    assert pack_response(odd, packed) is None


def test_response_needs_key() -> None:
    """Without a key in the request there is nothing that a response could be told from."""
    packed = pack_request(request(headers=Headers(OPENING)))
    assert packed is not None
    assert pack_response(Response(101, headers=Headers(SWITCHING)), packed) is None


def opened() -> ServerConnection:
    """Return a connection that has just opened."""
    server = ServerConnection()
    server.receive_data(request().serialize())
    (asked,) = server.events_received()
    assert isinstance(asked, Request)
    server.send_response(server.accept(asked))
    return server


def test_open_connection_packs_its_heads() -> None:
    """Once it is told to give back what it can, request and response are bytes until they are asked for."""
    server = opened()
    lines = server.data_to_send()[0]
    for _ in range(2):
        server.release()
        assert isinstance(server._request, bytes)
        assert isinstance(server._response, bytes)
        assert server.request == request()
        assert server.response is server.response is not None
        assert server.response.serialize() == lines


def test_kept_heads_stay_the_same() -> None:
    """Heads that a program has kept are the connection's own, however often it gives back what it can."""
    server = opened()
    asked, answered = server.request, server.response
    server.release()
    assert server.request is asked
    assert server.response is answered
    del asked
    server.release()
    assert server.response is answered
    assert server.request == request()


def test_unanswered_request_is_not_packed() -> None:
    """Before the connection is open nothing is given back."""
    server = ServerConnection()
    server.receive_data(request().serialize())
    server.events_received()
    server.release()
    assert isinstance(server._request, Request)
