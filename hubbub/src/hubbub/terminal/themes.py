"""The colours of the product, light and dark, and what they mean.

They are those of the page.  Everything else says what it means, and never a colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.theme import Theme


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by what they mean."""

    name: str
    is_dark: bool
    raised: str
    surface: str
    sunken: str
    pressed: str
    line: str
    line_strong: str
    text: str
    quiet: str
    accent_wash: str
    accent: str
    on_accent: str
    danger: str
    ok: str
    mention: str
    mention_ink: str
    hues: tuple[str, ...]

    def hue_of(self, user: str) -> str:
        """Return the colour of someone's name: the same for the same id, here and on the page."""
        return self.hues[hash_of(user) % len(self.hues)]

    def theme(self) -> Theme:
        """Return the theme that Textual's own widgets take their colours from."""
        return Theme(
            name=self.name,
            primary=self.accent,
            secondary=self.quiet,
            accent=self.accent,
            warning=self.mention_ink,
            error=self.danger,
            success=self.ok,
            foreground=self.text,
            background=self.surface,
            surface=self.raised,
            panel=self.sunken,
            boost=self.pressed,
            dark=self.is_dark,
            text_alpha=1.0,
            variables={
                "sunken": self.sunken,
                "pressed": self.pressed,
                "line": self.line,
                "line-strong": self.line_strong,
                "quiet": self.quiet,
                "mention": self.mention,
                "mention-ink": self.mention_ink,
                "accent-wash": self.accent_wash,
                "on-accent": self.on_accent,
                "border": self.accent,
                "border-blurred": self.line_strong,
                "block-cursor-background": self.accent_wash,
                "block-cursor-foreground": self.text,
                "block-cursor-text-style": "none",
                "block-hover-background": self.pressed,
                "input-cursor-background": self.accent,
                "input-cursor-foreground": self.on_accent,
                "input-selection-background": self.accent_wash,
                "scrollbar": self.line_strong,
                "scrollbar-hover": self.quiet,
                "scrollbar-active": self.accent,
                "scrollbar-background": self.surface,
                "scrollbar-background-hover": self.surface,
                "scrollbar-background-active": self.surface,
            },
        )


def hash_of(user: str) -> int:
    """Return a number for an id, as the page does it."""
    number = 0x811C9DC5
    for character in user:
        number = ((number ^ ord(character)) * 0x01000193) & 0xFFFFFFFF
    return number ^ (number >> 15)


LIGHT: Final = Palette(
    name="hubbub-light",
    is_dark=False,
    raised="#fffefb",
    surface="#fbf9f4",
    sunken="#f3efe7",
    pressed="#e9e3d8",
    line="#e4ddd1",
    line_strong="#c9bfae",
    text="#25211b",
    quiet="#635a4e",
    accent_wash="#dfece8",
    accent="#0e5f5b",
    on_accent="#ffffff",
    danger="#a5341f",
    ok="#356a37",
    mention="#f8ecd0",
    mention_ink="#855607",
    hues=("#88361f", "#74500f", "#525b16", "#265f3c", "#175c61", "#2f5387", "#674483", "#8a3354"),
)

DARK: Final = Palette(
    name="hubbub-dark",
    is_dark=True,
    raised="#272420",
    surface="#1d1b18",
    sunken="#171512",
    pressed="#2f2b26",
    line="#322e28",
    line_strong="#544d43",
    text="#ece6da",
    quiet="#aba292",
    accent_wash="#1f3532",
    accent="#7fcabd",
    on_accent="#0b2623",
    danger="#f2957c",
    ok="#94c792",
    mention="#3a2d14",
    mention_ink="#dcb466",
    hues=("#f0b6a2", "#e6c488", "#ccd38a", "#a2d3ae", "#94d2d4", "#aac6ee", "#d2b7e6", "#eeb0c3"),
)

PALETTES: Final = {palette.name: palette for palette in (DARK, LIGHT)}


def choose(wanted: str | None, colorfgbg: str) -> Palette:
    """Return the palette that was asked for; else one that goes with the terminal, as far as it says.

    Some terminals tell their background's colour, of sixteen, behind the last semicolon of COLORFGBG.
    """
    if wanted is not None:
        return LIGHT if wanted == "light" else DARK
    return LIGHT if colorfgbg.rpartition(";")[2] in {"7", "15"} else DARK
