"""The page as a page: languages, themes, sizes, what it loads, and whether everybody can use it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, expect

from .conftest import WEB_DIST, Enter, Windows

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = WEB_DIST.parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
KIB = 1024


async def sideways(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    return int(await page.evaluate("() => document.documentElement.scrollWidth - innerWidth"))


@pytest.mark.parametrize(
    "locale, language, title",
    [("zh-CN", "zh-CN", "怎么称呼？"), ("zh-TW", "zh-CN", "怎么称呼？"), ("de-DE", "en", "Hello.")],
)
async def test_language_is_the_browsers(
    address: str, windows: Windows, locale: str, language: str, title: str
) -> None:
    """Without a choice the page speaks as the browser does, or English."""
    page = await windows.open(address, locale=locale)

    await expect(page.locator("h1")).to_contain_text(title)
    await expect(page.locator("html")).to_have_attribute("lang", language)


async def test_language_switches_in_place(address: str, windows: Windows) -> None:
    """E-80: the language changes without a reload, and is remembered."""
    page = await windows.enter(address, "小林")
    await page.evaluate("() => { window.sameWindow = true }")
    await page.locator("textarea").fill("写到一半")
    await page.get_by_role("button", name="设置").click()
    await page.get_by_label("English").check(force=True)
    await page.get_by_role("button", name="Close").last.click()

    await expect(page.locator("h1")).to_have_text("Lobby")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("textarea")).to_have_value("写到一半")
    assert await page.title() == "Lobby · hubbub"
    assert await page.evaluate("window.sameWindow")
    await page.reload()
    await expect(page.locator("h1")).to_have_text("Lobby")


async def background(page: Page) -> str:
    """Return the colour behind everything."""
    return str(await page.evaluate("() => getComputedStyle(document.body).backgroundColor"))


LIGHT, DARK = "rgb(251, 249, 244)", "rgb(29, 27, 24)"


async def test_theme_follows_system(address: str, windows: Windows) -> None:
    """E-51: without a choice the theme is the system's, also when that changes."""
    page = await windows.open(address, color_scheme="dark")
    assert await background(page) == DARK
    await page.emulate_media(color_scheme="light")

    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert await background(page) == LIGHT


async def test_chosen_theme_never_flashes(address: str, windows: Windows) -> None:
    """E-51: a chosen theme is there before the page's own script has run."""
    page = await windows.enter(address, "小林", color_scheme="light")
    await page.get_by_role("button", name="设置").click()
    await page.get_by_label("深色").check(force=True)
    assert await background(page) == DARK
    # Without its script the page stays as it is drawn first.
    nothing = {"body": "", "content_type": "text/javascript"}
    await page.route("**/assets/index-*.js", lambda route: route.fulfill(**nothing))
    await page.reload()

    await expect(page.locator("#page")).to_be_empty()
    assert await background(page) == DARK


LONG_NAME = "乌拉圭第三十二届东方文学与民间故事翻译协会会长兼首席校对编辑助理王小明先生"
LONG_WORDS = ["x" * 300, "https://example.org/" + "very-long/" * 30, "好" * 200, "مرحبا بالعالم"]


@pytest.mark.parametrize("width", [320, 390, 640, 800, 1024])
async def test_nothing_reaches_over_the_edge(
    address: str, windows: Windows, guest: Enter, width: int
) -> None:
    """E-50: no width makes the page scroll sideways, whatever names and words there are."""
    await (await guest(address, LONG_NAME)).say(*LONG_WORDS)
    page = await windows.open(address, viewport={"width": width, "height": 640})
    assert await sideways(page) <= 0
    await page.locator("#name").fill("W" * 40)
    await page.locator("#name").press("Enter")
    await expect(page.locator("article")).to_have_count(len(LONG_WORDS))
    assert await sideways(page) <= 0
    assert await page.locator(".viewport").evaluate("each => each.scrollWidth - each.clientWidth") <= 0
    await page.locator("header .people").click()
    await expect(page.get_by_role("complementary")).to_be_visible()

    assert await sideways(page) <= 0


async def test_phone_has_drawers(address: str, windows: Windows) -> None:
    """E-50: on a phone rooms and people come one at a time, and Escape puts them away."""
    page = await windows.enter(address, "小林", viewport={"width": 390, "height": 844})
    await expect(page.get_by_role("navigation")).to_be_hidden()
    await page.get_by_role("button", name="显示房间").click()
    await expect(page.get_by_role("navigation")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("navigation")).to_be_hidden()
    await page.get_by_role("button", name="显示房间").click()
    await page.get_by_role("link", name="大厅").click()
    await expect(page.get_by_role("navigation")).to_be_hidden()
    await page.get_by_role("button", name="1 人在线").click()
    await expect(page.get_by_role("dialog").get_by_role("complementary")).to_be_visible()
    await page.get_by_role("button", name="关闭").click()

    await expect(page.get_by_role("complementary")).to_be_hidden()


