"""What talks of certain people are called."""

from __future__ import annotations

from hubbub import wire
from hubbub.client import talks

ANN, BOB, CEM = (wire.UserInfo(f"u_{name.lower()}", name) for name in ("Ann", "Bob", "Cem"))
TALK = wire.RoomInfo("r_talk", "Bob", "", "private", kind="group", users=[ANN, BOB])


def test_talk_is_called_after_the_others() -> None:
    """Who comes, goes or is renamed changes its name; to who is alone it is their own."""
    came = talks.follow(TALK, wire.MemberBody("join", CEM), ANN.id)
    renamed = talks.follow(came, wire.MemberBody("rename", wire.UserInfo(BOB.id, "Bo")), ANN.id)
    left = talks.follow(renamed, wire.MemberBody("leave", CEM), ANN.id)
    alone = talks.follow(left, wire.MemberBody("leave", BOB), ANN.id)

    assert [each.name for each in (came, renamed, left, alone)] == ["Bob, Cem", "Bo, Cem", "Bo", "Ann"]
    assert alone.users == [ANN]
    assert talks.follow(came, wire.MemberBody("join", CEM), ANN.id) == came


def test_rooms_keep_their_names() -> None:
    """What happens to members of a room doesn't change what it is called."""
    room = wire.RoomInfo("r_garden", "garden", "", "public")

    assert talks.follow(room, wire.MemberBody("join", CEM), ANN.id) is room
