"""Pictures of the chat in use, in both themes and languages, on a desk and on a phone.

They are taken of the real page on the real server; only the clocks are set, to a spring morning.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from hubbub.app import run_chat
from hubbub.config import Settings

from .conftest import Enter, Guest, Windows

pytestmark = pytest.mark.asyncio(loop_scope="session")

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
NOW = datetime(2026, 3, 14, 10, 5, tzinfo=UTC)

TALK = [
    (13, "18:02", "周明", "书到了，一共四箱，先放在后面的储藏间。"),
    (13, "18:03", "周明", "有两本封面压坏了，我拍照发给出版社了。"),
    (13, "18:10", "李禾", "收到。周六的读书会现在报了 23 个人，椅子够吗？"),
    (13, "18:12", "小林", "够，楼上还有八把折叠椅。"),
    (13, "18:20", "Anna Kowalska", "I can bring the projector. Does the adapter from spring still work?"),
    (13, "18:22", "李禾", "转接头换过新的了 👍"),
    (14, "09:14", "阿杰", "早！海报改好了，大家看看：https://posters.example/reading-night-v3"),
    (14, "09:15", "阿杰", "改了三处：\n1. 时间写成 19:30 开始\n2. 地址加上了「二楼」\n3. 去掉了二维码"),
    (14, "09:21", "María", "Looks lovely. The colour reminds me of the old shop sign."),
    (14, "09:26", "小林", "很好看，就用这版吧。我中午去打印，印 40 张够不够？"),
    (14, "09:27", "周明", "够了，印在那种米色的纸上效果最好。"),
    (
        14,
        "09:40",
        "Tom Okafor",
        "Quick question: is it in Chinese only, or may I read a short piece in English too?",
    ),
    (14, "09:41", "李禾", "当然可以！每人五分钟，中文英文都行。We'd love to hear it."),
    (14, "09:42", "Tom Okafor", "Wonderful, I'll practise 🙂"),
]


class Clock:
    """What time the server thinks it is."""

    def __init__(self) -> None:
        self.set(12, "12:00")

    def set(self, day: int, time: str) -> None:
        """Set it to a time of that month."""
        hour, minute = map(int, time.split(":"))
        self.now = round(NOW.replace(day=day, hour=hour, minute=minute).timestamp() * 1000)

    def __call__(self) -> int:
        """Tell the time."""
        return self.now


@pytest_asyncio.fixture(loop_scope="session")
async def busy_room(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, guest: Enter
) -> AsyncIterator[tuple[str, dict[str, Guest]]]:
    """Run a chat in which people have talked, and return its address and the people."""
    clock = Clock()
    monkeypatch.setattr("hubbub.app.now", clock)
    async with run_chat(settings) as address:
        people: dict[str, Guest] = {}
        for _, _, name, _ in TALK:
            if name not in people:
                people[name] = await guest(address, name)
        for day, time, name, text in TALK:
            clock.set(day, time)
            await people[name].say(text)
        await people["María"].tell("pres", state="idle")
        clock.set(14, "10:05")
        yield address, people


async def come_in(windows: Windows, address: str, token: str, **options: Any) -> Page:
    """Open the chat as somebody who was there before, at the time of the pictures."""
    browser = await windows.browse(timezone_id="UTC", reduced_motion="reduce", **options)
    await browser.clock.set_fixed_time(NOW)
    if token:
        await browser.add_cookies([{"name": "hubbub_session", "value": token, "url": address}])
    page = await browser.new_page()
    await page.goto(address)
    return page


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pictures_are_taken(
    busy_room: tuple[str, dict[str, Guest]], windows: Windows, screenshots: Path, scheme: Any, locale: str
) -> None:
    """The room and the name screen look as they should, and are kept as pictures."""
    address, people = busy_room
    for size, options, typist in (("desktop", DESKTOP, "阿杰"), ("phone", PHONE, "Anna Kowalska")):
        picture = f"{size}-{scheme}-{locale[:2]}.png"
        page = await come_in(
            windows, address, people["小林"].token, color_scheme=scheme, locale=locale, **options
        )
        await expect(page.locator("article")).to_have_count(len(TALK))
        await people[typist].type()
        await page.locator(".typing span").wait_for()
        await expect(page.locator("header .faces .avatar")).to_have_count(4)
        await page.screenshot(path=screenshots / f"room-{picture}")
        await people[typist].type(on=False)
        await page.locator(".typing span").wait_for(state="detached")

        page = await come_in(windows, address, "", color_scheme=scheme, locale=locale, **options)
        await page.locator("#name").fill("小林")
        await page.screenshot(path=screenshots / f"name-{picture}")
        for kind in ("room", "name"):
            assert (screenshots / f"{kind}-{picture}").stat().st_size > 10_000