async def test_touch_targets_are_large(address: str, windows: Windows, guest: Enter) -> None:
    """E-50: on a touch screen whatever can be pressed is at least 44 px high."""
    await (await guest(address, "Bo")).say("你好")
    page = await windows.enter(
        address, "小林", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    await page.get_by_role("button", name="显示房间").tap()
    sizes = await page.locator("button:visible, a:visible").evaluate_all(
        "all => all.map((each) => [each.title || each.textContent, each.getBoundingClientRect().height])"
    )

    assert len(sizes) >= 5
    assert [name for name, height in sizes if height < 44] == []


async def test_page_loads_only_itself(address: str, windows: Windows) -> None:
    """E-53: nothing comes from elsewhere, and the first screen is small."""
    page = await (await windows.browse()).new_page()
    asked: list[Any] = []

    def note(request: object) -> None:
        asked.append(request)

    page.on("requestfinished", note)
    await page.goto(address)
    await page.locator("#name").wait_for()
    await page.wait_for_load_state("networkidle")
    sizes = await asyncio.gather(*(request.sizes() for request in asked))

    assert len(asked) >= 4
    assert [request.url for request in asked if not request.url.startswith(address + "/")] == []
    assert sum(size["responseBodySize"] for size in sizes) <= 150 * KIB


async def test_policy_is_strict(address: str, windows: Windows) -> None:
    """E-90: the page runs under a policy without exceptions, and the browser enforces it."""
    page = await (await windows.browse()).new_page()
    answer = await page.goto(address)
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    await page.evaluate("""() => {
        const script = document.createElement('script')
        script.textContent = 'window.ran = true'
        document.head.append(script)
    }""")

    assert await page.evaluate("window.ran") is None
    assert len(windows.problems) == 1
    assert "Content Security Policy" in windows.problems.pop()


# What still fades in has less contrast than it will have; what never ends isn't waited for.
STILL = """() => Promise.allSettled(document.getAnimations()
    .filter((each) => each.effect.getComputedTiming().endTime !== Infinity)
    .map((each) => each.finished)).then(() => null)"""


async def audit(page: Page) -> list[str]:
    """Return what axe finds that keeps people out, once nothing moves any more."""
    await page.evaluate(STILL)
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("() => axe.run()")
    return [
        f"{each['id']}: {each['nodes'][0]['html']}"
        for each in found["violations"]
        if each["impact"] in {"serious", "critical", "moderate"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_use_it(address: str, windows: Windows, guest: Enter, scheme: str) -> None:
    """E-73: axe finds nothing on the name screen, in the room, in the settings and in a drawer."""
    bo = await guest(address, "Bo")
    await bo.say("你好", "https://example.org/")
    page = await windows.open(address, color_scheme=scheme, reduced_motion="reduce")
    assert await audit(page) == []
    await page.locator("#name").fill("小林")
    await page.locator("#name").press("Enter")
    await expect(page.locator("article")).to_have_count(2)
    await bo.type()
    await page.locator(".typing span").wait_for()
    assert await audit(page) == []
    await page.get_by_role("button", name="设置").click()
    await page.get_by_role("dialog").wait_for()
    assert await audit(page) == []
    await page.keyboard.press("Escape")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.get_by_role("button", name="2 人在线").click()

    assert await audit(page) == []


async def test_keyboard_reaches_everything(address: str, windows: Windows) -> None:
    """E-60: Tab goes from the first to the last thing that can be pressed, and shows where it is."""
    page = await windows.enter(address, "小林")
    await page.locator("textarea").fill("x")
    reached = []
    for _ in range(12):
        await page.keyboard.press("Tab")
        reached.append(
            await page.evaluate("""() => {
                const { activeElement: it } = document
                return [it.ariaLabel || it.innerText.trim(), getComputedStyle(it).outlineStyle]
            }""")
        )

    assert {"跳到消息", "大厅", "设置", "发送", "关闭"} <= {name for name, _ in reached}
    # The field shows where the keys go by its frame and its caret.
    hidden = {name for name, outline in reached if outline == "none" and "\n" not in name}
    assert hidden <= {"发消息到\u2068大厅\u2069"}


async def test_announcements_are_of_new_messages(address: str, windows: Windows, guest: Enter) -> None:
    """E-70, E-71: what is new is announced with its author, what was there before isn't."""
    bo = await guest(address, "Bo")
    await bo.say("之前")
    page = await windows.enter(address, "小林")
    await expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")
    await bo.say("现在")

    await expect(page.locator("[aria-live=polite]")).to_have_text("\u2068Bo\u2069：现在")


async def test_title_counts_unheard(address: str, windows: Windows, guest: Enter) -> None:
    """E-41: the title of a window that nobody looks at tells how much was said."""
    bo = await guest(address, "Bo")
    page = await windows.enter(address, "小林")
    await page.evaluate("""() => {
        Object.defineProperty(document, 'visibilityState', { get: () => window.seen ?? 'hidden' })
    }""")
    await bo.say("一", "二")
    await expect(page).to_have_title("(2) 大厅 · hubbub")
    await page.evaluate("""() => {
        window.seen = 'visible'
        document.dispatchEvent(new Event('visibilitychange'))
    }""")

    await expect(page).to_have_title("大厅 · hubbub")
