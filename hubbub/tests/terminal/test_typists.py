"""Who is typing."""

from __future__ import annotations

from hubbub.terminal.typists import Typists


def test_typing_ends_by_itself() -> None:
    """Who types is shown as long as was said, and no longer."""
    typists = Typists()
    typists.heard("u_1", 10.0, 6.0, on=True)
    typists.heard("u_2", 12.0, None, on=True)

    assert typists.current(15.9) == ["u_1", "u_2"]
    assert typists.current(16.0) == ["u_2"]
    assert typists.current(18.0) == []


def test_typing_can_stop() -> None:
    """Who has stopped isn't shown; who never began, may stop."""
    typists = Typists()
    typists.heard("u_1", 10.0, 6.0, on=True)
    typists.heard("u_1", 11.0, None, on=False)
    typists.heard("u_9", 11.0, None, on=False)

    assert typists.current(11.0) == []
