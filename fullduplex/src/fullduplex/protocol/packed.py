"""The heads of a server's opening handshake, kept for as long as the connection is open.

Nearly nobody asks for them again, so they are kept as bytes: of a request its target and header
lines, of a response the lines that many have in common, in one object for all of them.

Invariants:

1. What was packed unpacks to an equal head; one that wouldn't isn't packed.
"""

from __future__ import annotations

import functools
import re

from .handshake import accept_key
from .headers import Headers
from .http11 import Request, Response

__all__ = ["pack_request", "pack_response", "unpack_request", "unpack_response"]

_KEY = re.compile(rb"\r\nSec-WebSocket-Key: ([\x21-\x7e]*)\r\n", re.IGNORECASE)
_SWITCHING = Response(101).reason_phrase
_ACCEPT = b"\r\nSec-WebSocket-Accept: "

#: Those of one second are alike, but for what programs add.
_shared = functools.lru_cache(maxsize=16)(bytes)


def pack_request(request: Request) -> bytes | None:
    """Return a request as bytes; None if it isn't one that opens a WebSocket, or can't be sent."""
    if request.method != "GET" or request.version != (1, 1) or "\r" in request.path:
        return None
    try:
        return request.path.encode() + b"\r\n" + request.headers.serialize()
    except (TypeError, ValueError):
        return None


def unpack_request(packed: bytes) -> Request:
    """Undo ``pack_request``."""
    path, _, lines = packed.partition(b"\r\n")
    return Request(path.decode(), Headers.of_packed(lines))


def pack_response(response: Response, request: bytes) -> bytes | None:
    """Return a response to a packed request, without what that tells; None unless it accepts it."""
    if type(response) is not Response or response.body:
        return None
    if response.status_code != 101 or response.reason_phrase != _SWITCHING:
        return None
    try:
        before, name, after = response.headers.serialize().partition(_ACCEPT)
    except (TypeError, ValueError):
        return None
    accept = _accept(request)
    if not name or not accept or not after.startswith(accept):
        return None
    return _shared(before + name + after.removeprefix(accept))


def unpack_response(packed: bytes, request: bytes) -> Response:
    """Undo ``pack_response``."""
    before, name, after = packed.partition(_ACCEPT)
    return Response(101, headers=Headers.of_packed(before + name + _accept(request) + after))


def _accept(request: bytes) -> bytes:
    """Return what accepts a packed request; nothing if it has no key."""
    key = _KEY.search(request)
    return b"" if key is None else accept_key(key[1].decode()).encode()
