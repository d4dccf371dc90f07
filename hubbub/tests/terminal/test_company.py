"""Who else is there."""

from __future__ import annotations

from hubbub import wire
from hubbub.terminal.company import Company

from .rooms import BO, make_view

HERE = wire.PresenceInfo(BO, "Bo", "on")


def test_typing_is_of_a_room() -> None:
    """Who types somewhere is named there, until that is over or they have written."""
    company = Company()
    for user in (BO, "u_cy"):
        company.overheard("r_tea", wire.TypingInfo(wire.UserInfo(user, "x"), True), 6.0, 10.0)
    assert company.typing("r_tea", 11.0) == [BO, "u_cy"]
    assert company.typing("r_milk", 11.0) == []
    company.posted("r_tea", BO, 12.0)

    assert company.typing("r_tea", 15.9) == ["u_cy"]
    assert company.typing("r_tea", 16.0) == []


def test_crowd_is_counted() -> None:
    """How many are there is counted from who is named, or told where nobody is."""
    company, view = Company(), make_view()
    view.overheard(wire.PresenceList([HERE], 1))
    company.overheard(view.id, wire.PresenceList([HERE], 1), None, 0.0)
    assert company.count(view) == 1
    company.overheard(view.id, wire.PresenceList([], 900), None, 0.0)

    assert company.count(view) == 900
