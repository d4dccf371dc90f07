"""What is read of a stream on request."""

from __future__ import annotations

import pytest

from hubbub.domain.models import LOBBY


@pytest.mark.parametrize(
    "fields,found",
    [
        ({"before": 99}, [2, 3, 4]),
        ({"before": 4}, [2, 3]),
        ({"after": 2}, [3, 4]),
        ({"around": 3, "limit": 2}, [2, 3]),
        ({"after": 0, "limit": 1}, [2]),
    ],
)
async def test_history_is_turned(ann, fields, found) -> None:
    """Pages are asked for before, after or around a message."""
    for n in range(3):
        await ann.send(f"nonce-{n:03}")

    page = await ann.ask("hist", s=LOBBY, **fields)

    assert [message["q"] for message in page["msgs"]] == found
    assert page["asof"] == 4
    assert page["users"] == {ann.user.id: {"name": "Ann"}}


@pytest.mark.parametrize("fields", [{}, {"before": 1, "after": 1}])
async def test_ambiguous_history_is_invalid(ann, fields) -> None:
    """Exactly one place in the history can be asked for."""
    assert (await ann.ask("hist", s=LOBBY, **fields))["code"] == "invalid"


async def test_log_is_paged(ann) -> None:
    """Events of any age come in pages, with those who brought them about."""
    for n in range(3):
        await ann.send(f"nonce-{n:03}")

    page = await ann.ask("log", s=LOBBY, after=0, limit=2)
    rest = await ann.ask("log", s=LOBBY, after=2)

    assert [(event["q"], event["k"]) for event in page["ev"]] == [(1, "member"), (2, "msg.new")]
    assert (page["head"], page["more"], page["users"]) == (4, True, {ann.user.id: {"name": "Ann"}})
    assert ([event["q"] for event in rest["ev"]], rest["more"]) == ([3, 4], False)
    assert rest["epoch"] == page["epoch"]


async def test_own_log_is_read_as_me(ann, bob) -> None:
    """One's own stream can be paged too, and nobody else's."""
    page = await ann.ask("log", s="me", after=0)

    assert [(event["s"], event["k"]) for event in page["ev"]] == [("me", "room.add")]
    assert (await ann.ask("log", s=bob.user.id, after=0))["code"] == "not_found"
    assert (await ann.ask("log", s="r_nowhere", after=0))["code"] == "not_found"
