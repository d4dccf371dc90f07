"""What people, rooms, topics, sessions and accounts may be called.

Whatever is shown among other text must not disturb it, and two that look alike should be one.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.policies import (
    ALT_LENGTH,
    FILE_NAME_LENGTH,
    LABEL_LENGTH,
    NAME_LENGTH,
    ROOM_NAME_LENGTH,
    STATUS_LENGTH,
    TOPIC_LENGTH,
    USERNAME_MAX,
    USERNAME_MIN,
)

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


def clean_status(raw: str) -> str:
    """Return what someone says of being here, cleaned as names are; it may be empty.

    Raises:
        ChatError: `invalid`.
    """
    return _clean_line(raw, "A status", 0, STATUS_LENGTH)


def clean_label(raw: str) -> str:
    """Return what a session is called: as much as can be shown of what its program says of itself."""
    shown = "".join(character for character in raw[: 4 * LABEL_LENGTH] if _is_plain(character))
    return " ".join(shown.split())[:LABEL_LENGTH]


def clean_alt(raw: str) -> str:
    """Return what a picture shows in words, on one line, cleaned as names are; it may be empty.

    Raises:
        ChatError: `invalid`.
    """
    return _clean_line(" ".join(raw[: 4 * ALT_LENGTH + 1].split()), "A description", 0, ALT_LENGTH)


def clean_file_name(raw: str) -> str:
    """Return what a file is called: as much of its name as can be shown, and kept on any disk.

    Where it was is left out, and so is whatever would make it look like a file of another kind.
    """
    name = unicodedata.normalize("NFC", raw[-4 * FILE_NAME_LENGTH :])
    shown = "".join(character for character in name if not _hides(character))
    # Whichever system it comes from; no system lets a name end in blanks or dots, or begin with a dot unseen.
    last = " ".join(re.split(r"[/\\]", shown)[-1].split()).strip(". ")
    stem, dot, suffix = last.rpartition(".")
    if dot and len(suffix) < FILE_NAME_LENGTH // 4:
        return stem[: FILE_NAME_LENGTH - len(suffix) - 1] + dot + suffix
    return last[:FILE_NAME_LENGTH] or "file"


def _hides(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


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
