"""Choosing emoji: for a message, and as an answer to one."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from .conftest import Enter, Windows

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_emoji_are_found_in_two_languages(address: str, windows: Windows) -> None:
    """E-52: emoji are searched in both languages and chosen by keys; other windows know the recent ones."""
    page = await windows.enter(address, "小林")
    field = page.locator("textarea")
    await field.fill("好茶")
    await page.get_by_role("button", name="表情", exact=True).click()
    search = page.get_by_role("searchbox", name="搜索表情")
    await expect(search).to_be_focused()
    await search.fill("鼓掌")
    await search.press("Enter")
    await expect(field).to_have_value("好茶👏")
    await expect(field).to_be_focused()

    await page.get_by_role("button", name="表情", exact=True).click()
    await search.fill("tea")
    await search.press("ArrowDown")
    await expect(page.locator(".grid button").first).to_be_focused()
    chosen = await page.locator(".grid button").first.inner_text()
    await page.keyboard.press("Enter")
    await expect(field).to_have_value(f"好茶👏{chosen}")

    other = await page.context.new_page()
    await other.goto(address)
    await other.get_by_role("button", name="表情", exact=True).click()
    await expect(other.locator(".grid button")).to_have_text([chosen, "👏"])
    await other.keyboard.press("Escape")
    await expect(other.locator("textarea")).to_be_focused()


async def test_any_emoji_is_a_reaction(address: str, windows: Windows, guest: Enter) -> None:
    """E-52: beside the six there is a way to all others, by keys alone."""
    await (await guest(address, "Bo")).say("喝茶吗？")
    page = await windows.enter(address, "小林", viewport={"width": 390, "height": 844})
    await page.locator("article").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("menuitem", name="添加回应").press("Enter")
    await page.get_by_role("button", name="更多表情").press("Enter")
    await page.get_by_role("searchbox", name="搜索表情").fill("teacup")
    await page.keyboard.press("Enter")

    await expect(page.locator("article .reactions button")).to_have_text("🍵 1")
