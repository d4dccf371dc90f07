"""The line editor, in a real terminal: history, search, several lines, secrets, Chinese."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ..aio.ends import echo
from .commands import serving
from .screens import PICTURES, terminal

KEYS = "· Enter sends, Alt-Enter begins a new line, Ctrl-D closes, /help has more"


class Noting:
    """A server's handler that notes what arrives."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[Any] = asyncio.Queue()

    async def __call__(self, connection: Any) -> None:
        self.arrived.put_nowait(connection)
        async for message in connection:
            self.arrived.put_nowait(message)


async def test_terminal_converses() -> None:
    """What is typed is sent at the line's end, what arrives is shown; Ctrl-D closes, with status 0."""
    async with serving(echo) as url, terminal("connect", url) as (screen, process):
        await screen.shows(f"· connected to {url} (compressed)", KEYS, ">")
        screen.type("hello\r")
        await screen.shows("> hello", "< hello", ">")
        screen.type("/nope\r")
        await screen.shows(
            "> /nope", "! there is no command /nope: /help lists them, //nope sends it as text", ">"
        )
        screen.type("\x04")
        assert await process.wait() == 0

        await screen.shows("· closed: sent 1000 (OK); then received 1000 (OK)")
        assert screen.screen.cursor.x == 0


async def test_interrupt_key_leaves() -> None:
    """Ctrl-C leaves with status 130, whatever was typed before it."""
    async with serving(echo) as url, terminal("connect", url) as (screen, process):
        await screen.shows(">")
        screen.type("half\x03")

        assert await process.wait() == 130


async def test_arrivals_spare_typed_line() -> None:
    """What arrives while a line is being typed is shown above it, on a full screen as well."""
    server = Noting()
    async with serving(server) as url, terminal("connect", url, rows=6, columns=20) as (screen, _):
        connection = await server.arrived.get()
        await screen.shows(">")
        screen.type("half a ")
        await screen.shows("> half a")
        await connection.send("second, which is longer than a line")
        await screen.shows("< second, which is l", "onger than a line", "> half a")
        for number in range(8):
            await connection.send(str(number))
        await screen.shows("< 4", "< 5", "< 6", "< 7", "> half a")
        screen.resize(6, 30)
        screen.type("line\r")

        assert await server.arrived.get() == "half a line"


async def test_floods_are_shown_in_order() -> None:
    """However many messages arrive at once, all are shown, in their order, and one can type meanwhile."""

    async def flood(connection: Any) -> None:
        for number in range(1000):
            await connection.send(str(number))
        await echo(connection)

    async with serving(flood) as url, terminal("connect", url, rows=1100, columns=20) as (screen, _):
        screen.type("typed\r")
        await screen.shows("< typed", ">")

        numbers = [line.removeprefix("< ") for line in screen.lines if line.startswith("<")]
        assert numbers == [*map(str, range(1000)), "typed"]


async def test_lines_are_gathered() -> None:
    """Alt-Enter and Esc Enter begin a new line; what is pasted is one message, sent with Enter."""
    server = Noting()
    async with serving(server) as url, terminal("connect", url) as (screen, _):
        await server.arrived.get()
        await screen.shows(">")
        screen.type("one\x1b\rtwo")
        await screen.shows("> one", "… two")
        screen.type("\r")
        assert await server.arrived.get() == "one\ntwo"

        screen.paste("three\r\nfour\nfive")
        await screen.shows("> three", "… four", "… five")
        screen.type("\r")
        assert await server.arrived.get() == "three\nfour\nfive"


async def test_chinese_has_its_width() -> None:
    """Chinese is typed, edited and shown in two columns a character."""
    server = Noting()
    async with serving(server) as url, terminal("connect", url) as (screen, _):
        connection = await server.arrived.get()
        await screen.shows(">")
        screen.type("你坏")
        await screen.until(lambda: screen.screen.cursor.x == 6)
        screen.type("\x7f好\r")
        assert await server.arrived.get() == "你好"

        await connection.send("再见，世界")
        await screen.until(
            lambda: "< 再见，世界" in [line.replace(" ", "").replace("<", "< ") for line in screen.lines]
        )


