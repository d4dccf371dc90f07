"""WebSocket URIs (RFC 6455 3).

This module knows what a ``ws://`` or ``wss://`` address says, and where a
redirect from there leads; it opens nothing.
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from dataclasses import dataclass

from ..exceptions import InvalidURI

__all__ = ["URI", "parse_uri", "resolve"]

DEFAULT_PORTS = {"ws": 80, "wss": 443}
#: The opening handshake is HTTP, and some servers say so in their redirects.
_HTTP_SCHEMES = {"http": "ws", "https": "wss"}
_ZONE = re.compile(r"[\w.~-]+", re.ASCII)
#: RFC 3986 2.2 and 2.4: what stays as it is in a path or query.
_KEPT = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class URI:
    """The parts of a WebSocket URI; ``host`` is lower-case ASCII without brackets.

    Behind an IPv6 address there may be ``%`` and its zone on this machine.  As
    text, a URI has neither credentials nor query, and may stand in logs.
    """

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
    def scheme(self) -> str:
        """``ws`` or ``wss``."""
        return "wss" if self.secure else "ws"

    @property
    def server_name(self) -> str:
        """The host without its zone, which means nothing to others (RFC 6874 4)."""
        return self.host.partition("%")[0] if ":" in self.host else self.host

    @property
    def host_header(self) -> str:
        """The value of Host: the port stands in it unless it is the scheme's own."""
        host = f"[{self.server_name}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host_header}{self.path}"

    def has_origin_of(self, other: URI) -> bool:
        """Tell whether scheme, host and port are the same (RFC 6454 5)."""
        return (self.secure, self.host, self.port) == (other.secure, other.host, other.port)


def parse_uri(uri: str) -> URI:
    """Parse a WebSocket URI.

    Characters beyond ASCII are encoded: the host by IDNA, path and query in
    percent form.  User name and password come from the part before ``@``.

    Raises:
        InvalidURI: if it isn't one; the exception says why.
    """
    _check_characters(uri)
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
        host = _read_host(parts.hostname)
    except ValueError:
        raise InvalidURI(uri, "the host isn't a valid name") from None
    username = None if parts.username is None else urllib.parse.unquote(parts.username)
    if username is not None and ":" in username:
        raise InvalidURI(uri, "the user name has a colon, which Basic authentication can't say")
    return URI(
        secure=scheme == "wss",
        host=host,
        port=DEFAULT_PORTS[scheme] if port is None else port,
        path=urllib.parse.quote(parts.path or "/", safe=_KEPT),
        query=urllib.parse.quote(parts.query, safe=_KEPT),
        username=username,
        password=None if username is None else urllib.parse.unquote(parts.password or ""),
    )


def resolve(base: URI, location: str) -> URI:
    """Return where the Location of a redirect leads (RFC 9110 10.2.2).

    ``http`` stands for ``ws`` and ``https`` for ``wss``; a fragment is dropped.
    User name and password go along within one origin, and never beyond it.

    Raises:
        InvalidURI: if it leads to no WebSocket.
    """
    _check_characters(location)
    host = f"[{base.host.replace('%', '%25')}]" if ":" in base.host else base.host
    try:
        joined = urllib.parse.urljoin(f"{base.scheme}://{host}:{base.port}{base.resource_name}", location)
    except ValueError as error:
        raise InvalidURI(location, str(error)) from None
    scheme, colon, rest = joined.partition("#")[0].partition(":")
    uri = parse_uri(_HTTP_SCHEMES.get(scheme.lower(), scheme) + colon + rest)
    if not uri.has_origin_of(base):
        return dataclasses.replace(uri, username=None, password=None)
    if uri.username is None:
        return dataclasses.replace(uri, username=base.username, password=base.password)
    return uri


def _check_characters(uri: str) -> None:
    if any(character <= " " or character == "\x7f" for character in uri):
        raise InvalidURI(uri, "it has a space or control character")


def _read_host(host: str) -> str:
    """Return a host in ASCII, and its zone, if it has one, without the escape of its ``%`` (RFC 6874 2).

    Raises:
        ValueError: if it is no valid name.
    """
    address, percent, zone = host.partition("%")
    if ":" not in address or not percent:
        return host.encode("idna").decode()
    if zone.startswith("25") and zone != "25":
        zone = zone[2:]
    if not _ZONE.fullmatch(zone):
        raise ValueError
    return f"{address}%{zone}"
