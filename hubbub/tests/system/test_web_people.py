"""People in a room, on the page: what they are there, and who may do what about it."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from .clients import LOBBY
from .conftest import Enter, Windows
from .test_web_page import audit
from .test_web_rooms import call, make_room, own_room, same_person

pytestmark = pytest.mark.asyncio(loop_scope="session")


def row(page: Page, name: str) -> Locator:
    """Return where someone stands in the list of people."""
    return page.get_by_role("complementary").locator("li").filter(has_text=name)


async def act_on(page: Page, name: str, action: str) -> None:
    """Choose something from the menu of someone."""
    await row(page, name).hover()
    await row(page, name).get_by_role("button").click()
    await page.get_by_role("menu").get_by_text(action, exact=True).click()


async def test_owner_gives_roles(address: str, windows: Windows, guest: Enter) -> None:
    """An owner makes a member a moderator by keyboard alone, and everyone sees it at once."""
    page, _, bo, tea = await own_room(address, windows, guest)
    await expect(row(page, "小林").get_by_text("房主")).to_be_attached()
    await expect(row(page, "小林").get_by_role("button")).to_have_count(0)
    await row(page, "Bo").get_by_role("button").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("menuitemradio", name="房主")).to_be_focused()
    await expect(page.get_by_role("menuitemradio", name="成员")).to_be_checked()
    assert await audit(page) == []
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")

    await expect(row(page, "Bo").get_by_text("管理员")).to_be_attached()
    await expect(row(page, "Bo").get_by_role("button")).to_be_focused()
    assert (await call(bo, "member.list", s=tea))["members"][0]["role"] in {"moderator", "owner"}


async def test_menu_is_led_by_keys(address: str, windows: Windows) -> None:
    """E-60, E-74: arrows, Home, End and letters lead through a menu; Escape goes back to its button."""
    page = await windows.enter(address, "小林", locale="en-GB")
    button = page.get_by_role("button", name="Add a room")
    await button.click()
    await expect(page.get_by_role("menuitem", name="Browse rooms")).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_role("menuitem", name="Create a room")).to_be_focused()
    await page.keyboard.press("b")
    await expect(page.get_by_role("menuitem", name="Browse rooms")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(button).to_be_focused()
    await expect(page.get_by_role("menu")).to_have_count(0)
    await button.click()
    await button.click()
    await expect(page.get_by_role("menu")).to_have_count(0)
    await button.click()
    await page.locator("textarea").click()

    await expect(page.get_by_role("menu")).to_have_count(0)
    await expect(page.locator("textarea")).to_be_focused()


async def test_kick_is_undone(address: str, windows: Windows, guest: Enter) -> None:
    """Whom one removes is gone at once, and back at once if one thinks better of it."""
    page, _, _, _ = await own_room(address, windows, guest)
    await act_on(page, "Bo", "移出房间")
    question = page.get_by_role("dialog", name="移出这个房间")
    await expect(question.get_by_role("button", name="取消")).to_be_focused()
    assert await audit(page) == []
    await question.get_by_role("button", name="移出房间").click()
    await expect(row(page, "Bo")).to_have_count(0)
    await page.get_by_role("button", name="撤销").click()

    await expect(row(page, "Bo")).to_have_count(1)


async def test_ban_is_lifted_by_invitation(address: str, windows: Windows, guest: Enter) -> None:
    """Who is banned can't be invited as others are: the page says so, and offers to let them back in."""
    page, _, _, _ = await own_room(address, windows, guest)
    await act_on(page, "Bo", "禁止进入")
    await page.get_by_role("dialog").get_by_role("button", name="禁止进入").click()
    await expect(row(page, "Bo")).to_have_count(0)
    await page.get_by_role("complementary").get_by_role("button", name="邀请成员").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("searchbox").fill("b")
    await dialog.get_by_role("button", name="邀请 \u2068Bo").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("被禁止进入")
    await dialog.get_by_role("button", name="允许回来：\u2068Bo\u2069").click()

    await expect(dialog.get_by_text("已邀请")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(row(page, "Bo")).to_have_count(1)


async def test_members_are_offered_little(address: str, windows: Windows, guest: Enter) -> None:
    """Who doesn't keep order in a room is offered nothing that the server would refuse."""
    bo = await guest(address, "Bo")
    page = await windows.enter(address, "小林")
    me = await same_person(page, guest, address)
    tea = await make_room(bo, "茶")
    await call(me, "room.join", s=tea)
    await page.get_by_role("link", name="茶").click()
    await expect(row(page, "Bo").get_by_text("房主")).to_be_attached()
    await row(page, "Bo").get_by_role("button").press("Enter")
    await expect(page.locator("[role^=menuitem]")).to_have_text(["发消息", "屏蔽"])
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="房间菜单").click()
    await expect(page.get_by_role("menuitem")).to_have_text(["加入收藏", "复制链接", "离开房间"])
    await call(bo, "member.role", s=tea, user=me.welcome["me"]["id"], role="moderator")

    await expect(page.get_by_role("menuitem")).to_have_text(
        ["加入收藏", "名称、话题和权限", "邀请成员", "复制链接", "离开房间"]
    )
    await page.keyboard.press("Escape")
    await row(page, "Bo").get_by_role("button").press("Enter")
    await expect(page.locator("[role^=menuitem]")).to_have_text(["发消息", "屏蔽"])
    assert LOBBY not in page.url
