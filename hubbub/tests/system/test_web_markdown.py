"""What is written with marks: how it looks, and the keys that write it."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from .conftest import Enter, Windows

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARKED = """\
# 读书会
**重要：**周五见，*别迟到*，~~周四~~，带上 `notes.md`。
> 上次说到哪儿了？
第三章：
1. 先读
2. 再谈
   - 一人五分钟

| 谁 | 页 |
|---|--:|
| 小林 | 42 |

```python
def hello(name: str) -> None:
    print(f"hello, {name}")  # a line that is much longer than any phone, and goes on and on and on and on
```
[报名](https://example.org/a) https://example.org/b。 ![图](https://example.org/c.png)"""

HOSTILE = """\
<img src=x onerror=alert(1)> [a](javascript:alert(1)) <svg/onload=alert(1)> <javascript:alert(1)>
[b](data:text/html,<script>alert(1)</script>) ![c](https://x.example/"onerror="alert(1))
[d](JAVASCRIPT&colon;alert(1))
| <script>alert(1)</script> |
|---|
| [e](vbscript:x) |
```js"><img src=x onerror=alert(1)>
</code></pre><script>alert(1)</script>
```"""


async def test_marks_have_looks(address: str, windows: Windows, guest: Enter) -> None:
    """E-90: a message has its marks, code its colours and a way to copy it, and nothing scrolls but code."""
    bo = await guest(address, "Bo")
    await bo.say(MARKED)
    page = await windows.enter(address, "小林", viewport={"width": 390, "height": 844})
    said = page.locator("article .text")

    await expect(said.locator("h3")).to_have_text("读书会")
    await expect(said.locator("strong")).to_have_text("重要：")
    await expect(said.locator("blockquote")).to_have_text("上次说到哪儿了？")
    await expect(said.locator("ol > li")).to_have_count(2)
    await expect(said.locator("td")).to_have_text(["小林", "42"])
    await expect(said.locator("pre .keyword").first).to_have_text("def")
    addresses = await said.locator("a").evaluate_all("all => all.map((a) => [a.textContent, a.href, a.rel])")
    assert addresses == [
        [text, f"https://example.org/{path}", "noopener noreferrer nofollow"]
        for text, path in [("报名", "a"), ("https://example.org/b", "b"), ("图", "c.png")]
    ]
    assert await said.locator("img").count() == 0
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await said.locator("pre").evaluate("pre => pre.scrollWidth > pre.clientWidth")

    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="复制代码").click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("def hello")


async def test_hostile_marks_stay_text(address: str, windows: Windows, guest: Enter) -> None:
    """E-90: nothing in marks becomes a script, a picture, or an address that runs."""
    bo = await guest(address, "Bo")
    await bo.say(HOSTILE)
    page = await windows.enter(address, "小林")

    await expect(page.locator("article pre")).to_be_visible()
    found = await page.locator("article .text").evaluate(
        """text => [...text.querySelectorAll('*')].flatMap((each) => [
            ...(each.matches('script, img, iframe, svg:not(button *)') ? [each.localName] : []),
            ...each.getAttributeNames().filter((name) => name.startsWith('on') || name === 'style'),
            ...(each.href && !/^(https?|mailto):/.test(each.href) ? [each.href] : []),
        ])"""
    )
    assert found == []


async def test_edited_stands_at_the_end(address: str, windows: Windows) -> None:
    """E-37: that a message was edited is said at its end, not below it."""
    page = await windows.enter(address, "小林")
    await send(page, "一")
    await page.locator("textarea").press("ArrowUp")
    await send(page, "两个")

    await expect(page.locator("article .edited")).to_be_visible()
    ends = await page.locator("article .ending").evaluate(
        "all => ['p', '.edited'].map((each) => all.querySelector(each).getBoundingClientRect())"
        ".map(({ bottom, top }) => (bottom + top) / 2)"
    )
    assert abs(ends[0] - ends[1]) < 4


async def test_keys_write_marks(address: str, windows: Windows) -> None:
    """E-60: keys mark what is selected, a pasted address makes a link, lines go on; each can be undone."""
    page = await windows.enter(address, "小林")
    field = page.locator("textarea")
    await field.fill("重要")
    await field.press("Control+a")
    await field.press("Control+b")
    await expect(field).to_have_value("**重要**")
    await field.press("Control+z")
    await expect(field).to_have_value("重要")

    await field.press("Control+a")
    await field.evaluate("""box => {
        const clipboardData = new DataTransfer()
        clipboardData.setData('text/plain', 'https://example.org')
        box.dispatchEvent(new ClipboardEvent('paste', { clipboardData, cancelable: true, bubbles: true }))
    }""")
    await expect(field).to_have_value("[重要](https://example.org)")

    await field.fill("")
    await page.keyboard.type("- a")
    await field.press("Shift+Enter")
    await page.keyboard.type("b")
    await field.press("Shift+Enter")
    await field.press("Shift+Enter")
    await page.keyboard.type("```")
    await field.press("Enter")
    await page.keyboard.type("c")
    await expect(field).to_have_value("- a\n- b\n```\nc")
    await expect(page.locator("article")).to_have_count(0)
    await field.press("Control+Enter")
    await expect(page.locator("article li")).to_have_text(["a", "b"])
    await expect(page.locator("article pre")).to_have_text("c")


async def send(page: Page, text: str) -> None:
    """Write a message, or a message anew."""
    await page.locator("textarea").fill(text)
    await page.locator("textarea").press("Enter")
