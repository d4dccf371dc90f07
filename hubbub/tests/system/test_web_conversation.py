"""People talk in browser windows: messages, who is here, who types, and what was said before."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from .clients import LOBBY, read_log
from .conftest import Enter, Windows, take_name

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def say(page: Page, *texts: str) -> None:
    """Write messages as a person does."""
    for text in texts:
        await page.locator("textarea").fill(text)
        await page.locator("textarea").press("Enter")


async def test_two_windows_converse(address: str, windows: Windows) -> None:
    """What one says, both see: once, in order, under the right name."""
    lin = await windows.enter(address, "小林")
    ann = await windows.enter(address, "Ann", locale="en-GB")
    await say(lin, "你好", "有人吗？")
    await expect(ann.locator("article p")).to_have_text(["你好", "有人吗？"])
    await say(ann, "Hello!")

    for page in (lin, ann):
        await expect(page.locator("article p")).to_have_text(["你好", "有人吗？", "Hello!"])
        await expect(page.locator("article header bdi")).to_have_text(["小林", "Ann"])
        await expect(page.locator("article.pending")).to_have_count(0)


async def test_presence_is_shown(address: str, windows: Windows) -> None:
    """Who comes in is counted and listed in the windows of those who are there."""
    lin = await windows.enter(address, "小林")
    await expect(lin.locator("header .people")).to_contain_text("1 人在线")
    await windows.enter(address, "Ann")

    await expect(lin.locator("header .people")).to_contain_text("2 人在线")
    await expect(lin.get_by_role("complementary").locator("li bdi")).to_have_text(["小林", "Ann"])


async def test_typing_is_shown(address: str, windows: Windows) -> None:
    """Others see who types, until the message is there; oneself doesn't."""
    lin = await windows.enter(address, "小林")
    ann = await windows.enter(address, "Ann")
    await ann.locator("textarea").press_sequentially("Hel")
    await expect(lin.locator(".typing")).to_contain_text("正在输入")
    await expect(ann.locator(".typing")).to_be_empty()
    await ann.locator("textarea").press("Enter")

    await expect(lin.locator("article p")).to_have_text(["Hel"])
    await expect(lin.locator(".typing")).not_to_contain_text("正在输入")


async def test_reload_shows_history(address: str, windows: Windows) -> None:
    """A window that is loaded anew knows who it is, and what was said."""
    page = await windows.enter(address, "小林")
    await say(page, "第一条", "第二条")
    await expect(page.locator("article.pending")).to_have_count(0)
    await page.reload()

    await expect(page.locator("article p")).to_have_text(["第一条", "第二条"])
    await expect(page.locator("nav .me bdi")).to_have_text("小林")


async def test_renaming_reaches_everyone(address: str, windows: Windows) -> None:
    """A new name stands over old messages too, in every window."""
    lin = await windows.enter(address, "小林")
    ann = await windows.enter(address, "Ann")
    await say(lin, "你好")
    await lin.get_by_role("button", name="设置").click()
    await lin.get_by_label("名字").fill("林林")
    await lin.get_by_role("button", name="保存").click()

    for page in (lin, ann):
        await expect(page.locator("article header bdi")).to_have_text(["林林"])


async def test_changes_are_shown(address: str, windows: Windows, guest: Enter) -> None:
    """What was edited is marked, of what was deleted its place is left, reactions and replies are counted."""
    page = await windows.enter(address, "小林")
    bo = await guest(address, "Bo")
    await bo.say("一", "二", "三")
    edited, deleted, third = (message["q"] for message in await read_log(bo))
    await bo.change("edit", m=edited, d={"text": "壹"})
    await bo.change("del", m=deleted)
    await bo.change("react", m=third, e="👍", on=True)
    await bo.change("send", d={"text": "四", "th": third})

    await expect(page.locator("article p")).to_have_text(["壹", "这条消息已删除。", "三"])
    for _ in range(2):
        await expect(page.locator("article .edited")).to_have_text(["（已编辑）"])
        await expect(page.locator("article .reactions li")).to_have_text(["👍 1"])
        await expect(page.locator("article .replies")).to_have_text(["1 条回复"])
        # What a copy says is the same as what the events made.
        await page.reload()


async def test_room_goes_and_comes(address: str, windows: Windows, guest: Enter) -> None:
    """Who isn't in the room any more is told so at once, and who is let in again sees what is said."""
    page = await windows.enter(address, "小林")
    [cookie] = await page.context.cookies()
    lin, bo = await guest(address, token=cookie["value"]), await guest(address, "Bo")
    await lin.ask("call", m="room.leave", n="nonce-out", p={"s": LOBBY})
    await expect(page.get_by_text("你不在这个房间里")).to_be_visible()
    await bo.say("没有你")
    await lin.ask("call", m="room.join", n="nonce-back", p={"s": LOBBY})

    await expect(page.locator("article p")).to_have_text(["没有你"])
    await bo.say("你回来了")
    await expect(page.locator("article p")).to_have_text(["没有你", "你回来了"])


