"""Connections break, servers restart, windows close: all arrives once, in order, and nothing is lost."""

from __future__ import annotations

import json

import pytest
from faults.server import Server
from playwright.async_api import Page, WebSocketRoute, expect

from .conftest import Enter, Windows, take_name

pytestmark = pytest.mark.asyncio(loop_scope="session")

REALTIME = "**/v1/realtime"


LIVING_PAGES = """async () => {
    const { held } = await navigator.locks.query()
    return held.filter(({ name }) => name.startsWith('hubbub-page-')).length
}"""


class Line:
    """What runs between a window and the server: it can be cut, and loses what it is told to lose."""

    def __init__(self) -> None:
        self.is_cut = False
        self.lost_answers = 0
        self.held: list[str | bytes] | None = None
        self.refusal: dict[str, object] | None = None
        self._open: list[WebSocketRoute] = []
        self._writes: set[int] = set()

    async def cut(self) -> None:
        """Break every connection, and let none come up."""
        self.is_cut = True
        for route in self._open:
            await route.close(code=1012)
        self._open.clear()

    def let_go(self) -> None:
        """Deliver what was held back, the answers after everything else."""
        held, self.held = self.held or [], None
        for message in sorted(held, key=lambda message: json.loads(message)["t"] == "ok"):
            self._open[-1].send(message)

    async def __call__(self, route: WebSocketRoute) -> None:
        """Carry a connection."""
        if self.is_cut:
            await route.close(code=1012)
            return
        self._open.append(route)
        server = route.connect_to_server()

        def go_up(message: str | bytes) -> None:
            frame = json.loads(message)
            if frame["t"] == "send":
                self._writes.add(frame["id"])
            if frame["t"] == "send" and self.refusal is not None:
                route.send(json.dumps({"t": "err", "id": frame["id"], "msg": ""} | self.refusal))
            else:
                server.send(message)

        async def go_down(message: str | bytes) -> None:
            frame = json.loads(message)
            if self.held is not None:
                self.held.append(message)
            elif self.lost_answers and frame.get("id") in self._writes:
                self.lost_answers -= 1
                await route.close(code=1012)
            elif not (self.lost_answers and frame["t"] == "ev"):
                route.send(message)

        route.on_message(go_up)
        server.on_message(go_down)


async def say(page: Page, *texts: str) -> None:
    """Write messages as a person does."""
    for text in texts:
        await page.locator("textarea").fill(text)
        await page.locator("textarea").press("Enter")


async def hold_clock(page: Page) -> None:
    """Let time stand still in a window whose clock is installed."""
    await page.clock.pause_at(await page.evaluate("() => Date.now() + 1"))


async def enter_through(line: Line, chat: Server, windows: Windows) -> Page:
    """Open a window whose connection runs through a line, and choose a name in it."""
    browser = await windows.browse()
    await browser.route_web_socket(REALTIME, line)
    page = await browser.new_page()
    await page.goto(chat.address)
    await take_name(page, "小林")
    return page


async def expect_texts(page: Page, *texts: str) -> None:
    """Expect exactly these messages, all of them sent."""
    await expect(page.locator("article p")).to_have_text(list(texts))
    await expect(page.locator("article.pending")).to_have_count(0)


async def test_restart_shows_what_was_missed(chat: Server, windows: Windows, guest: Enter) -> None:
    """E-22: after the server was killed the page comes back by itself, with what it missed, unchanged."""
    page = await (await windows.browse()).new_page()
    await page.clock.install()
    await page.goto(chat.address)
    await take_name(page, "小林")
    bo = await guest(chat.address, "Bo")
    await bo.say("之前")
    await expect_texts(page, "之前")
    await page.evaluate("() => { window.sameWindow = true }")
    await page.locator("textarea").fill("写到一半")
    # While the page's clock stands still, it makes no attempt.
    await hold_clock(page)
    await chat.stop(kill=True)
    await chat.start()
    await (await guest(chat.address, token=bo.token)).say("错过一", "错过二", "错过三")
    await expect_texts(page, "之前")
    await page.clock.resume()

    await expect_texts(page, "之前", "错过一", "错过二", "错过三")
    assert await page.evaluate("window.sameWindow")
    await expect(page.locator("textarea")).to_have_value("写到一半")


