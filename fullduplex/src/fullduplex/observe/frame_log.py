"""The frames and handshakes of one connection as lines of a log, for debugging.

Each line begins with the connection's id, and ``<`` for what came in or ``>``
for what went out.  Of payloads the beginning is shown, with controls escaped;
credentials of the opening handshake are hidden.

Of a message in fragments the content of each is shown; of a compressed one,
what it stands for, beside the last frame.
"""

from __future__ import annotations

import logging

from ..close import Close
from ..kernels.pure import ReadableBuffer
from ..protocol.frames import Opcode, Piece
from ..protocol.http11 import Request, Response
from ..protocol.redaction import shown_header, shown_target

__all__ = ["SHOWN", "FrameLog"]

#: How many bytes of a payload a line shows: of text, and of anything else.
SHOWN = 64
SHOWN_IN_HEX = 24


class _Way:
    """What is known of the message that goes one way."""

    __slots__ = ("is_compressed", "is_text", "mark")

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.is_text = False
        self.is_compressed = False

    def begins(self, opcode: Opcode, rsv: int) -> None:
        """Note the first frame of a message; that others begin none."""
        if opcode in (Opcode.TEXT, Opcode.BINARY):
            self.is_text = opcode is Opcode.TEXT
            self.is_compressed = rsv != 0


class FrameLog:
    """Writes what goes in and out of one connection to a logger, at DEBUG."""

    __slots__ = ("_beginning", "_id", "_in", "_logger", "_out", "_size", "_undecoded", "plain")

    def __init__(self, logger: logging.Logger, name: str) -> None:
        self._logger = logger
        self._id = name
        self._in = _Way("<")
        self._out = _Way(">")
        # Of the frame that is being read.
        self._beginning = b""
        self._size = 0
        # A compressed frame that was read, while it isn't known what it stands for.
        self._undecoded: tuple[str, str] | None = None
        #: What the message being sent was before it was compressed.
        self.plain: ReadableBuffer = b""

    # The opening handshake

    def request_sent(self, request: Request) -> None:
        """Write a request of ours."""
        self._write_request(">", request)

    def request_read(self, request: Request) -> None:
        """Write a client's request."""
        self._write_request("<", request)

    def response_sent(self, response: Response) -> None:
        """Write a response of ours."""
        self._write_response(">", response)

    def response_read(self, response: Response) -> None:
        """Write a server's response."""
        self._write_response("<", response)

    def _write_request(self, mark: str, request: Request) -> None:
        version = ".".join(map(str, request.version))
        self._write(mark, f"{request.method} {shown_target(request.path)} HTTP/{version}")
        self._write_headers(mark, request)

    def _write_response(self, mark: str, response: Response) -> None:
        self._write(mark, f"HTTP/1.1 {response.status_code} {_escaped(response.reason_phrase)}")
        self._write_headers(mark, response)
        if response.body:
            self._write(mark, f"[body of {_bytes(len(response.body))}]")

    def _write_headers(self, mark: str, head: Request | Response) -> None:
        for name, value in head.headers.raw_items():
            self._write(mark, f"{name}: {_escaped(shown_header(name, value))}")

    # Frames that come in

    def piece_read(self, piece: Piece) -> None:
        """Take a piece of a frame; its last one has the frame written."""
        self.decoded(None)
        self._in.begins(piece.opcode, piece.rsv)
        if len(self._beginning) < SHOWN:
            self._beginning += piece.payload[: SHOWN - len(self._beginning)]
        self._size += len(piece.payload)
        if not piece.ends_frame:
            return
        beginning, size = self._beginning, self._size
        self._beginning, self._size = b"", 0
        if piece.opcode >= Opcode.CLOSE:
            # Of these the whole payload is one piece.
            self._write("<", f"{piece.opcode.name}{_control(piece.opcode, piece.payload)}")
        elif self._in.is_compressed:
            self._undecoded = piece.opcode.name, f"{size} compressed{_end(piece.fin)}"
        else:
            shown = _shown(beginning, size, is_text=self._in.is_text)
            self._write("<", f"{piece.opcode.name}{shown} [{_bytes(size)}{_end(piece.fin)}]")

    def decoded(self, data: str | bytes | None) -> None:
        """Write the compressed frame that was read last, unless it is, and what came of it, if anything."""
        if self._undecoded is None:
            return
        (name, size), self._undecoded = self._undecoded, None
        if data is None:
            self._write("<", f"{name} [{size}]")
        else:
            content = data.encode() if isinstance(data, str) else data
            shown = _shown(content[:SHOWN], len(content), is_text=isinstance(data, str))
            self._write("<", f"{name}{shown} [{_bytes(len(content))}, {size}]")

    def rule_broken(self, code: int, reason: str) -> None:
        """Write that the peer broke a rule."""
        self._write("<", f"breaks a rule: {int(code)} {reason!r}")

    def handshake_failed(self, error: Exception) -> None:
        """Write that a server's response isn't one to go on with."""
        self._write("<", f"opening handshake failed: {type(error).__name__}")

    # Frames that go out

    def frame_sent(self, opcode: Opcode, payload: ReadableBuffer, *, fin: bool, rsv: int) -> None:
        """Write a frame of ours."""
        way = self._out
        way.begins(opcode, rsv)
        if opcode >= Opcode.CLOSE:
            self._write(">", f"{opcode.name}{_control(opcode, bytes(payload))}")
            return
        content = self.plain if way.is_compressed else payload
        shown = _shown(bytes(content[:SHOWN]), len(content), is_text=way.is_text)
        size = _bytes(len(content))
        if way.is_compressed:
            size += f", {len(payload)} compressed"
        self._write(">", f"{opcode.name}{shown} [{size}{_end(fin)}]")

    def _write(self, mark: str, what: str) -> None:
        self._logger.debug("%s %s %s", self._id, mark, what)


def _escaped(text: str) -> str:
    """Return text of a head, which may have anything of Latin-1, in ASCII."""
    return text.encode("unicode_escape").decode("ascii")


def _bytes(size: int) -> str:
    return "1 byte" if size == 1 else f"{size} bytes"


def _end(fin: bool) -> str:
    return "" if fin else ", continued"


def _control(opcode: Opcode, payload: bytes) -> str:
    """Return what a control frame says."""
    if opcode is Opcode.CLOSE:
        try:
            close = Close.parse(payload)
        except ValueError:
            # It breaks a rule.
            pass
        else:
            return f" {int(close.code)} {close.reason!r} [{_bytes(len(payload))}]"
    return f"{_shown(payload, len(payload), is_text=_is_printable(payload))} [{_bytes(len(payload))}]"


def _is_printable(payload: bytes) -> bool:
    return payload.isascii() and payload.decode("ascii").isprintable()


def _shown(beginning: bytes, size: int, *, is_text: bool) -> str:
    """Return the beginning of a payload: text quoted, with escapes, and anything else in hexadecimal."""
    if not beginning:
        return ""
    if not is_text:
        beginning = beginning[:SHOWN_IN_HEX]
    rest = " …" if size > len(beginning) else ""
    if not is_text:
        return f" {beginning.hex(' ')}{rest}"
    text = beginning.decode(errors="replace")
    if rest:
        # The cut may go through a character.
        text = text.rstrip("\ufffd")
    return f" {text!r}{rest}"
