"""The programs in examples/, run for real: on another port, their pages in a real browser."""

import asyncio
import contextlib
import os
import shutil
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from fullduplex import connect

in_browser = pytest.mark.asyncio(loop_scope="session")

EXAMPLES = Path(__file__).parents[1] / "examples"
ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}


def free_port() -> int:
    """Return a port that nobody listens on at present."""
    with socket.create_server(("localhost", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def copy_example(name: str, folder: Path, port: int) -> Path:
    """Copy an example, with `port` in the place of its own."""
    own = {"chat": "8765", "echo": "9998", "log": "8181"}[name]
    copy = Path(shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")))
    for path in copy.iterdir():
        text = path.read_text(encoding="utf-8")
        assert own in text
        path.write_text(text.replace(own, str(port)), encoding="utf-8")
    return copy


@contextlib.asynccontextmanager
async def running(*arguments: str | Path) -> AsyncIterator[Process]:
    """Run Python with these arguments, and end it with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=PIPE, stdout=PIPE, env=ENVIRONMENT
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def listening(process: Process, port: int) -> None:
    """Wait until the program takes connections, as somebody does who reloads the page."""
    while True:
        assert process.returncode is None, "the program ended by itself"
        try:
            _, writer = await asyncio.open_connection("localhost", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return await writer.wait_closed()


async def line_of(process: Process) -> str:
    """Return the next line that the program prints."""
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().rstrip("\n")


@contextlib.asynccontextmanager
async def opened(browser: Browser, path: Path) -> AsyncIterator[Page]:
    """Open a page from its file, as the examples tell everybody to."""
    page = await browser.new_page()
    await page.goto(path.as_uri())
    try:
        yield page
    finally:
        await page.close()


@in_browser
async def test_echo_alike_in_browser(browser: Browser, tmp_path: Path) -> None:
    """Chromium and our WebSocket go through the same states and print the same lines."""
    port = free_port()
    folder = copy_example("echo", tmp_path, port)
    async with running("-m", "fullduplex", "echo", "--port", str(port)) as server:
        await listening(server, port)
        async with opened(browser, folder / "index.html") as page:
            await expect(page.locator("pre")).to_contain_text("closed")
            in_chromium = await page.locator("pre").text_content()
        async with running(folder / "echo.py") as program:
            in_python, _ = await program.communicate()

    assert in_python.decode() == in_chromium
    assert in_python.decode().splitlines() == [
        "created: readyState 0, bufferedAmount 0",
        "open: readyState 1, bufferedAmount 0",
        "sent: readyState 1, bufferedAmount 12",
        "message 发送数据: readyState 1, bufferedAmount 0",
        "closing: readyState 2, bufferedAmount 0",
        "closed cleanly with 1000: readyState 3, bufferedAmount 0",
    ]


@in_browser
async def test_log_prints_what_page_sends(browser: Browser, tmp_path: Path) -> None:
    """What is written into the page, and sent, is printed by the server."""
    port = free_port()
    folder = copy_example("log", tmp_path, port)
    async with running(folder / "server.py") as server:
        await listening(server, port)
        async with opened(browser, folder / "index.html") as page:
            assert await line_of(server) == "somebody connected"
            await expect(page.get_by_role("status")).to_have_text("connected")
            for text in ["发送数据", "<b>&amp;"]:
                await page.get_by_label("Message").fill(text)
                await page.get_by_role("button", name="Send").click()
                assert await line_of(server) == f"received: {text}"
        assert await line_of(server) == "somebody left: 1001 "


@in_browser
async def test_log_page_notices_end(browser: Browser, tmp_path: Path) -> None:
    """When the server goes away, the page says so and sends no more."""
    port = free_port()
    folder = copy_example("log", tmp_path, port)
    async with running(folder / "server.py") as server:
        await listening(server, port)
        async with opened(browser, folder / "index.html") as page:
            await expect(page.get_by_role("status")).to_have_text("connected")
            server.kill()

            await expect(page.get_by_role("status")).to_have_text("disconnected: reload to try again")
            await expect(page.get_by_role("button")).to_be_disabled()


async def enter(page: Page, name: str) -> None:
    """Come into the chat room under a name."""
    await page.get_by_label("Your name").fill(name)
    await page.get_by_role("button", name="Enter").click()
    await expect(page.get_by_role("button", name="Send")).to_be_visible()


@in_browser
async def test_chat_reaches_everyone(browser: Browser, tmp_path: Path) -> None:
    """Two pages and our own client talk in the room, and see each other come and leave."""
    port = free_port()
    folder = copy_example("chat", tmp_path, port)
    async with running(folder / "chat.py") as server:
        await listening(server, port)
        async with (
            opened(browser, folder / "index.html") as first,
            opened(browser, folder / "index.html") as second,
            connect(f"ws://localhost:{port}/Ada") as ada,
        ):
            assert await ada.recv() == "Ada came in. Here are: Ada."
            await enter(first, "小林")
            assert await ada.recv() == "小林 came in. Here are: Ada, 小林."
            await enter(second, "50% / <i>")
            assert await ada.recv() == "50% / <i> came in. Here are: Ada, 小林, 50% / <i>."

            await first.get_by_label("Message").fill("大家好")
            await first.get_by_role("button", name="Send").click()
            await expect(second.get_by_role("listitem").first).to_have_text("小林: 大家好")
            assert await ada.recv() == "小林: 大家好"

            await ada.send("你好")
            await expect(first.get_by_role("listitem").first).to_have_text("Ada: 你好")

            await second.close()
            assert [await ada.recv(), await ada.recv()] == ["Ada: 你好", "50% / <i> left."]


def test_chat_is_thirty_lines() -> None:
    """The chat room is as short as it says."""
    assert len((EXAMPLES / "chat" / "chat.py").read_text(encoding="utf-8").splitlines()) == 30


@in_browser
async def test_news_come_in_four_ways(browser: Browser) -> None:
    """What is told to the server is seen in every column of the page; in two of them without asking again."""
    port = free_port()
    async with running(EXAMPLES / "polling" / "server.py", "--port", str(port), "--every", "0") as server:
        assert await line_of(server) == f"Open http://localhost:{port}/"
        assert server.stdin is not None
        page = await browser.new_page()
        await page.clock.install()
        async with page.expect_response("**/poll?after=0"):
            await page.goto(f"http://localhost:{port}/")
        columns = page.locator("section")

        server.stdin.write("小明 likes this\n".encode())
        for number in (1, 2, 3):
            await expect(columns.nth(number).get_by_role("listitem")).to_contain_text("1 小明 likes this")
        await expect(columns.nth(0).get_by_role("listitem")).to_have_count(0)
        await page.clock.fast_forward(5000)
        await expect(columns.nth(0).get_by_role("listitem")).to_contain_text("1 小明 likes this")

        requests = [await columns.nth(number).locator("dd").first.text_content() for number in range(4)]
        assert requests == ["2", "2", "1", "1"]
        await page.close()
