"""Conversations in a terminal: what typed lines do, and what is shown, whoever edits them."""

from __future__ import annotations

import asyncio
import io
import sys
from typing import Any

import pytest

from fullduplex.cli.display import Display
from fullduplex.cli.talk import TalkingConnection
from fullduplex.cli.terminal import PlainEditor, converse
from fullduplex.cli.typed import HELP
from fullduplex.testing import ConnectionPair, connection_pair

from ..aio.ends import echo, obey

virtual = pytest.mark.asyncio(loop_factories=["virtual"])


class Keys:
    """An editor in which lines are typed, a second apart; an exception is a key such as Ctrl-D."""

    keys = "Some keys."

    def __init__(self, *typed: str | type[BaseException]) -> None:
        self._typed = list(typed)
        self.shown: list[str] = []
        self.secrets = 0

    async def read(self) -> str:
        await asyncio.sleep(1)
        if not self._typed:
            await asyncio.get_running_loop().create_future()
        line = self._typed.pop(0)
        if isinstance(line, str):
            return line
        raise line

    def expect_secret(self) -> None:
        self.secrets += 1

    def show(self, text: str) -> None:
        self.shown.append(text)

    async def settle(self) -> None:
        pass


def talking(handler: Any = None) -> Any:
    """Return a pair whose client is a talking connection."""
    return connection_pair(handler, client={"create_connection": TalkingConnection})


async def talk(pair: ConnectionPair, keys: Keys, form: str = "text", ping: float | None = None) -> int:
    """Converse, and return the exit status."""
    assert isinstance(pair.client, TalkingConnection)
    return await converse(pair.client, keys, Display(), form, ping)


@virtual
async def test_lines_are_sent_and_shown() -> None:
    """What is typed is sent, what arrives is shown; Ctrl-D closes with 1000, which is 0."""
    keys = Keys("hello", "//x", "/hex 41", EOFError)
    async with talking(echo) as pair:
        assert await talk(pair, keys) == 0

    assert keys.shown == [
        "< hello",
        "< /x",
        "< binary, 1 byte\n  00000000  41                                               |A|",
        "· closed: sent 1000 (OK); then received 1000 (OK)",
    ]


@virtual
async def test_commands_are_done() -> None:
    """Pings show what they took, mistakes what would be right, and /close closes as it says, which is 0."""
    keys = Keys("/ping", "/png", "/help", "/close 4000 bye")
    async with talking(echo) as pair:
        assert await talk(pair, keys) == 0

    assert keys.shown == [
        "· pong after 0.0 ms",
        "! there is no command /png: /help lists them, //png sends it as text",
        f"Some keys.\n{HELP}",
        "· closed: sent 4000 (private use) bye; then received 4000 (private use) bye",
    ]


@virtual
async def test_forms_are_kept() -> None:
    """With --hex, lines are bytes."""
    keys = Keys("41", EOFError)
    async with talking(echo) as pair:
        await talk(pair, keys, form="hex")

    assert keys.shown[0].startswith("< binary, 1 byte\n")


@virtual
async def test_server_may_close() -> None:
    """When the server closes, the typing ends; an error's code is 3."""
    keys = Keys("close 4001 why")
    async with talking(obey) as pair:
        assert await talk(pair, keys) == 3

    assert keys.shown == ["· closed: received 4001 (private use) why; then sent 4001 (private use) why"]


@virtual
async def test_interrupt_leaves() -> None:
    """Ctrl-C closes with 1001, and is 130."""
    keys = Keys(KeyboardInterrupt)
    async with talking(echo) as pair:
        assert await talk(pair, keys) == 130
        assert pair.server.close_code == 1001


@virtual
async def test_lines_too_late_are_dropped() -> None:
    """A line that is typed while the connection closes harms nothing."""
    keys = Keys("late")
    async with talking() as pair:
        pair.server.start_close(1001)
        pair.to_server.delay = 5
        assert await talk(pair, keys) == 0


@virtual
async def test_secrets_are_announced() -> None:
    """A prompt for a password makes a secret of what is typed next; other messages don't."""
    keys = Keys("password:", "my password is long", EOFError)
    async with talking(echo) as pair:
        await talk(pair, keys)

    assert keys.secrets == 1


@virtual
async def test_pings_go_on() -> None:
    """With --ping, pings go out while nothing is typed; the server's are shown as well."""
    keys = Keys()
    async with talking() as pair:
        talking_task = asyncio.create_task(talk(pair, keys, ping=5))
        await asyncio.sleep(6)
        await (await pair.server.ping(b"?"))
        await pair.server.close()
        assert await talking_task == 0

    assert keys.shown[:3] == ["· pong after 0.0 ms"] * 2 + ["· ping, 1 byte: 3f"]


async def test_plain_lines_are_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The plain editor gives lines as they are, what isn't text included, then the end; it prints at once."""
    monkeypatch.setattr(
        sys, "stdin", io.TextIOWrapper(io.BytesIO("再见\n".encode() + b"\xff\n\nlast"), "utf-8")
    )
    editor = PlainEditor()

    assert [await editor.read() for _ in range(4)] == ["再见", "\ufffd", "", "last"]
    with pytest.raises(EOFError):
        await editor.read()
    editor.show("shown")
    await editor.settle()
    assert capsys.readouterr().out == "shown\n"
