"""Whom a text speaks of: `<@u_id>`, since names change, have spaces and aren't unique."""

from __future__ import annotations

import re
from typing import Final

MOST: Final = 50
"""Whom a text speaks of beyond these, it doesn't call."""

_MENTION: Final = re.compile(r"<@(u_[A-Za-z0-9_-]{1,62})>")


def find_mentions(text: str) -> list[str]:
    """Return the ids of the users that a text speaks of, each once, in the order in which it does."""
    return list(dict.fromkeys(_MENTION.findall(text)))[:MOST]
