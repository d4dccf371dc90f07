"""HTTP/1.1 heads, as far as an opening handshake needs them.

A strict reader: what RFC 9112 calls malformed is refused, never repaired.  It
knows lines, headers and limits; it doesn't know WebSocket's headers.

Invariants:

1. Every byte is looked at once, however the head is split; of the first piece perhaps twice.
2. No more than ``Limits.head`` bytes of a head are kept.
3. Nothing that would break a message apart is serialised.
"""

from __future__ import annotations

import http
import re
import sys
from dataclasses import dataclass, field

from ..exceptions import InvalidMessage
from .headers import Headers, is_token, is_value
from .limits import Limits
from .redaction import shown_target

__all__ = [
    "LAST_CHUNK",
    "BodyReader",
    "HeadReader",
    "Request",
    "Response",
    "chunk",
    "read_request",
    "read_response",
]

#: What ends a body that is sent in chunks (RFC 9112 7.1).
LAST_CHUNK = b"0\r\n\r\n"

# RFC 9112 3: one space between the parts; the target has neither spaces nor controls.
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP/(\d)\.(\d)")
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# A request as nearly all are, which needs no more than this to be read: its headers are as we write them.
# Nothing here is possessive: up to Python 3.11.4 such a group may keep what it didn't match.
_ORDINARY = re.compile(
    rb"([A-Z]+) (/[\x21-\x7e]*) HTTP/1\.1\r\n"
    rb"((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: (?![\t ])[\t\x20-\x7e\x80-\xff]+(?<![\t ])\r\n)*)\r\n"
)
_ABSOLUTE = re.compile(r"(?:https?|wss?)://[^/?#]+", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[\t ]*(?:;.*)?")
_MAX_CHUNK_LINE = 4096

_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}


@dataclass(slots=True)
class Request:
    """A handshake request.

    ``path`` is the request target: the path and, after ``?``, the query.  The
    representation may stand in logs, as that of ``Headers``.
    """

    path: str
    headers: Headers
    method: str = "GET"
    version: tuple[int, int] = (1, 1)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(path={shown_target(self.path)!r}, headers={self.headers!r}, "
            f"method={self.method!r}, version={self.version})"
        )

    def serialize(self) -> bytes:
        """Return the request as it goes on the wire."""
        if not is_token(self.method):
            raise ValueError(f"invalid method: {self.method!r}")
        if not self.path or any(not "!" <= character <= "~" for character in self.path):
            raise ValueError(f"invalid request target: {self.path!r}")
        return f"{self.method} {self.path} HTTP/1.1\r\n".encode() + self.headers.serialize() + b"\r\n"


@dataclass(slots=True)
class Response:
    """A handshake response; ``body`` is empty for 101."""

    status_code: int
    reason_phrase: str = ""
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def __post_init__(self) -> None:
        if not self.reason_phrase:
            self.reason_phrase = _PHRASES.get(self.status_code, "")

    def serialize(self) -> bytes:
        """Return the response as it goes on the wire."""
        if not (isinstance(self.status_code, int) and 100 <= self.status_code <= 599):
            raise ValueError(f"invalid status: {self.status_code!r}")
        if self.status_code == 101 and self.body:
            raise ValueError("invalid body: what follows a response with status 101 are frames")
        if not is_value(self.reason_phrase):
            raise ValueError(f"invalid reason phrase: {self.reason_phrase!r}")
        line = f"HTTP/1.1 {self.status_code:d} {self.reason_phrase}\r\n".encode("latin-1")
        return line + self.headers.serialize() + b"\r\n" + self.body


