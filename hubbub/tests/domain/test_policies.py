"""What a text, a password and a nonce may be, and how much is too much."""

from __future__ import annotations

import pytest

from hubbub.domain.errors import ChatError
from hubbub.domain.policies import TEXT_LENGTH, check_nonce, check_password, check_text, limit_page


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


@pytest.mark.parametrize("asked,given", [(-5, 1), (0, 1), (1, 1), (99, 99), (100, 100), (2**53, 100)])
def test_pages_have_bounds(asked: int, given: int) -> None:
    """However much or little is asked for, a page has something, and not too much."""
    assert limit_page(asked, 100) == given


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