async def test_two_windows_survive_restart(chat: Server, windows: Windows) -> None:
    """What both say while the server is stopped goes out on its return, and reaches both once."""
    lin = await windows.enter(chat.address, "小林")
    ann = await windows.enter(chat.address, "Ann")
    await say(lin, "一")
    await expect_texts(ann, "一")
    await chat.stop()
    await say(lin, "二", "三")
    await expect(lin.locator("article.pending p")).to_have_text(["二", "三"])
    await chat.start()

    for page in (lin, ann):
        await expect_texts(page, "一", "二", "三")


async def test_offline_messages_go_out_once(chat: Server, windows: Windows, guest: Enter) -> None:
    """E-11: what is written without network and server is shown at once, and sent once on their return."""
    page = await windows.enter(chat.address, "小林")
    await chat.stop(kill=True)
    await page.context.set_offline(True)
    await say(page, "离线一", "离线二")
    await expect(page.locator("article.pending p")).to_have_text(["离线一", "离线二"])
    await chat.start()
    bo = await guest(chat.address, "Bo")
    await page.context.set_offline(False)

    await expect_texts(page, "离线一", "离线二")
    assert await bo.read() == ["离线一", "离线二"]


async def test_banner_tells_of_lost_connection(chat: Server, windows: Windows) -> None:
    """E-20: a blip isn't worth a word; three seconds are told, can be cut short, and their end is told."""
    line = Line()
    browser = await windows.browse()
    await browser.route_web_socket(REALTIME, line)
    page = await browser.new_page()
    await page.clock.install()
    await page.goto(chat.address)
    await take_name(page, "小林")
    status = page.locator("main").get_by_role("status")
    await hold_clock(page)
    await line.cut()
    await page.evaluate("() => new Promise((done) => queueMicrotask(done))")
    await page.clock.run_for(2900)
    await expect(status).to_be_empty()
    await page.clock.run_for(200)
    await expect(status).to_contain_text("正在重连")
    line.is_cut = False
    await page.get_by_role("button", name="立即重试").click()
    await expect(status).to_contain_text("已恢复连接")
    await page.clock.run_for(2000)

    await expect(status).to_be_empty()


async def test_unsent_survives_reload(chat: Server, windows: Windows) -> None:
    """E-11: unsent messages are still there after a reload, and go out in order."""
    line = Line()
    page = await enter_through(line, chat, windows)
    await say(page, "一")
    await expect_texts(page, "一")
    await line.cut()
    await say(page, "二", "三")
    await page.reload()
    await expect(page.locator("article.pending p")).to_have_text(["二", "三"])
    line.is_cut = False

    await expect_texts(page, "一", "二", "三")


async def test_lost_answer_makes_no_duplicate(chat: Server, windows: Windows, guest: Enter) -> None:
    """A message whose confirmation was lost is sent again under its nonce, and stored once."""
    line = Line()
    line.lost_answers = 1
    page = await enter_through(line, chat, windows)
    await say(page, "一", "二")

    await expect_texts(page, "一", "二")
    assert await (await guest(chat.address, "Bo")).read() == ["一", "二"]
    assert line.lost_answers == 0


PLACE = """() => {
    const message = [...document.querySelectorAll('article')].at(-1)
    const { x, y, width, height } = message.querySelector('p').getBoundingClientRect()
    const same = window.message === undefined || window.message === message
    window.message = message
    return { same, x, y, width, height }
}"""


