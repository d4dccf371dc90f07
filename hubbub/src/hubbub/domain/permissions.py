"""Who may do what, being what they are in a room or in the whole chat.

Who isn't a member of a room is nobody's concern here: for them there is no such room.
"""

from __future__ import annotations

from collections import Counter

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import Role, ServerRole


def check_administers(role: ServerRole | None) -> None:
    """Refuse who doesn't administer the chat; None is somebody who isn't there.

    Raises:
        ChatError: `forbidden`.
    """
    if role is not ServerRole.ADMINISTRATOR:
        raise ChatError(Code.FORBIDDEN, "Only an administrator can do this.")


def check_moderates(role: Role) -> None:
    """Refuse who doesn't keep order in a room.

    Raises:
        ChatError: `forbidden`.
    """
    if role.rank < Role.MODERATOR.rank:
        raise ChatError(Code.FORBIDDEN, "Only a moderator can do this.")


def check_owns(role: Role) -> None:
    """Refuse who doesn't own a room.

    Raises:
        ChatError: `forbidden`.
    """
    if role is not Role.OWNER:
        raise ChatError(Code.FORBIDDEN, "Only an owner can do this.")


def check_may_remove(role: Role, other: Role | None) -> None:
    """Refuse who may not remove another, who is something in the room or nothing.

    Moderators may remove members, owners everybody.

    Raises:
        ChatError: `forbidden`.
    """
    check_moderates(role)
    if role is not Role.OWNER and other is not None and other.rank >= role.rank:
        raise ChatError(Code.FORBIDDEN, "Only an owner can remove who keeps order.")


def check_can_go(role: Role, members: Counter[Role]) -> None:
    """Refuse the only owner of a room that has other members to be its owner no longer.

    Raises:
        ChatError: `invalid`.
    """
    if role is Role.OWNER and members[Role.OWNER] == 1 and members.total() > 1:
        raise ChatError(Code.INVALID, "Make somebody else an owner first.")
