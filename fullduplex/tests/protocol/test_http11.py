"""HTTP heads: what is read however it is split, what is refused, and that nothing is read twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.exceptions import InvalidMessage
from fullduplex.protocol.headers import Headers
from fullduplex.protocol.http11 import BodyReader, HeadReader, Request, Response, read_request, read_response
from fullduplex.protocol.limits import Limits

from .wire import cut

REQUEST = (
    b"GET /chat?room=1 HTTP/1.1\r\n"
    b"Host: example.com\r\n"
    b"Upgrade:websocket\r\n"
    b"X-Empty:\r\n"
    b"X-Space: \t a b\t \r\n"
    b"\r\n"
)


def lines_of(data: bytes, *places: int, limits: Limits | None = None) -> list[bytes] | None:
    """Return the lines of a head that comes in pieces."""
    reader = HeadReader(limits or Limits())
    lines = None
    for piece in cut(data, places):
        assert lines is None
        lines = reader.receive(piece)
    return lines


def status_of(data: bytes, *places: int, limits: Limits | None = None) -> int:
    """Return the status with which a request that comes in pieces is refused."""
    with pytest.raises(InvalidMessage) as caught:
        read_request(lines_of(data, *places, limits=limits) or [b"unfinished"])
    return caught.value.status_code


# Lines.


def test_request_is_read() -> None:
    """A request is its method, target, version and headers, without the spaces around the values."""
    request = read_request(lines_of(REQUEST) or [])

    assert (request.method, request.path, request.version) == ("GET", "/chat?room=1", (1, 1))
    assert list(request.headers.raw_items()) == [
        ("Host", "example.com"),
        ("Upgrade", "websocket"),
        ("X-Empty", ""),
        ("X-Space", "a b"),
    ]


@pytest.mark.parametrize("place", range(1, len(REQUEST)))
def test_split_changes_nothing(place: int) -> None:
    """A head is read alike, cut at any place."""
    assert lines_of(REQUEST, place) == lines_of(REQUEST)


def test_head_may_dribble() -> None:
    """A head is read alike if it comes byte by byte."""
    assert lines_of(REQUEST, *range(len(REQUEST))) == lines_of(REQUEST)


def test_rest_is_kept() -> None:
    """What follows a head is left for who reads on, unread."""
    reader = HeadReader(Limits())
    assert reader.receive(REQUEST + b"\x81\x00\nrest") is not None
    reader.keep(b"\n and\r\nmore")

    assert reader.rest() == b"\x81\x00\nrest\n and\r\nmore"
    assert reader.everything() == REQUEST + reader.rest()


def test_next_head_is_read() -> None:
    """A head may follow another, and both share the limit of one."""
    reader = HeadReader(LIMITS)
    assert reader.receive(b"first\r\n\r\nsec") == [b"first"]
    assert reader.next_head() is None
    assert reader.receive(b"ond\r\n\r\nrest") == [b"second"]
    assert reader.rest() == b"rest"
    reader.keep(b"\r\n\r\nmore" * 20)
    with pytest.raises(InvalidMessage) as caught:
        [reader.next_head() for _ in range(20)]
    assert caught.value.status_code == 431


class CountingBuffer(bytearray):
    """A buffer that counts the bytes among which a line's end was looked for."""

    searched = 0

    def find(self, sub: bytes, start: int = 0) -> int:  # type: ignore[override]
        """Find, and count."""
        found = super().find(sub, start)
        self.searched += (len(self) if found < 0 else found + 1) - start
        return found


