"""What people do with messages: answer, change, react, pin, talk aside, and speak of each other."""

from __future__ import annotations

from typing import Any

import pytest
from faults.server import Server
from playwright.async_api import Locator, Page, expect

from .clients import read_log
from .conftest import Enter, Guest, Windows
from .test_web_page import audit, sideways
from .test_web_reconnect import Line, enter_through
from .test_web_writing import CHROMIUM, DISPATCH, GECKO, TIMERS, WEBKIT

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "reduced_motion": "reduce",
}


async def as_guest(page: Page, address: str, guest: Enter) -> Guest:
    """Be the one whose window this is, without it."""
    [cookie] = await page.context.cookies()
    return await guest(address, token=cookie["value"])


async def deed(page: Page, message: Locator, name: str) -> None:
    """Choose from a message's menu."""
    await message.hover()
    await message.get_by_role("button", name="更多操作").click()
    await page.get_by_role("menuitem", name=name, exact=True).click()


def message(page: Page, text: str) -> Locator:
    """Find a message by what it says."""
    return page.locator("article", has_text=text)


async def own_room(page: Page, address: str, guest: Enter, *others: Guest) -> str:
    """Make a room that the reader of a window owns, show it there, and return its id."""
    lin = await as_guest(page, address, guest)
    made = await lin.ask("call", m="room.create", n="nonce-made", p={"name": "茶", "visibility": "public"})
    room = str(made["r"]["room"]["id"])
    for other in others:
        assert (await other.ask("call", m="room.join", n="nonce-join", p={"s": room}))["t"] == "ok"
    await page.goto(f"{address}/r/{room}")
    await page.get_by_role("heading", name="茶").wait_for()
    return room


async def test_what_may_be_done_is_offered(address: str, windows: Windows, guest: Enter) -> None:
    """E-72: a message's menu has what its reader may do with it, and nothing else."""
    page = await windows.enter(address, "小林")
    await (await guest(address, "Bo")).say("别人的")
    await page.locator("textarea").fill("我的")
    await page.locator("textarea").press("Enter")
    for text, offered in (("别人的", False), ("我的", True)):
        await message(page, text).hover()
        await message(page, text).get_by_role("button", name="更多操作").click()
        await expect(page.get_by_role("menuitem", name="回复", exact=True)).to_be_visible()
        await expect(page.get_by_role("menuitem", name="删除")).to_have_count(int(offered))
        await expect(page.get_by_role("menuitem", name="编辑", exact=True)).to_have_count(int(offered))
        await expect(page.get_by_role("menuitem", name="置顶")).to_have_count(0)
        await page.keyboard.press("Escape")


async def test_changes_show_at_once(chat: Server, windows: Windows, guest: Enter) -> None:
    """E-10, E-11, E-37: what is changed offline shows, is kept over a reload, and done on return."""
    line = Line()
    page = await enter_through(line, chat, windows)
    for text in ("一", "二"):
        await page.locator("textarea").fill(text)
        await page.locator("textarea").press("Enter")
    await expect(page.locator("article.pending")).to_have_count(0)
    await line.cut()
    await page.keyboard.press("ArrowUp")
    await page.locator("textarea").fill("贰")
    await page.keyboard.press("Enter")
    await expect(page.locator("article.changing p")).to_have_text("贰")
    await message(page, "一").hover()
    await message(page, "一").get_by_role("button", name="添加回应").first.click()
    await page.get_by_role("button", name="用 👍 回应").click()
    await expect(message(page, "一").locator(".reactions li")).to_have_text("👍 1")
    line.is_cut = False
    await page.reload()

    await expect(page.locator("article p")).to_have_text(["一", "贰"])
    await expect(page.locator("article.changing")).to_have_count(0)
    await expect(page.locator(".reactions li")).to_have_text("👍 1")
    log = await read_log(await guest(chat.address, "Bo"))
    assert [(each["text"], list(each.get("rx", {}))) for each in log] == [("一", ["👍"]), ("贰", [])]


async def test_refused_turns_back(chat: Server, windows: Windows, guest: Enter) -> None:
    """E-12: an edit that was crossed by another says so, and keeps its text until its author decides."""
    line = Line()
    page = await enter_through(line, chat, windows)
    await page.locator("textarea").fill("一")
    await page.keyboard.press("Enter")
    await expect(page.locator("article.pending")).to_have_count(0)
    elsewhere = await as_guest(page, chat.address, guest)
    [said] = await read_log(elsewhere)
    await line.cut()
    await page.keyboard.press("ArrowUp")
    await page.locator("textarea").fill("这里")
    await page.keyboard.press("Enter")
    await elsewhere.change("edit", m=said["q"], d={"text": "那里"})
    line.is_cut = False

    await expect(page.get_by_role("alert")).to_contain_text("你在别处也改了这条消息")
    await expect(page.locator("article p").first).to_have_text("那里")
    await page.get_by_role("button", name="仍然保存").click()
    await expect(page.locator("article p")).to_have_text(["这里"])
    await expect(page.locator(".failure")).to_have_count(0)


