"""The ids that are made up."""

from __future__ import annotations

from hubbub.domain.models import LOBBY, Role, new_room_id, new_session_id, new_user_id


def test_user_ids_are_unique() -> None:
    """No two users get the same id, and none looks like a room's."""
    ids = {new_user_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(each.startswith("u_") for each in ids)
    assert LOBBY.startswith("r_")


def test_room_ids_are_unique() -> None:
    """No two rooms get the same id, and none looks like a user's; nor do two sessions."""
    ids = {new_room_id() for _ in range(1000)}

    assert len(ids) == len({new_session_id() for _ in range(1000)}) == 1000
    assert all(each.startswith("r_") for each in ids)


def test_roles_have_ranks() -> None:
    """An owner may do more than a moderator, and a moderator more than a member."""
    assert Role.MEMBER.rank < Role.MODERATOR.rank < Role.OWNER.rank
