"""What the tests of the whole chat share: a server in a process of its own, guests, and browser windows."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest_asyncio
from faults.server import Server
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from fullduplex import ClientConnection
from hubbub.app import run_chat
from hubbub.config import Settings

from .clients import LOBBY, Client, dial, read_log, sign_in

WEB_DIST = Path(__file__).resolve().parents[2] / "src" / "hubbub" / "web_dist"

# A machine that does much else may be slow.
expect.set_options(timeout=15_000)

# What a browser itself says when a server is gone, nobody has a name yet, or a name is refused.
EXPECTED_ERRORS = re.compile(r"ERR_CONNECTION|ERR_INTERNET|WebSocket connection to|status of 4(01|22)")


@pytest_asyncio.fixture(loop_scope="session")
async def chat(tmp_path: Path) -> AsyncIterator[Server]:
    """Run a chat that can be stopped."""
    chat = Server(tmp_path / "data")
    await chat.start()
    yield chat
    await chat.stop(kill=True)


@pytest_asyncio.fixture(loop_scope="session")
async def address(settings: Settings) -> AsyncIterator[str]:
    """Run a chat in this process, which starts faster, and return where it is."""
    async with run_chat(settings) as address:
        yield address


class Guest(Client):
    """Somebody who is there without a browser."""

    def __init__(self, connection: ClientConnection, token: str) -> None:
        super().__init__(connection)
        self.token = token

    async def say(self, *texts: str) -> None:
        """Write messages, and wait until they are stored."""
        for text in texts:
            answer = await self.send(secrets.token_urlsafe(12), text)
            assert answer["t"] == "ok", answer

    async def change(self, t: str, **fields: object) -> None:
        """Write something else than a message, and wait until it is stored."""
        answer = await self.ask(t, s=LOBBY, n=secrets.token_urlsafe(12), **fields)
        assert answer["t"] == "ok", answer

    async def type(self, *, on: bool = True) -> None:
        """Let the others see that one types, or has stopped."""
        await self.tell("typing", s=LOBBY, on=on)

    async def read(self) -> list[str]:
        """Return what everyone has said."""
        return [message["text"] for message in await read_log(self)]


Enter = Callable[..., Awaitable[Guest]]


@pytest_asyncio.fixture(loop_scope="session")
async def guest() -> AsyncIterator[Enter]:
    """Return what lets guests in who have no browser."""
    async with AsyncExitStack() as stack:

        async def enter(address: str, name: str = "", token: str = "") -> Guest:
            token = token or await sign_in(address, name)
            guest = Guest(await stack.enter_async_context(dial(address, token)), token)
            await guest.hello()
            await guest.ask("sub", s=LOBBY)
            return guest

        yield enter


class Windows:
    """Browser windows on the chat, and whatever went wrong in them."""

    def __init__(self, browser: Browser, stack: AsyncExitStack) -> None:
        self.problems: list[str] = []
        self._browser = browser
        self._stack = stack

    async def browse(self, **options: Any) -> BrowserContext:
        """Make a browser of somebody's own: with cookies, storage and settings that nobody else has."""
        options = {"locale": "zh-CN", "viewport": {"width": 1280, "height": 800}} | options
        context = await self._browser.new_context(**options)
        self._stack.push_async_callback(context.close)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.problems.append(str(error.error)))
        return context

    async def open(self, address: str, **options: Any) -> Page:
        """Open the chat in a new browser."""
        page = await (await self.browse(**options)).new_page()
        await page.goto(address)
        return page

    async def enter(self, address: str, name: str, **options: Any) -> Page:
        """Open the chat in a new browser, and come in under a name."""
        page = await self.open(address, **options)
        await take_name(page, name)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not EXPECTED_ERRORS.search(message.text):
            self.problems.append(message.text)


@pytest_asyncio.fixture(loop_scope="session")
async def windows(browser: Browser) -> AsyncIterator[Windows]:
    """Return what opens windows; in the end nothing may have gone wrong in any, nor against its policy."""
    assert (WEB_DIST / "index.html").is_file(), "the page is not built: run ./run setup"
    async with AsyncExitStack() as stack:
        windows = Windows(browser, stack)
        yield windows
        assert windows.problems == []


async def take_name(page: Page, name: str) -> None:
    """Come in under a name, and wait until one is shown as present."""
    await page.locator("#name").fill(name)
    await page.locator("#name").press("Enter")
    await page.locator("header .faces").wait_for()