async def test_confirmed_message_stays_in_place(chat: Server, windows: Windows) -> None:
    """E-10: one's message is shown at once, dimmed, and becomes normal without moving or a second node."""
    line = Line()
    page = await enter_through(line, chat, windows)
    line.held = []
    await say(page, "你好")
    await expect(page.locator("article.pending")).to_have_count(1)
    before = await page.evaluate(PLACE)
    while len(line.held) < 2:
        await page.evaluate("() => new Promise(requestAnimationFrame)")
    line.let_go()
    await expect_texts(page, "你好")

    assert await page.evaluate(PLACE) == before
    assert before["same"]


async def test_refused_message_waits(chat: Server, windows: Windows) -> None:
    """E-12: a message that is refused for good says why, and can be sent again or deleted."""
    line = Line()
    page = await enter_through(line, chat, windows)
    line.refusal = {"code": "muted", "retry": False}
    await say(page, "一", "二")
    await expect(page.locator("article").get_by_role("alert")).to_have_text(["你暂时不能在这里发言。"] * 2)
    line.refusal = None
    await page.locator("article", has_text="一").get_by_role("button", name="删除").click()
    await page.locator("article", has_text="二").get_by_role("button", name="重试").click()

    await expect_texts(page, "二")
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_refused_for_now_is_repeated(chat: Server, windows: Windows) -> None:
    """E-12: what is refused for the moment is sent again without anybody's doing."""
    line = Line()
    page = await enter_through(line, chat, windows)
    line.refusal = {"code": "unavailable", "retry": True, "after": 300}
    await say(page, "一", "二")
    await expect(page.locator("article.pending")).to_have_count(2)
    line.refusal = None

    await expect_texts(page, "一", "二")


async def test_two_tabs_show_one_message(chat: Server, windows: Windows) -> None:
    """E-13: what is said in one tab is in the other once, and the other way round."""
    browser = await windows.browse()
    first, second = await browser.new_page(), await browser.new_page()
    await first.goto(chat.address)
    await take_name(first, "小林")
    await second.goto(chat.address)
    await say(first, "一")
    await expect_texts(second, "一")
    await say(second, "二")

    for tab in (first, second):
        await expect_texts(tab, "一", "二")


async def test_closed_tab_leaves_its_messages(chat: Server, windows: Windows, guest: Enter) -> None:
    """What a closed tab hadn't sent, another tab of the guest sends, once."""
    line = Line()
    browser = await windows.browse()
    first, second = await browser.new_page(), await browser.new_page()
    await first.route_web_socket(REALTIME, line)
    await first.goto(chat.address)
    await take_name(first, "小林")
    await second.goto(chat.address)
    await second.locator("textarea").wait_for()
    await line.cut()
    await say(first, "一", "二")
    await expect(first.locator("article.pending")).to_have_count(2)
    await second.evaluate("() => window.dispatchEvent(new Event('online'))")
    await say(second, "零")
    await expect_texts(second, "零")
    await first.close()
    # The browser frees what a page held a moment after it is closed.
    while await second.evaluate(LIVING_PAGES) > 1:
        pass
    await second.evaluate("() => window.dispatchEvent(new Event('online'))")

    await expect_texts(second, "零", "一", "二")
    assert await (await guest(chat.address, "Bo")).read() == ["零", "一", "二"]


async def test_silent_server_is_found_out(chat: Server, windows: Windows) -> None:
    """A connection that died without a word is noticed when the network returns."""
    page = await (await windows.browse()).new_page()
    routes: list[WebSocketRoute] = []
    deaf: list[WebSocketRoute] = []

    def carry(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        server.on_message(lambda message: None if route in deaf else route.send(message))
        routes.append(route)

    await page.route_web_socket(REALTIME, carry)
    await page.clock.install()
    await page.goto(chat.address)
    await take_name(page, "小林")
    await hold_clock(page)
    deaf += routes
    await say(page, "有人吗？")
    await page.evaluate("() => window.dispatchEvent(new Event('online'))")
    await page.clock.run_for(4900)
    await expect(page.locator("article.pending")).to_have_count(1)
    # Five seconds without an answer, and the first attempt within another.
    await page.clock.run_for(1100)

    await expect_texts(page, "有人吗？")
    assert len(routes) == 2
