"""The plots of the documentation, light and dark; this module knows nothing of how figures are measured."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from figures import LIBRARY, Row, short
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


STYLE: dict[Any, Any] = {"font.size": 11, "svg.fonttype": "path", "svg.hashsalt": "fullduplex"}
# Blue and grey differ in lightness as well, for eyes that see colours otherwise.
THEMES = [
    Theme("light", ours="#0b6bcb", others="#a9b2bf", text="#1f2328", quiet="#6b7480"),
    Theme("dark", ours="#6db3ff", others="#59626f", text="#e6e9ee", quiet="#9aa4b2"),
]


def draw_engine(rows: Sequence[Row], names: Mapping[str, str], folder: Path) -> list[Path]:
    """Draw what each server took for each workload, into engine-light.svg and engine-dark.svg.

    Only servers are drawn whose names are given.
    """
    drawn = []
    for theme in THEMES:
        with rc_context(STYLE):
            taken = [medians(row, names) for row in rows]
            sizes = [len(each) + 2 for each in taken]
            figure = Figure(figsize=(7.2, 0.27 * sum(sizes)), layout="constrained")
            axes = figure.subplots(len(rows), height_ratios=sizes, squeeze=False)
            for panel, row, each in zip(axes.flat, rows, taken, strict=True):
                ours = {name for name in each if name.startswith(LIBRARY)}
                bars(panel, theme, f"{row.title}\n{row.unit}", ours, each, short)
            drawn.append(save(figure, folder, f"engine-{theme.name}"))
    return drawn


def medians(row: Row, names: Mapping[str, str]) -> dict[str, float]:
    """Return what each server came to, the cheapest first."""
    taken = {names[key]: median(row.samples[key]) for key in names if row.samples.get(key)}
    return dict(sorted(taken.items(), key=lambda item: item[1]))


def draw_polling(summaries: list[dict[str, Any]], folder: Path) -> list[Path]:
    """Draw what each way of telling news took, into polling-light.svg and polling-dark.svg."""
    panels: list[tuple[str, Callable[[dict[str, Any]], float], Callable[[float], str]]] = [
        ("requests", lambda one: one["requests"], "{:,.0f}".format),
        ("bytes, both ways", lambda one: one["bytes_sent"] + one["bytes_received"], amount),
        ("server's processor time", lambda one: one["server_seconds"], duration),
        ("delay until seen, median", lambda one: one["delay_p50"], duration),
    ]
    ours = {summaries[-1]["way"]}
    drawn = []
    for theme in THEMES:
        with rc_context(STYLE):
            figure = Figure(figsize=(6.4, 8.4), layout="constrained")
            for axes, (title, value, write) in zip(figure.subplots(len(panels)), panels, strict=True):
                bars(axes, theme, title, ours, {one["way"]: value(one) for one in summaries}, write)
            drawn.append(save(figure, folder, f"polling-{theme.name}"))
    return drawn


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write a figure into a file; without a date, equal figures make equal files."""
    path = folder / f"{name}.svg"
    figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
    return path


def bars(
    axes: Axes,
    theme: Theme,
    title: str,
    ours: Collection[str],
    values: Mapping[str, float],
    write: Callable[[float], str],
) -> None:
    """Draw one bar for each name, with its value beside it."""
    colours = [theme.ours if name in ours else theme.others for name in values]
    drawn = axes.barh([*values], [*values.values()], color=colours, height=0.66)
    axes.bar_label(drawn, [write(value) for value in values.values()], padding=4, color=theme.text)
    axes.set_title(title, loc="left", color=theme.text, fontsize=11, fontweight="bold")
    axes.tick_params(axis="y", length=0, labelcolor=theme.text)
    axes.set_xlim(0, max(values.values()) * 1.18)
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
