"""Whom a text speaks of."""

from __future__ import annotations

import pytest

from hubbub.domain.mentions import MOST, find_mentions
from hubbub.domain.models import new_user_id


@pytest.mark.parametrize(
    "text,found",
    [
        ("", []),
        ("hi <@u_ann>, and <@u_bob>!", ["u_ann", "u_bob"]),
        ("<@u_bob><@u_ann> <@u_bob>", ["u_bob", "u_ann"]),
        ("<<@u_ann>>", ["u_ann"]),
        ("@u_ann <@u_> <@u_a n> <@u_ann <@r_room> <u_ann>", []),
        (f"<@u_{'x' * 62}> <@u_{'y' * 63}>", [f"u_{'x' * 62}"]),
    ],
)
def test_mentions_are_found(text: str, found: list[str]) -> None:
    """Each user is found once, in the order of the text; what only looks so isn't found."""
    assert find_mentions(text) == found


def test_ids_can_be_mentioned() -> None:
    """Every id that is made up is one that can be found."""
    ids = [new_user_id() for _ in range(MOST + 1)]

    assert find_mentions("".join(f"<@{each}>" for each in ids)) == ids[:MOST]