@pytest.mark.parametrize("line", [b"X: " + b"y" * 5000, b"X: y"])
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_every_byte_is_looked_at_once(line: bytes, step: int) -> None:
    """However a head is split, the search for its lines looks at each byte once."""
    reader = HeadReader(Limits())
    reader._buffer = counted = CountingBuffer()
    head = (
        b"GET / HTTP/1.1\r\n" + (line + b"\r\n") * (30_000 // len(line) if len(line) > 10 else 100) + b"\r\n"
    )
    for piece in cut(head, range(0, len(head), step)):
        reader.receive(piece)

    assert counted == head
    assert counted.searched == len(head)


# What is malformed (RFC 9112 2.2, 3, 5).


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"GET",
        b"GET /",
        b"GET / ",
        b"GET /HTTP/1.1",
        b"GET  / HTTP/1.1",
        b"GET /  HTTP/1.1",
        b" GET / HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b"GET\t/\tHTTP/1.1",
        b"GET / a HTTP/1.1",
        b"GET /\x00 HTTP/1.1",
        b"GET /\x7f HTTP/1.1",
        b"GET /\x1b HTTP/1.1",
        b"GET /\xe4 HTTP/1.1",
        b"GET /\r HTTP/1.1",
        b"G(T / HTTP/1.1",
        b"G\xc4T / HTTP/1.1",
        b"GET / HTTP/1",
        b"GET / HTTP/1.",
        b"GET / HTTP/11.1",
        b"GET / HTTP/1.10",
        b"GET / HTTP/x.y",
        b"GET / http/1.1",
        b"GET / HTTPS/1.1",
        b"GET / HTTP/1,1",
        b"GET / HTTP/\xd9\xa1.1",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-OpenSSH_9.2",
        # RFC 9112 3.2: the target is a path, an absolute URI, or * for OPTIONS.
        b"GET chat HTTP/1.1",
        b"GET ?x HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET example.com:80 HTTP/1.1",
        b"GET ftp://example.com/ HTTP/1.1",
        b"GET http:///chat HTTP/1.1",
        b"GET http:/chat HTTP/1.1",
        b"GET ../../etc/passwd HTTP/1.1",
        b"GET \\chat HTTP/1.1",
    ],
)
def test_malformed_request_line_is_refused(line: bytes) -> None:
    """A request line that isn't as RFC 9112 3 says is a bad request."""
    assert status_of(line + b"\r\nHost: x\r\n\r\n") == 400


@pytest.mark.parametrize(
    "line",
    [
        b"no colon",
        b": no name",
        b"Name : space before the colon",
        b"Name\t: tab before the colon",
        b" Name: folded",
        b"\tName: folded",
        b" folded",
        b"Na me: x",
        b"Na(me: x",
        b"N\xe4me: x",
        b"Na\x00me: x",
        b"Name: a\x00b",
        b"Name: a\rb",
        b"Name: a\r",
        b"Name: \x0b",
        b"Name: \x7f",
        b"Name: \x1b[31m",
        b"\x00",
        b"\r",
    ],
)
@pytest.mark.parametrize("place", ["first", "last"])
def test_malformed_header_line_is_refused(line: bytes, place: str) -> None:
    """A header line that isn't as RFC 9112 5 says is a bad request; none is repaired or unfolded."""
    lines = [line, b"Host: x"] if place == "first" else [b"Host: x", line]

    assert status_of(b"\r\n".join([b"GET / HTTP/1.1", *lines, b"", b""])) == 400


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\n",
        b"\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: b\nInjected: yes\r\n\r\n",
    ],
)
def test_bare_line_feed_is_refused(data: bytes) -> None:
    """A line ends with CR LF (RFC 9112 2.2)."""
    assert status_of(data) == 400
    assert status_of(data, *range(len(data))) == 400


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
def test_one_empty_line_is_skipped(step: int) -> None:
    """Before a request one empty line is passed over, and counted; none before a response (RFC 9112 2.2)."""
    reader = HeadReader(Limits(), skips_empty_line=True)
    *unfinished, lines = [reader.receive(piece) for piece in cut(b"\r\n" + REQUEST, range(0, 200, step))]

    assert lines == lines_of(REQUEST)
    assert not any(unfinished)
    assert reader.lines() == b"\r\n" + REQUEST
    assert lines_of(b"\r\n" + REQUEST) == [b"", *(lines_of(REQUEST) or [])]