async def test_unread_is_counted(address: str, windows: Windows, guest: Enter) -> None:
    """What waits in a room that isn't shown is counted there, until it is shown and read, on every device."""
    page = await windows.enter(address, "小林")
    await page.clock.install()
    [cookie] = await page.context.cookies()
    elsewhere, bo = await guest(address, token=cookie["value"]), await guest(address, "Bo")
    made = await bo.ask("call", m="room.create", n="nonce-made", p={"name": "茶", "visibility": "private"})
    room = made["r"]["room"]["id"]
    user = elsewhere.welcome["me"]["id"]
    await bo.ask("call", m="room.invite", n="nonce-ask", p={"s": room, "user": user})
    tea = page.get_by_role("link", name="茶")
    await expect(tea).to_be_visible()
    for n in range(3):
        await bo.ask("send", s=room, n=f"nonce-tea-{n}", d={"text": f"茶 {n}"})
    await expect(tea.get_by_text("3 条未读消息")).to_be_attached()
    await tea.click()
    await expect(page.locator("article p")).to_have_text(["茶 0", "茶 1", "茶 2"])
    await page.clock.run_for(3000)
    while (read := await elsewhere.hear("ev"))["k"] != "read":
        pass

    assert read["d"] == {"s": room, "q": read["d"]["q"], "unread": 0, "mentions": 0}
    await page.get_by_role("link", name="大厅").click()
    await expect(tea.locator(".badge")).to_have_count(0)


# How far the first message in sight moves when older ones come.
ANCHOR = """async () => {
    const viewport = document.querySelector('.viewport')
    const shown = () => [...document.querySelectorAll('article')]
    const box = (each) => each.getBoundingClientRect()
    const before = shown().length
    viewport.scrollTop = 300
    const first = shown().find((each) => box(each).bottom > box(viewport).top)
    const { top } = box(first)
    while (shown().length === before) await new Promise(requestAnimationFrame)
    await new Promise(requestAnimationFrame)
    return box(first).top - top
}"""


async def test_older_messages_load(address: str, windows: Windows, guest: Enter) -> None:
    """E-32: scrolling up brings older messages, and what was in sight stays where it was."""
    for name in ("Bo", "Chen", "Dee", "Eve", "Fan", "Gil"):
        await (await guest(address, name)).say(*(f"{name} {n}\n…" for n in range(20)))
    page = await windows.enter(address, "小林")
    await expect(page.locator("article")).to_have_count(50)

    assert abs(await page.evaluate(ANCHOR)) <= 1
    await expect(page.locator("article")).to_have_count(100)
    assert abs(await page.evaluate(ANCHOR)) <= 1
    await expect(page.locator("article")).to_have_count(120)
    await page.locator(".viewport").evaluate("viewport => { viewport.scrollTop = 0 }")
    await expect(page.get_by_text("从这里开始")).to_be_visible()
    texts = await page.locator("article p").all_inner_texts()
    assert texts == [
        f"{name} {n}\n…" for name in ("Bo", "Chen", "Dee", "Eve", "Fan", "Gil") for n in range(20)
    ]


async def test_reading_back_is_undisturbed(address: str, windows: Windows, guest: Enter) -> None:
    """E-31: new messages don't move what is being read; a button leads to them."""
    bo = await guest(address, "Bo")
    await bo.say(*(f"消息 {n}" for n in range(20)))
    page = await windows.enter(address, "小林", viewport={"width": 1280, "height": 400})
    await expect(page.locator("article")).to_have_count(20)
    await page.locator(".viewport").evaluate("viewport => { viewport.scrollTop = 120 }")
    await page.get_by_role("button", name="回到最新消息").wait_for()
    await bo.say("新的一条", "又一条")

    await page.get_by_role("button", name="2 条新消息").wait_for()
    assert await page.locator(".viewport").evaluate("viewport => viewport.scrollTop") == 120
    await page.get_by_role("button", name="2 条新消息").click()
    await expect(page.get_by_text("新的一条")).to_be_in_viewport()


async def test_sign_out_ends_every_window(address: str, windows: Windows) -> None:
    """Who leaves in one window is asked for a name in all of them."""
    browser = await windows.browse()
    first, second = await browser.new_page(), await browser.new_page()
    await first.goto(address)
    await take_name(first, "小林")
    await second.goto(address)
    await second.locator("textarea").wait_for()
    await second.get_by_role("button", name="设置").click()
    await second.get_by_role("button", name="离开 hubbub").click()
    await second.get_by_role("button", name="离开", exact=True).click()

    for page in (first, second):
        await expect(page.locator("#name")).to_be_visible()
    await expect(first.get_by_role("status")).to_contain_text("登录已失效")
