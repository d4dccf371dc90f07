"""What typed lines mean."""

from __future__ import annotations

import pytest

from fullduplex.cli.typed import HELP, Help, Ping, Say, asks_secret, read_hex, read_line
from fullduplex.close import Close


@pytest.mark.parametrize(
    "line, action",
    [
        ("hello", Say("hello")),
        ("", Say("")),
        (" /x", Say(" /x")),
        ("你好\nzwei", Say("你好\nzwei")),
        ("//join", Say("/join")),
        ("///", Say("//")),
        ("/hex 00 ff", Say(b"\x00\xff")),
        ("/hex 00ff\n41", Say(b"\x00\xffA")),
        ("/hex", Say(b"")),
        ("/text /x", Say("/x")),
        ("/ping", Ping(None)),
        ("/ping are you there", Ping(b"are you there")),
        ("/close", Close(1000)),
        ("/close 4000 because of that", Close(4000, "because of that")),
        ("/help", Help()),
        ("\udcff", Say("?")),
    ],
)
def test_lines_are_understood(line: str, action: object) -> None:
    """A line is a message or, with a slash, a command; two slashes send one."""
    assert read_line(line) == action


@pytest.mark.parametrize(
    "line, form, message",
    [
        ("hé", "binary", "hé".encode()),
        ("00 ff", "hex", b"\x00\xff"),
        ("//2", "binary", b"/2"),
        ("/text 1", "hex", "1"),
    ],
)
def test_forms_change_messages(line: str, form: str, message: str | bytes) -> None:
    """With --binary or --hex, lines are binary messages; /text sends text."""
    assert read_line(line, form) == Say(message)


@pytest.mark.parametrize(
    "line, sentence",
    [
        ("/jion", "there is no command /jion: /help lists them, //jion sends it as text"),
        ("/hex 0", "pairs of hex digits"),
        ("/hex zz", "pairs of hex digits"),
        ("/ping " + "x" * 126, "at most 125 bytes"),
        ("/close now", "it is written /close"),
        ("/close 999999", "it is written /close"),
        ("/close 1005", "1005 may not be sent; use 1000"),
        ("/close 1006", "1006 may not be sent; use 1000"),
        ("/close 1000 " + "x" * 124, "at most 123 fit"),
    ],
)
def test_mistakes_are_told(line: str, sentence: str) -> None:
    """What can't be understood is told with what could."""
    with pytest.raises(ValueError, match=sentence):
        read_line(line)


def test_hex_is_read() -> None:
    """White space between digits is free, also within a byte."""
    assert read_hex("00 FF\n4 1") == b"\x00\xffA"


@pytest.mark.parametrize(
    "message, is_prompt",
    [
        ("Password:", True),
        ("Enter your password: ", True),
        ("passphrase for key 7?", True),
        ("请输入密码：", True),
        ("Password:\n> ", True),
        ("your password was changed", False),
        ("password: 1234", False),
        ("spinning: ", False),
        (b"Password:", False),
    ],
)
def test_password_prompts_are_known(message: str | bytes, is_prompt: bool) -> None:
    """A message that ends by asking for a secret is a prompt; one that mentions it is not."""
    assert asks_secret(message) is is_prompt


def test_help_names_commands() -> None:
    """Every command is in the help."""
    assert [name for name in ("/hex", "/text", "/ping", "/close", "//") if name not in HELP] == []
