"""The ids that are made up."""

from __future__ import annotations

from hubbub.domain.models import LOBBY, new_user_id


def test_user_ids_are_unique() -> None:
    """No two users get the same id, and none looks like a room's."""
    ids = {new_user_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(each.startswith("u_") for each in ids)
    assert LOBBY.startswith("r_")