@pytest.mark.parametrize(
    "data", [b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", b"\r\n\r\n\r\n", b"\r\nnonsense\r\n\r\n"]
)
def test_one_empty_line_is_enough(data: bytes) -> None:
    """A second one is no request line, and neither is anything else that is none."""
    reader = HeadReader(Limits(), skips_empty_line=True)
    lines = reader.receive(data)
    assert lines is not None
    with pytest.raises(InvalidMessage):
        read_request(lines)


@pytest.mark.parametrize("step", [1, 5, 1000])
def test_empty_line_lengthens_nothing(step: int) -> None:
    """The limits are the same behind an empty line: the request line's is still its own."""
    for data, status in OVER:
        reader = HeadReader(LIMITS, skips_empty_line=True)
        pieces = cut(b"\r\n" + data, range(0, len(data), step))
        with pytest.raises(InvalidMessage) as caught:
            [reader.receive(piece) for piece in pieces]
        assert caught.value.status_code == status


def test_empty_line_is_a_line() -> None:
    """Unless it is told to, a reader skips no empty line: before a response none may come (RFC 9112 2.2)."""
    assert HeadReader(Limits()).receive(b"\r\nHTTP/1.1 101 OK\r\n\r\n") == [b"", b"HTTP/1.1 101 OK"]


@pytest.mark.parametrize("step", [1, 5, 1000])
@pytest.mark.parametrize(
    "data, taken",
    [
        (b"GET / HTTP/1.1\nHost: x\r\n\r\nrest", b"GET / HTTP/1.1\nHost: x\r\n"),
        (b"GET / HTTP/1.1\r\nHost: x\n\r\nrest", b"GET / HTTP/1.1\r\nHost: x\n"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\nrest", b"GET / HTTP/1.1\r\nHost: x\r\n"),
        (b"GET / HTTP/1.1\r\nA: b\r\nHost: x\nC: d\r\n\r\n", b"GET / HTTP/1.1\r\nA: b\r\nHost: x\nC: d\r\n"),
        (b"nonsense\nHost: x\r\n\r\nrest", b""),
        (b"\nGET / HTTP/1.1\r\n\r\n", b""),
    ],
)
def test_bare_line_feed_may_be_told_late(data: bytes, taken: bytes, step: int) -> None:
    """A reader may go on to the end of what begins as a request, and then tell what is wrong with it."""
    reader = HeadReader(Limits(), reads_on=True)
    with pytest.raises(InvalidMessage, match="CR LF"):
        [reader.receive(piece) for piece in cut(data, range(0, len(data), step))]

    assert reader.lines() == taken


@pytest.mark.parametrize(
    "target, path",
    [
        ("/", "/"),
        ("/chat?a=b&c", "/chat?a=b&c"),
        ("//host/path", "//host/path"),
        ("/%2e%2e/%00", "/%2e%2e/%00"),
        ("/http://x", "/http://x"),
        ("http://example.com/chat?a", "/chat?a"),
        ("HTTPS://user@example.com:8080/chat", "/chat"),
        ("ws://example.com", "/"),
        ("wss://[::1]?a=b", "/?a=b"),
    ],
)
def test_target_becomes_path(target: str, path: str) -> None:
    """A target is taken as it is; of an absolute one, path and query are left (RFC 9112 3.2)."""
    assert read_request([f"GET {target} HTTP/1.1".encode()]).path == path


@pytest.mark.parametrize(
    "line, method, path", [("OPTIONS * HTTP/1.1", "OPTIONS", "*"), ("pOsT / HTTP/1.1", "pOsT", "/")]
)
def test_other_methods_are_read(line: str, method: str, path: str) -> None:
    """Methods have a case, and are judged by others."""
    request = read_request([line.encode()])

    assert (request.method, request.path) == (method, path)


@pytest.mark.parametrize("version", [(0, 9), (1, 0), (1, 2), (2, 0), (9, 9)])
def test_version_is_read(version: tuple[int, int]) -> None:
    """Any version of one digit each is read, and judged by others."""
    assert read_request([b"GET / HTTP/%d.%d" % version]).version == version


# Limits: each is filled, then passed, whole and in pieces.

LIMITS = Limits(request_line=30, header_line=20, headers=3, head=99)


def request_of(line: int = 20, headers: tuple[int, ...] = (10,)) -> bytes:
    """Return a request whose lines have these lengths."""
    first = b"GET /" + b"x" * (line - 14) + b" HTTP/1.1"
    return b"\r\n".join([first, *(b"H:" + b"x" * (length - 2) for length in headers), b"", b""])


FULL = [
    request_of(line=30),
    request_of(headers=(20,)),
    request_of(headers=(4, 4, 4)),
    request_of(30, (20, 20, 19)),
]
OVER = [
    (request_of(line=31), 414),
    (request_of(line=5000), 414),
    (request_of(headers=(21,)), 431),
    (request_of(headers=(4, 5000)), 431),
    (request_of(headers=(4, 4, 4, 4)), 431),
    (request_of(headers=(4,) * 500), 431),
    (request_of(30, (20, 20, 20)), 431),
]


@pytest.mark.parametrize("data", FULL)
def test_limits_may_be_filled(data: bytes) -> None:
    """A head at its limits is read, cut anywhere."""
    whole = lines_of(data, limits=LIMITS)

    assert whole is not None
    assert lines_of(data, *range(len(data)), limits=LIMITS) == whole
    for place in range(1, len(data)):
        assert lines_of(data, place, limits=LIMITS) == whole


@pytest.mark.parametrize("data, status", OVER)
def test_limits_are_held(data: bytes, status: int) -> None:
    """A head over a limit is refused with its status, cut anywhere."""
    assert status_of(data, limits=LIMITS) == status
    assert status_of(data, *range(len(data)), limits=LIMITS) == status
    for place in range(1, min(len(data), 120)):
        assert status_of(data, place, limits=LIMITS) == status


@pytest.mark.parametrize("data, status", OVER)
def test_limits_are_held_early(data: bytes, status: int) -> None:
    """A head is refused no more than the line's end after its limit is passed: its rest isn't waited for."""
    reader = HeadReader(LIMITS)
    with pytest.raises(InvalidMessage):
        [reader.receive(byte) for byte in cut(data, range(len(data)))]

    assert len(reader.everything()) <= LIMITS.head + 2


@pytest.mark.parametrize(
    "data, status",
    [
        (b"GET /" + b"a" * 100_000, 414),
        (b"GET / HTTP/1.1\r\nHost: " + b"a" * 100_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 129, 431),
        (b"GET / HTTP/1.1\r\n" + (b"a: " + b"b" * 8000 + b"\r\n") * 5, 431),
        (b"a" * 8193, 414),
    ],
)
def test_default_limits_are_held(data: bytes, status: int) -> None:
    """Without settings, no head is endless."""
    for pieces in ([data], cut(data, range(0, len(data), 997))):
        reader = HeadReader(Limits())
        with pytest.raises(InvalidMessage) as caught:
            [reader.receive(piece) for piece in pieces]
        assert caught.value.status_code == status


@given(
    parts=st.lists(
        st.sampled_from([b"GET / HTTP/1.1", b"\r\n", b"\r", b"\n", b"A: b", b"x" * 9, b" "]), max_size=14
    ),
    places=st.lists(st.integers(1, 100), max_size=20) | st.just(list(range(200))),
)
def test_any_split_of_anything(parts: list[bytes], places: list[int]) -> None:
    """Whatever comes is read or refused alike, however it is split."""

    def outcome(pieces: list[bytes]) -> object:
        reader = HeadReader(LIMITS)
        try:
            for at, piece in enumerate(pieces):
                lines = reader.receive(piece)
                if lines is not None:
                    return lines, reader.rest() + b"".join(pieces[at + 1 :])
        except InvalidMessage as error:
            return error.status_code
        return None

    data = b"".join(parts)

    assert outcome(cut(data, places)) == outcome([data])


# Responses.


@pytest.mark.parametrize(
    "line, status, phrase",
    [
        (b"HTTP/1.1 101 Switching Protocols", 101, "Switching Protocols"),
        (b"HTTP/1.1 200 OK", 200, "OK"),
        (b"HTTP/1.1 404 ", 404, "Not Found"),
        (b"HTTP/1.1 404", 404, "Not Found"),
        (b"HTTP/1.1 599 ", 599, ""),
        (b"HTTP/1.1 400 Sch\xf6n schlecht ", 400, "Schön schlecht"),
    ],
)
def test_status_line_is_read(line: bytes, status: int, phrase: str) -> None:
    """A response is its status, its reason, or the usual one for its status, and its headers."""
    response = read_response([line, b"A: b"])

    assert (response.status_code, response.reason_phrase) == (status, phrase)
    assert response.headers == Headers({"A": "b"})


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"HTTP/1.1",
        b"HTTP/1.1 ",
        b"HTTP/1.1 10",
        b"HTTP/1.1 1010 x",
        b"HTTP/1.1 099 x",
        b"HTTP/1.1 600 x",
        b"HTTP/1.1 x01 x",
        b"HTTP/1.1  101 x",
        b"HTTP/1.1 101 x\x00",
        b"HTTP/1.1 101 x\r",
        b"HTTP/1.0 101 Switching Protocols",
        b"HTTP/2.0 200 OK",
        b"http/1.1 101 x",
        b"ICY 200 OK",
        b"HTTP/1.1\t101\tx",
        b"GET / HTTP/1.1",
    ],
)
def test_malformed_status_line_is_refused(line: bytes) -> None:
    """A status line that isn't one of HTTP/1.1 is refused."""
    with pytest.raises(InvalidMessage, match="malformed status line"):
        read_response([line])