async def test_keys_act_on_messages(address: str, windows: Windows, guest: Enter) -> None:
    """E-03, E-60: j and k lead along the messages, r e p act on them, and Escape goes back step by step."""
    bo = await guest(address, "Bo")
    page = await windows.enter(address, "小林")
    room = await own_room(page, address, guest, bo)
    lin = await as_guest(page, address, guest)
    for client, text in ((bo, "甲"), (lin, "乙"), (bo, "丙")):
        await client.ask("send", s=room, n=f"nonce-{text.encode().hex()}", d={"text": text})
    await expect(page.locator("article")).to_have_count(3)
    field = page.locator("textarea")
    await page.locator("article").last.focus()
    await page.keyboard.press("k")
    await expect(message(page, "乙")).to_be_focused()
    await page.keyboard.press("p")
    await expect(page.locator(".pinned-bar")).to_contain_text("1 条置顶")
    await page.keyboard.press("e")
    await expect(field).to_have_value("乙")
    await page.keyboard.press("Escape")
    await expect(field).to_have_value("")
    await message(page, "乙").focus()
    await page.keyboard.press("j")
    await expect(message(page, "丙")).to_be_focused()
    await page.keyboard.press("r")
    await expect(page.locator(".about")).to_contain_text("回复 \u2068Bo\u2069")
    await expect(field).to_be_focused()
    await page.keyboard.type("丁")
    await page.keyboard.press("Enter")
    await expect(page.locator(".about")).to_have_count(0)
    await expect(message(page, "丁").locator(".quote")).to_contain_text("丙")
    await expect(page.locator("article.pending")).to_have_count(0)
    await page.keyboard.press("ArrowUp")
    await expect(field).to_have_value("丁")


async def test_answers_lead_to_the_answered(address: str, windows: Windows, guest: Enter) -> None:
    """E-08, E-34: an answer shows what it answers, however old, and leads there."""
    bo, chen = await guest(address, "Bo"), await guest(address, "Chen")
    await bo.say("最早的一句")
    for name in ("Dee", "Eve", "Fan", "Gil"):
        await (await guest(address, name)).say(*(f"{name} {n}" for n in range(20)))
    first, *_ = await read_log(bo)
    await chen.change("send", d={"text": "回答", "re": first["q"]})
    page = await windows.enter(address, "小林")
    quote = message(page, "回答").locator(".quote")
    await expect(quote).to_contain_text("最早的一句")
    await quote.click()

    await expect(page.locator("article.lit p")).to_have_text("最早的一句")
    await expect(page.locator("article.lit")).to_be_in_viewport()
    await expect(page.locator("article.lit")).to_have_count(0)


async def test_addresses_lead_to_messages(address: str, windows: Windows, guest: Enter) -> None:
    """E-34: the address of a message shows it, that of a thread opens it, and going back closes it."""
    bo = await guest(address, "Bo")
    await bo.say("从前")
    for name in ("Dee", "Eve", "Fan"):
        await (await guest(address, name)).say(*(f"{name} {n}" for n in range(20)))
    first, *_, last = await read_log(bo)
    page = await windows.enter(address, "小林")
    await page.goto(f"{address}/r/r_lobby/{first['q']}")
    await expect(page.locator("article.lit p")).to_have_text("从前")
    await expect(page.locator("article.lit")).to_be_in_viewport()
    await page.goto(f"{address}/r/r_lobby/t/{last['q']}")
    beside = page.get_by_role("complementary", name="话题")
    await expect(beside.locator("article p")).to_have_text(["Fan 19"])
    await beside.get_by_role("button", name="关闭").click()
    await expect(beside).to_have_count(0)
    await page.go_back()

    await expect(beside.locator("article p")).to_have_text(["Fan 19"])


async def test_earlier_versions_are_shown(address: str, windows: Windows) -> None:
    """E-37: the mark of an edited message leads to what it said before."""
    page = await windows.enter(address, "小林")
    for text in ("初稿", "二稿", "定稿"):
        await page.locator("textarea").fill(text)
        await page.keyboard.press("Enter")
        await expect(page.locator("article p")).to_have_text(text)
        await expect(page.locator("article.pending, article.changing")).to_have_count(0)
        await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Escape")
    await page.locator("article .edited").click()

    await expect(page.get_by_role("dialog").locator("li p")).to_have_text(["定稿", "二稿", "初稿"])
    assert await audit(page) == []


