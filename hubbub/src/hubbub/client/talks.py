"""What talks of certain people are called: after the others in them, whoever comes, goes or is renamed."""

from __future__ import annotations

from msgspec.structs import replace

from hubbub import wire

_ENDS = frozenset({"leave", "kick", "ban"})


def follow(info: wire.RoomInfo, member: wire.MemberBody, me: str) -> wire.RoomInfo:
    """Return what a room is to its user after something has happened to a member: of others, the same."""
    if info.users is None:
        return info
    user = member.user
    users = [user if each.id == user.id else each for each in info.users]
    if member.op in _ENDS:
        users = [each for each in users if each.id != user.id]
    elif member.op == "join" and user not in users:
        users.append(user)
    names = [each.name for each in users if each.id != me] or [each.name for each in users]
    return replace(info, users=users, name=", ".join(names))