async def test_history_is_searched(tmp_path: Path) -> None:
    """What was typed before is found again, also by the next command; what begins with a space isn't."""
    server = Noting()
    async with serving(server) as url:
        async with terminal("connect", url) as (screen, process):
            await server.arrived.get()
            await screen.shows(">")
            for line in ("first one", " hidden", "second\x1b\rline"):
                screen.type(f"{line}\r")
                await server.arrived.get()
            screen.type("\x04")
            await process.wait()
        async with terminal("connect", url) as (screen, _):
            await server.arrived.get()
            await screen.shows(">")
            screen.type("\x12FIRST")
            await screen.until(lambda: "> first one" in screen.lines)
            screen.type("\r\r")
            assert await server.arrived.get() == "first one"
            await screen.shows("> first one", ">")
            # Up, beyond that one, to the message of two lines.
            screen.type("\x1b[A\x1b[A")
            await screen.shows("> second", "… line")
            screen.type("\r")
            assert await server.arrived.get() == "second\nline"

    lines = (tmp_path / "state" / "fullduplex" / "history").read_text().splitlines()
    assert [json.loads(line) for line in lines][:2] == ["first one", "second\nline"]


async def test_history_can_be_declined(tmp_path: Path) -> None:
    """With --no-history nothing is written, and nothing is read."""
    async with serving(echo) as url, terminal("connect", url, "--no-history") as (screen, process):
        await screen.shows(">")
        screen.type("hello\r")
        await screen.shows("> hello", "< hello", ">")
        screen.type("\x04")
        await process.wait()

    assert not (tmp_path / "state").exists()


async def test_secrets_are_hidden(tmp_path: Path) -> None:
    """What is typed at a prompt for a password is neither shown nor kept."""
    server = Noting()
    async with serving(server) as url, terminal("connect", url) as (screen, process):
        connection = await server.arrived.get()
        await screen.shows(">")
        screen.type("me\r")
        assert await server.arrived.get() == "me"
        await connection.send("Password: ")
        await screen.shows("< Password:", ">")
        screen.type("hunter2")
        await screen.shows("> *******")
        await connection.send("(the one for Tuesdays)")
        await screen.shows("< (the one for Tuesdays)", "> *******")
        screen.type("\r")
        assert await server.arrived.get() == "hunter2"
        screen.type("\x1b[A")
        await screen.shows("> *******", "> me")
        screen.type("\r\x04")
        await process.wait()

    assert "hunter2" not in (tmp_path / "state" / "fullduplex" / "history").read_text()


async def test_terminal_is_not_commanded() -> None:
    """What a peer sends can't move the cursor, nor pass for something else."""
    server = Noting()
    async with serving(server) as url, terminal("connect", url) as (screen, _):
        connection = await server.arrived.get()
        await screen.shows(">")
        await connection.send("a\x1b[2Jb\x07c\r\n· closed")

        await screen.shows(r"< a\x1b[2Jb\x07c", "  · closed", ">")


@pytest.mark.parametrize("no_color", ["", "1"])
async def test_colours_are_optional(no_color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON is laid out in colours, unless NO_COLOR says otherwise."""
    monkeypatch.setenv("NO_COLOR", no_color)
    async with serving(echo) as url, terminal("connect", url, "--json", "--no-history") as (screen, _):
        await screen.shows(">")
        screen.type('{"a":1}\r')
        await screen.shows('> {"a":1}', "< {", '    "a": 1', "  }", ">")
        row = next(row for row, line in enumerate(screen.screen.display) if '"a": 1' in line)

        assert screen.screen.buffer[row][4].fg == ("default" if no_color else "blue")


async def test_picture_is_taken() -> None:
    """A conversation with everything in it looks as it should; where pictures are wanted, one is taken."""

    async def server(connection: Any) -> None:
        await connection.send('{"room":"lobby","members":["Ada","小林"],"open":true}')
        await echo(connection)

    words = ["--json", "--subprotocol", "chat.v1", "--no-history"]
    # The port that readers know, where the picture is for them.
    port = 9998 if PICTURES else 0
    async with (
        serving(server, port, subprotocols=["chat.v1"]) as url,
        terminal("connect", url, *words, rows=32, columns=84) as (screen, _),
    ):
        await screen.shows('    "open": true', "  }", ">")
        for typed in (
            "大家好，hello",
            "several lines\x1b\rare one message",
            "/hex 00 ff 66 75 6c 6c",
            "/ping",
        ):
            screen.type(f"{typed}\r")
            await screen.until(lambda: screen.lines[-1] == ">" and len(screen.lines) > 3)
            await screen.until(lambda typed=typed: _is_answered(typed, screen.lines))
        screen.type("what is being typed stays below")
        await screen.shows("> what is being typed stays below")
        screen.take_picture("terminal-connect")


def _is_answered(typed: str, lines: list[str]) -> bool:
    """Tell whether what was typed has been answered on the screen."""
    answers = {"/hex": "|..full|", "/ping": "pong after", "several": "  are one message", "大": "< 大"}
    expected = next(answer for begin, answer in answers.items() if typed.startswith(begin))
    return any(expected in line for line in lines) and lines[-1] == ">"
