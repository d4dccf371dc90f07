"""What a typed line means: a message, or one of the commands that begin with a slash."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from ..close import Close

__all__ = ["HELP", "Action", "Help", "Ping", "Say", "asks_secret", "read_hex", "read_line"]

HELP = """\
/hex 00 ff            send these bytes as a binary message
/text WORDS           send text, whatever --binary or --hex says
/ping [WORDS]         ping, and show how long it took
/close [CODE [WHY]]   close, with 1000 or another code
//WORDS               send text that begins with a slash
Ctrl-D closes with 1000; Ctrl-C leaves at once, with 1001."""

#: 5.5: what a control frame carries at most.
MAX_PING = 125
_SECRET = re.compile(
    r"(password|passphrase|passcode|secret|token|\bpin\b|密码|口令|密碼)[^\n]{0,20}[:：?？][\s>]*\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Say:
    """Send a message."""

    message: str | bytes


@dataclass(frozen=True, slots=True)
class Ping:
    """Ping, with this payload; None for a random one."""

    data: bytes | None


@dataclass(frozen=True, slots=True)
class Help:
    """Tell what can be typed."""


Action: TypeAlias = Say | Ping | Close | Help


def asks_secret(message: str | bytes) -> bool:
    """Tell whether a message looks like a prompt for a password: what answers it is no one's to see."""
    return isinstance(message, str) and _SECRET.search(message[-200:]) is not None


def read_hex(text: str) -> bytes:
    """Read bytes from hex digits, with white space or without.

    Raises:
        ValueError: if it is something else.
    """
    try:
        return bytes.fromhex("".join(text.split()))
    except ValueError:
        raise ValueError("bytes are written as pairs of hex digits, like 00 ff") from None


def read_line(text: str, form: str = "text") -> Action:
    """Read a typed line; messages without a command are of the form text, binary or hex.

    Raises:
        ValueError: if it can't be understood; the exception says what could.
    """
    # What a keyboard sent that isn't UTF-8 can't go out as text.
    text = text.encode(errors="replace").decode()
    if text.startswith("//"):
        return _in_form(text[1:], form)
    if not text.startswith("/"):
        return _in_form(text, form)
    name, _, rest = text[1:].partition(" ")
    match name:
        case "hex":
            return Say(read_hex(rest))
        case "text":
            return Say(rest)
        case "ping":
            return _ping(rest.encode())
        case "close":
            return _close(rest)
        case "help":
            return Help()
    raise ValueError(f"there is no command /{name}: /help lists them, //{name} sends it as text")


def _in_form(text: str, form: str) -> Say:
    if form == "hex":
        return Say(read_hex(text))
    return Say(text.encode() if form == "binary" else text)


def _ping(data: bytes) -> Ping:
    if len(data) > MAX_PING:
        raise ValueError(f"a ping carries at most {MAX_PING} bytes")
    return Ping(data or None)


def _close(rest: str) -> Close:
    code, _, why = rest.strip().partition(" ")
    if code and not (code.isascii() and code.isdecimal() and len(code) < 6):
        raise ValueError("it is written /close, /close 1000 or /close 4000 because")
    close = Close(int(code or 1000), why)
    if close.code == 1005:
        raise ValueError("close code 1005 may not be sent; use 1000 or 3000 to 4999")
    close.serialize()
    return close
