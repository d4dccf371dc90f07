"""The plots of the chat's figures, light and dark, each beside its raw limit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from figures import short
from matplotlib import rc_context
from matplotlib.figure import Figure
from outcomes import Outcome
from plots import STYLE, THEMES, bars, save

CHAT = "the chat"


def draw_chat(outcomes: Sequence[Outcome], folder: Path) -> list[Path]:
    """Draw every figure and its raw limit, into chat-light.svg and chat-dark.svg."""
    drawn = []
    for theme in THEMES:
        with rc_context(STYLE):
            figure = Figure(figsize=(6.4, 1.05 * len(outcomes)), layout="constrained")
            panels = figure.subplots(len(outcomes), squeeze=False).flat
            for panel, outcome in zip(panels, outcomes, strict=True):
                bars(panel, theme, f"{outcome.title}\n{outcome.unit}", {CHAT}, values(outcome), short)
            drawn.append(save(figure, folder, f"chat-{theme.name}"))
    return drawn


def values(outcome: Outcome) -> dict[str, float]:
    """Return what the bars of a figure are: the chat's, and the raw limit's if there is one."""
    reached = {CHAT: outcome.reached}
    return reached if outcome.raw is None else reached | {outcome.raw_name: outcome.raw}
