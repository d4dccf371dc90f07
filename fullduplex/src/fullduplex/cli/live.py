"""The live view of a benchmark, by rich.

The only module that knows it; it comes with the extra ``cli``.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from .figures import Figures

__all__ = ["LiveView"]

STYLES = {"title": "bold", "text": "", "note": "dim", "rate": "green", "latency": "cyan", "": ""}
#: Lines that the view has besides its two plots.
OTHER_LINES = 18


class LiveView:
    """Shows figures on a screen of its own, which goes with the block, as large as that is then."""

    def __init__(self) -> None:
        self._console = Console()
        self._live = Live(
            console=self._console, screen=True, auto_refresh=False, vertical_overflow="crop", transient=True
        )

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, figures: Figures) -> None:
        """Show what is known now."""
        columns, rows = self._console.size
        height = min(max((rows - OTHER_LINES) // 2, 2), 8)
        lines = [
            Text(f" {line}", STYLES[kind], no_wrap=True) for kind, line in figures.lines(columns, height)
        ]
        self._live.update(Text("\n").join(lines), refresh=True)
