"""What is being written."""

from __future__ import annotations

from hubbub.terminal.writing import TYPING_EVERY, Writing, Writings


def test_text_stays_in_its_room() -> None:
    """What was begun in one room is there later, and in no other."""
    writings = Writings()
    writings.keep("r_tea", Writing("half a", reply_to=3))

    assert writings.of("r_tea") == Writing("half a", reply_to=3)
    assert writings.of("r_milk") == Writing()


def test_put_back_is_not_typed() -> None:
    """A text that was put back, and another text for a message, is nothing that others hear of."""
    writings = Writings()
    writings.keep("r_tea", Writing("half a"))
    writings.keep("r_milk", Writing("new", editing=3))

    assert not writings.is_typed("r_tea", "half a")
    assert writings.is_typed("r_tea", "half an")
    assert not writings.is_typed("r_milk", "newer")


def test_typing_is_told_now_and_then() -> None:
    """Others hear at once that one types, again after a while, and once that one has stopped."""
    writings = Writings()
    told = [writings.typed("h", now) for now in (10.0, 11.0, 10.0 + TYPING_EVERY)]
    assert told == [True, None, True]
    assert [writings.typed("", 14.0), writings.typed("", 14.1)] == [False, None]


def test_sending_ends_typing() -> None:
    """After a message others needn't be told that one has stopped, and hear at once of the next."""
    writings = Writings()
    writings.typed("h", 10.0)
    writings.sent()

    assert writings.typed("", 10.1) is None
    assert writings.typed("n", 10.2) is True
