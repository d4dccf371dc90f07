"""Headers of the opening handshake: the multi-dict, and the values with a grammar.

This module knows RFC 9110's lists, tokens and quoted strings, and which of
them RFC 6455 uses; what a value means for a handshake is decided in
``client`` and ``server``.  All parsing takes linear time.
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import TypeAlias

from ..exceptions import InvalidHeaderFormat, InvalidHeaderValue
from .extensions.base import Parameters
from .redaction import shown_header

__all__ = [
    "Headers",
    "HeadersLike",
    "build_authorization_basic",
    "build_extensions",
    "is_token",
    "is_value",
    "parse_authorization_basic",
    "parse_extensions",
    "parse_tokens",
]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# RFC 9110 5.5: visible characters, obs-text, space and tab; no space at either end.
_VALUE = re.compile(r"[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?|")
_QUOTED = re.compile(r'"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*)"')
_ESCAPED = re.compile(r"\\(.)")
_LINES = re.compile(r"([^:]*): ([^\r]*)\r\n")
# What nearly all lists are: tokens with a comma and a space between two.
_PLAIN_LIST = re.compile(rf"{_TOKEN.pattern}(?:, {_TOKEN.pattern})*")


class MultipleValuesError(LookupError):
    """A header that was asked for as one value is there several times."""


class Headers(MutableMapping[str, str]):
    """Header lines in their order, found by name without regard to case.

    ``headers[name]`` gives the only value and raises ``MultipleValuesError``
    if there are several; assigning to a name *adds* a line.  ``get_all`` gives
    every value, and ``raw_items`` every line.  The representation may stand in
    logs: it hides credentials and cookies.
    """

    __slots__ = ("_known", "_packed")

    def __init__(self, lines: HeadersLike = (), /, **more: str) -> None:
        # The lines, and the values by folded name; None while they are packed.
        self._known: tuple[list[tuple[str, str]], dict[str, list[str]]] | None = ([], {})
        # The lines as they go on the wire, once they were checked; None since they were changed.
        self._packed: bytes | None = None
        self.update(lines, **more)

    @classmethod
    def of_packed(cls, packed: bytes) -> Headers:
        """Make headers of lines as ``serialize`` returns them, which the caller has checked."""
        headers = cls.__new__(cls)
        headers._packed = packed
        headers._known = None
        return headers

    def pack(self) -> None:
        """Keep the lines as bytes, in a tenth of the memory; for when they are seldom needed any more.

        Reading them then takes longer, and changing them unpacks them, unless a line is added.
        Lines that can't be sent are left as they are.
        """
        # A block for exceptions that are passed over would take longer than all the rest, mostly.
        try:
            self.serialize()
        except (TypeError, ValueError):
            return
        self._known = None

    def unpack(self) -> None:
        """Undo ``pack``; for when they are read more than once."""
        self._known = self._unpacked()

    def _unpacked(self) -> tuple[list[tuple[str, str]], dict[str, list[str]]]:
        if self._known is not None:
            return self._known
        assert self._packed is not None
        lines: list[tuple[str, str]] = _LINES.findall(self._packed.decode("latin-1"))
        index = {name.lower(): [value] for name, value in lines}
        if len(index) < len(lines):
            index = {name: [] for name in index}
            for name, value in lines:
                index[name.lower()].append(value)
        return lines, index

    @property
    def _lines(self) -> list[tuple[str, str]]:
        return self._unpacked()[0]

    @property
    def _index(self) -> dict[str, list[str]]:
        return self._unpacked()[1]

    def __getitem__(self, name: str) -> str:
        values = self._index[name.lower()]
        if len(values) == 1:
            return values[0]
        raise MultipleValuesError(name)

    def __setitem__(self, name: str, value: str) -> None:
        packed = self._packed if self._known is None else None
        if packed is not None and isinstance(value, str) and _is_name(name) and is_value(value):
            self._packed = packed + f"{name}: {value}\r\n".encode("latin-1")
            return
        lines, index = self._known = self._unpacked()
        self._packed = None
        lines.append((name, value))
        index.setdefault(name.lower(), []).append(value)

    def __delitem__(self, name: str) -> None:
        folded = name.lower()
        lines, index = self._unpacked()
        del index[folded]
        self._packed = None
        self._known = [line for line in lines if line[0].lower() != folded], index

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._index

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return self._index == other._index

    def __repr__(self) -> str:
        shown = [(name, shown_header(name, value)) for name, value in self._lines]
        return f"{type(self).__name__}({shown!r})"

    def update(self, lines: HeadersLike = (), /, **more: str) -> None:  # type: ignore[override]
        """Add every line of ``lines``, which is a mapping, pairs, or other headers."""
        if isinstance(lines, Headers):
            pairs: Iterable[tuple[str, str]] = lines.raw_items()
        elif isinstance(lines, Mapping):
            pairs = lines.items()
        else:
            pairs = lines
        for name, value in (*pairs, *more.items()):
            self[name] = value

    def clear(self) -> None:
        """Remove every line."""
        self._known = ([], {})
        self._packed = None

    def get_all(self, name: str) -> list[str]:
        """Return the values of every line called ``name``, in order; none is an empty list."""
        return list((self._known or self._unpacked())[1].get(name.lower(), ()))

    def raw_items(self) -> Iterator[tuple[str, str]]:
        """Give every line as name and value, as written."""
        return iter(list(self._lines))

    def copy(self) -> Headers:
        """Return headers with the same lines."""
        return Headers(self)

    def serialize(self) -> bytes:
        """Return the lines as they go on the wire, without the empty line after them.

        Raises:
            ValueError: if a name or value would break the message apart.
        """
        if self._packed is None:
            for name, value in self._lines:
                if not _is_name(name):
                    raise ValueError(f"invalid header name: {name!r}")
                if not is_value(value):
                    raise ValueError(f"invalid value of header {name}: {value!r}")
            self._packed = "".join([f"{name}: {value}\r\n" for name, value in self._lines]).encode("latin-1")
        return self._packed


HeadersLike: TypeAlias = Headers | Mapping[str, str] | Iterable[tuple[str, str]]


def is_token(text: str) -> bool:
    """Tell whether ``text`` is a token (RFC 9110 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


#: Programs send the same few headers again and again.
_is_name = functools.lru_cache(maxsize=64)(is_token)


def is_value(text: str) -> bool:
    """Tell whether ``text`` may be a header's value (RFC 9110 5.5); it may be empty."""
    return _VALUE.fullmatch(text) is not None


class _Scanner:
    """A place in a header's value, and what may stand there."""

    __slots__ = ("at", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.at = 0

    def fail(self, problem: str) -> InvalidHeaderFormat:
        return InvalidHeaderFormat(self.name, problem, self.text, self.at)

    def skip_space(self) -> None:
        while self.text.startswith((" ", "\t"), self.at):
            self.at += 1

    def at_end(self) -> bool:
        return self.at == len(self.text)

    def take(self, character: str) -> bool:
        """Step over ``character`` and the space around it, if it is there."""
        self.skip_space()
        if not self.text.startswith(character, self.at):
            return False
        self.at += 1
        self.skip_space()
        return True

    def token(self) -> str:
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            raise self.fail("expected token")
        self.at = match.end()
        return match.group()

    def token_or_quoted(self) -> str:
        if not self.text.startswith('"', self.at):
            return self.token()
        match = _QUOTED.match(self.text, self.at)
        if match is None:
            raise self.fail("unterminated or invalid quoted string")
        value = _ESCAPED.sub(r"\1", match.group(1))
        if not is_token(value):
            # 9.1: a quoted value must be a token once unquoted.
            raise self.fail("invalid quoted value")
        self.at = match.end()
        return value

    def items(self) -> Iterator[None]:
        """Stop at the beginning of each element of a comma-separated list.

        Empty elements are passed over (RFC 9110 5.6.1); the caller reads one
        element at each stop.
        """
        found = False
        while True:
            while self.take(","):
                pass
            if self.at_end():
                break
            found = True
            yield
            self.skip_space()
            if not self.at_end() and self.text[self.at] != ",":
                raise self.fail("expected comma")
        if not found:
            raise self.fail("expected a list with an element")


def parse_tokens(name: str, value: str) -> list[str]:
    """Parse a list of tokens: Connection, Upgrade, Sec-WebSocket-Protocol.

    Raises:
        InvalidHeaderFormat: if it isn't one, or is empty.
    """
    if _PLAIN_LIST.fullmatch(value):
        return value.split(", ")
    scanner = _Scanner(name, value)
    return [scanner.token() for _ in scanner.items()]


def parse_extensions(value: str) -> list[tuple[str, Parameters]]:
    """Parse Sec-WebSocket-Extensions (9.1).

    Raises:
        InvalidHeaderFormat: if it is malformed.
    """
    scanner = _Scanner("Sec-WebSocket-Extensions", value)
    extensions: list[tuple[str, Parameters]] = []
    for _ in scanner.items():
        extension = scanner.token()
        parameters: Parameters = []
        while scanner.take(";"):
            name = scanner.token()
            parameters.append((name, scanner.token_or_quoted() if scanner.take("=") else None))
        extensions.append((extension, parameters))
    return extensions


def build_extensions(extensions: Iterable[tuple[str, Parameters]]) -> str:
    """Build the value of Sec-WebSocket-Extensions."""
    return ", ".join(
        "; ".join([name, *(key if value is None else f"{key}={value}" for key, value in parameters)])
        for name, parameters in extensions
    )


def build_authorization_basic(username: str, password: str) -> str:
    """Build the value of Authorization for the Basic scheme (RFC 7617).

    A colon in the user name would be read as its end; whether one may be there is up to the caller.
    """
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def parse_authorization_basic(value: str) -> tuple[str, str]:
    """Return user name and password of an Authorization header (RFC 7617).

    Raises:
        InvalidHeaderValue: if it is of another scheme, or malformed.
    """
    scheme, _, credentials = value.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidHeaderValue("Authorization", f"unsupported scheme: {scheme}")
    try:
        username, colon, password = (
            base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
        )
    except ValueError:
        raise InvalidHeaderValue("Authorization", "expected base64-encoded credentials") from None
    if not colon:
        raise InvalidHeaderValue("Authorization", "expected username:password credentials")
    return username, password
