"""What a connection tells of what it received.

Text, binary, ping, pong and close events come from an open connection;
``Request`` and ``Response`` of the opening handshake are in ``http11``.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from ..close import Close
from .http11 import Request, Response

__all__ = ["Binary", "Broken", "Chunk", "CloseReceived", "Event", "HandOver", "Ping", "Pong", "Text"]


class Text(NamedTuple):
    """A whole text message."""

    data: str


class Binary(NamedTuple):
    """A whole binary message."""

    data: bytes


class Chunk(NamedTuple):
    """The next part of a message that is received in pieces: ``str`` of a text, ``bytes`` of a binary one."""

    data: str | bytes
    ends_message: bool


class Ping(NamedTuple):
    """A ping; its pong is on the way already."""

    data: bytes


class Pong(NamedTuple):
    """A pong, asked for or not."""

    data: bytes


class CloseReceived(NamedTuple):
    """The peer's Close frame; its answer is on the way already."""

    close: Close


class Broken(NamedTuple):
    """The peer broke a rule: the connection is to be failed, with this code and reason."""

    code: int
    reason: str


class HandOver(NamedTuple):
    """A request that doesn't ask for a WebSocket: every byte received so far, for another protocol."""

    data: bytes


Event: TypeAlias = (
    Text | Binary | Chunk | Ping | Pong | CloseReceived | Broken | HandOver | Request | Response
)
