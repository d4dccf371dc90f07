"""What a name, a text and a nonce may be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.domain.errors import ChatError
from hubbub.domain.policies import (
    LABEL_LENGTH,
    NAME_LENGTH,
    ROOM_NAME_LENGTH,
    TEXT_LENGTH,
    TOPIC_LENGTH,
    check_emoji,
    check_nonce,
    check_password,
    check_text,
    clean_label,
    clean_name,
    clean_room_name,
    clean_topic,
    fold_username,
    limit_page,
)


@pytest.mark.parametrize(
    "raw,name",
    [
        ("小林", "小林"),
        ("  Ann \u3000 Lee\n", "Ann Lee"),
        ("Ａｎｎ", "Ann"),
        ("ﬁona", "fiona"),
        ("a\u200bdmin", "admin"),
        ("\u200d👩\u200d👧", "\u200d👩\u200d👧"),
        ("é" * NAME_LENGTH, "é" * NAME_LENGTH),
        ("Nguyễn", "Nguyễn"),
    ],
)
def test_name_is_cleaned(raw: str, name: str) -> None:
    """Compatibility forms, spaces and invisible characters don't make two names of one."""
    assert clean_name(raw) == name


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " \t ",
        "\u200b",
        "\u3164",
        "\u200d",
        "A\u202eB",
        "A\u2066B",
        "\u200fA",
        "A\x00B",
        "A\x1bB",
        "A\nB",
        "A\u2028B",
        "x" * (NAME_LENGTH + 1),
        "x" * 100_000,
        "A" + "\u0301" * 20,
        "\u0301",
    ],
)
def test_disturbing_name_is_refused(raw: str) -> None:
    """A name shows something, fits, and leaves the text around it alone."""
    with pytest.raises(ChatError, match="A name") as caught:
        clean_name(raw)

    assert caught.value.code == "invalid"


@given(st.text(max_size=60))
@settings(deadline=None)
def test_clean_name_stays_clean(raw: str) -> None:
    """Cleaning a name that is clean changes nothing."""
    try:
        name = clean_name(raw)
    except ChatError:
        return

    assert clean_name(name) == name
    assert 1 <= len(name) <= NAME_LENGTH


@pytest.mark.parametrize("text", ["x", "好" * TEXT_LENGTH, " a\n\tb ", "\u202e"])
def test_ordinary_text_passes(text: str) -> None:
    """A message may have any text that shows something."""
    check_text(text)


@pytest.mark.parametrize(
    "text,code",
    [
        ("", "invalid"),
        (" \n\u3000", "invalid"),
        ("a\0b", "invalid"),
        ("a\ud83db", "invalid"),
        ("x" * (TEXT_LENGTH + 1), "too_long"),
    ],
)
def test_impossible_text_is_refused(text: str, code: str) -> None:
    """A message has a text that fits and that every database can store."""
    with pytest.raises(ChatError) as caught:
        check_text(text)

    assert caught.value.code == code


@pytest.mark.parametrize("nonce", ["12345678", "A-z_09" * 10])
def test_proper_nonce_passes(nonce: str) -> None:
    """A nonce is 8 to 64 plain characters."""
    check_nonce(nonce)


@pytest.mark.parametrize("nonce", ["", "1234567", "x" * 65, "12345678\n", "nonce 01", "nonce-é1", "nonce.01"])
def test_improper_nonce_is_refused(nonce: str) -> None:
    """Nothing else is one."""
    with pytest.raises(ChatError) as caught:
        check_nonce(nonce)

    assert caught.value.code == "invalid"


def test_room_is_named_as_people_are() -> None:
    """A room's name is cleaned in the same way, and may be longer."""
    assert clean_room_name(" 书  友会\u200b ") == "书 友会"
    assert clean_room_name("x" * ROOM_NAME_LENGTH) == "x" * ROOM_NAME_LENGTH
    for raw in ("", "\u200b", "a\u202eb", "x" * (ROOM_NAME_LENGTH + 1)):
        with pytest.raises(ChatError, match="A room's name"):
            clean_room_name(raw)


def test_topic_may_be_empty() -> None:
    """A topic is a line that disturbs nothing, or nothing."""
    assert clean_topic("  about  tea ") == "about tea"
    assert clean_topic(" \u200b") == ""
    for raw in ("a\u202eb", "a\0b", "x" * (TOPIC_LENGTH + 1)):
        with pytest.raises(ChatError, match="A topic"):
            clean_topic(raw)


@pytest.mark.parametrize(
    "raw,label",
    [
        ("Firefox 150\non  Debian", "Firefox 150 on Debian"),
        ("a\0b\u202ec\u200bd\ud800", "abcd"),
        ("", ""),
        ("x" * 100_000, "x" * LABEL_LENGTH),
    ],
)
def test_label_is_what_can_be_shown(raw: str, label: str) -> None:
    """Whatever a program says of itself, something harmless is kept."""
    assert clean_label(raw) == label


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


@pytest.mark.parametrize(
    "raw,username",
    [
        ("ann", "ann"),
        (" Ann.Lee-2_x ", "ann.lee-2_x"),
        ("Ａｎｎ", "ann"),
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
        ("小林abc", "小林abc"),
        ("жанна", "жанна"),
        ("x" * 32, "x" * 32),
    ],
)
def test_username_is_folded(raw: str, username: str) -> None:
    """However a username is typed, it is the same."""
    assert fold_username(raw) == username


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "ab",
        "x" * 33,
        "x" * 100_000,
        "a b c",
        "ann!",
        "ann@x",
        "a\u200bnn",
        "a\u202enn",
        "аdmin",
        "ann\0",
        "a\u0301\u0301\u0301n",
        "ann\ud800",
        "ann\n1",
        "👍👍👍",
    ],
)
def test_strange_username_is_refused(raw: str) -> None:
    """A username is short and plain, and doesn't mix scripts that look alike."""
    with pytest.raises(ChatError) as caught:
        fold_username(raw)

    assert caught.value.code == "invalid"


@pytest.mark.parametrize("asked,given", [(-5, 1), (0, 1), (1, 1), (99, 99), (100, 100), (2**53, 100)])
def test_pages_have_bounds(asked: int, given: int) -> None:
    """However much or little is asked for, a page has something, and not too much."""
    assert limit_page(asked, 100) == given


@given(st.text(max_size=40))
@settings(deadline=None)
def test_folded_username_stays(raw: str) -> None:
    """Folding what is folded changes nothing."""
    try:
        username = fold_username(raw)
    except ChatError:
        return

    assert fold_username(username) == username


@pytest.mark.parametrize("password,good", [("x" * 7, False), ("x" * 8, True), ("好" * 256, True)])
def test_password_has_a_length(password: str, good: bool) -> None:
    """A password is neither quickly guessed nor long to read."""
    if good:
        check_password(password)
    else:
        with pytest.raises(ChatError, match="A password"):
            check_password(password)


@pytest.mark.parametrize("password", ["x" * 257, "secret-\ud800"])
def test_unreadable_password_is_refused(password: str) -> None:
    """What is too long, or no text, is none."""
    with pytest.raises(ChatError, match="A password"):
        check_password(password)
