"""WebSocket URIs (RFC 6455 3).

This module knows what a ``ws://`` or ``wss://`` address says; it opens nothing.
"""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass

from ..exceptions import InvalidURI

__all__ = ["URI", "parse_uri"]

DEFAULT_PORTS = {"ws": 80, "wss": 443}
#: RFC 3986 2.2 and 2.4: what stays as it is in a path or query.
_KEPT = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class URI:
    """The parts of a WebSocket URI; ``host`` is lower-case ASCII without brackets."""

    secure: bool
    host: str
    port: int
    path: str
    query: str
    username: str | None = None
    password: str | None = None

    @property
    def resource_name(self) -> str:
        """The request target: path, and query if there is one (3)."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def host_header(self) -> str:
        """The value of Host: the port stands in it unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS["wss" if self.secure else "ws"] else f"{host}:{self.port}"


def parse_uri(uri: str) -> URI:
    """Parse a WebSocket URI.

    Characters beyond ASCII are encoded: the host by IDNA, path and query in
    percent form.  User name and password come from the part before ``@``.

    Raises:
        InvalidURI: if it isn't one; the exception says why.
    """
    if any(character <= " " or character == "\x7f" for character in uri):
        raise InvalidURI(uri, "it has a space or control character")
    try:
        parts = urllib.parse.urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise InvalidURI(uri, str(error)) from None
    scheme = parts.scheme
    if scheme not in DEFAULT_PORTS:
        raise InvalidURI(uri, "the scheme isn't ws or wss")
    if not parts.hostname:
        raise InvalidURI(uri, "there is no host in it")
    if "#" in uri:
        raise InvalidURI(uri, "it has a fragment")
    if port == 0:
        raise InvalidURI(uri, "port 0 can't be connected to")
    try:
        host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    except UnicodeError:
        raise InvalidURI(uri, "the host isn't a valid name") from None
    username = None if parts.username is None else urllib.parse.unquote(parts.username)
    return URI(
        secure=scheme == "wss",
        host=host,
        port=DEFAULT_PORTS[scheme] if port is None else port,
        path=urllib.parse.quote(parts.path or "/", safe=_KEPT),
        query=urllib.parse.quote(parts.query, safe=_KEPT),
        username=username,
        password=None if username is None else urllib.parse.unquote(parts.password or ""),
    )
