"""HTTP/1.1 heads, as far as an opening handshake needs them.

A strict reader: what RFC 9112 calls malformed is refused, never repaired.  It
knows lines, headers and limits; it doesn't know WebSocket's headers.

Invariants:

1. Every byte is looked at once, however the head is split.
2. No more than ``Limits.head`` bytes of a head are kept.
3. Nothing that would break a message apart is serialised.
"""

from __future__ import annotations

import contextlib
import http
import re
from dataclasses import dataclass, field

from ..exceptions import InvalidMessage
from .headers import Headers, is_value
from .limits import Limits

__all__ = ["HeadReader", "Request", "Response", "read_body", "read_request", "read_response"]

# RFC 9112 3: one space between the parts; the target has neither spaces nor controls.
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP/(\d)\.(\d)")
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_ABSOLUTE = re.compile(r"(?:https?|wss?)://[^/?#]*", re.IGNORECASE)


@dataclass(slots=True)
class Request:
    """A handshake request.

    ``path`` is the request target: the path and, after ``?``, the query.
    """

    path: str
    headers: Headers
    method: str = "GET"
    version: tuple[int, int] = (1, 1)

    def serialize(self) -> bytes:
        """Return the request as it goes on the wire."""
        if not self.path.isascii() or any(character <= " " or character == "\x7f" for character in self.path):
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
            with contextlib.suppress(ValueError):
                self.reason_phrase = http.HTTPStatus(self.status_code).phrase

    def serialize(self) -> bytes:
        """Return the response as it goes on the wire."""
        if not is_value(self.reason_phrase):
            raise ValueError(f"invalid reason phrase: {self.reason_phrase!r}")
        line = f"HTTP/1.1 {self.status_code} {self.reason_phrase}\r\n".encode("latin-1")
        return line + self.headers.serialize() + b"\r\n" + self.body


class HeadReader:
    """Collects the lines of one head from bytes in any split."""

    __slots__ = ("_buffer", "_limits", "_line_start", "_lines", "_scanned")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
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
            if newline == self._line_start or self._buffer[newline - 1] != 0x0D:
                raise InvalidMessage("line doesn't end with CR LF")
            self._check(newline - 1 - self._line_start, newline + 1)
            line = bytes(self._buffer[self._line_start : newline - 1])
            self._line_start = self._scanned = newline + 1
            if not line and self._lines:
                return self._lines
            self._lines.append(line)
        self._scanned = len(self._buffer)
        self._check(self._scanned - self._line_start, self._scanned)
        return None

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

    def rest(self) -> bytes:
        """Return the bytes after the head."""
        return bytes(self._buffer[self._line_start :])

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
    # RFC 9112 3.2.2: a server accepts the absolute form as well.
    path = _ABSOLUTE.sub("", target.decode(), count=1) if target[:1] != b"/" else target.decode()
    if not path.startswith(("/", "*")):
        path = "/" + path
    return Request(path, _read_headers(lines), method.decode(), (int(major), int(minor)))


def read_response(lines: list[bytes]) -> Response:
    """Make a response, without its body, of its lines.

    Raises:
        InvalidMessage: if it is malformed or not of HTTP/1.1.
    """
    match = _STATUS_LINE.fullmatch(lines[0])
    if match is None:
        raise InvalidMessage("malformed status line")
    phrase = (match.group(2) or b"").decode("latin-1").strip()
    return Response(int(match.group(1)), phrase, _read_headers(lines))


def _read_headers(lines: list[bytes]) -> Headers:
    headers = Headers()
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise InvalidMessage("malformed header line")
        headers[name.decode()] = value.strip(b" \t").decode("latin-1")
    return headers


def read_body(headers: Headers, data: bytes, *, at_end: bool, limit: int) -> bytes | None:
    """Return the body of a response once ``data`` has it, cut to ``limit`` bytes.

    ``at_end``: the peer has closed its side, so what is there is all.  None
    means that more is to come.
    """
    if "chunked" in headers.get_all("Transfer-Encoding"):
        if data.endswith(b"0\r\n\r\n") or at_end or len(data) >= limit:
            return _unchunk(data)[:limit]
        return None
    if len(data) >= limit or at_end:
        return data[:limit]
    lengths = headers.get_all("Content-Length")
    if lengths and lengths[0].isdecimal() and len(data) >= int(lengths[0][:20]):
        return data[: int(lengths[0][:20])]
    return None


def _unchunk(data: bytes) -> bytes:
    """Put chunks together as far as they are whole (RFC 9112 7.1)."""
    body = bytearray()
    while True:
        size, newline, data = data.partition(b"\r\n")
        digits = size.partition(b";")[0].strip()
        if not newline or not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", digits) or not int(digits, 16):
            return bytes(body)
        body += data[: int(digits, 16)]
        data = data[int(digits, 16) + 2 :]
