"""Where one writes, by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from textual import events
from textual.app import App, ComposeResult

from hubbub.terminal.composer import Composer

from .conftest import Shown, shown


class Bare(App[None]):
    """A composer, and what it tells."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []

    def compose(self) -> ComposeResult:
        """Build it."""
        yield Composer(lambda: ["Ann", "Anna", "小林"])

    def on_composer_submitted(self, event: Composer.Submitted) -> None:
        """Note what is to be sent."""
        self.told.append(event.text)

    def on_composer_edit_last(self) -> None:
        """Note that the last message is to be edited."""
        self.told.append("edit")

    def on_composer_stopped(self) -> None:
        """Note that something is given up."""
        self.told.append("stop")


@pytest.fixture
async def screen() -> AsyncIterator[Shown]:
    """Show a composer."""
    async with shown(Bare(), (40, 10)) as screen:
        yield screen


def text(screen: Shown) -> str:
    """Return what is written."""
    return screen.app.query_one(Composer).text


async def test_enter_sends(screen: Shown) -> None:
    """Enter sends; what begins a new line doesn't, however the terminal says it."""
    await screen.type("one\n二\x1b\r三\x1b[13;2u四\x1b[13;3ufive\r")

    assert screen.app.told == ["one\n二\n三\n四\nfive"]


async def test_wide_characters_have_their_width(screen: Shown) -> None:
    """The cursor is where the next character goes, behind Chinese as well: input methods look for it."""
    composer = screen.app.query_one(Composer)
    await screen.type("你好a👍")
    assert composer.cursor_screen_offset.x - composer.content_region.x == 7
    await screen.press("left", "backspace", "backspace")

    assert text(screen) == "你👍"
    assert composer.cursor_screen_offset.x - composer.content_region.x == 2


async def test_pasted_orders_are_shown(screen: Shown) -> None:
    """What is pasted may have lines, and no controls."""
    screen.app.query_one(Composer).post_message(events.Paste("one\r\ntwo\rthree\x1b[2J\t."))
    await screen.until(lambda: text(screen))

    assert text(screen) == "one\ntwo\nthree\\x1b[2J    ."


async def test_names_are_completed(screen: Shown) -> None:
    """Tab completes a name after an at sign, and goes through those that begin so."""
    await screen.type("hi @an\t")
    assert text(screen) == "hi @Ann "
    await screen.type("\t")
    assert text(screen) == "hi @Anna "
    await screen.type("\t,＠小\t")
    assert text(screen) == "hi @Ann ,＠小林 "
    await screen.type("@nobody\t")

    assert text(screen) == "hi @Ann ,＠小林 @nobody"


async def test_keys_tell(screen: Shown) -> None:
    """Up in an empty text asks for one's last message, in a text it moves; Esc gives up."""
    await screen.press("up", "escape", "a", "ctrl+j", "b", "up")

    assert screen.app.told == ["edit", "stop"]
    assert screen.app.query_one(Composer).cursor_location == (0, 1)


async def test_text_can_be_given(screen: Shown) -> None:
    """A text to edit has the cursor at its end, and no controls."""
    screen.app.query_one(Composer).fill("old\x07")
    await screen.type("er")

    assert text(screen) == "old\\x07er"
