"""URLs of WebSockets as browsers read them (WHATWG URL).

Where ``uri`` is strict, a browser forgives: it strips, encodes and completes
what can be meant only one way.  This module knows the four schemes that lead to
a WebSocket; every other is refused, since nothing else about it would matter.

Names beyond ASCII are mapped as IDNA 2003 does, but for ``ß``, ``ς`` and the
joiners, which UTS 46 keeps: the tables of the latter aren't in the standard library.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import string
import unicodedata
import urllib.parse
from dataclasses import dataclass
from encodings import idna

from ..exceptions import InvalidURI
from .uri import DEFAULT_PORTS, URI

__all__ = ["URL", "parse_url"]

_SCHEMES = {**DEFAULT_PORTS, "http": 80, "https": 443}
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_C0_OR_SPACE = "".join(map(chr, range(0x21)))
_TAB_OR_NEWLINE = str.maketrans("", "", "\t\n\r")
_PRINTABLE = frozenset(map(chr, range(0x21, 0x7F)))
# What stays as it is in each part (WHATWG URL 1.3).
_QUERY = "".join(_PRINTABLE - set("\"#<>'"))
_PATH = "".join(_PRINTABLE - set('"#<>?^`{}'))
_USER = "".join(_PRINTABLE - set('"#<>?^`{}/:;=@[\\]|'))
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f#/:<>?@\[\\\]^|%]")
_DOTS = re.compile("[.\u3002\uff0e\uff61]")
_JOINERS = "\u200c\u200d"
_KEPT = re.compile(f"([ßς{_JOINERS}])")
_VIRAMA = 9
_ZEROS = re.compile(r"\b0(?::0)+\b")


@dataclass(frozen=True, slots=True)
class URL:
    """The parts of a WebSocket's URL in normal form; as text, all of them.

    ``port`` is None for the scheme's own; ``query`` and ``fragment`` may be
    there and empty.
    """

    scheme: str
    username: str
    password: str
    host: str
    port: int | None
    path: str
    query: str | None
    fragment: str | None

    @property
    def origin(self) -> str:
        """The origin, as text (WHATWG URL 4.7)."""
        return f"{self.scheme}://{self.host}" + ("" if self.port is None else f":{self.port}")

    @property
    def uri(self) -> URI:
        """The same, as the client's side wants it."""
        has_user = bool(self.username or self.password)
        return URI(
            secure=self.scheme == "wss",
            host=self.host.strip("[]"),
            port=DEFAULT_PORTS[self.scheme] if self.port is None else self.port,
            # A query that is there and empty is sent as a mere question mark.
            path=self.path + "?" if self.query == "" else self.path,
            query=self.query or "",
            username=urllib.parse.unquote(self.username) if has_user else None,
            password=urllib.parse.unquote(self.password) if has_user else None,
        )

    def __str__(self) -> str:
        user = self.username + (f":{self.password}" if self.password else "")
        parts = [self.origin.replace("://", f"://{user}@", 1) if user else self.origin, self.path]
        if self.query is not None:
            parts.append(f"?{self.query}")
        if self.fragment is not None:
            parts.append(f"#{self.fragment}")
        return "".join(parts)


def parse_url(text: str, base: str | None = None) -> URL:
    """Parse the URL of a WebSocket, which may be relative to ``base``.

    ``http`` becomes ``ws``, and ``https`` ``wss``.

    Raises:
        InvalidURI: if it, or ``base``, isn't one; the exception says why.
    """
    try:
        url = _parse(text, None if base is None else _parse(base, None))
    except ValueError as error:
        raise InvalidURI(text, str(error)) from None
    return dataclasses.replace(url, scheme="wss" if url.scheme in ("https", "wss") else "ws")


def _parse(text: str, base: URL | None) -> URL:
    rest, hash_sign, after = text.strip(_C0_OR_SPACE).translate(_TAB_OR_NEWLINE).partition("#")
    fragment = after if hash_sign else None
    rest, mark, after = rest.partition("?")
    query = urllib.parse.quote(after, safe=_QUERY) if mark else None
    match = _SCHEME.match(rest)
    if match is not None:
        scheme, rest = match[1].lower(), rest[match.end() :]
    elif base is not None:
        scheme = base.scheme
    else:
        raise ValueError("it has no scheme, and there is no base")
    if scheme not in _SCHEMES:
        raise ValueError("the scheme isn't that of a WebSocket")
    rest = rest.replace("\\", "/")
    if base is not None and scheme == base.scheme and not rest.startswith("//"):
        return _relative(base, rest, query, fragment)
    authority, _, path = rest.lstrip("/").partition("/")
    return URL(scheme, *_read_authority(authority, scheme), _normal_path(path), query, fragment)


def _relative(base: URL, path: str, query: str | None, fragment: str | None) -> URL:
    """Return what has no host of its own."""
    if not path:
        query = base.query if query is None else query
        return dataclasses.replace(base, query=query, fragment=fragment)
    if not path.startswith("/"):
        path = f"{base.path.rpartition('/')[0]}/{path}"
    return dataclasses.replace(base, path=_normal_path(path[1:]), query=query, fragment=fragment)


