"""The rules of the chat: what a name, a text and a nonce may be, and how much is too much.

Sizes are in bytes, durations in seconds, lengths of texts in code points.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from hubbub.domain.errors import ChatError, Code

NAME_LENGTH: Final = 40
ROOM_NAME_LENGTH: Final = 80
TOPIC_LENGTH: Final = 500
LABEL_LENGTH: Final = 100
TEXT_LENGTH: Final = 16_000
NONCE_MIN: Final = 8
NONCE_MAX: Final = 64
USERNAME_MIN: Final = 3
USERNAME_MAX: Final = 32
PASSWORD_MIN: Final = 8
PASSWORD_MAX: Final = 256

EMOJI_LENGTH: Final = 32
REACTIONS: Final = 50
"""Kinds of reactions that a message may have."""

HISTORY_PAGE: Final = 100
HISTORY_BYTES: Final = 256 * 1024
LOG_PAGE: Final = 1_000
LOG_BYTES: Final = 256 * 1024
MEMBERS_PAGE: Final = 200
ROOMS_PAGE: Final = 100
PINNED_PAGE: Final = 100
VERSIONS: Final = 100
SNAPSHOT_MESSAGES: Final = 50
DELTA_EVENTS: Final = 1_000
DELTA_BYTES: Final = 256 * 1024

# Each guest is an event in the lobby for good; a class that comes at once is no flood.
GUEST_BURST: Final = 60
GUESTS_PER_SECOND: Final = 1 / 6

# Guessing a password is slow for everyone together, and soon over for one sender.
LOGIN_BURST: Final = 10
LOGINS_PER_SECOND: Final = 1 / 10
SENDER_LOGIN_BURST: Final = 30
SENDER_LOGINS_PER_SECOND: Final = 1 / 2

SESSION_LIFETIME: Final = 365 * 24 * 3600
SEEN_INTERVAL: Final = 3600
"""How long it may be untrue when a session was last used."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_NONCE = re.compile(rf"[A-Za-z0-9_-]{{{NONCE_MIN},{NONCE_MAX}}}")

# Overrides and isolates turn the text around a name; marks of direction hide in it.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Joiners shape Persian words and families of emoji; every other invisible character is left out.
_JOINERS = frozenset("\u200c\u200d")
# Letters and signs that look like nothing at all.
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_MARKS_IN_A_ROW = 4

_KEYCAP = re.compile("[0-9#*]\ufe0f?\u20e3")
# Where new emoji are put, and with them the tones of skin; what Unicode calls punctuation or a letter, and
# people an emoji; what joins and styles them, and spells the flags of regions.
_EMOJI: Final = ("\U0001f000", "\U0001faff")
_OTHER_SIGNS: Final = frozenset("‼⁉〰ℹ")
_SHAPERS: Final = frozenset("\u200d\ufe0e\ufe0f")
_TAGS: Final = ("\U000e0020", "\U000e007f")


def clean_name(raw: str) -> str:
    """Return a display name in the form in which it is stored and shown.

    Compatibility forms are unified (NFKC), spaces collapsed, invisible characters left out.

    Raises:
        ChatError: `invalid`, for a name that is empty, too long, or would disturb the text around it.
    """
    return _clean_line(raw, "A name", 1, NAME_LENGTH)


def clean_room_name(raw: str) -> str:
    """Return a room's name, cleaned as people's names are.

    Raises:
        ChatError: `invalid`.
    """
    return _clean_line(raw, "A room's name", 1, ROOM_NAME_LENGTH)


def clean_topic(raw: str) -> str:
    """Return a room's topic, cleaned as names are; it may be empty.

    Raises:
        ChatError: `invalid`.
    """
    return _clean_line(raw, "A topic", 0, TOPIC_LENGTH)


def clean_label(raw: str) -> str:
    """Return what a session is called: as much as can be shown of what its program says of itself."""
    shown = "".join(character for character in raw[: 4 * LABEL_LENGTH] if _is_plain(character))
    return " ".join(shown.split())[:LABEL_LENGTH]