# Bodies of refusals.

CHUNKED = b"4\r\nWiki\r\n6;name=value\r\npedia \r\nB\r\nin \r\nchunks\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "headers, data, at_end, body",
    [
        ({"Content-Length": "5"}, b"Hello", False, b"Hello"),
        ({"Content-Length": "5"}, b"Hello, and more", False, b"Hello"),
        ({"Content-Length": "5"}, b"Hell", False, None),
        ({"Content-Length": "5"}, b"Hell", True, b"Hell"),
        ({"Content-Length": "0"}, b"", False, b""),
        ({"Content-Length": "nonsense"}, b"Hello", False, None),
        ({"Content-Length": "-1"}, b"Hello", True, b"Hello"),
        ({"Content-Length": "9" * 5000}, b"Hello", False, None),
        ({}, b"Hello", False, None),
        ({}, b"Hello", True, b"Hello"),
        ({}, b"", True, b""),
        ({}, b"x" * 50, False, b"x" * 20),
        ({"Content-Length": "50"}, b"x" * 20, False, b"x" * 20),
        ({"Content-Length": "50"}, b"x" * 50, False, b"x" * 20),
        ({"Transfer-Encoding": "chunked"}, CHUNKED, False, b"Wikipedia in \r\nchunks"[:20]),
        ({"Transfer-Encoding": "Chunked"}, b"5\r\nHello\r\n0\r\n\r\n", False, b"Hello"),
        ({"Transfer-Encoding": "gzip, chunked"}, b"5\r\nHello\r\n0\r\n\r\n", False, b"Hello"),
        ({"Transfer-Encoding": "chunked"}, b"5\r\nHello\r\n0\r\nTrailer: x\r\n\r\n", False, b"Hello"),
        ({"Transfer-Encoding": "chunked"}, b"5\r\nHello\r\n0\r\n", False, b"Hello"),
        ({"Transfer-Encoding": "chunked"}, b"10\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n", False, b"x" * 16),
        ({"Transfer-Encoding": "chunked"}, b"5\r\nHello\r\n", False, None),
        ({"Transfer-Encoding": "chunked"}, b"5\r\nHello\r\n", True, b"Hello"),
        ({"Transfer-Encoding": "chunked"}, b"7\r\n0\r\n\r\n", False, None),
        ({"Transfer-Encoding": "chunked"}, b"5\r\nHel", True, b"Hel"),
        ({"Transfer-Encoding": "chunked"}, b"5", True, b""),
        ({"Transfer-Encoding": "chunked"}, b"", True, b""),
        # Nonsense ends it.
        ({"Transfer-Encoding": "chunked"}, b"\r\n", False, b""),
        ({"Transfer-Encoding": "chunked"}, b"2\r\nHe\r\nzz\r\nllo\r\n0\r\n\r\n", False, b"He"),
        ({"Transfer-Encoding": "chunked"}, b"-5\r\nHello\r\n0\r\n\r\n", False, b""),
        ({"Transfer-Encoding": "chunked"}, b"FFFFFFFFFFFFFFFF\r\nHello", False, b""),
    ],
)
def test_body_is_read(headers: dict[str, str], data: bytes, at_end: bool, body: bytes | None) -> None:
    """A body is what its headers say, cut to the limit; without its end it is what has come."""
    for pieces in ([data], cut(data, range(len(data)))):
        reader = BodyReader(Response(400, headers=Headers(headers)), 20)
        is_whole = sum(reader.receive(piece) for piece in pieces) > 0

        assert is_whole is (body is not None and not at_end)
        if is_whole or at_end:
            assert reader.finish().body == body


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body(status: int) -> None:
    """After a status that has no body, none is waited for (RFC 9112 6.3)."""
    reader = BodyReader(Response(status, headers=Headers({"Content-Length": "5"})), 20)

    assert reader.receive(b"Hello")
    assert reader.finish().body == b""


