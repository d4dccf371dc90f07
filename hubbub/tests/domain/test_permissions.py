"""Who may do what."""

from __future__ import annotations

from collections import Counter

import pytest

from hubbub.domain.errors import ChatError
from hubbub.domain.models import Role, ServerRole
from hubbub.domain.permissions import (
    check_administers,
    check_can_go,
    check_may_remove,
    check_moderates,
    check_owns,
)

MEMBER, MODERATOR, OWNER = Role


def refusal(check, *arguments: object) -> str | None:
    """Return the code of a refusal, if it is one."""
    try:
        check(*arguments)
    except ChatError as error:
        return error.code.value
    return None


def test_order_is_kept_by_these() -> None:
    """Moderators and owners keep order; owners own."""
    assert [refusal(check_moderates, role) for role in Role] == ["forbidden", None, None]
    assert [refusal(check_owns, role) for role in Role] == ["forbidden", "forbidden", None]


@pytest.mark.parametrize(
    "role,others", [(MEMBER, set()), (MODERATOR, {MEMBER, None}), (OWNER, {*Role, None})]
)
def test_higher_removes_lower(role: Role, others: set[Role | None]) -> None:
    """Moderators may remove members and strangers, owners everybody, and members nobody."""
    assert {other for other in (*Role, None) if refusal(check_may_remove, role, other) is None} == others


@pytest.mark.parametrize(
    "role,owners,others,code",
    [
        (MEMBER, 1, 5, None),
        (MODERATOR, 1, 5, None),
        (OWNER, 1, 0, None),
        (OWNER, 2, 5, None),
        (OWNER, 1, 1, "invalid"),
    ],
)
def test_only_owner_can_not_go(role: Role, owners: int, others: int, code: str | None) -> None:
    """Whoever is left has an owner."""
    assert refusal(check_can_go, role, Counter({OWNER: owners, MEMBER: others})) == code


def test_administrators_administer() -> None:
    """Nobody else does, and whoever isn't there neither."""
    assert [refusal(check_administers, role) for role in (*ServerRole, None)] == [
        "forbidden",
        None,
        "forbidden",
    ]
