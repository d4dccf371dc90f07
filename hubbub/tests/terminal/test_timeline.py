"""The timeline by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from textual.app import App, ComposeResult

from hubbub.terminal.entries import Edge, Entry, Fresh, Post
from hubbub.terminal.markdown import parse
from hubbub.terminal.themes import DARK, LIGHT
from hubbub.terminal.timeline import Timeline

from .conftest import Shown, shown


class Bare(App[None]):
    """A timeline, and what it tells."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.moved: list[Timeline.Moved] = []

    def compose(self) -> ComposeResult:
        """Build it."""
        yield Timeline()

    def on_timeline_near_top(self) -> None:
        """Note that older messages are wanted."""
        self.asked += 1

    def on_timeline_moved(self, event: Timeline.Moved) -> None:
        """Note what is on the screen."""
        self.moved.append(event)


def post(q: int, text: str = "") -> Post:
    """Return a message of one line."""
    text = text or f"line {q}"
    return Post(q, q, "u_bo", "Bo", "09:00", text, parse(text), opens=False)


def some(first: int, last: int) -> list[Entry]:
    """Return messages from one to another, with an edge above."""
    return [Edge("the edge"), *(post(q) for q in range(first, last + 1))]


@pytest.fixture
async def screen() -> AsyncIterator[Shown]:
    """Show a timeline ten lines high."""
    async with shown(Bare(), (40, 10)) as screen:
        yield screen


def view(screen: Shown) -> Timeline:
    """Return the timeline."""
    return screen.app.query_one(Timeline)


def seen(screen: Shown) -> list[str]:
    """Return what is on the screen, but for the scrollbar."""
    return [line[:30].strip() for line in screen.lines if line[:30].strip()]


async def fill(screen: Shown, entries: list[Entry]) -> None:
    """Show entries, and let them be drawn."""
    view(screen).show(entries, DARK)
    await screen.pilot.pause()


async def test_short_room_stands_below(screen: Shown) -> None:
    """Few messages stand at the bottom, and nothing above them."""
    await fill(screen, some(1, 3))

    assert [line[:30].strip() for line in screen.lines] == [""] * 6 + [
        "the edge",
        "line 1",
        "line 2",
        "line 3",
    ]


async def test_end_is_stuck_to(screen: Shown) -> None:
    """Who sees the end sees what comes."""
    await fill(screen, some(1, 20))
    assert seen(screen)[-1] == "line 20"
    await fill(screen, some(1, 23))

    assert seen(screen)[-1] == "line 23"
    assert screen.app.moved[-1].last == 23
    assert screen.app.moved[-1].at_end


async def test_reader_is_left_alone(screen: Shown) -> None:
    """Whatever comes above and below, what is read stays where it is, in the middle of a message as well."""

    def long(first: int, last: int) -> list[Entry]:
        return [Edge("the edge"), *(post(q, f"{q}a\n{q}b\n{q}c") for q in range(first, last + 1))]

    await fill(screen, long(50, 90))
    view(screen).scroll_to(y=15, animate=False)
    await screen.pilot.pause()
    before = seen(screen)
    assert before[0] == "54c"
    await fill(screen, long(1, 99))
    assert seen(screen) == before
    await fill(screen, [*long(1, 40), post(41, "one line"), *long(42, 99)[1:]])

    assert seen(screen) == before
    assert not screen.app.moved[-1].at_end


async def test_new_width_keeps_place(screen: Shown) -> None:
    """A terminal of another size breaks lines anew, and shows the same messages."""
    await fill(screen, [post(q, f"{q} " + "word " * 12) for q in range(30)])
    view(screen).scroll_to(y=20, animate=False)
    await screen.pilot.pause()
    top = seen(screen)[0].split()[0]
    await screen.pilot.resize_terminal(24, 12)
    await screen.until(lambda: view(screen)._width == 24)

    assert seen(screen)[0].split()[0] == top


async def test_older_are_asked_for(screen: Shown) -> None:
    """Near the top older messages are wanted, elsewhere they aren't."""
    await fill(screen, some(1, 60))
    await screen.pilot.pause()
    screen.app.asked = 0
    view(screen).scroll_to(y=30, animate=False)
    await screen.pilot.pause()
    assert screen.app.asked == 0
    view(screen).scroll_to(y=5, animate=False)
    await screen.pilot.pause()

    assert screen.app.asked == 1


async def test_new_messages_are_gone_to(screen: Shown) -> None:
    """A room opens where what is new begins; without anything new, at its end."""
    entries = some(1, 60)
    await fill(screen, [*entries[:30], Fresh("New"), *entries[30:]])
    view(screen).open_at_fresh()
    await screen.pilot.pause()
    assert any("New" in line for line in seen(screen)[:5])
    await fill(screen, entries)
    view(screen).open_at_fresh()
    await screen.pilot.pause()

    assert seen(screen)[-1] == "line 60"


async def test_messages_are_selected(screen: Shown) -> None:
    """Keys go from message to message, and what is selected is on the screen, and stays selected."""
    timeline = view(screen)
    await fill(screen, some(1, 60))
    screen.app.set_focus(None)
    timeline.focus()
    await screen.until(lambda: timeline.selected == 60)
    await screen.press(*["k"] * 12, "j")
    assert timeline.selected == 49
    assert "▌" in next(line for line in screen.lines if "line 49" in line)
    await fill(screen, some(2, 61))
    assert timeline.selected == 49
    await screen.press("home")
    assert timeline.selected == 2
    await screen.press("end")
    assert timeline.selected == 61
    await fill(screen, some(2, 60))
    assert timeline.selected is None
    screen.app.set_focus(None)
    await screen.pilot.click(Timeline, offset=(5, 9))

    assert timeline.selected == 60


async def test_colours_can_change(screen: Shown) -> None:
    """Other colours are taken at once."""
    await fill(screen, some(1, 3))
    view(screen).show(some(1, 3), LIGHT)
    await screen.pilot.pause()

    assert LIGHT.surface in screen.styles[-1]
