"""Changing files that aren't sent."""

from __future__ import annotations

import pytest

from hubbub.actions.change_file import describe_file, discard_file
from hubbub.actions.find_file import find_file
from hubbub.actions.post_message import post_message


async def test_file_is_described(database, people, room, file, heard) -> None:
    """What it shows can be said until it is sent, and is sent with it."""
    await describe_file(database, people["member"], file, "a cup\nof tea")

    await post_message(database, people["member"], room, "nonce-01", "", files=[file])

    assert '"alt":"a cup of tea"' in heard[-1].body


async def test_file_is_discarded(database, people, file, code_of) -> None:
    """What one doesn't send after all is gone."""
    await discard_file(database, people["member"], file)

    assert await code_of(find_file(database, people["member"], file)) == "not_found"


@pytest.mark.parametrize("change", [discard_file, lambda *who: describe_file(*who, "mine")])
async def test_only_ones_own_unsent(database, people, room, file, code_of, change) -> None:
    """Another's file can't be changed, nor one that was sent, nor what isn't there."""
    for name in ("owner", "stranger"):
        assert await code_of(change(database, people[name], file)) == "not_found"
    await post_message(database, people["member"], room, "nonce-01", "", files=[file])
    assert await code_of(change(database, people["member"], file)) == "not_found"
    assert await code_of(change(database, people["member"], "f_nothing")) == "not_found"