def _normal_path(path: str) -> str:
    """Return a path without its first slash as a whole one: encoded, and without dot segments."""
    segments: list[str] = []
    *inner, last = path.split("/")
    for segment in inner:
        match _dots(segment):
            case ".":
                pass
            case "..":
                del segments[-1:]
            case _:
                segments.append(segment)
    match _dots(last):
        case ".":
            segments.append("")
        case "..":
            segments[-1:] = [""]
        case _:
            segments.append(last)
    return "/" + urllib.parse.quote("/".join(segments), safe=_PATH)


def _dots(segment: str) -> str:
    return segment.lower().replace("%2e", ".")


def _read_authority(authority: str, scheme: str) -> tuple[str, str, str, int | None]:
    """Return user name, password, host and port."""
    user, _, host = authority.rpartition("@")
    username, _, password = user.partition(":")
    if host.startswith("["):
        address, bracket, after = host.partition("]")
        if not bracket or (after and not after.startswith(":")):
            raise ValueError("the host isn't a valid address")
        host, port = f"[{_read_ipv6(address[1:])}]", after[1:]
    else:
        host, _, port = host.partition(":")
        host = _read_host(host)
    return (
        urllib.parse.quote(username, safe=_USER),
        urllib.parse.quote(password, safe=_USER),
        host,
        _read_port(port, _SCHEMES[scheme]),
    )


def _read_port(digits: str, default: int) -> int | None:
    if not digits:
        return None
    significant = digits.lstrip("0")
    if not (digits.isascii() and digits.isdigit()) or len(significant) > 5 or int(significant or 0) > 0xFFFF:
        raise ValueError("the port isn't a number up to 65535")
    port = int(significant or 0)
    return None if port == default else port


def _read_host(host: str) -> str:
    """Return a name or an IPv4 address in normal form."""
    name = ".".join(map(_read_label, _DOTS.split(urllib.parse.unquote_to_bytes(host).decode())))
    if not name:
        raise ValueError("there is no host in it")
    if _FORBIDDEN.search(name):
        raise ValueError("the host isn't a valid name")
    labels = name.removesuffix(".").split(".")
    if labels[-1].isdigit() or _read_number(labels[-1]) is not None:
        return _read_ipv4(labels)
    return name


def _read_label(label: str) -> str:
    """Return one label of a name in ASCII (UTS 46 4)."""
    if not label.isascii():
        for before, character in zip(" " + label, label, strict=False):
            if character in _JOINERS and unicodedata.combining(before) != _VIRAMA:
                raise ValueError("the host has a joiner where none may be")
        pieces = _KEPT.split(label.replace("ẞ", "ß"))
        label = "".join(piece if index % 2 else idna.nameprep(piece) for index, piece in enumerate(pieces))
    label = label.lower()
    if not label.isascii():
        return "xn--" + label.encode("punycode").decode()
    if label.startswith("xn--"):
        meant = label[4:].encode().decode("punycode")
        if _read_label(meant) != label:
            raise ValueError("the host has a label that stands for none beyond ASCII")
    return label


def _read_ipv4(labels: list[str]) -> str:
    numbers = [_read_number(label) for label in labels]
    if len(numbers) > 4 or None in numbers:
        raise ValueError("the host isn't a valid address")
    *first, last = [number for number in numbers if number is not None]
    if any(number > 255 for number in first) or last >= 256 ** (4 - len(first)):
        raise ValueError("the host isn't a valid address")
    return str(ipaddress.IPv4Address(last + sum(n << 8 * (3 - i) for i, n in enumerate(first))))


def _read_number(label: str) -> int | None:
    """Return a number written in decimal, with 0x in hexadecimal or with 0 in octal; None if it isn't one."""
    base, digits, alphabet = 10, label, string.digits
    if label[:2] in ("0x", "0X"):
        base, digits, alphabet = 16, label[2:], string.hexdigits
    elif len(label) > 1 and label[0] == "0":
        base, digits, alphabet = 8, label[1:], string.octdigits
    if not label or not set(digits) <= set(alphabet):
        return None
    # Whatever is longer is too large as well, unless it begins with zeros.
    return int(digits.lstrip("0")[:16] or "0", base)


def _read_ipv6(address: str) -> str:
    if "%" in address:
        raise ValueError("the host has a zone, which a browser's address can't")
    number = int(ipaddress.IPv6Address(address))
    groups = ":".join(f"{number >> shift & 0xFFFF:x}" for shift in range(112, -1, -16))
    runs = list(_ZEROS.finditer(groups))
    if not runs:
        return groups
    start, end = max(runs, key=lambda run: len(run[0])).span()
    return f"{groups[:start].removesuffix(':')}::{groups[end:].removeprefix(':')}"
