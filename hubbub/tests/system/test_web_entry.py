"""Coming in on the page by an account, as administrators have decided."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import expect

from hubbub.config import Settings

from .conftest import Windows
from .test_web_page import audit

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "correct horse battery"


async def decide(address: str, settings: Settings, **wanted: object) -> None:
    """Become the administrator, and decide."""
    code = (settings.folder / "setup-code").read_text().strip()
    async with httpx.AsyncClient(base_url=address, headers={"origin": address}) as boss:
        new = {"code": code, "username": "boss", "password": SECRET}
        (await boss.post("/v1/setup", json=new)).raise_for_status()
        (await boss.post("/v1/call/settings.change", json=wanted)).raise_for_status()


async def test_account_is_made_and_found(address: str, settings: Settings, windows: Windows) -> None:
    """E-74, E-80: where guests don't come one makes an account, and signs in by it elsewhere."""
    await decide(address, settings, guests=False)
    page = await windows.open(address)
    await expect(page.get_by_role("button", name="以访客身份进入")).to_have_count(0)
    await page.get_by_role("button", name="注册账号").click()
    await expect(page.get_by_label("用户名")).to_be_focused()
    assert await audit(page) == []
    await page.keyboard.type("boss")
    await page.get_by_label("密码").fill(SECRET)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("用户名已被使用")
    await page.get_by_label("用户名").fill("xiaolin")
    await page.get_by_label("名字").fill("小林")
    await page.keyboard.press("Enter")
    await expect(page.locator("textarea")).to_be_visible()

    phone = await windows.open(address, locale="en", viewport={"width": 390, "height": 844})
    await expect(phone.get_by_label("Username")).to_be_focused()
    await phone.keyboard.type("xiaolin")
    await phone.get_by_label("Password").fill("wrong horse")
    await phone.keyboard.press("Enter")
    await expect(phone.get_by_role("alert")).to_have_text("The username or the password is wrong.")
    await phone.get_by_label("Password").fill(SECRET)
    await phone.keyboard.press("Enter")
    await expect(phone.locator("textarea")).to_be_visible()

    await page.get_by_role("button", name="设置").click()
    leaving = page.get_by_role("dialog").get_by_role("button", name="退出登录", exact=True)
    await leaving.click()
    await expect(page.get_by_role("dialog")).to_contain_text("重新登录才能回来")
    await leaving.click()
    await expect(page.get_by_label("用户名")).to_be_focused()


async def test_closed_chat_makes_no_accounts(address: str, settings: Settings, windows: Windows) -> None:
    """What nobody may do isn't offered; a guest who may come is asked for a name, as ever."""
    await decide(address, settings, sign_up="closed")
    page = await windows.open(address, locale="en")

    await expect(page.get_by_role("button", name="Create an account")).to_have_count(0)
    await expect(page.locator("#name")).to_be_focused()
    await page.get_by_role("button", name="I have an account").click()
    await expect(page.get_by_label("Username")).to_be_focused()
    await page.get_by_role("button", name="Come in as a guest").click()
    await expect(page.locator("#name")).to_be_focused()
