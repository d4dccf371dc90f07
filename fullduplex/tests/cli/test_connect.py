"""``fullduplex connect``: which conversation it has, where, and what it says without its extra."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest

from ..aio.ends import echo
from .commands import run, serving
from .screens import Terminal, terminal

HINT = "· plain typing: pip install 'fullduplex[cli]' brings history, search and several lines"


KEYS = "· Enter sends, Ctrl-D closes, /help has more"


def is_ready(screen: Terminal, line: str) -> bool:
    """Tell whether a line stands last on the screen, and the cursor below it."""
    return screen.lines[-1:] == [line] and screen.screen.cursor.x == 0


async def test_options_reach_the_server() -> None:
    """What a server may be told, it is; compression is offered unless declined."""
    requests: list[Any] = []

    async def note(connection: Any) -> None:
        requests.append(connection.request.headers)

    async with serving(note) as url:
        await run("connect", url, "-H", "X-A: 1", "--bearer", "abc")
        await run("connect", url, "--no-compression")

    assert (requests[0]["X-A"], requests[0]["Authorization"]) == ("1", "Bearer abc")
    assert ["Sec-WebSocket-Extensions" in headers for headers in requests] == [True, False]


async def test_plain_terminal_works(without_extra: None) -> None:
    """Without the extra, lines are sent and shown all the same, and a hint says what would bring more."""
    async with serving(echo) as url, terminal("connect", url, columns=100) as (screen, process):
        await screen.until(lambda: is_ready(screen, HINT))
        screen.type("hello\n")
        await screen.shows("hello", "< hello")
        screen.type("/hex 00\n")
        await screen.until(lambda: screen.lines[-1].endswith("|.|"))
        screen.type("\x04")

        assert await process.wait() == 0
        await screen.shows("· closed: sent 1000 (OK); then received 1000 (OK)")


async def test_plain_terminal_is_interrupted(without_extra: None) -> None:
    """There too, Ctrl-C ends it at once, with 1001 and 130."""
    gone = asyncio.get_running_loop().create_future()

    async def wait(connection: Any) -> None:
        await connection.wait_closed()
        gone.set_result(connection.close_code)

    async with serving(wait) as url, terminal("connect", url, columns=100) as (screen, process):
        await screen.shows(HINT)
        process.send_signal(signal.SIGINT)

        assert await process.wait() == 130
        assert await gone == 1001
        assert screen.lines[-1] == HINT


async def test_paper_gets_no_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that only prints gets plain lines, without a hint: nothing would bring more."""
    monkeypatch.setenv("TERM", "dumb")
    async with serving(echo) as url, terminal("connect", url, "--json") as (screen, process):
        await screen.until(lambda: is_ready(screen, KEYS))
        screen.type('{"a": 1}\n')
        await screen.shows('{"a": 1}', "< {", '    "a": 1', "  }")
        looks = {cell.fg for row in screen.screen.buffer.values() for cell in row.values()}

        assert looks == {"default"}
        screen.type("\x04")
        assert await process.wait() == 0


async def test_greeting_tells_what_was_agreed() -> None:
    """The greeting has the subprotocol and the compression, and no secrets."""
    async with serving(echo, subprotocols=["chat"]) as url:
        secret = url.replace("//", "//me:geheim@") + "?token=geheim"
        async with terminal("connect", secret, "--subprotocol", "chat") as (screen, _):
            await screen.shows(">")
            assert screen.lines[0] == f"· connected to {url} (chat, compressed)"
    async with serving(echo) as url, terminal("connect", url, "--no-compression") as (screen, _):
        await screen.shows(">")
        assert screen.lines[0] == f"· connected to {url}"


async def test_password_is_asked_for() -> None:
    """A user without a password is asked for it, unseen."""
    requests: list[Any] = []

    async def note(connection: Any) -> None:
        requests.append(connection.request.headers["Authorization"])
        await connection.wait_closed()

    async with serving(note) as url, terminal("connect", url, "--user", "me") as (screen, _):
        await screen.until(lambda: screen.screen.display[0].startswith("Password of me:"))
        screen.type("pass:word\r")
        await screen.shows(">")

    assert requests == ["Basic bWU6cGFzczp3b3Jk"]
    assert "pass" not in "\n".join(screen.lines[1:])
