"""The plots of the documentation, light and dark; this module knows nothing of how figures are measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure


class Theme(NamedTuple):
    """The colours of a plot: what is ours, what isn't, and what is written."""

    name: str
    ours: str
    others: str
    text: str
    quiet: str


# Blue and grey differ in lightness as well, for eyes that see colours otherwise.
THEMES = [
    Theme("light", ours="#0b6bcb", others="#a9b2bf", text="#1f2328", quiet="#6b7480"),
    Theme("dark", ours="#6db3ff", others="#59626f", text="#e6e9ee", quiet="#9aa4b2"),
]


def draw_polling(summaries: list[dict[str, Any]], folder: Path) -> list[Path]:
    """Draw what each way of telling news took, into polling-light.svg and polling-dark.svg."""
    panels: list[tuple[str, Callable[[dict[str, Any]], float], Callable[[float], str]]] = [
        ("requests", lambda one: one["requests"], "{:,.0f}".format),
        ("bytes, both ways", lambda one: one["bytes_sent"] + one["bytes_received"], amount),
        ("server's processor time", lambda one: one["server_seconds"], duration),
        ("delay until seen, median", lambda one: one["delay_p50"], duration),
    ]
    ways = [one["way"] for one in summaries]
    drawn = []
    for theme in THEMES:
        path = folder / f"polling-{theme.name}.svg"
        with rc_context({"font.size": 11, "svg.fonttype": "path", "svg.hashsalt": "fullduplex"}):
            figure = Figure(figsize=(6.4, 8.4), layout="constrained")
            for axes, (title, value, write) in zip(figure.subplots(len(panels)), panels, strict=True):
                bars(axes, theme, title, ways, [value(one) for one in summaries], write)
            # Without a date, equal figures make equal files.
            figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
        drawn.append(path)
    return drawn


def bars(
    axes: Axes, theme: Theme, title: str, names: list[str], values: list[float], write: Callable[[float], str]
) -> None:
    """Draw one bar for each name, the last one as ours, with its value beside it."""
    colours = [theme.others] * (len(names) - 1) + [theme.ours]
    drawn = axes.barh(names, values, color=colours, height=0.66)
    axes.bar_label(drawn, [write(value) for value in values], padding=4, color=theme.text)
    axes.set_title(title, loc="left", color=theme.text, fontsize=11, fontweight="bold")
    axes.tick_params(axis="y", length=0, labelcolor=theme.text)
    axes.set_xlim(0, max(values) * 1.18)
    axes.invert_yaxis()
    axes.xaxis.set_visible(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.spines["left"].set_visible(True)
    axes.spines["left"].set_color(theme.quiet)


def duration(seconds: float) -> str:
    """Write a duration with a unit that suits it."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def amount(size: float) -> str:
    """Write a number of bytes with a unit that suits it."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
