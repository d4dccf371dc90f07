"""Invitations, as they are kept."""

from __future__ import annotations

from hubbub.domain.models import Invitation
from hubbub.storage import invites


async def test_invitation_is_one_until_it_is_none(connection) -> None:
    """It is found until its time is over or it is used up, and then forgotten."""
    await invites.add(connection, b"long", Invitation("i_long", "u_ann", 1, 100, 2, 0, None))
    await invites.add(connection, b"once", Invitation("i_once", "u_ann", 2, 100, 1, 0, None))
    await invites.add(connection, b"past", Invitation("i_past", "u_ann", 3, 10, 1, 0, None))
    await invites.use(connection, "i_long")
    await invites.use(connection, "i_once")

    found = {digest: await invites.find(connection, digest, 10) for digest in (b"long", b"once", b"past")}
    assert [digest for digest, shown in found.items() if shown is not None] == [b"long"]
    assert found[b"long"].by_name == "Ann"
    assert [each.invite.id for each in await invites.list_valid(connection, None, 9)] == ["i_past", "i_long"]
    assert await invites.count_valid(connection, "u_ann", 10) == 1
    await invites.forget_past(connection, 10)
    assert [await invites.remove(connection, each, None) for each in ("i_long", "i_once", "i_past")] == [
        True,
        False,
        False,
    ]
