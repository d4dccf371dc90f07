"""Rooms on the page: their addresses, finding, making and leaving them, and the way from one to the next."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from playwright.async_api import Page, expect

from .clients import LOBBY
from .conftest import Enter, Guest, Windows
from .test_web_page import audit

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def call(guest: Guest, m: str, **params: object) -> dict[str, Any]:
    """Have something done that isn't a message, and return what it gave."""
    answer = await guest.ask("call", m=m, n=secrets.token_urlsafe(12), p=params)
    assert answer["t"] == "ok", answer
    return dict(answer["r"])


async def make_room(guest: Guest, name: str, **more: object) -> str:
    """Make a room, and return its id."""
    return str((await call(guest, "room.create", name=name, **more))["room"]["id"])


async def same_person(page: Page, guest: Enter, address: str) -> Guest:
    """Return who sits at a page, on another device."""
    [cookie] = await page.context.cookies()
    return await guest(address, token=cookie["value"])


async def own_room(address: str, windows: Windows, guest: Enter) -> tuple[Page, Guest, Guest, str]:
    """Let somebody look at a room of theirs that Bo is in too; return the page, the two, and the room."""
    bo = await guest(address, "Bo")
    page = await windows.enter(address, "小林")
    me = await same_person(page, guest, address)
    room = await make_room(me, "茶")
    await call(me, "room.invite", s=room, user=bo.welcome["me"]["id"])
    await page.get_by_role("link", name="茶").click()
    return page, me, bo, room


async def test_rooms_have_addresses(address: str, windows: Windows, guest: Enter) -> None:
    """A room's address leads to it, back and forward go through rooms, and the last one is come back to."""
    page = await windows.enter(address, "小林")
    await expect(page).to_have_url(f"{address}/r/{LOBBY}")
    tea = await make_room(await same_person(page, guest, address), "茶")
    await page.get_by_role("link", name="茶").click()
    await expect(page).to_have_url(f"{address}/r/{tea}")
    await expect(page.locator("h1")).to_have_text("茶")
    await expect(page).to_have_title("茶 · hubbub")
    await page.go_back()
    await expect(page.locator("h1")).to_have_text("大厅")
    await page.go_forward()
    await expect(page.locator("h1")).to_have_text("茶")
    await page.reload()
    await expect(page.locator("h1")).to_have_text("茶")
    await page.goto(address)

    await expect(page).to_have_url(f"{address}/r/{tea}")
    await expect(page.locator("h1")).to_have_text("茶")


async def test_closed_rooms_say_so(address: str, windows: Windows, guest: Enter) -> None:
    """At the address of a room that one isn't in stands what one can do: join, or go elsewhere."""
    bo = await guest(address, "Bo")
    tea, den = await make_room(bo, "茶"), await make_room(bo, "密谈", visibility="private")
    page = await windows.enter(address, "小林")
    for room in (den, "r_nothing"):
        await page.goto(f"{address}/r/{room}")
        await expect(page.get_by_role("heading", name="你进不了这个房间")).to_be_visible()
        await expect(page.locator("textarea")).to_have_count(0)
    assert await audit(page) == []
    await page.get_by_role("button", name="去别的房间").click()
    await expect(page.locator("h1")).to_have_text("大厅")
    await page.goto(f"{address}/r/{tea}")
    await page.get_by_role("button", name="加入").click()

    await expect(page.locator("h1")).to_have_text("茶")
    await expect(page.locator("textarea")).to_be_focused()
    await call(bo, "member.ban", s=tea, user=(await same_person(page, guest, address)).welcome["me"]["id"])
    await page.get_by_role("button", name="加入").click()
    await expect(page.get_by_role("heading", name="你被禁止进入这个房间")).to_be_visible()


async def test_alt_arrows_change_rooms(address: str, windows: Windows, guest: Enter) -> None:
    """E-60: Alt with the arrows goes from room to room, with Shift to those where something waits."""
    page = await windows.enter(address, "小林")
    bo = await guest(address, "Bo")
    me = await same_person(page, guest, address)
    rooms = [await make_room(bo, name) for name in ("Ash", "Birch", "Cedar")]
    for room in rooms:
        await call(me, "room.join", s=room)
    await expect(page.locator("nav a")).to_have_count(4)
    await page.keyboard.press("Alt+ArrowDown")
    await expect(page.locator("h1")).to_have_text("Ash")
    await page.keyboard.press("Alt+ArrowUp")
    await expect(page.locator("h1")).to_have_text("大厅")
    await page.keyboard.press("Alt+ArrowUp")
    await expect(page.locator("h1")).to_have_text("Cedar")
    await bo.ask("send", s=rooms[1], n="nonce-birch", d={"text": "叶子"})
    await expect(page.get_by_role("link", name="Birch").locator(".badge")).to_be_visible()
    await page.keyboard.press("Alt+Shift+ArrowDown")

    await expect(page.locator("h1")).to_have_text("Birch")


