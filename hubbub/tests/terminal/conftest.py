"""What the tests of the terminal client share: a chat in this process, people in it, an app to look at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.message import Message
from textual.pilot import Pilot

from hubbub.app import run_chat
from hubbub.client import Client, connect, sign_in_guest
from hubbub.config import Settings
from hubbub.terminal.app import ChatApp
from hubbub.terminal.conversation import Conversation
from hubbub.terminal.themes import DARK
from hubbub.terminal.timeline import Timeline
from hubbub.terminal.words import EN

#: Seconds after which what isn't shown won't be.
PATIENCE = 20
LOBBY = "r_lobby"
RATES = ("write_burst", "writes_per_second", "user_write_burst", "user_writes_per_second")

Enter = Callable[..., Awaitable[Client]]
Show = Callable[..., AbstractAsyncContextManager["Shown"]]


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw in colours, also where those who run the tests want none in what these print."""
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    """Run a chat in which one may write fast, and return where it is."""
    rates: dict[str, Any] = dict.fromkeys(RATES, 1_000)
    async with run_chat(Settings(port=0, data=str(tmp_path / "data"), **rates)) as address:
        yield address


@pytest.fixture
async def enter(address: str) -> AsyncIterator[Enter]:
    """Return what lets guests in."""
    async with AsyncExitStack() as stack:

        async def enter(name: str, **options: Any) -> Client:
            token = options.pop("token", "") or (await sign_in_guest(address, name)).token
            return await stack.enter_async_context(connect(address, token=token, **options))

        yield enter


class Shown:
    """An app on a screen that nobody sees: its keys can be pressed, and what it shows can be read."""

    def __init__(self, app: App[Any], pilot: Pilot[Any], changed: asyncio.Event) -> None:
        self.app = app
        self.pilot = pilot
        self._changed = changed

    @property
    def chat(self) -> Conversation:
        """The conversation."""
        assert isinstance(self.app, ChatApp)
        return self.app.conversation

    @property
    def timeline(self) -> Timeline:
        """The timeline."""
        return self.chat.query_one(Timeline)

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    @property
    def text(self) -> str:
        """What is on the screen, in one piece."""
        return "\n".join(self.lines)

    @property
    def styles(self) -> list[str]:
        """How each line on the screen is drawn."""
        strips = self.app.screen._compositor.render_strips()
        return [" ".join(str(segment.style) for segment in strip) for strip in strips]

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Write, as a keyboard or an input method does it."""
        for event in XTermParser().feed(text):
            self.app.post_message(event)
        await self.pilot.pause()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
                    await self.pilot.pause()
        except TimeoutError:
            pytest.fail(f"the screen shows\n{self.text}")

    async def shows(self, *texts: str) -> None:
        """Wait until all of this is on the screen."""
        await self.until(lambda: all(text in self.text for text in texts))


@asynccontextmanager
async def shown(app: App[Any], size: tuple[int, int] = (100, 30)) -> AsyncIterator[Shown]:
    """Run an app on a screen of this size."""
    changed = asyncio.Event()

    def hook(_: Message) -> None:
        changed.set()

    async with app.run_test(size=size, notifications=True, message_hook=hook) as pilot:
        yield Shown(app, pilot, changed)


@pytest.fixture
def show(enter: Enter) -> Show:
    """Return what runs the whole terminal client for someone."""

    @asynccontextmanager
    async def show(
        name: str = "Me", size: tuple[int, int] = (100, 30), **options: Any
    ) -> AsyncIterator[Shown]:
        looks = {"words": EN, "palette": DARK} | {
            key: options.pop(key) for key in ("words", "palette", "zone", "is_kept") if key in options
        }
        client = await enter(name, follow=False, **options)
        async with shown(ChatApp(client, **looks), size) as screen:
            await screen.until(lambda: screen.chat.view is not None and screen.chat.view.present)
            yield screen

    return show
