"""What a name, a text and a nonce may be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.domain.errors import ChatError
from hubbub.domain.policies import NAME_LENGTH, TEXT_LENGTH, check_nonce, check_text, clean_name


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
    [("", "invalid"), (" \n\u3000", "invalid"), ("a\0b", "invalid"), ("x" * (TEXT_LENGTH + 1), "too_long")],
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
