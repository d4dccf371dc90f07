"""What is asked in between."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import App
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Checkbox

from hubbub.terminal import dialogs
from hubbub.terminal.dialogs import Choose, Confirm, Help, Item, NewRoom, Wanted
from hubbub.terminal.themes import DARK
from hubbub.terminal.words import EN

from .conftest import shown

ITEMS = [Item(name, Content(name), name) for name in ("tea", "[b]coffee", "读书会")]


class Bare(App[None]):
    """Asks one thing, and notes the answer."""

    CSS = dialogs.STYLE

    def __init__(self, dialog: Screen[Any]) -> None:
        super().__init__()
        self.register_theme(DARK.theme())
        self.dialog = dialog
        self.answers: list[object] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Name the colours that are ours."""
        return DARK.theme().variables

    async def on_mount(self) -> None:
        """Ask."""
        self.theme = DARK.name
        await self.push_screen(self.dialog, self.answers.append)


async def answer(dialog: Screen[Any], *keys: str) -> tuple[list[object], str]:
    """Return what a dialog gives when these keys are pressed, and what it showed before."""
    app = Bare(dialog)
    async with shown(app, (80, 24)) as screen:
        text = screen.text
        for key in keys:
            await (screen.press(key) if len(key) > 1 else screen.type(key))
        await screen.pilot.pause()
        return app.answers, text


@pytest.mark.parametrize(
    "keys, chosen",
    [
        (["enter"], ["tea"]),
        (["down", "enter"], ["[b]coffee"]),
        (["up", "enter"], ["读书会"]),
        ([*"COF", "enter"], ["[b]coffee"]),
        (["读", "enter"], ["读书会"]),
        ([*"zz", "enter"], []),
        (["escape"], [None]),
    ],
)
async def test_something_is_chosen(keys: list[str], chosen: list[object]) -> None:
    """Arrows and letters find what is wanted, Enter takes it, Esc takes nothing."""
    answers, text = await answer(Choose(EN, "Which?", ITEMS, "None of these."), *keys)

    assert answers == chosen
    assert all(part in text for part in ("Which?", "tea", "[b]coffee", "读书会"))


async def test_anything_is_chosen() -> None:
    """Where anything may be written, that is taken if it isn't offered."""
    assert (await answer(Choose(EN, "Which?", ITEMS, "", free=True), "🍵", "enter"))[0] == ["🍵"]


async def test_room_is_named() -> None:
    """A room needs a name; it is private if that is ticked."""
    assert (await answer(NewRoom(EN), "enter", "escape"))[0] == [None]
    assert (await answer(NewRoom(EN), *"tea", "enter"))[0] == [Wanted("tea", False)]
    assert (await answer(NewRoom(EN), *"tea", "tab", "space", "shift+tab", "enter"))[0] == [
        Wanted("tea", True)
    ]


@pytest.mark.parametrize(
    "key, answers", [("enter", [True]), ("y", [True]), ("n", [None]), ("escape", [None])]
)
async def test_question_is_answered(key: str, answers: list[object]) -> None:
    """Enter and y are yes, Esc and n are no."""
    given, text = await answer(Confirm(EN, "Really [b]?"), key)

    assert given == answers
    assert "Really [b]?" in text


async def test_help_is_closed() -> None:
    """What is only to be read is closed by whatever one tries."""
    answers, text = await answer(Help(EN, "Keys", EN.help_text), "q")

    assert answers == [None]
    assert "Ctrl+J           new line" in text


async def test_checkbox_can_be_clicked() -> None:
    """The mouse does as well."""
    app = Bare(NewRoom(EN))
    async with shown(app, (80, 24)) as screen:
        await screen.pilot.click(Checkbox)
        assert app.screen.query_one(Checkbox).value
