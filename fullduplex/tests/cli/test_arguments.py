"""What arguments may be, and what is said of others: never a secret."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fullduplex.cli import arguments
from fullduplex.cli.arguments import Parser

Reader = Callable[[str], Any]


@pytest.mark.parametrize(
    "reader, text, expected",
    [
        (arguments.port, "0", 0),
        (arguments.port, "65535", 65535),
        (arguments.size, "1", 1),
        (arguments.size, "none", None),
        (arguments.count, "12", 12),
        (arguments.rate, "0.5", 0.5),
        (arguments.seconds, "0", 0.0),
        (arguments.seconds, "none", None),
        (arguments.positive_seconds, "1.5", 1.5),
        (arguments.header, "X-A: b: c ", ("X-A", "b: c")),
        (arguments.header, "X-A:", ("X-A", "")),
        (arguments.cookie, "a=b=c", "a=b=c"),
        (arguments.bearer, "abc.def", "abc.def"),
        (arguments.secret, "me:pass word", "me:pass word"),
        (arguments.origin, "https://example.com", "https://example.com"),
        (arguments.subprotocol, "chat.v1", "chat.v1"),
        (arguments.delimiter, r"\0", b"\0"),
        (arguments.delimiter, r"\r\n", b"\r\n"),
        (arguments.delimiter, "。", "。".encode()),
    ],
)
def test_right_arguments_are_read(reader: Reader, text: str, expected: object) -> None:
    """What is written as it should be is read as what it means."""
    assert reader(text) == expected


@pytest.mark.parametrize(
    "reader, text, sentence",
    [
        (arguments.port, "x", "x isn't a port"),
        (arguments.port, "65536", "65536 isn't a port"),
        (arguments.size, "0", "0 isn't a size"),
        (arguments.size, "1k", "1k isn't a size"),
        (arguments.count, "-1", "-1 isn't a number of at least 1"),
        (arguments.rate, "0", "0 isn't a positive number"),
        (arguments.rate, "nan", "nan isn't a positive number"),
        (arguments.rate, "fast", "fast isn't a positive number"),
        (arguments.seconds, "-1", "-1 isn't a time"),
        (arguments.seconds, "inf", "inf isn't a time"),
        (arguments.seconds, "soon", "soon isn't a time"),
        (arguments.positive_seconds, "0", "0 is too short"),
        (arguments.delimiter, "", "a delimiter is"),
        (arguments.delimiter, "\\", "a delimiter is"),
    ],
)
def test_wrong_arguments_are_told(reader: Reader, text: str, sentence: str) -> None:
    """What can't be read is told, with what could."""
    with pytest.raises(argparse.ArgumentTypeError, match=sentence):
        reader(text)


@pytest.mark.parametrize(
    "reader, text",
    [
        (arguments.header, "geheim"),
        (arguments.header, "X Y: geheim"),
        (arguments.header, "X: geheim\r\nY: z"),
        (arguments.cookie, "geheim"),
        (arguments.cookie, "a=geheim; b=c"),
        (arguments.bearer, "geheim\n"),
        (arguments.bearer, ""),
        (arguments.secret, "@/nowhere/geheim"),
        (arguments.origin, "geheim\n"),
        (arguments.subprotocol, "geheim geheim"),
    ],
)
def test_secrets_are_not_shown(reader: Reader, text: str) -> None:
    """What may be a secret isn't in the sentence that refuses it."""
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        reader(text)

    assert "geheim" not in str(caught.value)


def test_secrets_come_from_files(tmp_path: Path) -> None:
    """``@FILE`` stands for the first line of a file; a file of bytes is refused."""
    file = tmp_path / "token"
    file.write_text("abc\nrest\n")
    assert arguments.bearer(f"@{file}") == arguments.secret(f"@{file}") == "abc"

    file.write_bytes(b"\xff")
    with pytest.raises(argparse.ArgumentTypeError, match="can't be read as text"):
        arguments.secret(f"@{file}")


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["--bearr=geheim"], "there is no option --bearr; --help"),
        (["--bear", "geheim"], "there is no option --bear; --help"),
        (["geheim"], "there are too many arguments; --help"),
    ],
)
def test_unknown_options_are_told(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown option is named without its value; an abbreviation is unknown; the status is 2."""
    parser = Parser(prog="x")
    parser.add_argument("--bearer")
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(words)

    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert "geheim" not in said