@pytest.mark.parametrize("step", [10, 10**7])
def test_heap_of_chunks_is_read(step: int) -> None:
    """A megabyte of tiny chunks is put together, without reading any twice."""
    heap = b"1\r\na\r\n" * 150_000 + b"0\r\n\r\n"
    reader = BodyReader(Response(400, headers=Headers({"Transfer-Encoding": "chunked"})), 10**6)
    for piece in cut(heap, range(0, len(heap), step)):
        reader.receive(piece)

    assert reader.finish().body == b"a" * 150_000


def test_endless_chunk_line_ends_body() -> None:
    """A chunk whose first line has no end ends the body, and isn't kept."""
    for step in (1, 10**6):
        reader = BodyReader(Response(400, headers=Headers({"Transfer-Encoding": "chunked"})), 10**6)
        pieces = cut(b"2\r\nOK\r\n5;" + b"x" * 10_000 + b"\r\nHello\r\n", range(0, 20_000, step))
        taken = sum(not reader.receive(piece) for piece in pieces)

        assert taken < 4200
        assert reader.finish().body == b"OK"


@pytest.mark.parametrize("step", [1, 10**6])
@pytest.mark.parametrize("length, body", [(4094, b"OK"), (4095, b"")])
def test_chunk_line_has_limit(length: int, body: bytes, step: int) -> None:
    """The first line of a chunk may take 4096 bytes with its end, however it arrives."""
    reader = BodyReader(Response(400, headers=Headers({"Transfer-Encoding": "chunked"})), 10**6)
    for piece in cut(b"2;".ljust(length, b"x") + b"\r\nOK\r\n0\r\n", range(0, 5000, step)):
        reader.receive(piece)

    assert reader.finish().body == body