async def test_sidebar_follows_the_keys(address: str, windows: Windows, guest: Enter) -> None:
    """E-60: of many rooms the one that the keys lead to is in sight, and the page goes nowhere else."""
    page = await windows.enter(address, "小林", viewport={"width": 1280, "height": 500})
    me = await same_person(page, guest, address)
    for n in range(15):
        await make_room(me, f"Room {n}")
    await expect(page.locator("nav a")).to_have_count(16)
    last = page.get_by_role("link", name="Room 14")
    await expect(last).not_to_be_in_viewport()
    await page.keyboard.press("Alt+ArrowUp")

    await expect(page.locator("h1")).to_have_text("Room 14")
    await expect(last).to_be_in_viewport()
    assert await page.evaluate("() => document.scrollingElement.scrollTop") == 0


async def test_sidebar_tells_what_waits(address: str, windows: Windows, guest: Enter) -> None:
    """E-41: a room where something waits is bold, and what speaks of one has a badge of its own."""
    page = await windows.enter(address, "小林")
    bo = await guest(address, "Bo")
    me = await same_person(page, guest, address)
    den = await make_room(bo, "密谈", visibility="private")
    user = me.welcome["me"]["id"]
    await call(bo, "room.invite", s=den, user=user)
    link = page.get_by_role("link", name="密谈")
    await expect(link).to_contain_text("私密")
    assert await link.evaluate("each => getComputedStyle(each).fontWeight") == "400"
    await bo.ask("send", s=den, n="nonce-den-1", d={"text": "在吗"})
    await expect(link.get_by_text("1 条未读消息")).to_be_attached()
    assert await link.evaluate("each => getComputedStyle(each).fontWeight") == "600"
    await bo.ask("send", s=den, n="nonce-den-2", d={"text": f"<@{user}> 在吗"})

    await expect(link.get_by_text("1 条消息提到你")).to_be_attached()
    await expect(link.locator(".badge.mentions")).to_contain_text("@1")


async def test_room_is_made(address: str, windows: Windows, guest: Enter) -> None:
    """E-05, E-74: a room is made in a dialog that leaves Enter to input methods, and one goes there."""
    page = await windows.enter(address, "小林")
    await page.get_by_role("button", name="添加房间").click()
    await page.get_by_role("menuitem", name="新建房间").click()
    dialog = page.get_by_role("dialog", name="新建房间")
    name = dialog.get_by_label("名称")
    await expect(name).to_be_focused()
    await name.fill("密")
    await name.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    await name.dispatch_event("compositionstart")
    await name.press("Enter")
    await name.dispatch_event("compositionend")
    await expect(dialog).to_be_visible()
    await name.fill("密谈")
    await dialog.get_by_label("话题").fill("别告诉别人")
    await dialog.get_by_label("受邀的人").check(force=True)
    assert await audit(page) == []
    await name.press("Enter")

    await expect(page.locator("h1")).to_have_text("密谈")
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_role("link", name="密谈")).to_contain_text("私密")
    made = await call(await same_person(page, guest, address), "room.list")
    assert [each["room"]["name"] for each in made["rooms"]] == ["lobby"]


async def test_refused_names_have_words(address: str, windows: Windows) -> None:
    """A name that the server doesn't take is said to be so beside it, and what was written stays."""
    page = await windows.enter(address, "小林")
    await page.get_by_role("button", name="添加房间").click()
    await page.get_by_role("menuitem", name="新建房间").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("名称").fill("\u202e茶")
    await dialog.get_by_role("button", name="创建").click()

    await expect(dialog.get_by_role("alert")).to_contain_text("这个名称用不了")
    await expect(dialog.get_by_label("名称")).to_have_attribute("aria-invalid", "true")


async def test_directory_finds_rooms(address: str, windows: Windows, guest: Enter) -> None:
    """Public rooms are found as one types, on whatever page they are, and joined from there."""
    bo = await guest(address, "Bo")
    await make_room(bo, "读书会", topic="每周六晚上")
    await make_room(bo, "书房密谈", visibility="private")
    page = await windows.enter(address, "小林")
    await page.get_by_role("button", name="添加房间").click()
    await page.get_by_role("menuitem", name="浏览房间").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator("li bdi")).to_have_text(["大厅", "读书会"])
    await expect(dialog.locator("li p").last).to_have_text("1 人 · 每周六晚上")
    assert await audit(page) == []
    await dialog.get_by_role("searchbox").fill("周六")
    await expect(dialog.locator("li bdi")).to_have_text(["读书会"])
    await dialog.get_by_role("searchbox").fill("书房")
    await expect(dialog.get_by_text("没有找到")).to_be_visible()
    await dialog.get_by_role("searchbox").fill("")
    await dialog.get_by_role("button", name="加入\u2068读书会").click()

    await expect(page.locator("h1")).to_have_text("读书会")
    await expect(page.get_by_role("link", name="读书会")).to_have_attribute("aria-current", "page")