def _clean_line(raw: str, what: str, shortest: int, longest: int) -> str:
    if len(raw) > 4 * longest:
        raise ChatError(Code.INVALID, f"{what} has at most {longest} characters.")
    line = unicodedata.normalize("NFKC", raw)
    if any(_disturbs(character) for character in line.strip()):
        raise ChatError(Code.INVALID, f"{what} has no control characters.")
    visible = (c for c in line if unicodedata.category(c) != "Cf" or c in _JOINERS)
    line = " ".join("".join(visible).split())
    if shortest and not any(_is_visible(character) for character in line):
        raise ChatError(Code.INVALID, f"{what} has at least one character.")
    if len(line) > longest:
        raise ChatError(Code.INVALID, f"{what} has at most {longest} characters.")
    if _has_pile_of_marks(line):
        raise ChatError(Code.INVALID, f"{what} has no piles of accents.")
    return line


def _disturbs(character: str) -> bool:
    return character in _BIDI or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}


def _is_plain(character: str) -> bool:
    return character.isspace() or (_is_visible(character) and not _disturbs(character))


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
        ChatError: `too_long`, or `invalid` for one that is blank, or that databases can't store.
    """
    if len(text) > TEXT_LENGTH:
        raise ChatError(Code.TOO_LONG, f"A message has at most {TEXT_LENGTH} characters.")
    if not text.strip():
        raise ChatError(Code.INVALID, "A message has a text.")
    if "\0" in text or _SURROGATE.search(text):
        raise ChatError(Code.INVALID, "A message has no NUL characters, and no halves of characters.")


def check_emoji(emoji: str) -> None:
    """Refuse what can't be a reaction: words, blanks, or more than one could take for a sign.

    An emoji that is newer than this program's knowledge of Unicode is one as well.

    Raises:
        ChatError: `invalid`.
    """
    if len(emoji) > EMOJI_LENGTH or not (_KEYCAP.fullmatch(emoji) or _consists_of_signs(emoji)):
        raise ChatError(Code.INVALID, "A reaction is an emoji.")


def _consists_of_signs(emoji: str) -> bool:
    return any(map(_is_sign, emoji)) and all(
        _is_sign(character) or character in _SHAPERS or _TAGS[0] <= character <= _TAGS[1]
        for character in emoji
    )


def _is_sign(character: str) -> bool:
    category = unicodedata.category(character)
    if _EMOJI[0] <= character <= _EMOJI[1]:
        return category in {"So", "Sk", "Cn"}
    return (category in {"So", "Sm"} and not character.isascii()) or character in _OTHER_SIGNS


def limit_page(limit: int, most: int) -> int:
    """Return how long a page may be for which so much was asked: at least one, at most what is allowed."""
    return max(1, min(limit, most))


def check_nonce(nonce: str) -> None:
    """Refuse what can't be a nonce.

    Raises:
        ChatError: `invalid`.
    """
    if not _NONCE.fullmatch(nonce):
        raise ChatError(Code.INVALID, f"A nonce is {NONCE_MIN} to {NONCE_MAX} of A-Z a-z 0-9 _ and -.")


def fold_username(raw: str) -> str:
    """Return what an account signs in by, in the one form of all in which it may be typed.

    Compatibility forms are unified (NFKC), and capitals are as good as small letters.

    Raises:
        ChatError: `invalid`, also for one whose letters are of several scripts, and may look like another.
    """
    if len(raw) <= 4 * USERNAME_MAX:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", raw.strip()).casefold())
        if USERNAME_MIN <= len(folded) <= USERNAME_MAX and all(map(_may_be_in_username, folded)):
            _check_scripts(folded)
            return folded
    raise ChatError(
        Code.INVALID, f"A username is {USERNAME_MIN} to {USERNAME_MAX} letters, digits, or any of . _ and -."
    )


def _may_be_in_username(character: str) -> bool:
    return character in "._-" or unicodedata.category(character) in {"Ll", "Lo", "Lm", "Nd"}


# What is written together: Latin letters go with those of East Asia, which none of them looks like.
_TOGETHER: Final = frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})


def _check_scripts(username: str) -> None:
    letters = filter(str.isalpha, username)
    scripts = {unicodedata.name(letter, "CJK").split()[0].partition("-")[0] for letter in letters}
    if len(scripts) > 1 and not scripts <= _TOGETHER:
        raise ChatError(Code.INVALID, "A username's letters are of one script.")


def check_password(password: str) -> None:
    """Refuse what is too easily guessed for a password, or takes too long to read.

    Raises:
        ChatError: `invalid`.
    """
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX or _SURROGATE.search(password):
        raise ChatError(Code.INVALID, f"A password has {PASSWORD_MIN} to {PASSWORD_MAX} characters.")
