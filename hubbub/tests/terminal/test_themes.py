"""The colours."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from hubbub.terminal.themes import DARK, LIGHT, Palette, choose, hash_of

TOKENS = Path(__file__).resolve().parents[2] / "web" / "src" / "styles" / "tokens.css"
NAMES = {
    "raised": "paper-0",
    "surface": "paper-1",
    "sunken": "paper-2",
    "pressed": "paper-3",
    "line": "rule-1",
    "line_strong": "rule-2",
    "text": "ink-1",
    "quiet": "ink-2",
    "accent_wash": "teal-1",
    "accent": "teal-3",
    "on_accent": "teal-ink",
    "danger": "vermilion-2",
    "ok": "leaf-2",
    "mention": "amber-1",
    "mention_ink": "amber-2",
}


def tokens(number: int) -> dict[str, str]:
    """Return the page's colours: the light ones come first, the dark ones second."""
    blocks = re.findall(r":root.*?\{(.*?)\n\}", TOKENS.read_text("utf-8"), re.DOTALL)
    return dict(re.findall(r"--([\w-]+): (#\w{6});", blocks[number]))


def luminance(colour: str) -> float:
    """Return how bright a colour is (WCAG 2, relative luminance)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return how well one colour can be read on another."""
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("number, palette", [(0, LIGHT), (1, DARK)], ids=["light", "dark"])
def test_colours_are_the_pages(number: int, palette: Palette) -> None:
    """The terminal and the page look like one product."""
    page = tokens(number)

    assert {name: getattr(palette, name) for name in NAMES} == {
        name: page[token] for name, token in NAMES.items()
    }
    assert palette.hues == tuple(page[f"hue-{hue}-ink"] for hue in range(8))


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read(palette: Palette) -> None:
    """Whatever is written stands off from what it is written on."""
    grounds = [palette.surface, palette.sunken, palette.raised, palette.pressed]
    inks = [palette.text, palette.quiet, palette.accent, palette.danger, *palette.hues]
    faint = [(ink, ground) for ink in inks for ground in grounds if contrast(ink, ground) < 4.5]
    pairs = [(palette.on_accent, palette.accent), (palette.mention_ink, palette.mention)]

    assert faint == []
    assert all(contrast(ink, ground) >= 4.5 for ink, ground in pairs)


def test_names_have_the_pages_hues() -> None:
    """The same person has the same colour here and on the page."""
    # What hue.ts gives for these.
    assert [hash_of(user) % 8 for user in ("u_ann", "u_bo", "")] == [5, 7, 4]
    assert DARK.hue_of("u_ann") == DARK.hues[5]


def test_each_palette_makes_a_theme() -> None:
    """Textual's own widgets take the same colours."""
    for palette, other in pairwise((LIGHT, DARK, LIGHT)):
        assert palette.theme().background == palette.surface
        assert palette.theme().variables.keys() == other.theme().variables.keys()


@pytest.mark.parametrize(
    "wanted, terminal, palette",
    [
        ("light", "15;0", LIGHT),
        ("dark", "0;15", DARK),
        (None, "0;15", LIGHT),
        (None, "15;0", DARK),
        (None, "", DARK),
    ],
)
def test_palette_goes_with_the_terminal(wanted: str | None, terminal: str, palette: Palette) -> None:
    """What was asked for comes first, then what the terminal says of its background."""
    assert choose(wanted, terminal) is palette