class HeadReader:
    """Collects the lines of one head from bytes in any split.

    Args:
        limits: of the lines, and of all of them.
        skips_empty_line: let one empty line come before the head, as before a request (RFC 9112 2.2).
        reads_on: tell of a line that doesn't end with CR LF when the head has ended, as long as
            it begins as a request does.
    """

    __slots__ = (
        "_buffer",
        "_is_broken",
        "_limits",
        "_line_start",
        "_lines",
        "_reads_on",
        "_scanned",
        "_skips_empty_line",
    )

    def __init__(self, limits: Limits, *, skips_empty_line: bool = False, reads_on: bool = False) -> None:
        self._limits = limits
        self._skips_empty_line = skips_empty_line
        self._reads_on = reads_on
        self._is_broken = False
        self._buffer = bytearray()
        self._lines: list[bytes] = []
        self._line_start = 0
        self._scanned = 0

    def receive(self, data: bytes | bytearray | memoryview) -> list[bytes] | None:
        """Take more bytes; return the head's lines once it is whole.

        Raises:
            InvalidMessage: with the status to answer, as soon as a limit is passed or a line is malformed.
        """
        self._buffer += data
        while (newline := self._buffer.find(b"\n", self._scanned)) >= 0:
            end = self._before_cr(newline)
            self._check(end - self._line_start, newline + 1)
            line = bytes(self._buffer[self._line_start : end])
            self._is_broken = self._is_broken or end == newline
            has_ended = not line and bool(self._lines)
            if self._is_broken and (has_ended or not self._may_read_on(line)):
                raise InvalidMessage("line doesn't end with CR LF")
            self._line_start = self._scanned = newline + 1
            if has_ended:
                return self._lines
            if line or not self._skips_empty_line:
                self._lines.append(line)
            self._skips_empty_line = False
        self._scanned = len(self._buffer)
        self._check(self._before_cr(self._scanned) - self._line_start, self._scanned)
        return None

    def receive_request(self, data: bytes | bytearray | memoryview) -> Request | None:
        """Take more bytes; return the request once its head is whole.

        Raises:
            InvalidMessage: as ``receive`` and ``read_request``.
        """
        ordinary = None if self._buffer else _ORDINARY.match(data)
        if ordinary is None or not self._is_within_limits(ordinary):
            lines = self.receive(data)
            return None if lines is None else read_request(lines)
        self._buffer += data
        self._line_start = ordinary.end()
        method, target, packed = ordinary.groups()
        headers = Headers.of_packed(packed)
        headers.unpack()
        # One "GET" for all connections.
        return Request(target.decode(), headers, sys.intern(method.decode()))

    def _is_within_limits(self, ordinary: re.Match[bytes]) -> bool:
        """Tell whether no line of a head can be over its limit, as the whole of it isn't."""
        limits = self._limits
        return (
            ordinary.end() <= min(limits.request_line, limits.header_line, limits.head)
            and ordinary[3].count(b"\n") <= limits.headers
        )

    def _may_read_on(self, line: bytes) -> bool:
        first_line = self._lines[0] if self._lines else line
        return self._reads_on and _REQUEST_LINE.fullmatch(first_line) is not None

    def _before_cr(self, end: int) -> int:
        """Return where the line up to ``end`` really ends: before its CR, if it has one."""
        return end - 1 if end > self._line_start and self._buffer[end - 1] == 0x0D else end

    def _check(self, line: int, head: int) -> None:
        """Hold the line being read, and the head up to ``head``, to their limits."""
        limits = self._limits
        if not self._lines:
            if line > limits.request_line:
                raise InvalidMessage(f"first line is over {limits.request_line} bytes", 414)
        elif line > limits.header_line:
            raise InvalidMessage(f"header line is over {limits.header_line} bytes", 431)
        elif line and len(self._lines) > limits.headers:
            raise InvalidMessage(f"more than {limits.headers} headers", 431)
        if head > limits.head:
            raise InvalidMessage(f"head is over {limits.head} bytes", 431)

    def next_head(self) -> list[bytes] | None:
        """Read the head that follows the one just read; their limits are the same, and so is their sum's."""
        self._lines = []
        return self.receive(b"")

    def keep(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes that follow the head, without reading them."""
        self._buffer += data

    def rest(self) -> bytes:
        """Return the bytes after the head."""
        return bytes(self._buffer[self._line_start :])

    def lines(self) -> bytes:
        """Return the bytes of the lines read so far, the last one of a head that is refused excepted."""
        return bytes(self._buffer[: self._line_start])

    def everything(self) -> bytes:
        """Return every byte taken so far."""
        return bytes(self._buffer)


def read_request(lines: list[bytes]) -> Request:
    """Make a request of its lines.

    Raises:
        InvalidMessage: if it is malformed.
    """
    match = _REQUEST_LINE.fullmatch(lines[0])
    if match is None:
        raise InvalidMessage("malformed request line")
    method, target, major, minor = match.groups()
    path = _read_target(target.decode(), method.decode())
    return Request(path, _read_headers(lines), method.decode(), (int(major), int(minor)))


def _read_target(target: str, method: str) -> str:
    """Return the path and query of a request target (RFC 9112 3.2)."""
    if target.startswith("/") or (target == "*" and method == "OPTIONS"):
        return target
    # 3.2.2: a server accepts the absolute form as well.
    origin = _ABSOLUTE.match(target)
    if origin is None:
        raise InvalidMessage("malformed request target")
    path = target[origin.end() :]
    return path if path.startswith("/") else "/" + path


def read_response(lines: list[bytes]) -> Response:
    """Make a response, without its body, of its lines.

    Raises:
        InvalidMessage: if it is malformed or not of HTTP/1.1.
    """
    match = _STATUS_LINE.fullmatch(lines[0])
    if match is None:
        raise InvalidMessage("malformed status line")
    phrase = (match.group(2) or b"").strip(b" \t").decode("latin-1")
    return Response(int(match.group(1)), phrase, _read_headers(lines))


def _read_headers(lines: list[bytes]) -> Headers:
    headers = Headers()
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise InvalidMessage("malformed header line")
        headers[name.decode()] = value.strip(b" \t").decode("latin-1")
    return headers


def chunk(data: bytes) -> bytes:
    """Return a part of a body as a chunk, and nothing as nothing (RFC 9112 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


class BodyReader:
    """Collects the body of a response, up to a limit (RFC 9112 6.3)."""

    __slots__ = ("_body", "_buffer", "_is_chunked", "_left", "_response", "_room")

    def __init__(self, response: Response, limit: int) -> None:
        self._response = response
        self._body = bytearray()
        codings = ",".join(response.headers.get_all("Transfer-Encoding"))
        self._is_chunked = codings.rpartition(",")[2].strip().lower() == "chunked"
        self._room = limit if self._is_chunked else min(limit, _length(response, limit))
        self._buffer = bytearray()
        # What the chunk being read still has, with the line end after it.
        self._left = 0

    def receive(self, data: bytes | bytearray | memoryview) -> bool:
        """Take more bytes; tell whether the body is whole, or at the limit."""
        if self._is_chunked:
            self._buffer += data
            self._read_chunks()
        else:
            self._add(data)
        return not self._room

    def finish(self) -> Response:
        """Return the response with what has come of its body."""
        self._response.body = bytes(self._body)
        return self._response

    def _add(self, data: bytes | bytearray | memoryview) -> None:
        self._body += data[: self._room]
        self._room -= min(self._room, len(data))

    def _read_chunks(self) -> None:
        """Take what there is of each chunk (RFC 9112 7.1)."""
        while self._room and self._buffer:
            if self._left:
                size = min(self._left, len(self._buffer))
                with memoryview(self._buffer)[: max(self._left - 2, 0)] as part:
                    self._add(part)
                del self._buffer[:size]
                self._left -= size
                continue
            newline = self._buffer.find(b"\r\n", 0, _MAX_CHUNK_LINE)
            if newline < 0 and len(self._buffer) < _MAX_CHUNK_LINE:
                break
            match = _CHUNK_SIZE.fullmatch(self._buffer, 0, max(newline, 0))
            size = int(match[1], 16) if match else 0
            if not size:
                # The last chunk, or nonsense: either way there is no more.
                self._room = 0
            self._left = size + 2
            del self._buffer[: newline + 2]


def _length(response: Response, default: int) -> int:
    """Return the length of a body that isn't chunked, ``default`` if only its end will tell."""
    if response.status_code in (204, 304):
        return 0
    lengths = response.headers.get_all("Content-Length")
    # Longer numbers than 20 digits are no lengths.
    return int(lengths[0]) if lengths and re.fullmatch("[0-9]{1,20}", lengths[0]) else default
