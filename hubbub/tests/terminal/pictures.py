"""Draws what an app shows into a file, with Chinese characters in their two columns."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.cells import split_graphemes
from rich.console import Console
from rich.segment import Segment, Segments
from textual.app import App

#: The height of a line, in the unit that pictures are measured in.
LINE = 24.4

SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {terminal_width} {terminal_height}">
<style>
.{unique_id}-matrix {{
font: {char_height}px Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
<rect width="{terminal_width}" height="{terminal_height}" rx="8" fill="BACKGROUND" />
<g transform="translate(9, 9)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def take_picture(app: App[Any], file: Path) -> None:
    """Draw the app's screen."""
    width, height = app.size
    console = Console(
        record=True,
        # With a margin, as the rectangle behind it has one.
        width=width + 2,
        height=height,
        file=io.StringIO(),
        color_system="truecolor",
        force_terminal=True,
    )
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    shown = (segment for segment in console.render(update) if not segment.control)
    console.print(Segments(part for segment in shown for part in apart(segment)))
    code = SVG.replace("BACKGROUND", app.theme_variables["background"])
    drawn = console.export_svg(title="", code_format=code, unique_id=file.stem)
    # It is as high as the lines alone, without a margin.
    found = re.search(r'viewBox="0 0 [0-9.]+ ([0-9.]+)"', drawn)
    assert found
    file.write_text(drawn.replace(found[1], f"{float(found[1]) + LINE:.1f}"), "utf-8")


def apart(segment: Segment) -> Iterator[Segment]:
    """Yield a segment's parts, each character of two columns by itself: a run's length counts characters."""
    for is_wide, characters in groupby(split_graphemes(segment.text)[0], lambda span: span[2] != 1):
        spans = list(characters)
        if not is_wide:
            yield Segment(segment.text[spans[0][0] : spans[-1][1]], segment.style)
            continue
        for start, end, _ in spans:
            yield Segment(segment.text[start:end], segment.style)
