"""One's own messages that aren't in the room yet."""

from __future__ import annotations

from hubbub import wire
from hubbub.terminal.outgoing import Draft, Outgoing


def test_message_leaves_when_shown() -> None:
    """A message is here until its room shows it, in the order in which it was written."""
    outgoing = Outgoing()
    for nonce in ("a", "b"):
        outgoing.add(Draft(nonce, "r_tea", nonce))
    outgoing.add(Draft("c", "r_other", "c"))

    assert [draft.nonce for draft in outgoing.of("r_tea")] == ["a", "b"]
    outgoing.shown("a")
    outgoing.shown("never heard of")
    assert [draft.nonce for draft in outgoing.of("r_tea")] == ["b"]
    assert len(outgoing) == 2


def test_stored_message_waits_to_be_shown() -> None:
    """That the server has it isn't enough: between that and its event it would be nowhere."""
    outgoing = Outgoing()
    outgoing.add(Draft("a", "r_tea", "hi"))
    outgoing.stored("a", 7)
    outgoing.stored("never heard of", 7)
    outgoing.reached("r_other", 9)
    outgoing.reached("r_tea", 6)
    assert outgoing.of("r_tea")
    outgoing.reached("r_tea", 7)
    assert not outgoing.of("r_tea")


def test_refused_message_stays() -> None:
    """What was refused stays with its reason, until its author gives it up; what is on its way can't be."""
    outgoing = Outgoing()
    outgoing.add(Draft("a", "r_tea", "hi", re=3))
    assert outgoing.give_up("a") is None
    outgoing.refused("a", "too_long")

    assert len(outgoing) == 0
    assert [draft.refused for draft in outgoing.of("r_tea")] == ["too_long"]
    assert outgoing.give_up("a") == Draft("a", "r_tea", "hi", 3, "too_long")
    assert outgoing.of("r_tea") == []


def test_earlier_runs_are_taken_over() -> None:
    """What an earlier run left unsent is shown as well."""
    outgoing = Outgoing()
    outgoing.adopt([wire.Send(0, "r_tea", "nonce-of-before", wire.Draft("hi", 3))])

    assert outgoing.of("r_tea") == [Draft("nonce-of-before", "r_tea", "hi", 3)]
