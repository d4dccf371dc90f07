"""The place to write: keys, input methods, drafts, and text that stays text."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from .conftest import Enter, Windows, take_name

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_enter_sends_shift_enter_breaks(address: str, windows: Windows) -> None:
    """E-01: Enter sends, Shift+Enter begins a line, and nothing but spaces is no message."""
    page = await windows.enter(address, "小林")
    await page.keyboard.type("   ")
    await page.keyboard.press("Enter")
    await page.locator("textarea").fill("")
    await page.keyboard.type("一")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("二")
    await expect(page.locator("article")).to_have_count(0)
    await page.keyboard.press("Enter")

    await expect(page.locator("article p")).to_have_count(1)
    assert await page.locator("article p").inner_text() == "一\n二"
    await expect(page.locator("textarea")).to_have_value("")
    await expect(page.locator("textarea")).to_be_focused()


async def test_half_character_is_replaced(address: str, windows: Windows, guest: Enter) -> None:
    """Half a surrogate pair, which no server can read, is replaced, and holds up nothing after it."""
    page = await windows.enter(address, "小林")
    await page.locator("textarea").evaluate("""box => {
        box.value = '一' + String.fromCharCode(0xd83d)
        box.dispatchEvent(new InputEvent('input', { bubbles: true }))
    }""")
    await page.locator("textarea").press("Enter")
    await page.locator("textarea").fill("二")
    await page.locator("textarea").press("Enter")

    await expect(page.locator("article p")).to_have_text(["一\ufffd", "二"])
    await expect(page.locator("article.pending")).to_have_count(0)
    assert await (await guest(address, "Bo")).read() == ["一\ufffd", "二"]


async def test_touch_enter_is_new_line(address: str, windows: Windows) -> None:
    """E-01: on a touch screen Enter is a new line, and the button sends."""
    page = await windows.enter(
        address, "小林", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    await page.locator("textarea").tap()
    await page.keyboard.type("一")
    await page.keyboard.press("Enter")
    await page.keyboard.type("二")
    await expect(page.locator("article")).to_have_count(0)
    await page.get_by_role("button", name="发送").tap()

    await expect(page.locator("article p")).to_have_text("一\n二")


# A page takes keys before its timers, and a timer tells it that a composition is over.
TIMERS = "() => new Promise((done) => setTimeout(done, 0))"


async def test_input_method_keeps_its_enter(address: str, windows: Windows) -> None:
    """E-05: Enter while Chromium composes belongs to the input method; the next one sends."""
    page = await windows.enter(address, "小林")
    devtools = await page.context.new_cdp_session(page)
    await page.evaluate("""() => {
        window.keys = []
        document.querySelector('textarea').addEventListener(
            'keydown', ({ key, isComposing }) => window.keys.push([key, isComposing]))
    }""")
    await devtools.send("Input.imeSetComposition", {"text": "ni hao", "selectionStart": 6, "selectionEnd": 6})
    await page.keyboard.press("Enter")
    await devtools.send("Input.insertText", {"text": "你好"})
    assert await page.evaluate("window.keys") == [["Enter", True]]
    await expect(page.locator("article")).to_have_count(0)
    await page.evaluate(TIMERS)
    await page.keyboard.press("Enter")

    await expect(page.locator("article p")).to_have_text("你好")


# The events of one Enter that ends a composition, as each engine sends them.
START: tuple[str, dict[str, object]] = ("compositionstart", {})
END: tuple[str, dict[str, object]] = ("compositionend", {})
CHROMIUM = [START, ("keydown", {"keyCode": 229, "isComposing": True}), END]
WEBKIT = [START, END, ("keydown", {"keyCode": 229})]
WEBKIT_PLAIN = [START, END, ("keydown", {"keyCode": 13})]
GECKO = [START, ("keydown", {"key": "Process", "isComposing": True}), END]

DISPATCH = """(field, events) => {
    for (const [type, init] of events) {
        const Kind = type === 'keydown' ? KeyboardEvent : CompositionEvent
        field.dispatchEvent(new Kind(type, { key: 'Enter', bubbles: true, cancelable: true, ...init }))
    }
}"""


@pytest.mark.parametrize(
    "events", [CHROMIUM, WEBKIT, WEBKIT_PLAIN, GECKO], ids=["chromium", "webkit", "webkit-plain", "gecko"]
)
async def test_engines_orders_dont_send(
    address: str, windows: Windows, events: list[tuple[str, dict[str, object]]]
) -> None:
    """E-05: in every engine's order of events, the Enter that ends a composition doesn't send."""
    page = await windows.enter(address, "小林")
    await page.locator("textarea").fill("你好")
    await page.locator("textarea").evaluate(DISPATCH, events)
    await expect(page.locator("textarea")).to_have_value("你好")
    await page.locator("textarea").press("Enter")

    await expect(page.locator("article p")).to_have_text("你好")


async def test_draft_survives_reload(address: str, windows: Windows) -> None:
    """E-02: what is half written is still there after a reload, and gone once it is sent."""
    page = await windows.enter(address, "小林")
    await page.locator("textarea").fill("写到一半\n第二行")
    await page.reload()
    await expect(page.locator("textarea")).to_have_value("写到一半\n第二行")
    await page.locator("textarea").press("Enter")
    await expect(page.locator("article p")).to_have_count(1)
    await page.reload()

    await expect(page.locator("article p")).to_have_count(1)
    await expect(page.locator("textarea")).to_have_value("")


async def test_field_grows_with_text(address: str, windows: Windows) -> None:
    """E-02: the field grows up to two fifths of the window, then scrolls."""
    page = await windows.enter(address, "小林")
    field = page.locator("textarea")

    async def height() -> float:
        box = await field.bounding_box()
        assert box is not None
        return box["height"]

    low = await height()
    await field.fill("一\n二\n三")
    assert low + 40 <= await height() < 200
    await field.fill("一\n" * 60)
    assert await height() <= 0.4 * 800
    await field.fill("")
    assert await height() == low


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    "[x](javascript:alert(1))",
    "{@html '<b>x</b>'} ${alert(1)} {{alert(1)}}",
    'https://example.org/"onmouseover="alert(1)',
]


async def test_text_stays_text(address: str, windows: Windows) -> None:
    """E-90: nothing that is written, nor a name, becomes anything but text."""
    page = await windows.enter(address, "<b onclick=alert(1)>小林</b>")
    for text in HOSTILE:
        await page.locator("textarea").fill(text)
        await page.locator("textarea").press("Enter")

    await expect(page.locator("article p")).to_have_text(HOSTILE)
    await expect(page.locator("article.pending")).to_have_count(0)
    await expect(page.locator("article header bdi")).to_have_text("<b onclick=alert(1)>小林</b>")
    made = await page.locator("article").evaluate_all(
        "all => all.flatMap((each) => [...each.querySelectorAll('*')].map(({ localName }) => localName))"
    )
    assert set(made) <= {"a", "article", "bdi", "div", "header", "p", "span", "time"}
    assert await attributes_starting_with_on(page) == []


async def attributes_starting_with_on(page: Page) -> list[str]:
    """Return the names of all attributes that would run something."""
    names: list[str] = await page.evaluate(
        "() => [...document.querySelectorAll('*')].flatMap((each) => each.getAttributeNames())"
    )
    return [name for name in names if name.startswith("on")]


async def test_links_can_be_followed(address: str, windows: Windows) -> None:
    """An address becomes a link that tells the other page nothing."""
    page = await windows.enter(address, "小林")
    await page.locator("textarea").fill("看 https://example.org/a?b=1。")
    await page.locator("textarea").press("Enter")

    link = page.locator("article a")
    await expect(link).to_have_attribute("href", "https://example.org/a?b=1")
    await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    await expect(link).to_have_attribute("target", "_blank")


async def test_too_long_is_not_sent(address: str, windows: Windows) -> None:
    """A text over the limit can't be sent, and the page says by how much."""
    page = await windows.enter(address, "小林")
    await page.locator("textarea").fill("一" * 16_001)
    await expect(page.get_by_role("alert")).to_have_text("多了 1 个字")
    await page.locator("textarea").press("Enter")
    await expect(page.locator("article")).to_have_count(0)
    await page.locator("textarea").fill("一" * 16_000)
    await page.locator("textarea").press("Enter")

    await expect(page.locator("article:not(.pending)")).to_have_count(1)


async def test_name_screen_refuses(address: str, windows: Windows) -> None:
    """No name, one that is too long and one that can't be shown are refused with a reason."""
    page = await windows.open(address)
    for name, reason in [("", "先写个名字吧"), ("一" * 41, "名字最多 40 个字"), ("a\u202eb", "用不了")]:
        await page.locator("#name").fill(name)
        await page.locator("#name").press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text(reason)
        await expect(page.locator("#name")).to_be_focused()
    await take_name(page, "一")

    await expect(page.locator("nav .me bdi")).to_have_text("一")


async def test_name_screen_leaves_input_method_alone(address: str, windows: Windows) -> None:
    """E-05: the Enter that ends a composition doesn't enter under half a name."""
    page = await windows.open(address)
    await page.locator("#name").focus()
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Input.imeSetComposition", {"text": "xiao", "selectionStart": 4, "selectionEnd": 4})
    await page.keyboard.press("Enter")
    await devtools.send("Input.insertText", {"text": "小"})
    await expect(page.locator("#name")).to_have_value("小")
    await page.evaluate(TIMERS)
    await page.keyboard.press("Enter")

    await expect(page.locator("nav .me bdi")).to_have_text("小")
