"""What the tests of the terminal client share: a chat that isn't slow to write in, an app to look at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import msgspec
import pytest
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.message import Message
from textual.pilot import Pilot

from hubbub.client import Client
from hubbub.config import Settings
from hubbub.terminal.app import ChatApp
from hubbub.terminal.conversation import Conversation
from hubbub.terminal.themes import DARK
from hubbub.terminal.timeline import Timeline
from hubbub.terminal.words import EN

from .watching import Watched

Enter = Callable[..., Awaitable[Client]]
Show = Callable[..., AbstractAsyncContextManager["Shown"]]


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw in colours, also where those who run the tests want none in what these print."""
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def settings(settings: Settings, unhurried: dict[str, Any]) -> Settings:
    """Let people write fast."""
    return msgspec.structs.replace(settings, **unhurried)


class Shown(Watched):
    """An app on a screen that nobody sees: its keys can be pressed, and what it shows can be read."""

    def __init__(self, app: App[Any]) -> None:
        super().__init__()
        self.app = app
        self.pilot: Pilot[Any]

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
        await self.settle()

    async def settle(self) -> None:
        """Let the app do what it has begun."""
        await self.pilot.pause()


@asynccontextmanager
async def shown(app: App[Any], size: tuple[int, int] = (100, 30)) -> AsyncIterator[Shown]:
    """Run an app on a screen of this size."""
    screen = Shown(app)

    def hook(_: Message) -> None:
        screen.changed.set()

    async with app.run_test(size=size, notifications=True, message_hook=hook) as screen.pilot:
        yield screen


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
