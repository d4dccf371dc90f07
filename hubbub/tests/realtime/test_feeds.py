"""Letting listeners in, and letting them go."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from hubbub.domain.errors import ChatError
from hubbub.domain.events import SessionBarred, SessionExpired, SessionRevoked
from hubbub.domain.models import User
from hubbub.realtime.feeds import FEEDS, Feeds
from hubbub.realtime.hub import Hub

ANN, BOB = User("u_ann", "Ann", "guest"), User("u_bob", "Bob", "guest")


@pytest.fixture
async def feeds(database) -> Feeds:
    """Return who lets listeners in."""
    return Feeds(database, Hub())


async def test_each_user_has_so_many(feeds) -> None:
    """Nobody takes more places than are theirs; who goes makes room."""
    with ExitStack() as stack:
        for _ in range(FEEDS):
            stack.enter_context(feeds.open(ANN, "a"))
        with pytest.raises(ChatError) as caught, feeds.open(ANN, "a"):
            pass
        with feeds.open(BOB, "b"):
            pass

    assert (caught.value.code.value, caught.value.after) == ("too_many_requests", 5.0)
    with feeds.open(ANN, "a"):
        pass


@pytest.mark.parametrize("over", [SessionBarred, SessionRevoked, SessionExpired])
async def test_session_ends_its_feeds(feeds, over) -> None:
    """Who signs out hears nothing more there, nor does who was signed in for too long; elsewhere they do."""
    with feeds.open(ANN, "a") as first, feeds.open(ANN, "b") as second:
        feeds.hear(over("a"))

        assert (first.has_ended.is_set(), second.has_ended.is_set()) == (True, False)


async def test_drain_ends_all(feeds) -> None:
    """Before the server stops everyone goes, and who comes then too."""
    with feeds.open(ANN, "a") as early:
        feeds.drain()
        with feeds.open(BOB, "b") as late:
            assert early.has_ended.is_set()
            assert late.has_ended.is_set()
