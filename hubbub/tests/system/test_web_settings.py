"""The settings on the page: where one is signed in."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import expect

from .conftest import Enter, Windows, take_name
from .test_web_page import audit

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "correct horse battery"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari/604.1"


async def test_sessions_are_ended_elsewhere(address: str, windows: Windows, guest: Enter) -> None:
    """Each device is listed, this one marked; one that is signed out is out at once, and this one isn't."""
    async with httpx.AsyncClient(base_url=address, headers={"user-agent": PHONE}) as phone:
        account = {"username": "xiaolin", "password": SECRET}
        made = await phone.post("/v1/accounts", json=account | {"name": "小林"})
    async with httpx.AsyncClient(base_url=address) as here:
        token = (await here.post("/v1/session", json=account)).cookies["hubbub_session"]
    on_phone = await guest(address, token=made.cookies["hubbub_session"])
    browser = await windows.browse()
    await browser.add_cookies([{"name": "hubbub_session", "value": token, "url": address}])
    page = await browser.new_page()
    await page.goto(address)
    await page.get_by_role("button", name="设置").click()
    sessions = page.get_by_role("region", name="登录的设备").get_by_role("listitem")
    await expect(sessions).to_have_count(2)
    await expect(sessions.first).to_contain_text("当前设备")
    await expect(sessions.first.get_by_role("button")).to_have_count(0)
    await expect(sessions.last).to_contain_text("iPhone 上的 Safari")
    assert await audit(page) == []
    await sessions.last.get_by_role("button", name="退出登录").click()

    await expect(sessions).to_have_count(1)
    await expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("已退出登录")
    assert (await on_phone.hear("bye"))["code"] == 4101
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="设置")).to_be_focused()
    await expect(page.locator("textarea")).to_be_visible()


async def test_missing_part_says_so(address: str, windows: Windows) -> None:
    """E-73: a dialog that can't be loaded is no silence: the page says what to do, and goes on."""
    page = await windows.open(address)
    await page.route("**/assets/Dialogs-*.js", lambda route: route.abort())
    await take_name(page, "小林")
    await page.get_by_role("button", name="设置").click()

    await expect(page.get_by_role("alert")).to_contain_text("请刷新页面")
    await page.locator("textarea").fill("还能写")
    await page.locator("textarea").press("Enter")
    await expect(page.locator("article p")).to_have_text(["还能写"])
    windows.problems[:] = [each for each in windows.problems if "ERR_FAILED" not in each]
