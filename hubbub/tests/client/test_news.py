"""What a program is told."""

from __future__ import annotations

import pytest

from hubbub import wire
from hubbub.client.news import Posted

from .scripted import event, told


def test_message_reads_easily() -> None:
    """Where it was said, by whom and what it says is at hand."""
    posted = told(event(3))

    assert isinstance(posted, Posted)
    assert (posted.room, posted.by, posted.text) == ("r_tea", "u_bo", "text 3")


@pytest.mark.parametrize("kind", ["poll.new", "react"])
def test_unreadable_body_is_none(kind: str) -> None:
    """A kind that isn't known, or a body that isn't of its kind, is an event all the same."""
    happened = told(event(4, k=kind, other=1))

    assert (happened.event.q, happened.body) == (4, None)


def test_deleted_text_is_forgotten() -> None:
    """A message whose text is gone isn't one that says nothing."""
    happened = told(event(4) | {"d": {}})

    assert isinstance(happened.body, wire.Forgotten)
    assert not isinstance(happened, Posted)
