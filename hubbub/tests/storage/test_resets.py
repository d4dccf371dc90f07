"""Links by which people choose another password, as they are kept."""

from __future__ import annotations

from hubbub.storage import resets


async def test_last_link_counts(connection) -> None:
    """A user has one at a time, until its time is over."""
    await resets.put(connection, "u_ann", b"first", 100)
    await resets.put(connection, "u_ann", b"second", 100)

    assert await resets.find(connection, b"first", 10) is None
    assert await resets.find(connection, b"second", 99) == "u_ann"
    assert await resets.find(connection, b"second", 100) is None
    await resets.forget_past(connection, 100)
    assert await resets.find(connection, b"second", 10) is None
