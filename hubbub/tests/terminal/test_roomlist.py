"""The list of rooms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from hubbub.terminal.roomlist import RoomList, Row, badge_of, draw_row
from hubbub.terminal.themes import DARK

from .conftest import shown


@pytest.mark.parametrize(
    "unread, mentions, badge", [(0, 0, ""), (7, 0, "7"), (7, 2, "@2"), (1_000, 0, "999+"), (0, 1, "@1")]
)
def test_badge_tells_what_waits(unread: int, mentions: int, badge: str) -> None:
    """What waits is counted; what speaks of oneself comes first."""
    assert badge_of(Row("r", "tea", unread, mentions, False)) == badge


@given(
    st.text("a书", min_size=1, max_size=40), st.integers(0, 2_000), st.integers(0, 20), st.integers(12, 40)
)
def test_rows_fit(name: str, unread: int, mentions: int, width: int) -> None:
    """A room's line is no wider than the list, and its badge is at the end."""
    row = Row("r", name, unread, mentions, False)
    line = draw_row(row, width, DARK, is_current=True)

    assert line.cell_len <= width
    if unread or mentions:
        assert line.plain.endswith(f" {badge_of(row)} ")
        assert line.cell_len == width


def test_signs_tell_what_rooms_are() -> None:
    """A room that is open, one that is private, and a talk with somebody have signs of their own."""
    rows = [Row("r", "x", 0, 0, False), Row("r", "x", 0, 0, True), Row("r", "x", 0, 0, True, is_talk=True)]

    assert [draw_row(row, 12, DARK, is_current=False).plain.strip() for row in rows] == ["# x", "⌂ x", "@ x"]


class Bare(App[None]):
    """A list of rooms, and what was chosen."""

    chosen = ""

    def compose(self) -> ComposeResult:
        """Build it."""
        yield RoomList()

    def on_room_list_chosen(self, event: RoomList.Chosen) -> None:
        """Note what was chosen."""
        self.chosen = event.room


async def test_rooms_are_chosen() -> None:
    """The room on the screen is marked and in sight; a click chooses another one."""
    app = Bare()
    async with shown(app, (24, 5)) as screen:
        rooms = app.query_one(RoomList)
        rows = [Row(f"r_{number}", f"room {number}", 0, 0, number == 9) for number in range(12)]
        await screen.until(lambda: rooms.size.height)
        rooms.show(rows, "r_9", DARK)
        await screen.shows("▌⌂ room 9")
        await screen.pilot.click(RoomList, offset=(3, 1))
        await screen.until(lambda: app.chosen)

        assert app.chosen in screen.text.replace("room ", "r_")