async def test_switcher_finds_rooms(address: str, windows: Windows, guest: Enter) -> None:
    """E-05, E-60: Ctrl+K goes to a room by a few letters, and leaves Enter to input methods."""
    page = await windows.enter(address, "小林")
    me = await same_person(page, guest, address)
    for name in ("读书会", "Reading room", "书店"):
        await make_room(me, name)
    await expect(page.locator("nav a")).to_have_count(4)
    await page.keyboard.press("Control+k")
    field = page.get_by_role("combobox")
    await expect(field).to_be_focused()
    await field.fill("书")
    await expect(page.get_by_role("option")).to_have_count(2)
    await field.dispatch_event("compositionstart")
    await field.press("Enter")
    await expect(field).to_be_visible()
    await field.dispatch_event("compositionend")
    await field.fill("rr")
    await expect(page.get_by_role("option")).to_have_text(["Reading room"])
    assert await audit(page) == []
    await field.press("Enter")
    await expect(page.locator("h1")).to_have_text("Reading room")
    await page.keyboard.press("Control+k")
    await expect(field).to_be_focused()
    await page.keyboard.press("Escape")

    await expect(field).to_have_count(0)
    await expect(page.locator("textarea")).to_be_focused()


async def test_room_is_changed(address: str, windows: Windows, guest: Enter) -> None:
    """Who keeps order in a room changes its name, topic and access, which everyone sees; nobody else can."""
    page = await windows.enter(address, "小林")
    tea = await make_room(await same_person(page, guest, address), "茶")
    await page.get_by_role("link", name="茶").click()
    other = await windows.enter(address, "Ann", locale="en-GB")
    await call(await same_person(other, guest, address), "room.join", s=tea)
    await other.get_by_role("link", name="茶").click()
    await page.get_by_role("button", name="房间菜单").click()
    await page.get_by_role("menuitem", name="名称、话题和权限").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("名称").fill("乌龙")
    await dialog.get_by_label("话题").fill("春茶到了")
    await dialog.get_by_role("button", name="保存").click()

    for each in (page, other):
        await expect(each.locator("h1")).to_have_text("乌龙")
        await expect(each.locator("main header p")).to_have_text("春茶到了")


async def test_room_is_left(address: str, windows: Windows, guest: Enter) -> None:
    """Leaving asks first and leads elsewhere; the only owner is told to find another."""
    page, me, bo, tea = await own_room(address, windows, guest)
    await page.get_by_role("button", name="房间菜单").click()
    await page.get_by_role("menuitem", name="离开房间").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="离开房间").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("你是唯一的房主")
    await call(me, "member.role", s=tea, user=bo.welcome["me"]["id"], role="owner")
    await dialog.get_by_role("button", name="离开房间").click()

    await expect(page.locator("h1")).to_have_text("大厅")
    await expect(page.get_by_role("link", name="茶")).to_have_count(0)


@pytest.mark.parametrize("width", [320, 390])
async def test_phone_has_sheets(address: str, windows: Windows, guest: Enter, width: int) -> None:
    """E-50: on a phone menus and dialogs are sheets, nothing reaches over the edge, and targets are large."""
    page = await windows.enter(
        address, "小林", viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True
    )
    await page.set_viewport_size({"width": width, "height": 700})
    await make_room(await same_person(page, guest, address), "一" * 80, topic="话" * 300)
    small = """all => all.map((each) => [each.title || each.textContent, each.getBoundingClientRect()])
        .filter(([, box]) => box.height < 44 || box.right > innerWidth).map(([name]) => name)"""
    await page.get_by_role("button", name="显示房间").tap()
    await page.get_by_role("link", name="一一").tap()
    await expect(page.get_by_role("navigation")).to_be_hidden()
    await page.get_by_role("button", name="房间菜单").tap()
    assert await page.locator("[role=menu] button").evaluate_all(small) == []
    await page.get_by_role("menuitem", name="名称、话题和权限").tap()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    assert await dialog.locator("button:visible").evaluate_all(small) == []
    assert await page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    await dialog.get_by_role("button", name="关闭").tap()

    await expect(dialog).to_have_count(0)
