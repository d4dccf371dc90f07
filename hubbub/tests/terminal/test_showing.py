"""What stands around the timeline."""

from __future__ import annotations

from hubbub import wire
from hubbub.terminal import showing
from hubbub.terminal.showing import Connection
from hubbub.terminal.themes import DARK
from hubbub.terminal.words import EN, ZH
from hubbub.terminal.writing import Writing

from .rooms import make_view, message


def test_banner_counts_down() -> None:
    """A lost connection is told after a blip, with the time to the next try."""
    connection = Connection()
    assert showing.banner(connection, 99, EN) == ""
    connection.lose(6, 100)

    assert showing.banner(connection, 100.9, EN) == ""
    assert showing.banner(connection, 102, EN).startswith("Connection lost. Next try in 4 s.")
    assert showing.banner(connection, 106, EN).startswith("Connection lost. Trying")
    connection.lose(20, 107)
    assert showing.banner(connection, 107.1, ZH).startswith("连接断开了，20 秒后重试。")


def test_header_says_where_one_is() -> None:
    """A room's name, how many are there, and what it is about."""
    view = make_view()

    assert showing.header(view, 3, 0, EN, DARK).plain == "tea  3 here  where tea is"
    assert showing.header(view, 0, 7, ZH, DARK).plain == "tea  Ctrl+K (7)  where tea is"


def test_header_is_plain() -> None:
    """A room's name and topic can't command the terminal, and aren't markup."""
    view = make_view()
    view.info = wire.RoomInfo("r_tea", "[b]\x1b[2J", "\x9b", "public")

    assert showing.header(view, 0, 0, EN, DARK).plain == "[b]\\x1b[2J  \\x9b"


def test_below_says_who_types() -> None:
    """Under the timeline stands what is new further down, and who types."""
    assert showing.below(0, [], EN, DARK).plain == ""
    assert showing.below(2, ["[i]Ann"], EN, DARK).plain == "↓ 2 new messages · End  [i]Ann is typing…"


def test_purpose_is_told() -> None:
    """Whoever edits or answers is told so."""
    view = make_view(message(4, "who \x1b?"))

    assert showing.purpose(view, Writing("hi"), EN) == ""
    assert showing.purpose(view, Writing(editing=4), EN) == "Editing your message · Esc stops"
    assert showing.purpose(view, Writing(reply_to=4), EN) == "Reply to Bo: who \\x1b? · Esc stops"
    assert showing.purpose(view, Writing(reply_to=9), EN).startswith("Reply to : a message that isn't")


def test_status_gives_what_there_is_room_for() -> None:
    """Who one is comes first, then as many keys as there is room for; a text too long is more important."""
    lost = Connection()
    lost.lose(1, 0)

    assert showing.status("Ann", Connection(), 0, 0, 80, EN, DARK).plain.endswith("Ctrl+Q quit")
    assert (
        showing.status("Ann", Connection(), 0, 0, 50, EN, DARK).plain.split("   ")[-1].strip() == EN.few_keys
    )
    assert showing.status("Ann", Connection(), 3, 0, 10, EN, DARK).plain == "● Ann · connected"
    assert showing.status("Ann", lost, 1, 0, 10, EN, DARK).plain == (
        "○ Ann · no connection · 1 message waits to be sent"
    )
    assert showing.status("Ann", Connection(), 0, 5, 60, EN, DARK).plain.endswith("  5 characters too many.")
    assert showing.status("Ann", Connection(), 0, 5, 10, EN, DARK).plain == "5 characters too many."
