"""The Markdown of messages; what it makes of texts is in the page's fixture."""

from __future__ import annotations

import pytest

from hubbub.terminal.dialect import DEPTH, DIALECT


@pytest.mark.parametrize("sign", ["> ", "- ", "1. "])
def test_nothing_is_too_deep(sign: str) -> None:
    """What is deeper than anyone needs is a paragraph, and stays to be read."""
    tokens = DIALECT.parse(sign * 50 + "end")

    assert max(token.level for token in tokens) <= DEPTH + 3
    assert any("end" in token.content for token in tokens)
