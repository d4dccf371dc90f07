"""The rules of the chat: what a name, a text and a nonce may be, and how much is too much.

Sizes are in bytes, durations in seconds, lengths of texts in code points.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from hubbub.domain.errors import ChatError, Code

NAME_LENGTH: Final = 40
TEXT_LENGTH: Final = 16_000
NONCE_MIN: Final = 8
NONCE_MAX: Final = 64

EMOJI_LENGTH: Final = 32
REACTIONS: Final = 50
"""Kinds of reactions that a message may have."""
ROOM_NAME_LENGTH: Final = 80
TOPIC_LENGTH: Final = 500

HISTORY_PAGE: Final = 100
HISTORY_BYTES: Final = 256 * 1024
SNAPSHOT_MESSAGES: Final = 50
DELTA_EVENTS: Final = 1_000
DELTA_BYTES: Final = 256 * 1024

# Each guest is an event in the lobby for good; a class that comes at once is no flood.
GUEST_BURST: Final = 60
GUESTS_PER_SECOND: Final = 1 / 6

SESSION_LIFETIME: Final = 365 * 24 * 3600

_NONCE = re.compile(rf"[A-Za-z0-9_-]{{{NONCE_MIN},{NONCE_MAX}}}")

# Overrides and isolates turn the text around a name; marks of direction hide in it.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Joiners shape Persian words and families of emoji; every other invisible character is left out.
_JOINERS = frozenset("\u200c\u200d")
# Letters and signs that look like nothing at all.
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_MARKS_IN_A_ROW = 4


def clean_name(raw: str) -> str:
    """Return a display name in the form in which it is stored and shown.

    Compatibility forms are unified (NFKC), spaces collapsed, invisible characters left out.

    Raises:
        ChatError: `invalid`, for a name that is empty, too long, or would disturb the text around it.
    """
    if len(raw) > 4 * NAME_LENGTH:
        raise ChatError(Code.INVALID, f"A name has at most {NAME_LENGTH} characters.")
    name = unicodedata.normalize("NFKC", raw)
    if any(_disturbs(character) for character in name.strip()):
        raise ChatError(Code.INVALID, "A name has no control characters.")
    visible = (c for c in name if unicodedata.category(c) != "Cf" or c in _JOINERS)
    name = " ".join("".join(visible).split())
    if not any(_is_visible(character) for character in name):
        raise ChatError(Code.INVALID, "A name has at least one character.")
    if len(name) > NAME_LENGTH:
        raise ChatError(Code.INVALID, f"A name has at most {NAME_LENGTH} characters.")
    if _has_pile_of_marks(name):
        raise ChatError(Code.INVALID, "A name has no piles of accents.")
    return name


def _disturbs(character: str) -> bool:
    return character in _BIDI or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CMZ" and character not in _BLANKS


def _has_pile_of_marks(name: str) -> bool:
    height = 0
    for character in name:
        height = height + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if height > _MARKS_IN_A_ROW:
            return True
    return False


def check_text(text: str) -> None:
    """Refuse a text that can't be a message's.

    Raises:
        ChatError: `too_long`, or `invalid` for one that is blank or has a NUL, which databases can't store.
    """
    if len(text) > TEXT_LENGTH:
        raise ChatError(Code.TOO_LONG, f"A message has at most {TEXT_LENGTH} characters.")
    if not text.strip():
        raise ChatError(Code.INVALID, "A message has a text.")
    if "\0" in text:
        raise ChatError(Code.INVALID, "A message has no NUL characters.")


def check_emoji(emoji: str) -> None:
    """Refuse what can't be a reaction: it is short, and neither blank nor words.

    Raises:
        ChatError: `invalid`.
    """
    if not 0 < len(emoji) <= EMOJI_LENGTH or any(_is_no_part_of_emoji(character) for character in emoji):
        raise ChatError(Code.INVALID, "A reaction is an emoji.")
    if not any(unicodedata.category(character) in {"So", "Sm", "Po", "Nd"} for character in emoji):
        raise ChatError(Code.INVALID, "A reaction is an emoji.")


def _is_no_part_of_emoji(character: str) -> bool:
    return unicodedata.category(character)[0] in "LZ" or unicodedata.category(character) in {"Cc", "Cs", "Cn"}


def check_nonce(nonce: str) -> None:
    """Refuse what can't be a nonce.

    Raises:
        ChatError: `invalid`.
    """
    if not _NONCE.fullmatch(nonce):
        raise ChatError(Code.INVALID, f"A nonce is {NONCE_MIN} to {NONCE_MAX} of A-Z a-z 0-9 _ and -.")
