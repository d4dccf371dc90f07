"""What arguments of the command line may be: each kind's reader says what would be right.

A reader never shows back what may be a secret.
"""

from __future__ import annotations

import argparse
import codecs
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from ..protocol.headers import is_token, is_value

__all__ = ["Parser", "bearer", "cookie", "count", "delimiter", "header", "port", "rate", "seconds", "size"]


class Parser(argparse.ArgumentParser):
    """A parser that takes options by their whole names, and shows no value of an unknown one."""

    def __init__(self, **options: object) -> None:
        super().__init__(
            **{"allow_abbrev": False, "formatter_class": argparse.RawDescriptionHelpFormatter, **options}  # type: ignore[arg-type]
        )

    def parse_args(self, args: Sequence[str] | None = None, namespace: object = None) -> argparse.Namespace:  # type: ignore[override]
        """Parse the arguments, or end the program with a sentence and status 2."""
        options, unknown = self.parse_known_args(args)
        if unknown:
            self._refuse(unknown)
        return options

    def _refuse(self, unknown: list[str]) -> NoReturn:
        names = [word.partition("=")[0] for word in unknown if word.startswith("-")]
        what = f"there is no option {' '.join(names)}" if names else "there are too many arguments"
        self.error(f"{what}; --help lists what there is")


def port(text: str) -> int:
    """Read a port."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} isn't a port; use a number from 0 to 65535")
    return int(text)


def size(text: str) -> int | None:
    """Read a number of bytes, or none."""
    if text == "none":
        return None
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} isn't a size; use a number of bytes, or none")
    return int(text)


def count(text: str) -> int:
    """Read a number of things, at least one."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} isn't a number of at least 1")
    return int(text)


def rate(text: str) -> float:
    """Read a positive number."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError(f"{text} isn't a positive number")
    return number


def seconds(text: str) -> float | None:
    """Read a number of seconds, or none."""
    try:
        number = None if text == "none" else float(text)
    except ValueError:
        number = -1
    if number is not None and not 0 <= number < 1e9:
        raise argparse.ArgumentTypeError(f"{text} isn't a time; use a number of seconds, or none")
    return number


def positive_seconds(text: str) -> float | None:
    """Read a number of seconds above 0, or none."""
    number = seconds(text)
    if number == 0:
        raise argparse.ArgumentTypeError("0 is too short; use a number of seconds, or none")
    return number


def header(text: str) -> tuple[str, str]:
    """Read a header's name and value."""
    name, colon, value = text.partition(":")
    if not colon or not is_token(name) or not is_value(value.strip()):
        raise argparse.ArgumentTypeError("a header is written 'Name: value', on one line")
    return name, value.strip()


def cookie(text: str) -> str:
    """Read a cookie's name and value."""
    name, equals, _ = text.partition("=")
    if not equals or not is_token(name) or not is_value(text) or ";" in text:
        raise argparse.ArgumentTypeError("a cookie is written NAME=VALUE, without a semicolon")
    return text


def secret(text: str) -> str:
    """Read a secret: as given, or the first line of the file that ``@FILE`` names."""
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text("utf-8").partition("\n")[0].strip()
        except (OSError, ValueError):
            raise argparse.ArgumentTypeError("the file behind @ can't be read as text") from None
    if not text:
        raise argparse.ArgumentTypeError("it is empty")
    return text


def bearer(text: str) -> str:
    """Read a token, which stands in a header."""
    token = secret(text)
    if not is_value(token):
        raise argparse.ArgumentTypeError("it has characters that can't be in a header")
    return token


def origin(text: str) -> str:
    """Read the value of Origin."""
    if not is_value(text):
        raise argparse.ArgumentTypeError("an origin is written like https://example.com")
    return text


def subprotocol(text: str) -> str:
    """Read the name of a subprotocol."""
    if not is_token(text):
        raise argparse.ArgumentTypeError("a subprotocol is one word, of letters, digits and !#$%&'*+-.^_`|~")
    return text


def delimiter(text: str) -> bytes:
    r"""Read what stands between messages; ``\n``, ``\0`` and their like are as in Python."""
    try:
        read = codecs.decode(text.encode("ascii", "backslashreplace"), "unicode_escape").encode()
    except ValueError:
        read = b""
    if not read:
        raise argparse.ArgumentTypeError(r"a delimiter is some characters, or an escape such as \0 or \t")
    return read
