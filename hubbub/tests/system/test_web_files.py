"""Files in the page: chosen, pasted, dropped, described, sent, looked at, and waiting for a connection."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from ..storage.drawn import draw, taken_outside
from .clients import LOBBY

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Hands the page files as a drag or the clipboard does.
HAND_OVER = """([kind, selector, files]) => {
  const data = new DataTransfer()
  for (const { name, type, text } of files) data.items.add(new File([text], name, { type }))
  const options = { bubbles: true, cancelable: true }
  const target = document.querySelector(selector)
  if (kind === 'paste') target.dispatchEvent(new ClipboardEvent('paste', { ...options, clipboardData: data }))
  else for (const each of ['dragenter', 'dragover', 'drop'])
    target.dispatchEvent(new DragEvent(each, { ...options, dataTransfer: data }))
}"""


async def choose(page: Page, name: str, content: bytes, kind: str = "image/png") -> None:
    """Choose a file by the button's dialog."""
    file = {"name": name, "mimeType": kind, "buffer": content}
    await page.locator("form.composer input[type=file]").set_input_files([file])


async def test_picture_is_described_sent_and_seen(windows, address, guest) -> None:
    """E-04, E-10, E-75: what one chooses is shown, described, sent, and stands in its size from the first."""
    page = await windows.enter(address, "安", locale="en")
    bob = await guest(address, "Bob")
    composer = page.locator("form.composer")
    await choose(page, "tea.jpg", taken_outside("JPEG"), "image/jpeg")
    await composer.get_by_role("button", name=re.compile("^Describe")).click()
    await page.get_by_role("dialog").get_by_role("textbox").fill("a cup of tea")
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await composer.get_by_role("button", name="Send").click()

    picture = page.locator("article img")
    await expect(page.locator("article[data-q] img")).to_have_attribute("alt", "a cup of tea")
    assert (await picture.get_attribute("width"), await picture.get_attribute("height")) == ("40", "60")
    await expect(composer.locator("li")).to_have_count(0)
    history = await bob.ask("hist", s=LOBBY, after=0)
    [file] = history["msgs"][-1]["files"]
    assert (file["w"], file["h"], file["alt"]) == (40, 60, "a cup of tea")


async def test_files_are_dropped_pasted_and_left_out(windows, address) -> None:
    """E-04: files come by dragging and pasting, and a text that is too long for a message as one, too."""
    page = await windows.enter(address, "安", locale="en")
    composer = page.locator("form.composer")
    text = {"type": "text/plain", "text": "tea"}

    await page.evaluate(
        HAND_OVER, ["drag", ".timeline", [{"name": "a.txt", **text}, {"name": "b.txt", **text}]]
    )
    await page.evaluate(HAND_OVER, ["paste", "form.composer textarea", [{"name": "c.txt", **text}]])
    await expect(composer.locator("li")).to_have_count(3)
    await composer.get_by_role("button", name=re.compile("^Leave out.*b.txt")).click()
    await expect(composer.locator("li bdi")).to_have_text(["a.txt", "c.txt"])
    await page.evaluate(
        """() => {
          const data = new DataTransfer()
          data.setData('text/plain', 'long '.repeat(2001))
          const paste = new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: data })
          document.querySelector('form.composer textarea').dispatchEvent(paste)
        }"""
    )
    await expect(composer.locator("li bdi")).to_have_text(["a.txt", "c.txt", "pasted.txt"])
    await composer.get_by_role("button", name="Send").click()

    await expect(page.locator("article[data-q] a[download]")).to_have_count(3)


async def test_file_waits_for_the_connection(windows, address) -> None:
    """E-04, E-11: without a connection a file says that it waits; it goes by itself once there is one."""
    context = await windows.browse(locale="en")
    page = await context.new_page()
    await page.goto(address)
    await page.locator("#name").fill("安")
    await page.locator("#name").press("Enter")
    await page.locator("form.composer").wait_for()
    await context.set_offline(True)
    await choose(page, "tea.png", draw("PNG"))
    await page.locator("form.composer textarea").press("Enter")

    await expect(page.locator("article").get_by_text("Waits for the connection")).to_be_visible()
    await context.set_offline(False)
    await expect(page.locator("article[data-q] img")).to_be_visible()


async def test_pictures_are_looked_at_by_keys(windows, address) -> None:
    """E-60, E-74: pictures fill the window, one after the other; Escape leads back to where one was."""
    page = await windows.enter(address, "安", locale="en")
    await choose(page, "one.png", draw("PNG"))
    await choose(page, "two.png", draw("PNG", (30, 50)))
    await expect(page.locator("form.composer li")).to_have_count(2)
    await page.locator("form.composer textarea").press("Enter")
    first = page.locator("article[data-q] .pictures button").first
    await first.click()

    box = page.locator("dialog[open]")
    await expect(box.locator("bdi")).to_have_text("one.png")
    await page.keyboard.press("ArrowRight")
    await expect(box.locator("bdi")).to_have_text("two.png")
    await expect(box.get_by_role("link", name="Download")).to_have_attribute("download", "two.png")
    await page.keyboard.press("Escape")
    await expect(box).to_have_count(0)
    await expect(first).to_be_focused()
