"""The live view of a benchmark, in a real terminal: as wide as it is, and gone at the end."""

from __future__ import annotations

import signal

from ..aio.ends import echo
from .commands import serving
from .screens import PICTURES, Terminal, terminal


def widest(screen: Terminal) -> int:
    """Return how many columns the widest line takes."""
    return max(len(line) for line in screen.lines)


def has_plots(screen: Terminal) -> bool:
    """Tell whether both plots are on the screen, whole."""
    text = "\n".join(screen.lines)
    return "messages/s over time" in text and "how many took how long" in text and "p99.9" in text


async def test_view_follows_the_terminal() -> None:
    """The view takes the width that there is, also when that changes, and shows everything at once."""
    words = ["--duration", "600", "--warm-up", "0", "--rate", "300"]
    async with serving(echo) as url, terminal("bench", url, *words, rows=30, columns=90) as (screen, process):
        await screen.until(lambda: has_plots(screen) and widest(screen) > 80)
        assert screen.lines[0] == f" {url}  measuring for 600 s"
        assert screen.lines[1] == " 10 of 10 connections, 300 messages/s, 64 bytes of text"

        screen.resize(30, 60)
        await screen.until(lambda: has_plots(screen) and 50 < widest(screen) <= 60)
        screen.resize(24, 100)
        await screen.until(lambda: has_plots(screen) and widest(screen) > 90)
        process.send_signal(signal.SIGINT)

        assert await process.wait() == 130
        await screen.until(
            lambda: f"{url}  stopped" in screen.lines or "how many took how long" in screen.lines
        )


async def test_picture_is_taken() -> None:
    """The view of a load that varies looks as it should; where pictures are wanted, one is taken."""
    words = ["--duration", "600", "--warm-up", "0.5", "--connections", "20", "--in-flight", "4"]
    async with serving(echo) as url, terminal("bench", url, *words, rows=26, columns=84) as (screen, process):
        enough = " in 4." if PICTURES else " in 0."
        await screen.until(lambda: has_plots(screen) and enough in "\n".join(screen.lines))
        screen.take_picture("terminal-bench")
        process.send_signal(signal.SIGINT)

        assert await process.wait() == 130
