"""Talks with certain people on the page, and what one wants of one's rooms."""

from __future__ import annotations

import secrets

import pytest
from playwright.async_api import Locator, Page, expect

from .conftest import Enter, Guest, Windows
from .test_web_page import audit
from .test_web_people import act_on
from .test_web_rooms import call, make_room, own_room, same_person

pytestmark = pytest.mark.asyncio(loop_scope="session")


def listed(page: Page, section: str) -> Locator:
    """Return what stands under a heading of the list of rooms."""
    return page.get_by_role("navigation").get_by_role("list", name=section).get_by_role("link")


async def write(guest: Guest, room: str, text: str) -> None:
    """Write a message into a room."""
    answer = await guest.ask("send", s=room, n=secrets.token_urlsafe(12), d={"text": text})
    assert answer["t"] == "ok", answer


async def choose(page: Page, item: str) -> None:
    """Choose something from the menu of the room that is open."""
    await page.get_by_role("button", name="房间菜单").click()
    await page.get_by_role("menu").get_by_text(item, exact=True).click()


async def test_one_writes_to_somebody(address: str, windows: Windows, guest: Enter) -> None:
    """E-41: a talk begins beside a name, is hidden, comes back when something is written, and is blocked."""
    page, me, bo, _ = await own_room(address, windows, guest)
    await act_on(page, "Bo", "发消息")
    await expect(page.locator("h1")).to_have_text("Bo")
    await expect(listed(page, "私聊").locator("bdi")).to_have_text(["Bo"])
    await page.locator("textarea").fill("在吗")
    await page.keyboard.press("Enter")
    talk = (await call(bo, "dm.open", users=[me.welcome["me"]["id"]]))["room"]
    assert talk["name"] == "小林"
    assert await audit(page) == []

    await choose(page, "先隐藏，有新消息再显示")
    await expect(listed(page, "私聊")).to_have_count(0)
    await write(bo, talk["id"], "在")
    await expect(listed(page, "私聊").locator(".badge")).to_be_visible()
    await listed(page, "私聊").click()
    await choose(page, "屏蔽")
    await page.get_by_role("dialog").get_by_role("button", name="屏蔽").click()
    await expect(page.get_by_text("你屏蔽了")).to_be_visible()
    await expect(page.locator("textarea")).to_have_count(0)
    assert (await bo.ask("send", s=talk["id"], n="nonce-bo", d={"text": "？"}))["code"] == "forbidden"
    await page.get_by_role("button", name="设置").click()
    await page.get_by_role("dialog").get_by_role("button", name="取消屏蔽").click()
    await page.keyboard.press("Escape")
    await expect(page.locator("textarea")).to_be_visible()


async def test_few_people_talk(address: str, windows: Windows, guest: Enter) -> None:
    """E-60: by keyboard alone one writes to several people, or to nobody; who is blocked is folded."""
    page = await windows.enter(address, "小林")
    bo, _ = await guest(address, "Bo"), await guest(address, "陈晨")
    await page.get_by_role("button", name="发起私聊").press("Enter")
    field = page.get_by_role("searchbox", name="发给谁")
    for name in ("Bo", "陈"):
        await field.fill(name)
        await expect(page.get_by_role("dialog").get_by_role("list", name="成员")).to_contain_text(name)
        await field.press("Enter")
    assert await audit(page) == []
    await field.press("Enter")
    await expect(page.locator("h1")).to_contain_text("Bo")
    await expect(page.locator("h1")).to_contain_text("陈晨")
    await write(bo, page.url.rsplit("/", 1)[1], "你们好")
    await expect(page.get_by_text("你们好")).to_be_visible()
    me = await same_person(page, guest, address)
    await call(me, "user.block", user=bo.welcome["me"]["id"], on=True)
    await expect(page.get_by_text("你们好")).to_have_count(0)
    await page.get_by_role("button", name="显示", exact=True).click()
    await expect(page.get_by_text("你们好")).to_be_visible()

    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox").fill("陈")
    await expect(page.get_by_role("option").last).to_contain_text("发消息")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("陈晨")
    await page.get_by_role("button", name="发起私聊").click()
    await page.get_by_role("button", name="给自己的笔记").click()
    await expect(page.locator("h1")).to_have_text("给自己的笔记")


async def test_rooms_are_favoured_and_muted(address: str, windows: Windows, guest: Enter) -> None:
    """E-41: a favourite stands above, a muted room is quiet in the list and in the title, on all devices."""
    page, _, bo, tea = await own_room(address, windows, guest)
    await listed(page, "房间").last.click(button="right")
    await page.get_by_role("menuitem", name="加入收藏").click()
    await expect(listed(page, "收藏").locator("bdi")).to_have_text(["茶"])
    await choose(page, "免打扰")
    await expect(listed(page, "收藏")).to_contain_text(["免打扰"])
    other = await page.context.new_page()
    await other.goto(address)
    await expect(listed(other, "收藏")).to_contain_text(["免打扰"])
    await page.get_by_role("link", name="大厅").click()
    await write(bo, tea, "有人吗")
    await bo.say("早")

    await expect(page.get_by_text("早", exact=True)).to_be_visible()
    await expect(listed(page, "收藏").locator(".badge")).to_have_count(0)
    assert await audit(page) == []


async def test_rooms_are_closed_and_opened(address: str, windows: Windows, guest: Enter) -> None:
    """An archived room is read only and found apart; one for announcements is answered in threads."""
    page, _, bo, tea = await own_room(address, windows, guest)
    news = await make_room(bo, "公告", posting="moderators")
    await page.goto(f"{address}/r/{news}")
    await page.get_by_role("button", name="加入").click()
    await expect(page.get_by_text("这里只有管理员可以发言")).to_be_visible()

    await page.goto(f"{address}/r/{tea}")
    await choose(page, "归档")
    await page.get_by_role("dialog").get_by_role("button", name="归档").click()
    await expect(page.get_by_text("这个房间已归档")).to_be_visible()
    await page.get_by_role("link", name="大厅").click()
    await expect(page.get_by_role("link", name="茶")).to_have_count(0)
    await page.get_by_role("button", name="添加房间").click()
    await page.get_by_role("menuitem", name="浏览房间").click()
    await page.get_by_role("radio", name="已归档").check()
    await page.get_by_role("button", name="打开").click()
    await choose(page, "恢复")
    await expect(page.locator("textarea")).to_be_visible()


async def test_bans_are_listed(address: str, windows: Windows, guest: Enter) -> None:
    """Who is banned stands in the room's settings, and is let back in from there."""
    page, me, bo, tea = await own_room(address, windows, guest)
    await call(me, "member.ban", s=tea, user=bo.welcome["me"]["id"])
    await choose(page, "名称、话题和权限")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("由")).to_contain_text("小林")
    assert await audit(page) == []
    await dialog.get_by_role("button", name="允许回来").click()

    await expect(dialog.get_by_text("没有人被禁止进入")).to_be_visible()
    await call(bo, "room.join", s=tea)
