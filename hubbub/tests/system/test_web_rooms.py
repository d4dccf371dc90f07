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