async def test_deletion_asks_first(address: str, windows: Windows) -> None:
    """E-37: what is deleted is so only after a question, and leaves its place."""
    page = await windows.enter(address, "小林")
    await page.locator("textarea").fill("说错了")
    await page.keyboard.press("Enter")
    await expect(page.locator("article.pending")).to_have_count(0)
    await deed(page, message(page, "说错了"), "删除")
    await page.get_by_role("button", name="取消").click()
    await expect(message(page, "说错了")).to_be_visible()
    await deed(page, message(page, "说错了"), "删除")
    await page.get_by_role("dialog").get_by_role("button", name="删除").click()

    await expect(page.locator("article p")).to_have_text("这条消息已删除。")
    await expect(page.locator("article.changing")).to_have_count(0)


async def test_reactions_are_toggled(address: str, windows: Windows, guest: Enter) -> None:
    """E-37: a reaction is pressed to join in or leave, says who, and lists them all."""
    bo = await guest(address, "Bo")
    await bo.say("好消息")
    [said] = await read_log(bo)
    await bo.change("react", m=said["q"], e="🎉", on=True)
    page = await windows.enter(address, "小林")
    chip = page.locator(".reactions button")
    await chip.click()
    await expect(chip).to_have_text("🎉 2")
    await expect(chip).to_have_attribute("aria-pressed", "true")
    await expect(chip).to_have_attribute("title", "\u2068Bo\u2069和\u2068小林\u2069")
    await deed(page, message(page, "好消息"), "谁回应了")
    await expect(page.get_by_role("dialog").locator("li bdi")).to_have_text(["Bo", "小林"])
    await page.keyboard.press("Escape")
    await chip.press("Enter")

    await expect(chip).to_have_text("🎉 1")
    # The page shows it before the server has it.
    while (await bo.hear("ev"))["d"].get("on", True):
        pass
    assert [set(each["rx"]["🎉"]) for each in await read_log(bo)] == [{bo.welcome["me"]["id"]}]


async def test_threads_stand_beside(address: str, windows: Windows, guest: Enter) -> None:
    """E-02: a thread has its replies as they come, and a draft of its own."""
    bo = await guest(address, "Bo")
    await bo.say("谁来搬椅子？")
    [root] = await read_log(bo)
    page = await windows.enter(address, "小林")
    await message(page, "谁来").hover()
    await message(page, "谁来").get_by_role("button", name="在话题中回复").click()
    beside = page.get_by_role("complementary", name="话题")
    await expect(beside.locator("article p")).to_have_text(["谁来搬椅子？"])
    await beside.locator("textarea").fill("我来")
    await beside.locator("textarea").press("Enter")
    while (await bo.hear("ev"))["d"].get("text") != "我来":
        pass
    await bo.change("send", d={"text": "谢谢", "th": root["q"]})
    await expect(beside.locator("article p")).to_have_text(["谁来搬椅子？", "我来", "谢谢"])
    await expect(page.locator("#messages article p")).to_have_text(["谁来搬椅子？"])
    await beside.locator("textarea").fill("写到一半")
    assert await audit(page) == []
    await beside.locator("textarea").press("Escape")
    await expect(beside).to_have_count(0)
    await page.get_by_role("button", name="2 条回复").click()

    await expect(beside.locator("textarea")).to_have_value("写到一半")
    await expect(page.locator("#messages ~ .foot textarea")).to_have_value("")


async def test_thread_is_a_pane_on_a_phone(address: str, windows: Windows, guest: Enter) -> None:
    """E-50: on a phone a thread takes the whole window, and there is a way back."""
    bo = await guest(address, "Bo")
    await bo.say("谁来搬椅子？")
    [root] = await read_log(bo)
    await bo.change("send", d={"text": "我来", "th": root["q"]})
    page = await windows.enter(address, "小林", **PHONE)
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.get_by_role("button", name="1 条回复").tap()
    pane = page.get_by_role("dialog", name="话题")
    await expect(pane.locator("article p")).to_have_text(["谁来搬椅子？", "我来"])
    box = await pane.bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 320)
    assert await sideways(page) <= 0
    await pane.get_by_role("button", name="返回").tap()

    await expect(pane).to_have_count(0)
    assert await sideways(page) <= 0


async def test_touch_opens_the_menu(address: str, windows: Windows, guest: Enter) -> None:
    """E-72: a finger that stays on a message opens what can be done with it."""
    await (await guest(address, "Bo")).say("按住我")
    page = await windows.enter(address, "小林", **PHONE)
    await message(page, "按住我").dispatch_event(
        "pointerdown", {"pointerType": "touch", "clientX": 9, "clientY": 9}
    )

    await expect(page.get_by_role("menuitem", name="回复", exact=True)).to_be_visible()
    assert await audit(page) == []