# Writing.


def test_request_is_written() -> None:
    """A request is written as its line, its headers and an empty line."""
    request = Request("/~chat?!", Headers({"Host": "example.com"}))

    assert request.serialize() == b"GET /~chat?! HTTP/1.1\r\nHost: example.com\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        Request("", Headers()),
        Request("/a b", Headers()),
        Request("/a\r\nInjected: yes", Headers()),
        Request("/a\x00", Headers()),
        Request("/a\x7f", Headers()),
        Request("/ü", Headers()),
        Request("/", Headers({"A": "b\r\nInjected: yes"})),
        Request("/", Headers({"A\r\nInjected": "yes"})),
        Request("/", Headers(), method="GET / HTTP/1.1\r\nInjected: yes\r\n\r\nGET"),
        Request("/", Headers(), method=""),
    ],
)
def test_request_is_not_broken_apart(request_: Request) -> None:
    """A request with a line end, space or control where none may be isn't written."""
    with pytest.raises(ValueError, match="invalid"):
        request_.serialize()


def test_response_is_written() -> None:
    """A response is written with the usual reason unless it has its own, and its body."""
    assert Response(200, headers=Headers({"Content-Length": "2"}), body=b"OK").serialize() == (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
    )
    assert Response(400, "Nö").serialize() == b"HTTP/1.1 400 N\xf6\r\n\r\n"
    assert Response(599).serialize() == b"HTTP/1.1 599 \r\n\r\n"


@pytest.mark.parametrize(
    "response",
    [
        Response(200, "OK\r\nInjected: yes"),
        Response(200, "OK\n"),
        Response(200, "\x00"),
        Response(99),
        Response(600),
        Response("200 OK\r\nInjected: yes\r\n", "OK"),  # type: ignore[arg-type]
        Response(101, body=b"\x81\x00"),
        Response(200, headers=Headers({"A": "b\r\nInjected: yes"})),
        Response(200, headers=Headers({"A: b\r\nInjected": "yes"})),
    ],
)
def test_response_is_not_broken_apart(response: Response) -> None:
    """A response with a line end or control where none may be isn't written."""
    with pytest.raises(ValueError, match="invalid"):
        response.serialize()


