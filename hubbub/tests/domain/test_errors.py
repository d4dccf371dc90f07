"""Every code an error can have."""

from __future__ import annotations

import pytest

from hubbub.domain.errors import FACTS, ChatError, Code


def test_every_code_has_facts() -> None:
    """Whether to try again, and a sentence, are known of every code."""
    assert set(Code) == set(FACTS)
    assert all(facts.sentence.endswith(".") for facts in FACTS.values())


def test_retryable_codes_are_these() -> None:
    """Only what may pass by itself is worth trying again."""
    retryable = {code.value for code in Code if ChatError(code).retry}

    assert retryable == {"slow_mode", "too_many_requests", "storage_full", "unavailable", "internal"}


@pytest.mark.parametrize("detail", ["", "No NUL."])
def test_error_says_detail_or_default(detail: str) -> None:
    """An error without a detail says what its code means."""
    error = ChatError(Code.INVALID, detail, after=1.5)

    assert str(error) == (detail or FACTS[Code.INVALID].sentence)
    assert error.after == 1.5
