"""What a page does in Chromium: pages that are opened, and what they log, show and are told."""

from __future__ import annotations

from playwright.async_api import Browser, Page, expect

from .processes import Output


class Window:
    """A page in the browser, with what it has written to its console."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.output = Output()
        page.on("console", lambda message: self._logged(message.type, message.text))
        page.on("pageerror", lambda error: self._failed(str(error)))

    @classmethod
    async def open(cls, browser: Browser, address: str | None = None) -> Window:
        """Open an address, or an empty page."""
        window = cls(await browser.new_page(ignore_https_errors=True))
        if address is not None:
            await window._page.goto(address)
            window.output.has_ended = True
        return window

    def _logged(self, kind: str, text: str) -> None:
        if kind == "error":
            self._failed(text)
        self.output.text += f"{text}\n"

    def _failed(self, why: str) -> None:
        self.output.error = self.output.error or why

    async def run(self, script: str) -> None:
        """Run JavaScript, with `await` allowed, and note its end."""
        await self._page.evaluate(f"async () => {{\n{script}\n}}")
        self.output.has_ended = True

    async def type(self, text: str) -> None:
        """Type into the first field that can be typed into, and press Enter."""
        field = self._page.get_by_role("textbox").first
        await field.fill(text)
        await field.press("Enter")

    async def see(self, text: str) -> None:
        """Wait until the page shows a text."""
        await expect(self._page.locator("body")).to_contain_text(text)

    async def close(self) -> None:
        """Close the page."""
        await self._page.close()
