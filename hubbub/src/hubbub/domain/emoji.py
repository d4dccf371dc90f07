"""What a reaction may be: emoji, as far as they can be told from words without a list of them all."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.policies import EMOJI_LENGTH

_KEYCAP = re.compile("[0-9#*]\ufe0f?\u20e3")
# Where new emoji are put, and with them the tones of skin; what Unicode calls punctuation or a letter, and
# people an emoji; what joins and styles them, and spells the flags of regions.
_EMOJI: Final = ("\U0001f000", "\U0001faff")
_OTHER_SIGNS: Final = frozenset("‼⁉〰ℹ")
_SHAPERS: Final = frozenset("\u200d\ufe0e\ufe0f")
_TAGS: Final = ("\U000e0020", "\U000e007f")


def check_emoji(emoji: str) -> None:
    """Refuse what can't be a reaction: words, blanks, and what is too long.

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