TOKENS = st.text("abcXYZ-_0!", min_size=1, max_size=6)
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=8)


@given(
    path=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=10).map("/".__add__),
    headers=st.lists(st.tuples(TOKENS, VALUES), max_size=5),
    method=TOKENS,
)
def test_any_request_round_trips(path: str, headers: list[tuple[str, str]], method: str) -> None:
    """Whatever request is written is read back."""
    request = Request(path, Headers(headers), method)

    assert read_request(lines_of(request.serialize()) or []) == request


PARTS = st.sampled_from(
    [
        *(
            b"GET / HTTP/1.1",
            b"POST /?a HTTP/1.0",
            b"get http://a/b HTTP/1.1",
            b"\r\n",
            b"\r\n",
            b"\n",
            b"\r",
            b"",
        ),
        *(b"A: b", b"a:b", b"A: ", b"A: \x80 \tb", b"A: " + 30 * b"b"),
        *(b"A:  b", b"A: b ", b"A : b", b"A: b\x7f", b" A: b"),
    ]
)


@given(
    first=st.sampled_from([b"", b"GET / HTTP/1.1\r\n", b"GET /a/very/long/path HTTP/1.1\r\nA: b\r\n"]),
    parts=st.lists(PARTS, max_size=12),
    places=st.lists(st.integers(1, 200), max_size=2),
    limits=st.sampled_from(
        [Limits(), Limits(request_line=20), Limits(header_line=20), Limits(headers=2), Limits(head=40)]
    ),
)
def test_short_way_changes_nothing(
    first: bytes, parts: list[bytes], places: list[int], limits: Limits
) -> None:
    """A request that is read at once is what it is line by line, with what follows it."""
    data = first + b"\r\n".join(parts) + b"\r\n\r\nrest"

    assert outcome_of(True, cut(data, places), limits) == outcome_of(False, [data], limits)


def outcome_of(at_once: bool, pieces: list[bytes], limits: Limits) -> tuple[object, ...]:
    """Return what is read of a request that comes in pieces, or why it isn't."""
    reader = HeadReader(limits, skips_empty_line=True)
    request = None
    try:
        for piece in pieces:
            if request is not None:
                reader.keep(piece)
            elif at_once:
                request = reader.receive_request(piece)
            elif (lines := reader.receive(piece)) is not None:
                request = read_request(lines)
    except InvalidMessage as error:
        return str(error), error.status_code
    return request, list(request.headers.raw_items()) if request else [], reader.rest(), reader.lines()


@pytest.mark.parametrize("room", [-1, 0])
@pytest.mark.parametrize("name", ["request_line", "header_line", "headers", "head"])
def test_short_way_has_limits(name: str, room: int) -> None:
    """What is read at once has the limits of what is read line by line."""
    sizes = {"request_line": 14, "header_line": 4, "headers": 2, "head": 30}
    limits = Limits(**{name: sizes[name] + room})
    pieces = [b"GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\nrest"]

    assert outcome_of(True, pieces, limits) == outcome_of(False, pieces, limits)
    assert (outcome_of(True, pieces, limits)[-1] in (414, 431)) is bool(room)


@given(
    status=st.integers(100, 599),
    phrase=VALUES,
    headers=st.lists(st.tuples(TOKENS, VALUES), max_size=5),
)
def test_any_response_round_trips(status: int, phrase: str, headers: list[tuple[str, str]]) -> None:
    """Whatever response is written is read back."""
    response = Response(status, phrase, Headers(headers))

    assert read_response(lines_of(response.serialize()) or []) == response


def test_request_hides_secrets() -> None:
    """A request may stand in logs: neither its target nor its headers tell a secret."""
    request = Request("/a?ticket=secret&b=c", Headers({"Cookie": "secret"}))

    assert (
        repr(request) == "Request(path='/a?ticket=[hidden]&b=c', headers=Headers([('Cookie', '[hidden]')]), "
        "method='GET', version=(1, 1))"
    )
