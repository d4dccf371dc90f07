"""What a reaction may be."""

from __future__ import annotations

import pytest

from hubbub.domain.emoji import check_emoji
from hubbub.domain.errors import ChatError

EMOJI = "👍 ❤️ ❤ 1️⃣ #⃣ 🇨🇳 👨‍👩‍👧 👍🏽 ‼️ ⁉ 〰️ ℹ️ ™️ ↔️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🏳️‍🌈 ㊗️ 🅰️ \U0001fae9 \U0001fadf \U0001f9ff"


@pytest.mark.parametrize("emoji", EMOJI.split())
def test_emoji_passes(emoji: str) -> None:
    """Signs, keycaps, flags, families and tones are emoji, also those of a newer Unicode."""
    check_emoji(emoji)


@pytest.mark.parametrize(
    "emoji",
    [
        "",
        " ",
        "1",
        "#",
        "ok",
        "好",
        "👍 ",
        "👍ok",
        "。",
        "—",
        "+",
        "´",
        "\u200d",
        "\ufe0f",
        "\u20e3",
        "👍" * 33,
        "1\u20e3\u20e3",
        "👍\0",
        "👍\ud83d",
        "👍\u202e",
        "\U000e0067",
        "\U00011fff",
        "👍\u0301",
    ],
)
def test_other_reaction_is_refused(emoji: str) -> None:
    """Words, blanks, punctuation and what is no character are none."""
    with pytest.raises(ChatError) as caught:
        check_emoji(emoji)

    assert caught.value.code == "invalid"
