"""What both sides of the opening handshake share: keys, and the words of the two headers.

RFC 6455 4.  The decisions of either side are in ``client`` and ``server``.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import re

from ..exceptions import InvalidHeader, InvalidHeaderValue, InvalidUpgrade
from .headers import Headers, parse_tokens

__all__ = ["accept_key", "check_upgrade", "make_key", "only_value"]

#: 1.3: the one string that tells a WebSocket server from any other.
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# RFC 3986 3.2.2: an IPv6 address in brackets, or a name; then perhaps a port.
_KEY = re.compile("[0-9A-Za-z+/]{22}==")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f]*:[0-9A-Fa-f:.]+\]|[\w.~%!$&'()*+,;=-]+)(?::[0-9]{0,5})?", re.ASCII)


def make_key() -> str:
    """Return a fresh Sec-WebSocket-Key (4.1)."""
    return base64.b64encode(os.urandom(16)).decode()


# Of a key that was just answered it is asked for again.
@functools.lru_cache(maxsize=16)
def accept_key(key: str) -> str:
    """Return the Sec-WebSocket-Accept for a Sec-WebSocket-Key (4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + GUID, usedforsecurity=False).digest()).decode()


def is_key(key: str) -> bool:
    """Tell whether ``key`` is the base64 form of 16 bytes (4.2.1)."""
    return _KEY.fullmatch(key) is not None


def is_host(host: str) -> bool:
    """Tell whether ``host`` may be the value of Host in a request for a WebSocket (RFC 9112 3.2)."""
    return _HOST.fullmatch(host) is not None


def only_value(headers: Headers, name: str) -> str:
    """Return the value of a header that must be there once.

    Raises:
        InvalidHeader: if it is missing or repeated.
    """
    values = headers.get_all(name)
    if not values:
        raise InvalidHeader(name)
    if len(values) > 1:
        raise InvalidHeaderValue(name, "there is more than one")
    return values[0]


def list_values(headers: Headers, name: str) -> list[str]:
    """Return the tokens of every line of a list header; none if it is absent."""
    tokens: list[str] = []
    for value in headers.get_all(name):
        tokens += parse_tokens(name, value)
    return tokens


def asks_for_websocket(headers: Headers) -> bool:
    """Tell whether Upgrade names WebSocket, whatever else is wrong."""
    return any("websocket" in value.lower() for value in headers.get_all("Upgrade"))


def check_upgrade(headers: Headers, *, among_others: bool = False) -> None:
    """See that Upgrade and Connection switch to WebSocket (4.1, 4.2.1).

    A request may offer it ``among_others``; a response names the one that is taken (RFC 9110 7.8).

    Raises:
        InvalidUpgrade: if they don't.
    """
    if headers.get_all("Connection") == ["Upgrade"] and headers.get_all("Upgrade") == ["websocket"]:
        return
    # "keep-alive, Upgrade" is what Firefox sends.
    connection = list_values(headers, "Connection")
    if "upgrade" not in (token.lower() for token in connection):
        raise InvalidUpgrade("Connection", ", ".join(connection) or None)
    upgrade = list_values(headers, "Upgrade")
    protocols = [token.lower() for token in upgrade]
    if "websocket" not in protocols or not (among_others or len(protocols) == 1):
        raise InvalidUpgrade("Upgrade", ", ".join(upgrade) or None)