async def test_pins_are_collected(address: str, windows: Windows, guest: Enter) -> None:
    """What is pinned is announced above the talk, listed, leads there, and can be taken down."""
    bo = await guest(address, "Bo")
    page = await windows.enter(address, "小林")
    room = await own_room(page, address, guest, bo)
    for n in range(3):
        await bo.ask("send", s=room, n=f"nonce-pin-{n}", d={"text": f"茶 {n}"})
    await deed(page, message(page, "茶 0"), "置顶")
    await deed(page, message(page, "茶 2"), "置顶")
    await page.get_by_role("button", name="2 条置顶").click()
    beside = page.get_by_role("complementary", name="置顶消息")
    await expect(beside.locator("li p")).to_have_text(["茶 2", "茶 0"])
    assert await audit(page) == []
    await beside.get_by_role("button", name="在房间中查看").last.click()
    await expect(page.locator("article.lit p")).to_have_text("茶 0")
    await beside.get_by_role("button", name="取消置顶").first.click()
    await expect(beside.locator("li p")).to_have_text(["茶 0"])
    await beside.get_by_role("button", name="取消置顶").click()

    await expect(beside).to_contain_text("还没有置顶消息")
    await expect(page.locator(".pinned-bar")).to_have_count(0)


@pytest.mark.parametrize("written", ["@zm", "＠周", "@Zh", "你好@ZM"])
async def test_people_are_spoken_of(address: str, windows: Windows, guest: Enter, written: str) -> None:
    """E-06, E-07: @ and ＠ list who is meant, by name and by pinyin initials; Tab and Enter choose."""
    people = [await guest(address, name) for name in ("周明", "Zhao", "李禾")]
    page = await windows.enter(address, "小林")
    field = page.locator("textarea")
    await field.press_sequentially(written)
    option = page.get_by_role("option")
    name = "Zhao" if written == "@Zh" else "周明"
    await expect(option.locator("bdi")).to_have_text([name])
    await expect(field).to_have_attribute("aria-activedescendant", await option.get_attribute("id") or "")
    await field.press("Tab")
    await expect(option).to_have_count(0)
    await field.press("Enter")

    await expect(page.locator("article .mention")).to_have_text(f"@{name}")
    await expect(page.locator("article.pending")).to_have_count(0)
    [said] = await read_log(people[0])
    named = people[1] if name == "Zhao" else people[0]
    assert f"<@{named.welcome['me']['id']}>" in said["text"]


async def test_names_are_chosen_by_keys(address: str, windows: Windows, guest: Enter) -> None:
    """E-06: arrows lead along the names, Escape puts the list away, and then Enter sends."""
    for name in ("周明", "周明明"):
        await guest(address, name)
    page = await windows.enter(address, "小林")
    field = page.locator("textarea")
    await field.press_sequentially("@周")
    await expect(page.get_by_role("option")).to_have_count(2)
    chosen = page.get_by_role("option", selected=True).locator("bdi")
    await expect(chosen).to_have_text("周明")
    assert await audit(page) == []
    await field.press("ArrowDown")
    await expect(chosen).to_have_text("周明明")
    await field.press("Escape")
    await expect(page.get_by_role("option")).to_have_count(0)
    await field.press("Enter")

    await expect(page.locator("article p")).to_have_text("@周")


async def test_input_method_keeps_the_list_s_enter(address: str, windows: Windows, guest: Enter) -> None:
    """E-05, E-06: while one composes a name, Enter is the input method's, and the list stays."""
    await guest(address, "周明")
    page = await windows.enter(address, "小林")
    field = page.locator("textarea")
    await field.press_sequentially("@周")
    await expect(page.get_by_role("option")).to_have_count(1)
    for events in (CHROMIUM, WEBKIT, GECKO):
        await field.evaluate(DISPATCH, events)
        await expect(field).to_have_value("@周")
        await expect(page.get_by_role("option")).to_have_count(1)
        await page.evaluate(TIMERS)
    await field.press("Enter")
    await expect(field).to_have_value("@周明 ")
    await field.press("Enter")

    await expect(page.locator("article .mention")).to_have_text("@周明")


async def test_names_in_texts_stay_text(address: str, windows: Windows, guest: Enter) -> None:
    """E-90: a name that is spoken of is text, and one's own is marked."""
    hostile = await guest(address, "<img src=x onerror=alert(1)>")
    page = await windows.enter(address, "小林")
    lin = await as_guest(page, address, guest)
    ids = [each.welcome["me"]["id"] for each in (hostile, lin)]
    await hostile.say(f"<@{ids[0]}> <@{ids[1]}> <@u_nobody>")

    await expect(page.locator("article .mention")).to_have_text(
        ["@<img src=x onerror=alert(1)>", "@小林", "@某人"]
    )
    await expect(page.locator("article .mention.me")).to_have_text("@小林")
    assert await page.locator("article img").count() == 0
