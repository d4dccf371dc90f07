"""Who may do what in a room, being what they are there and the room being what it is, or in the whole chat.

Who isn't a member of a room is nobody's concern here: for them there is no such room.
"""

from __future__ import annotations

from collections import Counter

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import Kind, Posting, Role, ServerRole, Standing


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


def check_speaks(standing: Standing, *, in_thread: bool) -> None:
    """Refuse who may not write a message: where only who keeps order speaks, everyone may answer in threads.

    Raises:
        ChatError: `archived` or `read_only`.
    """
    check_open(standing)
    if standing.posting is Posting.MODERATORS and not in_thread and standing.role.rank < Role.MODERATOR.rank:
        raise ChatError(Code.READ_ONLY, "Only moderators post here; others answer in threads.")


def check_open(standing: Standing) -> None:
    """Refuse to change anything in a room that is archived.

    Raises:
        ChatError: `archived`.
    """
    if standing.is_archived:
        raise ChatError(Code.ARCHIVED)


def check_pins(standing: Standing) -> None:
    """Refuse who may not pin messages: in a talk of certain people everybody may.

    Raises:
        ChatError: `forbidden`.
    """
    if standing.kind is Kind.ROOM:
        check_moderates(standing.role)


def check_is_room(standing: Standing) -> None:
    """Refuse what is for rooms, and not for a talk of certain people.

    Raises:
        ChatError: `forbidden`.
    """
    if standing.kind is not Kind.ROOM:
        raise ChatError(Code.FORBIDDEN, "This is between certain people, and stays as it is.")


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
